// Depthwise convolution of images, channels last: every channel has filters of its own. Three primitives, each the gradient of the others.
import { ShapeError, checkOptions } from '../core/errors.ts';
import { type Shape, formatShape, sizeOf } from '../core/shape.ts';
import { type OpDefinition, defineOp } from '../graph/op.ts';
import { type Tensor, apply } from '../graph/tensor.ts';
import { axesOf, checkRank } from './conv/extent.ts';
import { checkFloats, toFloats } from './conv/floats.ts';
import { type Padding2d, type Pair, type Window2d, pairOf, resolvePadding, windowsOver } from './conv/geometry.ts';
import { type DepthwiseSizes, planDepthwise, planDepthwiseFilterGradient, planDepthwiseInputGradient } from './conv/planDepthwise.ts';
import { forEachTap } from './conv/taps.ts';

interface InputGradientAttributes extends Window2d {
  /** [height, width] of the input. */
  readonly input: Shape;
}

interface FilterGradientAttributes extends Window2d {
  /** [height, width] of the filter. */
  readonly window: Shape;
  /** Filters of a channel: dy does not tell it where there are no channels. */
  readonly multiplier: number;
}

const windowOnly = ({ strides, padding, dilations }: Window2d): Window2d => ({ strides, padding, dilations });

const sizesOf = (x: Shape, filter: Shape, y: Shape, attributes: Window2d): DepthwiseSizes => ({
  ...windowOnly(attributes),
  batch: x[0],
  input: axesOf(x),
  window: filter.slice(0, 2),
  output: axesOf(y),
  channels: x[3],
  multiplier: filter[3],
});

/** Calls visit(element of x, of the filter, of y) for every product that a depthwise convolution sums. */
function forEachProduct(sizes: DepthwiseSizes, visit: (x: number, filter: number, y: number) => void): void {
  const { channels, multiplier } = sizes;
  const outputs = channels * multiplier;
  forEachTap(sizes, (out, tap, at) => {
    for (let place = 0; place < outputs; place++) {
      visit(at * channels + Math.floor(place / multiplier), tap * outputs + place, out * outputs + place);
    }
  });
}

function checkDepthwise(x: Shape, filter: Shape): void {
  checkRank('depthwiseConv2d', x, 2);
  const layout = 'filters are [height, width, channels, multiplier]';
  if (filter.length !== 4) throw new ShapeError(`depthwiseConv2d: filter is ${formatShape(filter)}; ${layout}`);
  if (filter[2] !== x[3]) {
    throw new ShapeError(
      `depthwiseConv2d: channels differ: x ${formatShape(x)} has ${x[3]}, filter ${formatShape(filter)} takes ${filter[2]}; ${layout}`,
    );
  }
  if (filter[0] * filter[1] === 0) throw new ShapeError(`depthwiseConv2d: filter ${formatShape(filter)} has no taps; ${layout}`);
}

/** x [B, H, W, C], filter [KH, KW, C, M] -> [B, OH, OW, C * M] */
const depthwiseOp: OpDefinition<Window2d> = defineOp<Window2d>({
  name: 'depthwiseConv2d',
  infer: ([x, filter], attributes) => {
    const dtype = checkFloats('depthwiseConv2d', [x, filter]);
    checkDepthwise(x.shape, filter.shape);
    const output = windowsOver('depthwiseConv2d', axesOf(x.shape), [filter.shape[0], filter.shape[1]], attributes);
    return [{ shape: [x.shape[0], ...output, filter.shape[2] * filter.shape[3]], dtype }];
  },
  // y = x * f, channel by channel:  dx spreads dy over the windows, df correlates x with dy
  vjp: ({ inputs: [x, filter], cotangents: [g], needs, attributes }) => [
    needs[0] && g ? apply(depthwiseInputGradientOp, [g, filter], { ...attributes, input: axesOf(x.shape) }) : undefined,
    needs[1] && g
      ? apply(filterGradientOp, [x, g], { ...attributes, window: filter.shape.slice(0, 2), multiplier: filter.shape[3] })
      : undefined,
  ],
  reference: ({ inputs: [x, filter], outputs: [y], attributes, allocate }) => {
    const sums = new Float64Array(sizeOf(y.shape));
    forEachProduct(sizesOf(x.shape, filter.shape, y.shape, attributes), (i, k, o) => {
      sums[o] += x.data[i] * filter.data[k];
    });
    const out = allocate(y.dtype, sums.length);
    out.set(sums);
    return [out];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x, filter], outputs: [y], attributes, target }) =>
      planDepthwise(sizesOf(x.shape, filter.shape, y.shape, attributes), y, target),
  },
});

