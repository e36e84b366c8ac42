// Convolution of images, channels last. Three primitives, each the gradient of the others, so that gradients of gradients work.
import { checkOptions } from '../core/errors.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { type OpDefinition, defineOp } from '../graph/op.ts';
import { type Tensor, apply } from '../graph/tensor.ts';
import { checkTensor } from './arguments.ts';
import { batchConvolution, batchFilterGradient } from './conv/batch.ts';
import { checkFilter, checkGroups } from './conv/extent.ts';
import { checkFloats, toFloats } from './conv/floats.ts';
import { type Padding2d, type Pair, type Window2d, checkImages, pairOf, resolvePadding, windowsOver } from './conv/geometry.ts';
import { planConvolve, planFilterGradient, planInputGradient } from './conv/plan.ts';
import { type ConvSizes, convolve, convolveFilterGradient, convolveInputGradient } from './conv/reference.ts';
import { matmulOp } from './matmul.ts';
import { reshape } from './shape.ts';

interface ConvAttributes extends Window2d {
  readonly groups: number;
}

interface InputGradientAttributes extends ConvAttributes {
  /** [height, width] of the input. */
  readonly input: Pair;
}

interface FilterGradientAttributes extends ConvAttributes {
  /** [height, width] of the filter. */
  readonly window: Pair;
}

const windowOnly = ({ strides, padding, dilations, groups }: ConvAttributes): ConvAttributes => ({ strides, padding, dilations, groups });

/** The sizes of a convolution from the shapes of any two of its three tensors. */
function sizesOf(x: Shape, filter: Shape, attributes: ConvAttributes, output: Pair): ConvSizes {
  return {
    ...windowOnly(attributes),
    batch: x[0],
    input: [x[1], x[2]],
    channels: x[3],
    window: [filter[0], filter[1]],
    output,
    outChannels: filter[3],
  };
}

const outputOf = (shape: Shape): Pair => [shape[1], shape[2]];

/** x [B, H, W, C], filter [KH, KW, C / groups, O] -> [B, OH, OW, O] */
const conv2dOp: OpDefinition<ConvAttributes> = defineOp<ConvAttributes>({
  name: 'conv2d',
  infer: ([x, filter], attributes) => {
    const dtype = checkFloats('conv2d', [x, filter]);
    checkImages('conv2d', x.shape);
    checkFilter('conv2d', x.shape, filter.shape, attributes.groups);
    const output = windowsOver('conv2d', x.shape.slice(1, 3), [filter.shape[0], filter.shape[1]], attributes);
    return [{ shape: [x.shape[0], ...output, filter.shape[3]], dtype }];
  },
  batch: batchConvolution,
  // y = x * f:  dx spreads dy over the windows, df correlates x with dy
  vjp: ({ inputs: [x, filter], cotangents: [g], needs, attributes }) => [
    needs[0] && g ? apply(inputGradientOp, [g, filter], { ...attributes, input: outputOf(x.shape) }) : undefined,
    needs[1] && g ? apply(filterGradientOp, [x, g], { ...attributes, window: [filter.shape[0], filter.shape[1]] }) : undefined,
  ],
  reference: ({ inputs: [x, filter], outputs: [y], attributes, allocate }) => {
    const out = allocate(y.dtype, sizeOf(y.shape));
    convolve(x.data, filter.data, out, sizesOf(x.shape, filter.shape, attributes, outputOf(y.shape)));
    return [out];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x, filter], outputs: [y], attributes, target }) =>
      planConvolve(sizesOf(x.shape, filter.shape, attributes, outputOf(y.shape)), y, target),
  },
});

/** dy [B, OH, OW, O], filter -> dx [B, H, W, C] */
export const inputGradientOp: OpDefinition<InputGradientAttributes> = defineOp<InputGradientAttributes>({
  name: 'conv2dInputGradient',
  infer: ([dy, filter], { input, groups }) => [
    { shape: [dy.shape[0], ...input, filter.shape[2] * groups], dtype: checkFloats('conv2dInputGradient', [dy, filter]) },
  ],
  batch: batchConvolution,
  // Linear in dy and in f. With u the cotangent of dx:  d(dy) = u * f,  df correlates u with dy
  vjp: ({ inputs: [dy, filter], cotangents: [u], needs, attributes }) => [
    needs[0] && u ? apply(conv2dOp, [u, filter], windowOnly(attributes)) : undefined,
    needs[1] && u ? apply(filterGradientOp, [u, dy], { ...windowOnly(attributes), window: [filter.shape[0], filter.shape[1]] }) : undefined,
  ],
  reference: ({ inputs: [dy, filter], outputs: [dx], attributes, allocate }) => {
    const out = allocate(dx.dtype, sizeOf(dx.shape));
    convolveInputGradient(dy.data, filter.data, out, sizesOf(dx.shape, filter.shape, attributes, outputOf(dy.shape)));
    return [out];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [dy, filter], outputs: [dx], attributes, target }) =>
      planInputGradient(sizesOf(dx.shape, filter.shape, attributes, outputOf(dy.shape)), dx, target),
  },
});

