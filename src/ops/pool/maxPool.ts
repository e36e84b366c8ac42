// Max pooling of images, channels last. Gradients are computed as gathers: each input pixel reads the windows that cover it. So no atomic
// additions are needed, and the result does not depend on timing.
import { isFloat } from '../../core/dtype.ts';
import { DtypeError, checkOptions } from '../../core/errors.ts';
import { type Shape, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply, applyAll } from '../../graph/tensor.ts';
import gatherSource from '../../../shaders/maxPoolGather.wgsl?raw';
import poolSource from '../../../shaders/maxPool.wgsl?raw';
import scatterSource from '../../../shaders/maxPoolScatter.wgsl?raw';
import { checkFlag, checkTensor } from '../operands/arguments.ts';
import { foldIntoBatch } from '../batching/batching.ts';
import { axesOf, padForLastWindow, span } from '../conv/extent.ts';
import { type Padding2d, type Pair, checkCovered, checkImages, pairOf, resolvePadding, windowsOver } from '../conv/geometry.ts';
import { type PoolAttributes, planPool, poolOperands, poolingKernel } from './planPool.ts';

const poolKernel = poolingKernel('maxPool', poolSource);
const scatterKernel = poolingKernel('maxPoolScatter', scatterSource);
const gatherKernel = poolingKernel('maxPoolGather', gatherSource);

interface ScatterAttributes extends PoolAttributes {
  /** [height, width] of the input. */
  readonly input: Pair;
}

/** x [B, H, W, C] -> the largest value of each window [B, OH, OW, C], and its tap (row * width + column). */
const maxPool2dOp: OpDefinition<PoolAttributes> = defineOp<PoolAttributes>({
  name: 'maxPool2d',
  infer: ([x], attributes) => {
    checkImages('maxPool2d', x.shape);
    if (!isFloat(x.dtype)) throw new DtypeError(`maxPool2d: takes floats, got ${x.dtype}; use cast(x, 'f32')`);
    const shape = [x.shape[0], ...windowsOver('maxPool2d', x.shape.slice(1, 3), attributes.window, attributes), x.shape[3]];
    return [
      { shape, dtype: x.dtype },
      { shape, dtype: 'i32' },
    ];
  },
  batch: foldIntoBatch,
  // dy goes to the pixel with the largest value of the window
  vjp: ({ inputs: [x], outputs: [, winner], cotangents: [g], attributes }) => [
    g && apply(scatterOp, [g, winner], { ...attributes, input: [x.shape[1], x.shape[2]] }),
  ],
  reference: ({ inputs: [x], outputs: [y], attributes, allocate }) => {
    const values = allocate(y.dtype, sizeOf(y.shape));
    const winners = allocate('i32', values.length).fill(-1);
    // Ties go to the first tap. NaN is larger than every number.
    forEachTap(x.shape, y.shape, attributes, (out, tap, at) => {
      const value = x.data[at];
      if (winners[out] >= 0 && (Number.isNaN(values[out]) || value <= values[out])) return;
      values[out] = value;
      winners[out] = tap;
    });
    for (let i = 0; i < winners.length; i++) if (winners[i] < 0) values[i] = -Infinity;
    return [values, winners];
  },
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x], outputs: [y], attributes, target }) =>
      planPool('maxPool2d', poolKernel, poolOperands.oneToTwo, { images: x.shape, pooled: y.shape, attributes, quads: true }, y, target),
  },
});

/** dy [B, OH, OW, C], winner -> dx [B, H, W, C]: writes each dy to the pixel with the largest value of its window. */
const scatterOp: OpDefinition<ScatterAttributes> = defineOp<ScatterAttributes>({
  name: 'maxPool2dScatter',
  infer: ([dy], { input }) => [{ shape: [dy.shape[0], ...input, dy.shape[3]], dtype: dy.dtype }],
  batch: foldIntoBatch,
  // Linear in dy; its transpose is the gather below
  vjp: ({ inputs: [, winner], cotangents: [u], attributes: { strides, padding, dilations, window } }) => [
    u && apply(gatherOp, [u, winner], { strides, padding, dilations, window }),
    undefined,
  ],
  reference: ({ inputs: [dy, winner], outputs: [dx], attributes, allocate }) => {
    const sums = new Float64Array(sizeOf(dx.shape));
    forEachTap(dx.shape, dy.shape, attributes, (out, tap, at) => {
      if (winner.data[out] === tap) sums[at] += dy.data[out];
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
        'maxPool2dScatter',
        scatterKernel,
        poolOperands.twoToOne,
        { images: dx.shape, pooled: dy.shape, attributes, quads: true },
        dx,
        target,
      ),
  },
});

/** u [B, H, W, C], winner [B, OH, OW, C] -> [B, OH, OW, C]: reads u at the pixel with the largest value of each window. */
const gatherOp: OpDefinition<PoolAttributes> = defineOp<PoolAttributes>({
  name: 'maxPool2dGather',
  infer: ([u, winner]) => [{ shape: winner.shape, dtype: u.dtype }],
  batch: foldIntoBatch,
  // Linear in u; its transpose is the scatter
  vjp: ({ inputs: [u, winner], cotangents: [g], attributes }) => [
    g && apply(scatterOp, [g, winner], { ...attributes, input: [u.shape[1], u.shape[2]] }),
    undefined,
  ],
  reference: ({ inputs: [u, winner], outputs: [y], attributes, allocate }) => {
    const result = allocate(y.dtype, sizeOf(y.shape));
    forEachTap(u.shape, y.shape, attributes, (out, tap, at) => {
      if (winner.data[out] === tap) result[out] = u.data[at];
    });
    return [result];
  },
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [u], outputs: [y], attributes, target }) =>
      planPool('maxPool2dGather', gatherKernel, poolOperands.twoToOne, { images: u.shape, pooled: y.shape, attributes }, y, target),
  },
});