/** dy [B, OH, OW, C * M], filter [KH, KW, C, M] -> dx [B, H, W, C] */
export const depthwiseInputGradientOp: OpDefinition<InputGradientAttributes> = defineOp<InputGradientAttributes>({
  name: 'depthwiseConv2dInputGradient',
  infer: ([dy, filter], { input }) => [
    { shape: [dy.shape[0], ...input, filter.shape[2]], dtype: checkFloats('depthwiseConv2dInputGradient', [dy, filter]) },
  ],
  // Linear in dy and in f. With u the cotangent of dx:  d(dy) = u * f,  df correlates u with dy
  vjp: ({ inputs: [dy, filter], cotangents: [u], needs, attributes }) => [
    needs[0] && u ? apply(depthwiseOp, [u, filter], windowOnly(attributes)) : undefined,
    needs[1] && u
      ? apply(filterGradientOp, [u, dy], { ...windowOnly(attributes), window: filter.shape.slice(0, 2), multiplier: filter.shape[3] })
      : undefined,
  ],
  reference: ({ inputs: [dy, filter], outputs: [dx], attributes, allocate }) => {
    const sums = new Float64Array(sizeOf(dx.shape));
    forEachProduct(sizesOf(dx.shape, filter.shape, dy.shape, attributes), (i, k, o) => {
      sums[i] += dy.data[o] * filter.data[k];
    });
    const out = allocate(dx.dtype, sums.length);
    out.set(sums);
    return [out];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [dy, filter], outputs: [dx], attributes, target }) =>
      planDepthwiseInputGradient(sizesOf(dx.shape, filter.shape, dy.shape, attributes), dx, target),
  },
});

/** x [B, H, W, C], dy [B, OH, OW, C * M] -> df [KH, KW, C, M] */
const filterGradientOp: OpDefinition<FilterGradientAttributes> = defineOp<FilterGradientAttributes>({
  name: 'depthwiseConv2dFilterGradient',
  infer: ([x, dy], { window, multiplier }) => [
    { shape: [...window, x.shape[3], multiplier], dtype: checkFloats('depthwiseConv2dFilterGradient', [x, dy]) },
  ],
  // Linear in x and in dy. With u the cotangent of df:  dx spreads dy weighted by u,  d(dy) = x * u
  vjp: ({ inputs: [x, dy], cotangents: [u], needs, attributes }) => [
    needs[0] && u ? apply(depthwiseInputGradientOp, [dy, u], { ...windowOnly(attributes), input: axesOf(x.shape) }) : undefined,
    needs[1] && u ? apply(depthwiseOp, [x, u], windowOnly(attributes)) : undefined,
  ],
  reference: ({ inputs: [x, dy], outputs: [df], attributes, allocate }) => {
    const sums = new Float64Array(sizeOf(df.shape));
    forEachProduct(sizesOf(x.shape, df.shape, dy.shape, attributes), (i, k, o) => {
      sums[k] += x.data[i] * dy.data[o];
    });
    const out = allocate(df.dtype, sums.length);
    out.set(sums);
    return [out];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x, dy], outputs: [df], attributes, target }) =>
      planDepthwiseFilterGradient(sizesOf(x.shape, df.shape, dy.shape, attributes), df, target),
  },
});

export interface DepthwiseConv2dOptions {
  /** Step of the window, [height, width] or one number; 1 by default. */
  readonly strides?: number | readonly number[];
  /** 'valid' (default): windows inside the image; 'same': ceil(size / stride) windows over a zero border; or [[top, bottom], [left, right]]. */
  readonly padding?: 'valid' | 'same' | Padding2d;
  /** Distance of a window's taps; 1 by default. */
  readonly dilations?: number | readonly number[];
}

/**
 * Convolution of each channel with M filters of its own; channels do not mix:
 * y[b, i, j, c M + m] = Σ x[b, i s + ky d, j s + kx d, c] f[ky, kx, c, m], over ky, kx.
 *
 * x [B, H, W, C], filter [KH, KW, C, M] -> [B, OH, OW, C M].
 * @throws ShapeError for other ranks, channels that differ or a window larger than the image; ArgumentError for a bad option.
 *
 *     const features = depthwiseConv2d(images, filter, { padding: 'same' });   // [8,28,28,32] * [3,3,32,1] -> [8,28,28,32]
 */
export function depthwiseConv2d(x: Tensor, filter: Tensor, options: DepthwiseConv2dOptions = {}): Tensor {
  checkOptions('depthwiseConv2d', options, ['strides', 'padding', 'dilations']);
  checkDepthwise(x.shape, filter.shape);
  const strides = pairOf('depthwiseConv2d', 'strides', options.strides ?? 1);
  const dilations = pairOf('depthwiseConv2d', 'dilations', options.dilations ?? 1);
  const window: Pair = [filter.shape[0], filter.shape[1]];
  const padding = resolvePadding('depthwiseConv2d', options.padding ?? 'valid', axesOf(x.shape), window, strides, dilations);
  return apply(depthwiseOp, toFloats('depthwiseConv2d', x, filter), { strides, padding, dilations });
}
