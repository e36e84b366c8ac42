// Transposed convolution: the input gradient of conv2d as an op of its own, so the primitive and its gradients are those of conv.ts.
import { ArgumentError, ShapeError, checkOptions } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { type Tensor, apply } from '../graph/tensor.ts';
import { checkTensor } from './arguments.ts';
import { inputGradientOp } from './conv.ts';
import { type Sides, checkRank, halves, paddingAlong, span } from './conv/extent.ts';
import { toFloats } from './conv/floats.ts';
import { type Padding2d, type Pair, pairOf } from './conv/geometry.ts';

export interface Conv2dTransposeOptions {
  /** How far apart the pixels of x are spread, [height, width] or one number; 1 by default. */
  readonly strides?: number | readonly number[];
  /** 'valid' (default): everything the filter reaches; 'same': size * stride pixels; or what to cut off, [[top, bottom], [left, right]]. */
  readonly padding?: 'valid' | 'same' | Padding2d;
  /** Rows and columns added at the end, fewer than the stride: several sizes come down to the same one under a strided convolution. */
  readonly outputPadding?: number | readonly number[];
  /** Distance of the filter's taps; 1 by default. */
  readonly dilations?: number | readonly number[];
}

/** Fewer than the stride: with more, the convolution back would have more windows than x has pixels. */
function checkOutputPadding(value: number | readonly number[], strides: Pair): Pair {
  const isPair = Array.isArray(value) && value.length === 2;
  const [height, width] = isPair ? (value as readonly number[]) : [value as number, value as number];
  if (![height, width].every((n, axis) => Number.isInteger(n) && n >= 0 && n < strides[axis])) {
    throw new ArgumentError(
      `conv2dTranspose: outputPadding is ${JSON.stringify(value)}; give whole numbers from 0 on and less than the strides ${strides.join('x')}`,
    );
  }
  return [height, width];
}

/** Size of the result along an axis and what of the filter's reach is cut off, with Keras's rules for 'valid' and 'same'. */
function extentOf(
  size: number,
  window: number,
  stride: number,
  padding: 'valid' | 'same' | Sides,
  extra: number | undefined,
): { size: number; padding: Sides } {
  const reach = (size - 1) * stride + window;
  if (padding === 'valid')
    return { size: extra === undefined ? size * stride + Math.max(0, window - stride) : reach + extra, padding: [0, 0] };
  if (padding === 'same') {
    const wanted = extra === undefined ? size * stride : reach - 2 * Math.floor(window / 2) + extra;
    return { size: wanted, padding: halves(Math.max(0, reach - wanted)) };
  }
  return { size: reach - padding[0] - padding[1] + (extra ?? 0), padding };
}

/**
 * Transposed convolution: every pixel of x is spread over a window of the result, weighted by the filter; the sizes and the gradient are those
 * of a conv2d run backwards. y[b, i s + ky d - top, j s + kx d - left, o] += x[b, i, j, c] f[ky, kx, o, c].
 *
 * x [B, H, W, C], filter [KH, KW, O, C] -> [B, OH, OW, O]; OH = H s + max(KH - s, 0) for 'valid', H s for 'same', (H - 1) s + KH - top - bottom
 * for numbers; an outputPadding p makes it (H - 1) s + KH + p and (H - 1) s + KH - 2 ⌊KH / 2⌋ + p for the two names, as in Keras.
 * @throws ShapeError for other ranks, channels that differ or a result without pixels; ArgumentError for a bad option.
 *
 *     const larger = conv2dTranspose(code, filter, { strides: 2, padding: 'same' });   // [8,7,7,32], [3,3,16,32] -> [8,14,14,16]
 */
export function conv2dTranspose(x: Tensor, filter: Tensor, options: Conv2dTransposeOptions = {}): Tensor {
  const op = 'conv2dTranspose';
  checkTensor(op, 'x', x);
  checkTensor(op, 'filter', filter);
  checkOptions(op, options, ['strides', 'padding', 'outputPadding', 'dilations']);
  checkRank(op, x.shape, 2);
  const layout = 'filters are [height, width, output channels, channels]';
  if (filter.rank !== 4) throw new ShapeError(`${op}: filter is ${formatShape(filter.shape)}; ${layout}`);
  const [kernelHeight, kernelWidth, , channels] = filter.shape;
  if (channels !== x.shape[3]) {
    throw new ShapeError(
      `${op}: channels differ: x ${formatShape(x.shape)} has ${x.shape[3]}, filter ${formatShape(filter.shape)} takes ${channels}; ${layout}`,
    );
  }
  if (kernelHeight * kernelWidth === 0) throw new ShapeError(`${op}: filter ${formatShape(filter.shape)} has no taps; ${layout}`);
  const strides = pairOf(op, 'strides', options.strides ?? 1);
  const dilations = pairOf(op, 'dilations', options.dilations ?? 1);
  const { padding = 'valid', outputPadding } = options;
  const extra = outputPadding === undefined ? undefined : checkOutputPadding(outputPadding, strides);
  const size: Pair = [x.shape[1], x.shape[2]];
  const window: Pair = [kernelHeight, kernelWidth];
  const sides = typeof padding === 'string' && (padding === 'valid' || padding === 'same') ? undefined : paddingAlong(op, padding, size, window, strides, dilations); // prettier-ignore
  const along = (axis: 0 | 1) =>
    extentOf(
      size[axis],
      span(window[axis], dilations[axis]),
      strides[axis],
      sides ? sides[axis] : padding === 'same' ? 'same' : 'valid',
      extra?.[axis],
    );
  const [rows, columns] = [along(0), along(1)];
  if (size.some((n) => n < 1) || rows.size < 1 || columns.size < 1) {
    throw new ShapeError(
      `${op}: x ${formatShape(x.shape)} under a filter of ${window.join('x')} leaves a result of ${rows.size}x${columns.size}; use less padding or a larger x`,
    );
  }
  return apply(inputGradientOp, toFloats(op, x, filter), {
    strides,
    padding: [rows.padding, columns.padding],
    dilations,
    groups: 1,
    input: [rows.size, columns.size],
  });
}
