// Loss and metrics over data, and predictions: forward only, batch after batch.
import { checkOptions } from '../core/errors.ts';
import type { HostArray } from '../core/dtype.ts';
import { allocate } from '../core/dtype.ts';
import { readAll } from '../engine/index.ts';
import { type NestedArray, type Tensor, hostTensor, refuseValues } from '../graph/tensor.ts';
import type { Logs } from '../callbacks/index.ts';
import { formatProgress } from '../callbacks/progress.ts';
import { type ModelCore, exclusive, prepareSteps, prepareTraining, finishTotals, release, requireSetup, startTotals } from './core.ts';
import type { TrainingSteps } from './compiledSteps.ts';
import type { BatchSource } from '../data/batches.ts';
import type { ArrayInput } from '../data/samples.ts';
import { type ModelInput, predictionSource, trainingSource } from './inputs.ts';

export interface EvaluateOptions {
  batchSize?: number;
  /** One weight per sample, for the loss. */
  sampleWeight?: ArrayInput;
  /** 1 writes a line when done. */
  verbose?: 0 | 1;
}

/** Nothing draws from it: forward without training has no random ops unless a layer of the user's insists. */
const fixedKey = (): Tensor => hostTensor({ shape: [2], dtype: 'u32' }, new Uint32Array(2));

export async function evaluateModel(core: ModelCore, x: ModelInput, y: ArrayInput | undefined, options: EvaluateOptions): Promise<Logs> {
  const where = 'evaluate';
  checkOptions(where, options, ['batchSize', 'sampleWeight', 'verbose']);
  requireSetup(core, where);
  const { batchSize, sampleWeight, verbose = 0 } = options;
  const source = await trainingSource(core, x, y, { where, batchSize, sampleWeight });
  const steps = await prepareTraining(core, where);
  const began = performance.now();
  const { logs, samples } = await testSource(core, steps, source);
  if (verbose) {
    const samplesPerSecond = (1000 * samples) / (performance.now() - began);
    const info = { epoch: 0, epochs: 1, batch: 0, batches: undefined, samples, totalSamples: samples, secondsLeft: 0, done: true };
    console.log(formatProgress({ ...info, samplesPerSecond, logs }, false).replace('Epoch 1/1', 'Evaluated'));
  }
  return logs;
}

/** Exact values over one pass of the source. */
export async function testSource(core: ModelCore, steps: TrainingSteps, source: BatchSource): Promise<{ logs: Logs; samples: number }> {
  let totals = await startTotals(core, steps);
  let samples = 0;
  for await (const { size, x, y, sampleWeight } of source.pass()) {
    const batch = { key: fixedKey(), x, y: y!, ...(sampleWeight && { sampleWeight }) };
    totals = await exclusive(core, () => steps.test(totals, core.weights!, batch));
    samples += size;
  }
  return { logs: await finishTotals(core, steps, totals), samples };
}

export interface PredictOptions {
  batchSize?: number;
}

/** Reads that may be under way while later batches run. */
const readsInFlight = 4;

/** A promise of the predictions, whose values may be asked for at once: `await model.predict(x).data()`. */
export interface Prediction extends Promise<Tensor> {
  data(): Promise<HostArray>;
  array(): Promise<NestedArray>;
  item(): Promise<number>;
}

export function predictModel(core: ModelCore, x: ModelInput, options: PredictOptions): Prediction {
  const outputs = predictBatches(core, x, options);
  return Object.assign(outputs, {
    data: async () => (await outputs).data(),
    array: async () => (await outputs).array(),
    item: async () => (await outputs).item(),
  });
}

async function predictBatches(core: ModelCore, x: ModelInput, options: PredictOptions): Promise<Tensor> {
  const where = 'predict';
  const refused = refuseValues('predict()', [x]);
  if (refused) return refused;
  checkOptions(where, options, ['batchSize']);
  const source = await predictionSource(core, x, { where, batchSize: options.batchSize });
  const steps = await prepareSteps(core);
  const reads: Promise<HostArray[]>[] = [];
  let last: Tensor | undefined;
  let count = 0;
  for await (const batch of source.pass()) {
    last = await exclusive(core, () => steps.predict(core.weights!, batch.x));
    const output = last;
    const read = readAll([output], { engine: steps.engine }).finally(() => release(output));
    // Awaited below; until then a failure is not an unhandled one.
    read.catch(() => undefined);
    reads.push(read);
    count += batch.size;
    if (reads.length > readsInFlight) await reads[reads.length - 1 - readsInFlight];
  }
  const { shape, dtype } = last!;
  const rowSize = shape.slice(1).reduce((a, b) => a * b, 1);
  const data = allocate(dtype, count * rowSize);
  let offset = 0;
  for (const [part] of await Promise.all(reads)) {
    data.set(part, offset);
    offset += part.length;
  }
  return hostTensor({ shape: [count, ...shape.slice(1)], dtype }, data);
}
