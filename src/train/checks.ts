// Data that cannot be trained on are refused before anything runs, by their first bad element.
import { ArgumentError, DataError, ShapeError } from '../core/errors.ts';
import type { Dtype } from '../core/dtype.ts';
import { type Shape, formatShape } from '../core/shape.ts';
import { placeholder } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Loss } from '../losses/index.ts';
import { type Network, formatBatch } from '../nn/index.ts';
import type { BatchSource } from '../data/batches.ts';
import { type Samples, positionOf } from '../data/samples.ts';
import type { StepBatch } from './steps.ts';

/** Throws a DataError naming the first NaN or infinity. */
export function checkFinite(where: string, argument: string, samples: Samples): void {
  const { data } = samples;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return;
  // The values become f32, in which those beyond about 3.4e38 are infinite.
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(Math.fround(data[i]))) continue;
    throw new DataError(
      `${where}: ${argument} holds ${data[i]} at ${positionOf(samples, i)}; data must be finite numbers${Number.isFinite(data[i]) ? ' within f32 (up to 3.4e38)' : ''}: replace it or leave the sample out`,
    );
  }
}

/** Throws a DataError where x and another argument count different numbers of samples. */
export function checkCount(where: string, argument: string, count: number, x: Samples): void {
  if (count === x.count) return;
  throw new DataError(`${where}: x holds ${x.count} samples and ${argument} ${count}; they must be the same`);
}

/** Throws a ShapeError where the samples are not what the network takes. */
export function checkInput(where: string, network: Network, shape: Shape, built: Shape | undefined): void {
  const wanted = built ?? network.root.inputShape;
  if (!wanted || formatShape(wanted) === formatShape(shape)) return;
  throw new ShapeError(
    `${where}: x has samples of shape ${formatShape(shape)}, but ${network.owners[0].name} takes ${formatShape(wanted)} ` +
      `(${formatBatch(wanted)} with the batch axis); reshape x or change inputShape`,
  );
}

/** What a loss says of the targets it takes; a plain function says nothing. */
export type TargetRule = Partial<Pick<Loss, 'targetKind' | 'ignoreClass'>> & { readonly name: string };

/** Throws a DataError naming the first target that is no class index, or no probability, where the loss takes only those. */
export function checkTargets(where: string, rule: TargetRule, y: Samples, outputShape: Shape): void {
  const { data } = y;
  const { targetKind, ignoreClass } = rule;
  if (targetKind === 'classIndex') {
    const classes = outputShape[outputShape.length - 1];
    for (let i = 0; i < data.length; i++) {
      const label = data[i];
      if ((Number.isInteger(label) && label >= 0 && label < classes) || label === ignoreClass) continue;
      throw new DataError(
        `${where}: y holds the label ${label} at ${positionOf(y, i)}; ${rule.name} takes class indices 0 to ${classes - 1}, ` +
          `because the model has ${classes} outputs: correct the labels or change the last layer's units`,
      );
    }
  } else if (targetKind === 'probabilities' || targetKind === 'oneHot') {
    for (let i = 0; i < data.length; i++) {
      if (data[i] >= 0 && data[i] <= 1) continue;
      const fix =
        targetKind === 'oneHot' ? 'one-hot encode class indices, or use sparseCategoricalCrossentropy' : 'map the labels to 0 and 1';
      throw new DataError(`${where}: y holds ${data[i]} at ${positionOf(y, i)}; ${rule.name} takes targets from 0 to 1: ${fix}`);
    }
  }
}

export type ClassWeight = Readonly<Record<number, number>>;

/** Weights of samples by their class, times those given; classes that are not named weigh 1. */
export function weightsByClass(
  where: string,
  classWeight: ClassWeight,
  outputShape: Shape,
  y: Samples,
  given: Samples | undefined,
): Samples {
  const form = 'it maps class indices to numbers, such as { 0: 1, 1: 5 }';
  if (typeof classWeight !== 'object' || (classWeight as unknown) === null) {
    throw new ArgumentError(`${where}: classWeight is ${JSON.stringify(classWeight)}; ${form}`);
  }
  const outputs = outputShape[outputShape.length - 1];
  for (const [name, weight] of Object.entries(classWeight)) {
    if (!/^\d+$/.test(name) || typeof weight !== 'number' || !Number.isFinite(weight)) {
      throw new ArgumentError(`${where}: classWeight has ${name}: ${String(weight)}; ${form}`);
    }
    // One output says nothing of the number of classes.
    if (outputs > 1 && Number(name) >= outputs) {
      throw new ArgumentError(
        `${where}: classWeight names class ${name}, but the model has ${outputs} outputs; its classes are 0 to ${outputs - 1}`,
      );
    }
  }
  if (y.shape.length > 1) {
    throw new ShapeError(
      `${where}: classWeight needs one class per sample, but y has samples of shape ${formatShape(y.shape)}; use sampleWeight`,
    );
  }
  if (given && given.size !== 1) {
    throw new ShapeError(`${where}: classWeight and a sampleWeight of more than one number per sample do not go together`);
  }
  const fraction = y.size === 1 ? y.data.findIndex((label: number) => !Number.isInteger(label)) : -1;
  if (fraction >= 0) {
    throw new DataError(
      `${where}: classWeight needs class indices, but y holds ${y.data[fraction]} at ${positionOf(y, fraction)}; use sampleWeight`,
    );
  }
  const data = new Float32Array(y.count);
  for (let i = 0; i < y.count; i++) data[i] = (classWeight[classOf(y, i)] ?? 1) * (given ? given.data[i] : 1);
  const samples: Samples = { data, count: y.count, shape: [], size: 1, dtype: 'f32' };
  checkFinite(where, given ? 'classWeight times sampleWeight' : 'the weight of y by classWeight', samples);
  return samples;
}

/** The class of sample i: its index, or the largest element of its one-hot row. */
function classOf({ data, size }: Samples, i: number): number {
  if (size === 1) return data[i];
  let best = 0;
  for (let j = 1; j < size; j++) if (data[i * size + j] > data[i * size + best]) best = j;
  return best;
}

/** Builds the graph of one batch with nothing in it, for the errors about shapes that the layers, the loss and the metrics themselves throw. */
export function checkGraph(source: BatchSource, inputDtype: 'f32' | 'i32', step: (batch: StepBatch) => unknown): void {
  const { firstSize, xShape, yShape, yDtype, weightShape } = source;
  let position = 0;
  const input = (label: string, shape: Shape, dtype: Dtype): Tensor => placeholder(shape, dtype, { position: position++, label });
  step({
    key: input('key', [2], 'u32'),
    x: input('x', [firstSize, ...xShape], inputDtype),
    y: input('y', [firstSize, ...(yShape ?? [])], yDtype),
    ...(weightShape && { sampleWeight: input('sampleWeight', [firstSize, ...weightShape], 'f32') }),
  });
}