/** Calls visit(window's element, tap, input element) for every tap inside the image, in the order of the window's taps. */
function forEachTap(input: Shape, output: Shape, attributes: PoolAttributes, visit: (out: number, tap: number, at: number) => void): void {
  const { strides, padding, dilations, window } = attributes;
  const [batch, height, width, channels] = input;
  const [, outHeight, outWidth] = output;
  for (let image = 0; image < batch; image++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const out = ((image * outHeight + oy) * outWidth + ox) * channels;
        for (let ky = 0; ky < window[0]; ky++) {
          const y = oy * strides[0] + ky * dilations[0] - padding[0][0];
          if (y < 0 || y >= height) continue;
          for (let kx = 0; kx < window[1]; kx++) {
            const x = ox * strides[1] + kx * dilations[1] - padding[1][0];
            if (x < 0 || x >= width) continue;
            const at = ((image * height + y) * width + x) * channels;
            for (let c = 0; c < channels; c++) visit(out + c, ky * window[1] + kx, at + c);
          }
        }
      }
    }
  }
}

export interface Pool2dOptions {
  /** Size of the window, [height, width] or one number. @default 2 */
  readonly poolSize?: number | readonly number[];
  /** Step of the window. @default poolSize */
  readonly strides?: number | readonly number[];
  /** 'valid': windows inside the image. 'same': ceil(size / stride) windows. Or [[top, bottom], [left, right]]. @default 'valid' */
  readonly padding?: 'valid' | 'same' | Padding2d;
  /** Whether to round sizes up, so that a last window that only begins inside the image is included. @default false */
  readonly ceilMode?: boolean;
}

export interface MaxPool2dOptions extends Pool2dOptions {
  /** Distance between the taps of a window, [height, width] or one number. @default 1 */
  readonly dilations?: number | readonly number[];
}

/** Returns the largest values, the tap of each in its window (-1: none), and the positions of the windows. */
export function maxPool(op: string, x: Tensor, options: MaxPool2dOptions): { values: Tensor; winners: Tensor; windows: PoolAttributes } {
  checkTensor(op, 'x', x);
  checkOptions(op, options, ['poolSize', 'strides', 'padding', 'dilations', 'ceilMode']);
  const { ceilMode = false } = options;
  checkFlag(op, 'ceilMode', ceilMode);
  checkImages(op, x.shape);
  if (!isFloat(x.dtype)) throw new DtypeError(`${op}: takes floats, got ${x.dtype}; use cast(x, 'f32')`);
  const window = pairOf(op, 'poolSize', options.poolSize ?? 2);
  const strides = pairOf(op, 'strides', options.strides ?? window);
  const dilations = pairOf(op, 'dilations', options.dilations ?? 1);
  const size = axesOf(x.shape);
  const padding = resolvePadding(op, options.padding ?? 'valid', size, window, strides, dilations);
  checkCovered(op, padding, window.map((n, axis) => span(n, dilations[axis]))); // prettier-ignore
  const [rows, columns] = ceilMode ? padForLastWindow(size, window, { strides, padding, dilations }) : padding;
  const windows = { window, strides, padding: [rows, columns], dilations } as const;
  windowsOver(op, size, window, windows);
  const [values, winners] = applyAll(maxPool2dOp, [x], windows);
  return { values, winners, windows };
}

/**
 * Largest value of each window. Padding is never selected. Among equal values the first pixel gets the gradient. A window with a NaN gives
 * NaN. A dilated window without a tap in the image gives -Infinity, as in PyTorch.
 *
 * x [B, H, W, C] -> [B, OH, OW, C]; OH = ⌊(H + top + bottom - (poolSize - 1) dilation - 1) / stride⌋ + 1, or ⌈ ⌉ with ceilMode.
 * @throws ShapeError for other ranks or a window larger than the image, DtypeError for integers, ArgumentError for a bad option.
 *
 *     const half = maxPool2d(features);                                              // [32,26,26,16] -> [32,13,13,16]
 *     const same = maxPool2d(features, { poolSize: 3, strides: 1, padding: 'same' });   // keeps the size
 */
export function maxPool2d(x: Tensor, options: MaxPool2dOptions = {}): Tensor {
  return maxPool('maxPool2d', x, options).values;
}
