// One update, or one test, by one batch of arrays.
import { checkOptions } from '../core/errors.ts';
import type { Logs } from '../callbacks/index.ts';
import type { ArrayTree } from '../data/index.ts';
import { hostTensor } from '../graph/tensor.ts';
import type { ClassWeights } from './classWeights.ts';
import { type ModelCore, finishTotals, prepareTraining, requireSetup, startTotals, trainBatch } from './core.ts';
import { testSource } from './evaluate.ts';
import { drawFitKey } from './fit.ts';
import { openTraining } from './inputs.ts';

export interface TestOnBatchOptions {
  /** One weight per sample, for the loss and the weighted metrics; for several outputs also a list or record by output. */
  sampleWeight?: ArrayTree;
}

export interface TrainOnBatchOptions extends TestOnBatchOptions {
  /** Weight of each class in the loss: `{ 0: 1, 1: 5 }`; for several outputs by name: `{ digit: { 0: 1, 1: 5 } }`. */
  classWeight?: ClassWeights;
}

export async function trainOnBatch(core: ModelCore, x: ArrayTree, y: ArrayTree | undefined, options: TrainOnBatchOptions): Promise<Logs> {
  const where = 'trainOnBatch';
  checkOptions(where, options, ['sampleWeight', 'classWeight']);
  requireSetup(core, where);
  const { train } = await openTraining(core, { where, isTraining: true, x, y, batchSize: 'all', ...options });
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
  checkOptions(where, options, ['sampleWeight']);
  requireSetup(core, where);
  const { train } = await openTraining(core, { where, x, y, batchSize: 'all', ...options });
  const steps = await prepareTraining(core, where);
  return (await testSource(core, steps, train)).logs;
}
