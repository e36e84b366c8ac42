// Average pooling of images, channels last. The gradient is computed as a gather, as in maxPool.ts. Padding is not counted by default.
import { isFloat } from '../../core/dtype.ts';
import { DtypeError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, formatShape, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import poolSource from '../../../shaders/avgPool.wgsl?raw';
import spreadSource from '../../../shaders/avgPoolSpread.wgsl?raw';
import { checkFlag, checkTensor } from '../operands/arguments.ts';
import { foldIntoBatch } from '../batching/batching.ts';
import { axesOf, padForLastWindow } from '../conv/extent.ts';
import { type Padding2d, type Pair, checkCovered, checkImages, pairOf, resolvePadding, windowsOver } from '../conv/geometry.ts';
import { type PoolAttributes, planPool, poolOperands, poolingKernel } from './planPool.ts';
import { type TapSizes, forEachTap } from '../conv/taps.ts';
import type { Pool2dOptions } from './maxPool.ts';
import { mean } from '../reduce/statistics.ts';

const poolKernel = poolingKernel('avgPool', poolSource);
const spreadKernel = poolingKernel('avgPoolSpread', spreadSource);

/** `reach`: distance outside each side of the image in which taps count, as zeros. */
type AverageAttributes = PoolAttributes & Required<Pick<PoolAttributes, 'reach'>>;

interface SpreadAttributes extends AverageAttributes {
  /** [height, width] of the input. */
  readonly input: Shape;
}

const nowhere: Padding2d = [[0, 0], [0, 0]]; // prettier-ignore

const poolOnly = ({ strides, padding, dilations, window, reach }: AverageAttributes): AverageAttributes => ({
  strides,
  padding,
  dilations,
  window,
  reach,
});

const tapsOf = (x: Shape, y: Shape, attributes: AverageAttributes): TapSizes => ({
  ...attributes,
  batch: x[0],
  input: axesOf(x),
  output: axesOf(y),
});

/** Number of counted taps of each window, by pixel of the output. */
function countsOf({ batch, input, window, output, strides, padding }: TapSizes, { reach }: AverageAttributes): Int32Array {
  const along = (axis: number): number[] =>
    Array.from({ length: output[axis] }, (_, place) => {
      const corner = place * strides[axis] - padding[axis][0];
      return Math.min(input[axis] + reach[axis][1], corner + window[axis]) - Math.max(-reach[axis][0], corner);
    });
  const columns = along(1);
  const image = along(0).flatMap((high) => columns.map((wide) => high * wide));
  return Int32Array.from({ length: batch * image.length }, (_, i) => image[i % image.length]);
}

/** x [B, H, W, C] -> the mean of each window [B, OH, OW, C] */
const avgPool2dOp: OpDefinition<AverageAttributes> = defineOp<AverageAttributes>({
  name: 'avgPool2d',
  infer: ([x], attributes) => {
    checkImages('avgPool2d', x.shape);
    if (!isFloat(x.dtype)) throw new DtypeError(`avgPool2d: takes floats, got ${x.dtype}; use cast(x, 'f32')`);
    const output = windowsOver('avgPool2d', axesOf(x.shape), attributes.window, attributes);
    return [{ shape: [x.shape[0], ...output, x.shape[3]], dtype: x.dtype }];
  },
  batch: foldIntoBatch,
  // Linear in x: dy is divided equally among the pixels of its window
  vjp: ({ inputs: [x], cotangents: [g], attributes }) => [g && apply(spreadOp, [g], { ...attributes, input: axesOf(x.shape) })],
  reference: ({ inputs: [x], outputs: [y], attributes, allocate }) => {
    const taps = tapsOf(x.shape, y.shape, attributes);
    const counts = countsOf(taps, attributes);
    const sums = new Float64Array(sizeOf(y.shape));
    const channels = y.shape[3];
    forEachTap(taps, (out, _, at) => {
      for (let c = 0; c < channels; c++) sums[out * channels + c] += x.data[at * channels + c];
    });
    const means = allocate(y.dtype, sums.length);
    for (let i = 0; i < means.length; i++) means[i] = sums[i] / counts[Math.floor(i / channels)];
    return [means];
  },
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x], outputs: [y], attributes, target }) =>
      planPool(
        'avgPool2d',
        poolKernel,
        poolOperands.oneToOne,
        { images: x.shape, pooled: y.shape, attributes, quads: target.processor === 'gpu' },
        y,
        target,
      ),
  },
});

