// Preprocessing that scales numbers: by given factors, or by statistics of data.
import type { Configured } from '../../../core/config.ts';
import { ArgumentError, ShapeError } from '../../../core/errors.ts';
import { type Kind, boolean, kindOf } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { type Shape, formatShape, normalizeAxis, sameShape, sizeOf } from '../../../core/shape.ts';
import { type Tensor, hostTensor } from '../../../graph/tensor.ts';
import { add, div, mul, reshape, sub, tensor } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';
import { type AdaptNumbers, type NestedNumberList, flattenNumbers, learnedOnce, noData, numberBatches } from './adaptData.ts';

/** A number, or nested lists of equal lengths. */
export type NumbersOption = number | NestedNumberList;

const isFinite = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Shape of nested lists of finite numbers; undefined for everything else. */
function shapeOfNumbers(value: unknown, holds: (value: number) => boolean): Shape | undefined {
  if (isFinite(value)) return holds(value) ? [] : undefined;
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const shapes = Array.from<unknown, Shape | undefined>(value, (part) => shapeOfNumbers(part, holds));
  const [first] = shapes;
  return first && shapes.every((shape) => shape && sameShape(shape, first)) ? [value.length, ...first] : undefined;
}

const frozen = (value: NumbersOption): NumbersOption => (typeof value === 'number' ? value : Object.freeze(value.map(frozen)));

/* @__NO_SIDE_EFFECTS__ */
const numbers = (rule: string, holds: (value: number) => boolean = () => true): Kind<NumbersOption> =>
  kindOf<NumbersOption>({
    rule,
    accepts: (value): value is NumbersOption => shapeOfNumbers(value, holds) !== undefined,
    convert: frozen,
  });

const anyNumbers = /* @__PURE__ */ numbers('a number, or nested lists of numbers');

const shapeOf = (value: NumbersOption): Shape => shapeOfNumbers(value, () => true)!;

export const rescalingOptions = declareOptions('layers.rescaling', {
  /** Factor of the inputs: one number, or lists that broadcast with the last axes. */
  scale: required(anyNumbers, 0.1),
  /** Added after scaling: one number, or lists that broadcast with the last axes. @default 0 */
  offset: optional(anyNumbers, 0),
  ...layerOptions,
});
export type RescalingOptions = OptionsOf<typeof rescalingOptions>;

/**
 * y = scale x + offset, in training and outside. Input and output [batch, ...]. Throws a ShapeError if the numbers do not fit. Keras' Rescaling.
 *
 *     layers.rescaling({ scale: 1 / 127.5, offset: -1 })   // 0..255 to -1..1
 */
export function rescaling(options: RescalingOptions): Configured<Layer> {
  const settings = rescalingOptions.read(options);
  const { scale, offset } = settings;
  const layer = defineLayer({
    kind: 'rescaling',
    options: settings,
    precision: 'f32',
    masking: 'pass',
    outputShape: (shape, where) => {
      for (const given of [scale, offset]) checkFits(where, shape, shapeOf(given));
      return shape;
    },
    apply: (_, x) => add(mul(x, typeof scale === 'number' ? scale : tensor(scale)), typeof offset === 'number' ? offset : tensor(offset)),
  });
  return withLayerConfig(layer, rescalingOptions, settings);
}

/** @throws ShapeError unless numbers of a shape broadcast to a sample. */
function checkFits(where: string, sample: Shape, shape: Shape): void {
  const own = sample.slice(Math.max(0, sample.length - shape.length));
  const fits = own.length === shape.length && shape.every((size, axis) => size === 1 || size === own[axis]);
  if (!fits)
    throw new ShapeError(
      `${where}: numbers ${formatShape(shape)} do not fit inputs ${formatBatch(sample)}; give one for all, or one for each`,
    );
}

const variances = /* @__PURE__ */ numbers('a number of at least 0, or nested lists of them', (value) => value >= 0);

const axes: Kind<number | readonly number[]> = /* @__PURE__ */ kindOf<number | readonly number[]>({
  rule: 'an integer, or a list of integers; an empty list takes all elements together',
  accepts: (value): value is number | readonly number[] =>
    Number.isSafeInteger(value) || (Array.isArray(value) && Array.from<unknown>(value).every(Number.isSafeInteger)),
  convert: (value) => (typeof value === 'number' ? value + 0 : Object.freeze(value.map((axis) => axis + 0))),
});

