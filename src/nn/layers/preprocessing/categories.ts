// Preprocessing of numbers as categories: vectors of indices, and bins.
import type { Configured } from '../../../core/config.ts';
import { ArgumentError, DataError, ShapeError } from '../../../core/errors.ts';
import { type Kind, kindOf, oneOf, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { Tensor, hostTensor } from '../../../graph/tensor.ts';
import { cast, searchSorted } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { type Shapes, type Tensors, formatBatches, isShape } from '../../spec.ts';
import { type AdaptNumbers, learnedOnce, noData, numberBatches } from './adaptData.ts';
import { encode, encodedShape } from './encoding.ts';

export const categoryEncodingOptions = declareOptions('layers.categoryEncoding', {
  /** Number of categories: indices are 0 to numTokens - 1. */
  numTokens: required(positiveInteger, 1),
  /** 'multiHot' marks the categories of a sample, 'count' counts them, 'oneHot' gives a vector for each index. @default 'multiHot' */
  outputMode: optional(oneOf('multiHot', 'oneHot', 'count'), 'multiHot'),
  ...layerOptions,
});
export type CategoryEncodingOptions = OptionsOf<typeof categoryEncodingOptions>;

/** Indices, and weights for counts in the same shape. */
function partsOf(where: string, shapes: Shapes, counts: boolean): readonly number[] {
  if (isShape(shapes)) return shapes;
  const [indices, weights, ...others] = Array.isArray(shapes) ? (shapes as readonly Shapes[]) : [];
  const isPair =
    indices && weights && others.length === 0 && isShape(indices) && isShape(weights) && formatBatches(indices) === formatBatches(weights);
  if (isPair && counts) return indices;
  throw new ShapeError(`${where}: got ${formatBatches(shapes)}; give indices, or [indices, weights] of one shape with outputMode 'count'`);
}

/**
 * Vectors of category indices, in floats. Indices outside of 0 to numTokens - 1 add nothing. Keras' CategoryEncoding.
 *
 * Input [batch] or [batch, ..., n] of whole numbers, output [batch, ..., numTokens]: the last axis becomes one vector. 'oneHot' adds an axis instead,
 * unless the last one has size 1. With 'count', [indices, weights] adds weights instead of ones. Throws a ShapeError for other inputs.
 *
 *     layers.categoryEncoding({ numTokens: 4 })   // [[0, 1], [3, 3]] to [[1, 1, 0, 0], [0, 0, 0, 1]]
 */
export function categoryEncoding(options: CategoryEncodingOptions): Configured<Layer> {
  const settings = categoryEncodingOptions.read(options);
  const { numTokens, outputMode } = settings;
  const layer = defineLayer<Tensors, Tensors>({
    kind: 'categoryEncoding',
    options: settings,
    takes: 'tree',
    inputDtype: 'i32',
    precision: 'f32',
    outputShape: (shapes, where) => encodedShape([0, ...partsOf(where, shapes, outputMode === 'count')], outputMode, numTokens).slice(1),
    apply: (_, inputs) => {
      const [indices, ...weights] = inputs instanceof Tensor ? [inputs] : (inputs as readonly Tensor[]);
      return encode(cast(indices, 'i32'), outputMode, numTokens, weights.length ? { weights: weights[0] } : {});
    },
  });
  return withLayerConfig(layer, categoryEncodingOptions, settings);
}

const boundaries: Kind<readonly number[]> = /* @__PURE__ */ kindOf<readonly number[]>({
  rule: 'a list of ascending numbers',
  accepts: (value): value is readonly number[] =>
    Array.isArray(value) &&
    value.length > 0 &&
    Array.from<unknown>(value).every(
      (bound, i, all) => typeof bound === 'number' && Number.isFinite(bound) && (i === 0 || (all[i - 1] as number) <= bound),
    ),
  convert: (value) => Object.freeze(value.map((bound) => bound + 0)),
});

export const discretizationOptions = declareOptions(
  'layers.discretization',
  {
    /** Borders between bins, in ascending order. A number equal to a border belongs to the bin above. */
    binBoundaries: optional(boundaries),
    /** Number of bins of equal counts, whose borders adapt() learns. */
    numBins: optional(positiveInteger),
    /** 'int' gives the number of the bin; the others are those of categoryEncoding. @default 'int' */
    outputMode: optional(oneOf('int', 'oneHot', 'multiHot', 'count'), 'int'),
    ...layerOptions,
  },
  ({ binBoundaries, numBins }, where) => {
    if (!binBoundaries || numBins === undefined || binBoundaries.length === numBins - 1) return;
    throw new ArgumentError(`${where}: numBins is ${numBins}, but binBoundaries make ${binBoundaries.length + 1} bins; give one of them`);
  },
);
export type DiscretizationOptions = OptionsOf<typeof discretizationOptions>;

/** A layer of discretization. */
export interface DiscretizationLayer extends Layer {
  /**
   * Learns the borders of numBins bins from one array, or from batches such as a dataset.
   * @throws ArgumentError without numBins, DataError for no data or NaN, TraceError after a model was compiled with other borders.
   */
  adapt(data: AdaptNumbers): Promise<void>;
}

/**
 * Borders at the shares k / bins: linear between sorted elements. The element i of n has the share (i + 1) / n, as in Keras. Keras sketches
 * the quantiles of large data; these are exact.
 */
async function quantiles(where: string, data: unknown, bins: number): Promise<readonly number[]> {
  const all: number[] = [];
  for await (const { values } of numberBatches(where, data)) for (let i = 0; i < values.length; i++) all.push(values[i]);
  if (all.length === 0) throw noData(where);
  if (all.some(Number.isNaN)) throw new DataError(`${where}: the data hold NaN, which belongs to no bin; leave it out`);
  const sorted = Float64Array.from(all).sort();
  return Array.from({ length: bins - 1 }, (_, k) => {
    const place = Math.max(0, ((k + 1) / bins) * sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]) + 0;
  });
}