/** dy [B, OH, OW, C] -> dx [B, H, W, C]: divides each dy equally among the pixels of its window. */
const spreadOp: OpDefinition<SpreadAttributes> = defineOp<SpreadAttributes>({
  name: 'avgPool2dSpread',
  infer: ([dy], { input }) => [{ shape: [dy.shape[0], ...input, dy.shape[3]], dtype: dy.dtype }],
  batch: foldIntoBatch,
  // Linear in dy; its transpose is the pooling
  vjp: ({ cotangents: [u], attributes }) => [u && apply(avgPool2dOp, [u], poolOnly(attributes))],
  reference: ({ inputs: [dy], outputs: [dx], attributes, allocate }) => {
    const taps = tapsOf(dx.shape, dy.shape, attributes);
    const counts = countsOf(taps, attributes);
    const sums = new Float64Array(sizeOf(dx.shape));
    const channels = dx.shape[3];
    forEachTap(taps, (out, _, at) => {
      for (let c = 0; c < channels; c++) sums[at * channels + c] += dy.data[out * channels + c] / counts[out];
    });
    const result = allocate(dx.dtype, sums.length);
    result.set(sums);
    return [result];
  },
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [dy], outputs: [dx], attributes, target }) =>
      planPool(
        'avgPool2dSpread',
        spreadKernel,
        poolOperands.oneToOne,
        { images: dx.shape, pooled: dy.shape, attributes, quads: target.processor === 'gpu' },
        dx,
        target,
      ),
  },
});

export interface AvgPool2dOptions extends Pool2dOptions {
  /** Whether to count padding in the mean, as zeros. Padding that ceilMode adds is never counted. @default false */
  readonly countIncludePad?: boolean;
}

/**
 * Mean of each window. Without countIncludePad, padding is not counted: at the border the mean is over the pixels inside the image, as in
 * Keras.
 *
 * x [B, H, W, C] -> [B, OH, OW, C]; OH as in maxPool2d.
 * @throws ShapeError for other ranks or a window larger than the image, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = avgPool2d(features);                                              // [32,26,26,16] -> [32,13,13,16]
 *     const same = avgPool2d(features, { poolSize: 3, strides: 1, padding: 'same' });   // keeps the size
 */
export function avgPool2d(x: Tensor, options: AvgPool2dOptions = {}): Tensor {
  checkTensor('avgPool2d', 'x', x);
  checkOptions('avgPool2d', options, ['poolSize', 'strides', 'padding', 'ceilMode', 'countIncludePad']);
  const { ceilMode = false, countIncludePad = false } = options;
  checkFlag('avgPool2d', 'ceilMode', ceilMode);
  checkFlag('avgPool2d', 'countIncludePad', countIncludePad);
  checkImages('avgPool2d', x.shape);
  const window = pairOf('avgPool2d', 'poolSize', options.poolSize ?? 2);
  const strides = pairOf('avgPool2d', 'strides', options.strides ?? window);
  const dilations: Pair = [1, 1];
  const padding = resolvePadding('avgPool2d', options.padding ?? 'valid', axesOf(x.shape), window, strides, dilations);
  checkCovered('avgPool2d', padding, window);
  const [rows, columns] = ceilMode ? padForLastWindow(axesOf(x.shape), window, { strides, padding, dilations }) : padding;
  const reach = countIncludePad ? padding : nowhere;
  return apply(avgPool2dOp, [x], { window, strides, padding: [rows, columns], dilations, reach });
}

export interface GlobalAvgPoolOptions {
  /** Whether to keep the pooled axes, with size 1. @default false */
  readonly keepDims?: boolean;
}

/**
 * Mean over all axes between batch and channels, for sequences, images and volumes.
 *
 * x [B, .., C] -> [B, C].
 * @throws ShapeError for tensors of fewer than three axes or with nothing to average.
 *
 *     const summary = globalAvgPool(features);   // [32,7,7,64] -> [32,64]
 */
export function globalAvgPool(x: Tensor, options: GlobalAvgPoolOptions = {}): Tensor {
  checkTensor('globalAvgPool', 'x', x);
  checkOptions('globalAvgPool', options, ['keepDims']);
  if (x.rank < 3) {
    throw new ShapeError(
      `globalAvgPool: x is ${formatShape(x.shape)}; it needs axes between batch and channels, such as [batch, height, width, channels]`,
    );
  }
  const axes = axesOf(x.shape);
  if (sizeOf(axes) === 0)
    throw new ShapeError(`globalAvgPool: x ${formatShape(x.shape)} has nothing to average between batch and channels`);
  return mean(x, { axis: axes.map((_, i) => i + 1), keepDims: options.keepDims });
}