export const normalizationOptions = declareOptions(
  'layers.normalization',
  {
    /** Axis with a mean and a variance of its own for each index, or several. The batch axis counts; [] takes all elements together. @default -1 */
    axis: optional(axes, -1),
    /** Mean of the inputs, for all or for each index. adapt() learns it otherwise. */
    mean: optional(anyNumbers),
    /** Variance of the inputs, in the form of mean. adapt() learns it otherwise. */
    variance: optional(variances),
    /** Brings normalized inputs back: y = x sqrt(variance) + mean. @default false */
    invert: optional(boolean, false),
    ...layerOptions,
  },
  ({ axis, mean, variance }, where) => {
    if (mean === undefined || variance === undefined) {
      if (mean === variance) return;
      const [given, missing] = mean === undefined ? ['variance', 'mean'] : ['mean', 'variance'];
      throw new ArgumentError(`${where}: ${given} needs ${missing}; give both, or neither and call adapt(data)`);
    }
    const [shape, other] = [shapeOf(mean), shapeOf(variance)];
    if (!sameShape(shape, other))
      throw new ArgumentError(`${where}: mean is ${formatShape(shape)} and variance ${formatShape(other)}; give the same shape`);
    const count = typeof axis === 'number' ? 1 : axis.length;
    if (shape.length > count)
      throw new ArgumentError(`${where}: mean is ${formatShape(shape)}, but there is ${count} axis; name as many axes in axis`);
  },
);
export type NormalizationOptions = OptionsOf<typeof normalizationOptions>;

/** A layer of normalization. */
export interface NormalizationLayer extends Layer {
  /**
   * Learns mean and variance of the kept axes: from one array, or from batches such as a dataset. They replace what was learned before.
   * @throws DataError for no data, ShapeError for batches that differ, TraceError after a model was compiled with other numbers.
   */
  adapt(data: AdaptNumbers): Promise<void>;
}

interface Moments {
  readonly mean: NumbersOption;
  readonly variance: NumbersOption;
}

/** Axes that keep a mean of their own, in ascending order. `rank` counts the batch axis. */
const keptAxes = (where: string, axis: number | readonly number[], rank: number): number[] =>
  [...new Set([axis].flat().map((one) => normalizeAxis(where, one, rank)))].sort((a, b) => a - b);

/** Mean and variance of each index of the kept axes, over batches (Chan et al., 1979), in f64. */
async function momentsOf(where: string, data: unknown, axis: number | readonly number[]): Promise<Moments> {
  let kept: { shape: number[]; axes: number[] } | undefined;
  let count = 0;
  let [means, sums] = [new Float64Array(0), new Float64Array(0)];
  for await (const { shape, values } of numberBatches(where, data)) {
    const axes = keptAxes(where, axis, shape.length);
    const own = axes.map((one) => shape[one]);
    kept ??= { shape: own, axes };
    if (!sameShape(own, kept.shape) || !sameShape(axes, kept.axes)) {
      throw new ShapeError(
        `${where}: a batch is ${formatShape(shape)}, but the axes ${formatShape(kept.axes)} had the sizes ${formatShape(kept.shape)} before; give batches alike`,
      );
    }
    if (values.length === 0) continue;
    const cells = sizeOf(own);
    if (count === 0) [means, sums] = [new Float64Array(cells), new Float64Array(cells)];
    const cellOf = cellsOf(shape, axes);
    const period = cellOf.length;
    const each = values.length / cells;
    const batchMeans = new Float64Array(cells);
    for (let i = 0; i < values.length; i++) batchMeans[cellOf[i % period]] += values[i] / each;
    const batchSums = new Float64Array(cells);
    for (let i = 0; i < values.length; i++) {
      const cell = cellOf[i % period];
      batchSums[cell] += (values[i] - batchMeans[cell]) ** 2;
    }
    const total = count + each;
    for (let c = 0; c < cells; c++) {
      const distance = batchMeans[c] - means[c];
      means[c] += (distance * each) / total;
      sums[c] += batchSums[c] + (distance * distance * count * each) / total;
    }
    count = total;
  }
  if (!kept || count === 0) throw noData(where);
  return {
    mean: nested(means, kept.shape),
    variance: nested(
      sums.map((value) => value / count),
      kept.shape,
    ),
  };
}