/** x [B, H, W, C], dy [B, OH, OW, O] -> df [KH, KW, C / groups, O] */
const filterGradientOp: OpDefinition<FilterGradientAttributes> = defineOp<FilterGradientAttributes>({
  name: 'conv2dFilterGradient',
  infer: ([x, dy], { window, groups }) => [
    { shape: [...window, x.shape[3] / groups, dy.shape[3]], dtype: checkFloats('conv2dFilterGradient', [x, dy]) },
  ],
  batch: batchFilterGradient,
  // Linear in x and in dy. With u the cotangent of df:  dx spreads dy weighted by u,  d(dy) = x * u
  vjp: ({ inputs: [x, dy], cotangents: [u], needs, attributes }) => [
    needs[0] && u ? apply(inputGradientOp, [dy, u], { ...windowOnly(attributes), input: outputOf(x.shape) }) : undefined,
    needs[1] && u ? apply(conv2dOp, [x, u], windowOnly(attributes)) : undefined,
  ],
  reference: ({ inputs: [x, dy], outputs: [df], attributes, allocate }) => {
    const out = allocate(df.dtype, sizeOf(df.shape));
    convolveFilterGradient(x.data, dy.data, out, sizesOf(x.shape, df.shape, attributes, outputOf(dy.shape)));
    return [out];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x, dy], outputs: [df], attributes, target }) =>
      planFilterGradient(sizesOf(x.shape, df.shape, attributes, outputOf(dy.shape)), df, target),
  },
});

export interface Conv2dOptions {
  /** Step of the window, [height, width] or one number; 1 by default. */
  readonly strides?: number | readonly number[];
  /** 'valid' (default): windows inside the image; 'same': ceil(size / stride) windows over a zero border; or [[top, bottom], [left, right]]. */
  readonly padding?: 'valid' | 'same' | Padding2d;
  /** Distance of a window's taps; 1 by default. */
  readonly dilations?: number | readonly number[];
  /** Channels are cut into this many groups that do not see each other; 1 by default. */
  readonly groups?: number;
}

/**
 * Convolution of images with a bank of filters (cross-correlation, as in every deep-learning library):
 * y[b, i, j, o] = Σ x[b, i s + ky d, j s + kx d, c] f[ky, kx, c, o], over ky, kx, c. 'same' puts the odd pixel of padding at the end, as TensorFlow.
 *
 * x [B, H, W, C], filter [KH, KW, C / groups, O] -> [B, OH, OW, O].
 * @throws ShapeError for other ranks, channels that differ or a window larger than the image; ArgumentError for a bad option.
 *
 *     const features = relu(conv2d(images, filter, { padding: 'same' }));   // [32,28,28,1] * [3,3,1,16] -> [32,28,28,16]
 */
export function conv2d(x: Tensor, filter: Tensor, options: Conv2dOptions = {}): Tensor {
  checkTensor('conv2d', 'x', x);
  checkTensor('conv2d', 'filter', filter);
  checkOptions('conv2d', options, ['strides', 'padding', 'dilations', 'groups']);
  const { groups = 1 } = options;
  checkGroups('conv2d', groups);
  checkImages('conv2d', x.shape);
  checkFilter('conv2d', x.shape, filter.shape, groups);
  const strides = pairOf('conv2d', 'strides', options.strides ?? 1);
  const dilations = pairOf('conv2d', 'dilations', options.dilations ?? 1);
  const window: Pair = [filter.shape[0], filter.shape[1]];
  const padding = resolvePadding('conv2d', options.padding ?? 'valid', x.shape.slice(1, 3), window, strides, dilations);
  const [images, weights] = toFloats('conv2d', x, filter);
  const pointwise = [...window, ...strides, groups].every((n) => n === 1) && padding.flat().every((n) => n === 0);
  if (!pointwise) return apply(conv2dOp, [images, weights], { strides, padding, dilations, groups });
  // A 1x1 window mixes channels pixel by pixel: a plain product.
  const channels = x.shape[3];
  const product = apply(matmulOp, [reshape(images, [x.size / channels, channels]), reshape(weights, [channels, filter.shape[3]])], {});
  return reshape(product, [...x.shape.slice(0, 3), filter.shape[3]]);
}