/**
 * Numbers of bins: the number of borders that are not above x. Borders are given, or learned by `adapt` before the model is compiled; they are in the
 * config. NaN belongs to the last bin. Keras' Discretization.
 *
 * Input [batch, ...], output of the same shape in i32, or vectors as those of categoryEncoding. Throws an ArgumentError if it has no borders.
 *
 *     layers.discretization({ binBoundaries: [0, 1, 2] })   // [-0.5, 0, 1.5, 9] to [0, 1, 2, 3]
 */
export function discretization(options: DiscretizationOptions = {}): Configured<DiscretizationLayer> {
  const settings = discretizationOptions.read(options);
  const { numBins, outputMode } = settings;
  let learned: readonly number[] | undefined;
  const guard = learnedOnce();
  const bordersOf = (where: string): readonly number[] => {
    const borders = learned ?? settings.binBoundaries;
    if (borders) return borders;
    const fix = numBins === undefined ? 'give binBoundaries, or numBins and call adapt(data)' : 'call await layer.adapt(data) first';
    throw new ArgumentError(`${where}: has no borders of bins yet; ${fix}`);
  };
  const binsOf = (where: string): number => numBins ?? bordersOf(where).length + 1;
  const layer = defineLayer({
    kind: 'discretization',
    options: settings,
    precision: 'f32',
    ...(outputMode === 'int' && { outputDtype: 'i32' as const }),
    outputShape: (shape, where) => encodedShape([0, ...shape], outputMode, binsOf(where)).slice(1),
    apply: (_, x) => {
      const where = settings.name ?? 'discretization';
      const borders = bordersOf(where);
      guard.used();
      const table = hostTensor({ shape: [borders.length], dtype: 'f32' }, Float32Array.from(borders));
      return encode(searchSorted(table, x, { side: 'right' }), outputMode, binsOf(where));
    },
  });
  const made = Object.assign(layer, {
    async adapt(data: AdaptNumbers) {
      const where = `${settings.name ?? 'discretization'}.adapt`;
      guard.checkFree(where);
      if (numBins === undefined) throw new ArgumentError(`${where}: the borders were given; give numBins instead to learn them`);
      learned = await quantiles(where, data, numBins);
    },
  });
  const get = () =>
    discretizationOptions.config({ ...settings, ...(learned?.length && { binBoundaries: learned }), trainable: layer.trainable });
  return Object.defineProperty(made, 'config', { get, configurable: true }) as unknown as Configured<DiscretizationLayer>;
}