/** Index over the kept axes of each element. It repeats with the length of the table: axes before the first kept one do not count. */
function cellsOf(shape: Shape, axes: readonly number[]): Int32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const period = axes.length ? sizeOf(shape.slice(axes[0])) : 1;
  const cellOf = (i: number): number => axes.reduce((cell, axis) => cell * shape[axis] + (Math.floor(i / strides[axis]) % shape[axis]), 0);
  return Int32Array.from({ length: period }, (_, i) => cellOf(i));
}

/** Nested lists of numbers in row-major order. */
function nested(values: Float64Array, shape: Shape): NumbersOption {
  if (shape.length === 0) return values[0];
  const size = values.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => nested(values.subarray(i * size, (i + 1) * size), shape.slice(1)));
}

/** Numbers as a tensor that broadcasts with [batch, ...]: their axes are the last ones of the kept axes. */
function alongAxes(where: string, value: NumbersOption, shape: Shape, kept: readonly number[], convert: (value: number) => number): Tensor {
  const { shape: own, values } = flattenNumbers(where, value);
  const form = shape.map(() => 1);
  own.forEach((size, i) => (form[kept[kept.length - own.length + i]] = size));
  return reshape(hostTensor({ shape: own, dtype: 'f32' }, Float32Array.from(values, convert)), form);
}

/**
 * Scales inputs to mean 0 and variance 1: y = (x - mean) / max(sqrt(variance), 1e-7). The numbers are given, or learned by `adapt` before the model is
 * compiled; they are in the config. They are no weights. Keras' Normalization.
 *
 * Input and output [batch, ...]. Throws an ArgumentError if it is used before adapt, and a ShapeError if the numbers do not fit.
 *
 *     const scale = layers.normalization();
 *     await scale.adapt(ages);   // [1000, 3]: a mean for each of the 3 columns
 */
export function normalization(options: NormalizationOptions = {}): Configured<NormalizationLayer> {
  const settings = normalizationOptions.read(options);
  const { axis, invert } = settings;
  let learned: Moments | undefined;
  const guard = learnedOnce();
  const present = (): Moments | undefined =>
    learned ?? (settings.mean === undefined ? undefined : { mean: settings.mean, variance: settings.variance! });
  const layer = defineLayer({
    kind: 'normalization',
    options: settings,
    precision: 'f32',
    masking: 'pass',
    outputShape: (shape, where) => {
      const kept = keptAxes(where, axis, shape.length + 1);
      const moments = present();
      if (!moments) return shape;
      const own = shapeOf(moments.mean);
      const sizes = kept.map((one) => [0, ...shape][one]).slice(kept.length - own.length);
      if (kept.length >= own.length && own.every((size, i) => size === 1 || size === sizes[i])) return shape;
      throw new ShapeError(
        `${where}: mean is ${formatShape(own)}, which does not fit axis ${String(axis)} of inputs ${formatBatch(shape)}`,
      );
    },
    apply: (_, x) => {
      const where = settings.name ?? 'normalization';
      const moments = present();
      if (!moments) throw new ArgumentError(`${where}: has no mean and variance yet; call await layer.adapt(data) first, or give both`);
      guard.used();
      const kept = keptAxes(where, axis, x.rank);
      const mean = alongAxes(where, moments.mean, x.shape, kept, (value) => value);
      const scale = alongAxes(where, moments.variance, x.shape, kept, (value) => Math.max(Math.sqrt(value), 1e-7));
      return invert ? add(mul(x, scale), mean) : div(sub(x, mean), scale);
    },
  });
  const made = Object.assign(layer, {
    async adapt(data: AdaptNumbers) {
      const where = `${settings.name ?? 'normalization'}.adapt`;
      guard.checkFree(where);
      if (settings.mean !== undefined) throw new ArgumentError(`${where}: mean and variance were given; leave them out to learn them`);
      learned = await momentsOf(where, data, axis);
    },
  });
  const get = () => normalizationOptions.config({ ...settings, ...learned, trainable: layer.trainable });
  return Object.defineProperty(made, 'config', { get, configurable: true }) as unknown as Configured<NormalizationLayer>;
}
