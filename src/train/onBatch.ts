// One update, or one test, by one batch of arrays.
import type { Logs } from '../callbacks/index.ts';
import type { ArrayTree } from '../data/index.ts';
import { hostTensor } from '../graph/tensor.ts';
import { type ModelCore, finishTotals, startTotals, trainBatch } from './core.ts';
import { testSource } from './evaluate.ts';
import { drawFitKey } from './fit.ts';
import { refuseBalanced } from './classWeights.ts';
import { type TestOnBatchOptions, type TrainOnBatchOptions, testOnBatchOptions, trainOnBatchOptions } from './runOptions.ts';
import { withTrainingData } from './withData.ts';

export async function trainOnBatch(core: ModelCore, x: ArrayTree, y: ArrayTree | undefined, options: TrainOnBatchOptions): Promise<Logs> {
  const where = 'trainOnBatch';
  const weights = trainOnBatchOptions.read(options);
  refuseBalanced(where, weights.classWeight, 'a batch has only some of the samples');
  const data = { where, isTraining: true, x, y, batchSize: 'all', ...weights } as const;
  return withTrainingData(core, data, async ({ train }, steps) => {
    let totals = await startTotals(steps.training);
    for await (const { size: _, ...arrays } of train.pass()) {
      const key = hostTensor({ shape: [2], dtype: 'u32' }, Uint32Array.from(drawFitKey(core, undefined)));
      totals = await trainBatch(core, steps, totals, { key, ...arrays });
    }
    return finishTotals(steps.training, totals);
  });
}

export async function testOnBatch(core: ModelCore, x: ArrayTree, y: ArrayTree | undefined, options: TestOnBatchOptions): Promise<Logs> {
  const where = 'testOnBatch';
  const weights = testOnBatchOptions.read(options);
  const data = { where, x, y, batchSize: 'all', ...weights } as const;
  return withTrainingData(core, data, async ({ train }, steps) => (await testSource(core, steps, train)).logs);
}
