// Loss and metrics over data: forward only, batch after batch.
import type { Logs } from '../callbacks/index.ts';
import { formatProgress } from '../callbacks/progress.ts';
import type { BatchSource } from '../data/batches.ts';
import type { ArrayTree } from '../data/index.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import type { TrainingSteps } from './compiledSteps.ts';
import { type ModelCore, exclusive, finishTotals, startTotals } from './core.ts';
import { firstBatches } from './feed.ts';
import type { ModelInput } from './inputs.ts';
import { type EvaluateOptions, evaluateOptions } from './runOptions.ts';
import type { Weights } from './steps.ts';
import { withTrainingData } from './withData.ts';

/** No random op uses it. Forward without training has none, unless a layer of the user draws numbers. */
const fixedKey = (): Tensor => hostTensor({ shape: [2], dtype: 'u32' }, new Uint32Array(2));

export async function evaluateModel(core: ModelCore, x: ModelInput, y: ArrayTree | undefined, options: EvaluateOptions): Promise<Logs> {
  const where = 'evaluate';
  const { batchSize, sampleWeight, steps: limit, verbose } = evaluateOptions.read(options);
  return withTrainingData(core, { where, x, y, batchSize, sampleWeight }, async ({ train: source }, steps) => {
    const began = performance.now();
    const { logs, samples } = await testSource(core, steps, source, limit);
    if (!verbose) return logs;
    const samplesPerSecond = (1000 * samples) / (performance.now() - began);
    const info = { epoch: 0, epochs: 1, batch: 0, batches: undefined, samples, totalSamples: samples, secondsLeft: 0, done: true };
    console.log(formatProgress({ ...info, samplesPerSecond, logs }, false).replace('Epoch 1/1', 'Evaluated'));
    return logs;
  });
}

/** Exact values over one pass of the source, or its first `limit` batches. `weights` are used in place of the model's own. */
export async function testSource(
  core: ModelCore,
  steps: TrainingSteps,
  source: BatchSource,
  limit?: number,
  weights?: Weights,
): Promise<{ logs: Logs; samples: number }> {
  let totals = await startTotals(steps.testing);
  let samples = 0;
  for await (const { size, ...arrays } of firstBatches(source, limit)) {
    const batch = { key: fixedKey(), ...arrays };
    totals = await exclusive(core, () => steps.test(totals, weights ?? core.weights!, batch));
    samples += size;
  }
  return { logs: await finishTotals(steps.testing, totals), samples };
}
