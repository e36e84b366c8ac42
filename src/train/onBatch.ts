// One update, or one test, by one batch of arrays.
import type { Logs } from '../callbacks/index.ts';
import type { ArrayTree } from '../data/index.ts';
import { hostTensor } from '../graph/tensor.ts';
import { type ModelCore, finishTotals, prepareTraining, requireSetup, startTotals, trainBatch } from './core.ts';
import { testSource } from './evaluate.ts';
import { drawFitKey } from './fit.ts';
import { openTraining } from './inputs.ts';
import { type TestOnBatchOptions, type TrainOnBatchOptions, testOnBatchOptions, trainOnBatchOptions } from './runOptions.ts';

export async function trainOnBatch(core: ModelCore, x: ArrayTree, y: ArrayTree | undefined, options: TrainOnBatchOptions): Promise<Logs> {
  const where = 'trainOnBatch';
  const weights = trainOnBatchOptions.read(options);
  requireSetup(core, where);
  const { train } = await openTraining(core, { where, isTraining: true, x, y, batchSize: 'all', ...weights });
  const steps = await prepareTraining(core, where);
  let totals = await startTotals(steps.training);
  for await (const { size: _, ...arrays } of train.pass()) {
    const key = hostTensor({ shape: [2], dtype: 'u32' }, Uint32Array.from(drawFitKey(core, undefined)));
    totals = await trainBatch(core, steps, totals, { key, ...arrays });
  }
  return finishTotals(steps.training, totals);
}

export async function testOnBatch(core: ModelCore, x: ArrayTree, y: ArrayTree | undefined, options: TestOnBatchOptions): Promise<Logs> {
  const where = 'testOnBatch';
  const weights = testOnBatchOptions.read(options);
  requireSetup(core, where);
  const { train } = await openTraining(core, { where, x, y, batchSize: 'all', ...weights });
  const steps = await prepareTraining(core, where);
  return (await testSource(core, steps, train)).logs;
}
