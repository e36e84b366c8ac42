// Layers that make one tensor of a list.
import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { integer } from '../../../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, optional } from '../../../core/options.ts';
import { type Shape, broadcastShapes, normalizeAxis } from '../../../core/shape.ts';
import { Tensor } from '../../../graph/tensor.ts';
import * as ops from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, LayerOptions, Masks } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';

type TensorList = readonly Tensor[];

/** Masks of a list of inputs: one for each, or undefined. */
const masksOf = (inputs: TensorList, mask: Masks): (Tensor | undefined)[] =>
  inputs.map((_, i) => {
    const found: unknown = Array.isArray(mask) ? mask[i] : undefined;
    return found instanceof Tensor ? found : undefined;
  });

/** A step of the result counts if it counts in any input. There is no mask unless all inputs have one. */
function anyMask(inputs: TensorList, mask: Masks): Tensor | undefined {
  const masks = masksOf(inputs, mask);
  return masks.every((one) => one !== undefined) ? masks.reduce((a, b) => ops.logicalOr(a, b)) : undefined;
}

function checkList(where: string, shapes: unknown): readonly Shape[] {
  const isList = Array.isArray(shapes) && shapes.length > 0 && (shapes as unknown[]).every(Array.isArray);
  if (isList) return shapes as readonly Shape[];
  throw new ShapeError(`${where}: takes a list of tensors, such as ${where}.apply([a, b]), but got one tensor or none`);
}

interface Merge<T extends OptionTable> {
  readonly kind: string;
  readonly declaration: Declaration<T>;
  readonly settings: SettingsOf<Declaration<T>> & LayerOptions;
  readonly outputShape: (shapes: readonly Shape[], where: string) => Shape;
  readonly merge: (inputs: TensorList) => Tensor;
  readonly mask?: (inputs: TensorList, mask: Masks) => Tensor | undefined;
}

function mergeLayer<T extends OptionTable>({
  kind,
  declaration,
  settings,
  outputShape,
  merge,
  mask = anyMask,
}: Merge<T>): Configured<Layer> {
  const layer = defineLayer<TensorList, Tensor>({
    takes: 'tree',
    kind,
    options: settings,
    outputShape: (shapes, where) => outputShape(checkList(where, shapes), where),
    apply: (_, inputs, { mask: given }) => ({ outputs: merge(inputs), mask: mask(inputs, given) }),
  });
  return withLayerConfig(layer, declaration, settings);
}

/** Shape of an elementwise result. Axes of size 1 are repeated. */
function elementwiseShape(shapes: readonly Shape[], where: string): Shape {
  const [{ length }] = shapes;
  if (shapes.every((shape) => shape.length === length)) return broadcastShapes(where, ...shapes);
  throw new ShapeError(`${where}: inputs ${shapes.map(formatBatch).join(' and ')} have different ranks; reshape them to one rank`);
}

export const addOptions = declareOptions('layers.add', { ...layerOptions });
export type AddOptions = OptionsOf<typeof addOptions>;

/**
 * The sum of a list of tensors, element by element. Axes of size 1 are repeated.
 *
 * Inputs [batch, …] whose shapes broadcast, output of the common shape.
 *
 *     layers.add().apply([a, b])
 */
export function add(options: AddOptions = {}): Configured<Layer> {
  const settings = addOptions.read(options);
  const merge = (inputs: TensorList): Tensor => inputs.reduce((a, b) => ops.add(a, b));
  return mergeLayer({ kind: 'add', declaration: addOptions, settings, outputShape: elementwiseShape, merge });
}

export const subtractOptions = declareOptions('layers.subtract', { ...layerOptions });
export type SubtractOptions = OptionsOf<typeof subtractOptions>;

/**
 * The difference of two tensors: a - b. Throws a ShapeError unless there are two.
 *
 * Two inputs [batch, …] whose shapes broadcast, output of the common shape.
 *
 *     layers.subtract().apply([a, b])
 */
export function subtract(options: SubtractOptions = {}): Configured<Layer> {
  const settings = subtractOptions.read(options);
  const outputShape = (shapes: readonly Shape[], where: string): Shape => {
    if (shapes.length === 2) return elementwiseShape(shapes, where);
    throw new ShapeError(`${where}: takes two tensors, got ${shapes.length}; give [a, b] for a - b`);
  };
  return mergeLayer({ kind: 'subtract', declaration: subtractOptions, settings, outputShape, merge: ([a, b]) => ops.sub(a, b) });
}

export const multiplyOptions = declareOptions('layers.multiply', { ...layerOptions });
export type MultiplyOptions = OptionsOf<typeof multiplyOptions>;

/**
 * The product of a list of tensors, element by element. Axes of size 1 are repeated.
 *
 * Inputs [batch, …] whose shapes broadcast, output of the common shape.
 *
 *     layers.multiply().apply([features, gate])
 */
