// Average pooling of images, channels last. The gradient comes in gather form, as in pool.ts. Padding is left out of the count.
import { isFloat } from '../core/dtype.ts';
import { DtypeError, ShapeError, checkOptions } from '../core/errors.ts';
import { type Shape, formatShape, sizeOf } from '../core/shape.ts';
import { type OpDefinition, defineOp } from '../graph/op.ts';
import { type Tensor, apply } from '../graph/tensor.ts';
import poolSource from '../../shaders/avgPool.wgsl?raw';
import spreadSource from '../../shaders/avgPoolSpread.wgsl?raw';
import { checkTensor } from './arguments.ts';
import { foldIntoBatch } from './batching.ts';
import { axesOf } from './conv/extent.ts';
import { type Pair, checkCovered, checkImages, pairOf, resolvePadding, windowsOver } from './conv/geometry.ts';
import { type PoolAttributes, planPool, poolOperands } from './conv/planPool.ts';
import { type TapSizes, forEachTap } from './conv/taps.ts';
import type { Pool2dOptions } from './pool.ts';
import { mean } from './statistics.ts';

interface SpreadAttributes extends PoolAttributes {
  /** [height, width] of the input. */
  readonly input: Shape;
}

const poolOnly = ({ strides, padding, dilations, window }: PoolAttributes): PoolAttributes => ({ strides, padding, dilations, window });

const tapsOf = (x: Shape, y: Shape, attributes: PoolAttributes): TapSizes => ({
  ...attributes,
  batch: x[0],
  input: axesOf(x),
  output: axesOf(y),
});

/** How many taps of each window lie inside the image, by pixel of the output. */
function countsOf(taps: TapSizes): Int32Array {
  const counts = new Int32Array(taps.batch * sizeOf(taps.output));
  forEachTap(taps, (out) => {
    counts[out]++;
  });
  return counts;
}

/** x [B, H, W, C] -> the mean of each window [B, OH, OW, C] */
const avgPool2dOp: OpDefinition<PoolAttributes> = defineOp<PoolAttributes>({
  name: 'avgPool2d',
  infer: ([x], attributes) => {
    checkImages('avgPool2d', x.shape);
    if (!isFloat(x.dtype)) throw new DtypeError(`avgPool2d: takes floats, got ${x.dtype}; use cast(x, 'f32')`);
    const output = windowsOver('avgPool2d', axesOf(x.shape), attributes.window, attributes);
    return [{ shape: [x.shape[0], ...output, x.shape[3]], dtype: x.dtype }];
  },
  batch: foldIntoBatch,
  // Linear in x: dy goes in equal parts to the pixels of its window
  vjp: ({ inputs: [x], cotangents: [g], attributes }) => [g && apply(spreadOp, [g], { ...attributes, input: axesOf(x.shape) })],
  reference: ({ inputs: [x], outputs: [y], attributes, allocate }) => {
    const taps = tapsOf(x.shape, y.shape, attributes);
    const counts = countsOf(taps);
    const sums = new Float64Array(sizeOf(y.shape));
    const channels = y.shape[3];
    forEachTap(taps, (out, _, at) => {
      for (let c = 0; c < channels; c++) sums[out * channels + c] += x.data[at * channels + c];
    });
    const means = allocate(y.dtype, sums.length);
    for (let i = 0; i < means.length; i++) means[i] = sums[i] / counts[Math.floor(i / channels)];
    return [means];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x], outputs: [y], attributes, target }) =>
      planPool('avgPool2d', poolSource, poolOperands.oneToOne, { images: x.shape, pooled: y.shape, attributes }, y, target),
  },
});

/** dy [B, OH, OW, C] -> dx [B, H, W, C]: each dy in equal parts to the pixels of its window. */
const spreadOp: OpDefinition<SpreadAttributes> = defineOp<SpreadAttributes>({
  name: 'avgPool2dSpread',
  infer: ([dy], { input }) => [{ shape: [dy.shape[0], ...input, dy.shape[3]], dtype: dy.dtype }],
  batch: foldIntoBatch,
  // Linear in dy; its transpose is the pooling
  vjp: ({ cotangents: [u], attributes }) => [u && apply(avgPool2dOp, [u], poolOnly(attributes))],
  reference: ({ inputs: [dy], outputs: [dx], attributes, allocate }) => {
    const taps = tapsOf(dx.shape, dy.shape, attributes);
    const counts = countsOf(taps);
    const sums = new Float64Array(sizeOf(dx.shape));
    const channels = dx.shape[3];
    forEachTap(taps, (out, _, at) => {
      for (let c = 0; c < channels; c++) sums[at * channels + c] += dy.data[out * channels + c] / counts[out];
    });
    const result = allocate(dx.dtype, sums.length);
    result.set(sums);
    return [result];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [dy], outputs: [dx], attributes, target }) =>
      planPool('avgPool2dSpread', spreadSource, poolOperands.oneToOne, { images: dx.shape, pooled: dy.shape, attributes }, dx, target),
  },
});

/**
 * Mean of each window. Padding is left out of the count: at the border the mean is that of the pixels there are, as in Keras.
 *
 * x [B, H, W, C] -> [B, OH, OW, C].
 * @throws ShapeError for other ranks or a window larger than the image, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = avgPool2d(features);                                              // [32,26,26,16] -> [32,13,13,16]
 *     const same = avgPool2d(features, { poolSize: 3, strides: 1, padding: 'same' });   // keeps the size
 */
export function avgPool2d(x: Tensor, options: Pool2dOptions = {}): Tensor {
  checkTensor('avgPool2d', 'x', x);
  checkOptions('avgPool2d', options, ['poolSize', 'strides', 'padding']);
  checkImages('avgPool2d', x.shape);
  const window = pairOf('avgPool2d', 'poolSize', options.poolSize ?? 2);
  const strides = pairOf('avgPool2d', 'strides', options.strides ?? window);
  const dilations: Pair = [1, 1];
  const padding = resolvePadding('avgPool2d', options.padding ?? 'valid', axesOf(x.shape), window, strides, dilations);
  checkCovered('avgPool2d', padding, window);
  return apply(avgPool2dOp, [x], { window, strides, padding, dilations });
}

export interface GlobalAvgPoolOptions {
  /** Leaves the pooled axes in the shape, with size 1; false by default. */
  readonly keepDims?: boolean;
}

/**
 * Mean over everything between batch and channels, for sequences, images and volumes alike.
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
