// Predictions: forward only, batch after batch.
import { type HostArray, allocate } from '../core/dtype.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { readAll } from '../engine/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type NestedArray, hostTensor, refuseValues } from '../graph/tensor.ts';
import type { Tensors } from '../nn/index.ts';
import { type ModelCore, exclusive, prepareSteps, release } from './core.ts';
import { type ModelInput, arraysIn, openPrediction } from './inputs.ts';
import { firstBatches } from './feed.ts';
import { type PredictOptions, predictOptions } from './runOptions.ts';

/** The same tree with other leaves. */
export type WithLeaves<O, L> = O extends Tensor ? L : { readonly [K in keyof O]: WithLeaves<O[K], L> };

/** Reads of predictions that may be pending while later batches run. */
const readsInFlight = 4;

/**
 * A promise of the predictions. Their values can be read from it directly: `await model.predict(x).data()`. For several outputs, data() and array()
 * give a list or record.
 */
export interface Prediction<O extends Tensors = Tensor> extends Promise<O> {
  data(): Promise<WithLeaves<O, HostArray>>;
  array(): Promise<WithLeaves<O, NestedArray>>;
  /** The only element of a single output. */
  item(): Promise<number>;
}

export function predictModel<O extends Tensors>(core: ModelCore, x: ModelInput, options: PredictOptions): Prediction<O> {
  const read = async (): Promise<Tensors> => {
    const refused = refuseValues('predict()', arraysIn(x));
    if (refused) return refused;
    const { batchSize, steps } = predictOptions.read(options);
    return predictAll(core, 'predict', x, batchSize, steps);
  };
  return asPrediction(read() as Promise<O>);
}

/** Predictions for one batch of arrays. */
export function predictBatch<O extends Tensors>(core: ModelCore, x: ModelInput): Prediction<O> {
  const where = 'predictOnBatch';
  return asPrediction((refuseValues(`${where}()`, arraysIn(x)) ?? predictAll(core, where, x, 'all')) as Promise<O>);
}

function asPrediction<O extends Tensors>(outputs: Promise<O>): Prediction<O> {
  const each = async (read: (tensor: Tensor) => Promise<unknown>): Promise<never> => {
    const tree = await outputs;
    const values = await Promise.all(leavesOf(tree).map(({ value }) => read(value as Tensor)));
    let next = 0;
    return mapTree(tree, () => values[next++]) as never;
  };
  return Object.assign(outputs, {
    data: () => each((tensor) => tensor.data()),
    array: () => each((tensor) => tensor.array()),
    item: () => each((tensor) => tensor.item()),
  });
}

async function predictAll(core: ModelCore, where: string, x: ModelInput, batchSize?: number | 'all', limit?: number): Promise<Tensors> {
  const source = await openPrediction(core, { where, x, batchSize });
  const steps = await prepareSteps(core).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const reads: Promise<HostArray[]>[] = [];
  let last: Tensors | undefined;
  let count = 0;
  for await (const batch of firstBatches(source, limit)) {
    const outputs = await exclusive(core, () => steps.predict(core.weights!, batch.x));
    last = outputs;
    const read = readAll(tensorsOf(outputs), { engine: steps.engine }).finally(() => release(outputs));
    // Awaited below. Until then a failure must not count as unhandled.
    read.catch(() => undefined);
    reads.push(read);
    count += batch.size;
    if (reads.length > readsInFlight) await reads[reads.length - 1 - readsInFlight];
  }
  const parts = await Promise.all(reads);
  let output = 0;
  return mapTree(last, (leaf) => joined(leaf as Tensor, count, parts, output++)) as Tensors;
}

const tensorsOf = (tree: Tensors): Tensor[] => leavesOf(tree).map(({ value }) => value as Tensor);

/** One output of all batches. */
function joined({ shape: [, ...sample], dtype }: Tensor, count: number, parts: readonly HostArray[][], output: number): Tensor {
  const data = allocate(dtype, count * sample.reduce((a, b) => a * b, 1));
  let offset = 0;
  for (const part of parts) {
    data.set(part[output], offset);
    offset += part[output].length;
  }
  return hostTensor({ shape: [count, ...sample], dtype }, data);
}