export function multiply(options: MultiplyOptions = {}): Configured<Layer> {
  const settings = multiplyOptions.read(options);
  const merge = (inputs: TensorList): Tensor => inputs.reduce((a, b) => ops.mul(a, b));
  return mergeLayer({ kind: 'multiply', declaration: multiplyOptions, settings, outputShape: elementwiseShape, merge });
}

export const averageOptions = declareOptions('layers.average', { ...layerOptions });
export type AverageOptions = OptionsOf<typeof averageOptions>;

/**
 * The mean of a list of tensors, element by element. Axes of size 1 are repeated.
 *
 * Inputs [batch, …] whose shapes broadcast, output of the common shape.
 *
 *     layers.average().apply([a, b, c])
 */
export function average(options: AverageOptions = {}): Configured<Layer> {
  const settings = averageOptions.read(options);
  const total = (inputs: TensorList): Tensor => inputs.reduce((a, b) => ops.add(a, b));
  const merge = (inputs: TensorList): Tensor => ops.div(total(inputs), inputs.length);
  return mergeLayer({ kind: 'average', declaration: averageOptions, settings, outputShape: elementwiseShape, merge });
}

export const maximumOptions = declareOptions('layers.maximum', { ...layerOptions });
export type MaximumOptions = OptionsOf<typeof maximumOptions>;

/**
 * The largest of a list of tensors, element by element. Axes of size 1 are repeated.
 *
 * Inputs [batch, …] whose shapes broadcast, output of the common shape.
 *
 *     layers.maximum().apply([a, b])
 */
export function maximum(options: MaximumOptions = {}): Configured<Layer> {
  const settings = maximumOptions.read(options);
  const merge = (inputs: TensorList): Tensor => inputs.reduce((a, b) => ops.maximum(a, b));
  return mergeLayer({ kind: 'maximum', declaration: maximumOptions, settings, outputShape: elementwiseShape, merge });
}

export const minimumOptions = declareOptions('layers.minimum', { ...layerOptions });
export type MinimumOptions = OptionsOf<typeof minimumOptions>;

/**
 * The smallest of a list of tensors, element by element. Axes of size 1 are repeated.
 *
 * Inputs [batch, …] whose shapes broadcast, output of the common shape.
 *
 *     layers.minimum().apply([a, b])
 */
export function minimum(options: MinimumOptions = {}): Configured<Layer> {
  const settings = minimumOptions.read(options);
  const merge = (inputs: TensorList): Tensor => inputs.reduce((a, b) => ops.minimum(a, b));
  return mergeLayer({ kind: 'minimum', declaration: minimumOptions, settings, outputShape: elementwiseShape, merge });
}

export const concatenateOptions = declareOptions('layers.concatenate', {
  /** Axis along which the tensors are joined, counted with the batch axis. @default -1 */
  axis: optional(integer(), -1),
  ...layerOptions,
});
export type ConcatenateOptions = OptionsOf<typeof concatenateOptions>;

/**
 * A list of tensors, joined along an axis. All other axes must be equal. A mask of one input counts all steps of inputs without a mask.
 *
 * Inputs [batch, …] that differ in one axis only, output with the sum of its sizes.
 *
 *     layers.concatenate({ axis: -1 }).apply([a, b])
 */
export function concatenate(options: ConcatenateOptions = {}): Configured<Layer> {
  const settings = concatenateOptions.read(options);
  const { axis } = settings;
  const outputShape = (shapes: readonly Shape[], where: string): Shape => {
    const [first] = shapes;
    const joined = normalizeAxis(where, axis, first.length + 1) - 1;
    if (joined < 0) throw new ShapeError(`${where}: axis ${axis} is the batch axis; choose another one`);
    const fits = shapes.every((shape) => shape.length === first.length && shape.every((n, i) => i === joined || n === first[i]));
    if (!fits) {
      throw new ShapeError(
        `${where}: inputs ${shapes.map(formatBatch).join(' and ')} do not join along axis ${joined + 1}; all other axes must be equal`,
      );
    }
    return first.map((n, i) => (i === joined ? shapes.reduce((total, shape) => total + shape[i], 0) : n));
  };
  return mergeLayer({
    kind: 'concatenate',
    declaration: concatenateOptions,
    settings,
    outputShape,
    merge: (inputs) => ops.concat(inputs, axis),
    mask: (inputs, mask) => {
      const masks = masksOf(inputs, mask);
      if (masks.every((one) => one === undefined)) return undefined;
      const full = inputs.map((x, i) => maskLike(x, masks[i]));
      return ops.any(ops.concat(full, axis), { axis: -1 });
    },
  });
}

/** The mask of a tensor in the tensor's shape. */
function maskLike(x: Tensor, mask: Tensor | undefined): Tensor {
  if (!mask) return ops.full(x.shape, 1, 'bool');
  let wide = mask;
  while (wide.rank < x.rank) wide = ops.expandDims(wide, -1);
  return ops.broadcastTo(wide, x.shape);
}
