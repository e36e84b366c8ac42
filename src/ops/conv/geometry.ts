// Where windows lie: strides, padding and dilation of convolution and pooling over [batch, height, width, channels].
import { ArgumentError, ShapeError } from '../../core/errors.ts';
import type { Shape } from '../../core/shape.ts';
import { formatShape } from '../../core/shape.ts';

export type Pair = readonly [number, number];
/** [[top, bottom], [left, right]] */
export type Padding2d = readonly [Pair, Pair];

/** How far windows step, how much zero padding surrounds the image, how far apart the taps of a window are: each [height, width]. */
export interface Window2d {
  readonly strides: Pair;
  readonly padding: Padding2d;
  readonly dilations: Pair;
}

/** One positive whole number for both directions, or one for each. */
export function pairOf(op: string, name: string, value: number | readonly number[]): Pair {
  const pair = typeof value === 'number' ? [value, value] : value;
  if (!Array.isArray(pair) || pair.length !== 2 || pair.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new ArgumentError(`${op}: ${name} is ${JSON.stringify(value)}; give a positive whole number, or two: [height, width]`);
  }
  return [pair[0], pair[1]];
}

/** Size of a window including the gaps of dilation. */
const span = (size: number, dilation: number): number => (size - 1) * dilation + 1;

/**
 * Padding in numbers. `same` keeps ceil(size / stride) windows, with the odd one of the padding at the end, as TensorFlow does.
 * @throws ArgumentError for anything but 'valid', 'same' or [[top, bottom], [left, right]].
 */
export function resolvePadding(
  op: string,
  padding: 'valid' | 'same' | Padding2d,
  size: Shape,
  window: Pair,
  strides: Pair,
  dilations: Pair,
): Padding2d {
  if (padding === 'valid')
    return [
      [0, 0],
      [0, 0],
    ];
  if (padding === 'same') {
    const along = (axis: 0 | 1): Pair => {
      const windows = Math.ceil(size[axis] / strides[axis]);
      const total = Math.max(0, (windows - 1) * strides[axis] + span(window[axis], dilations[axis]) - size[axis]);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    };
    return [along(0), along(1)];
  }
  if (!isPadding(padding)) {
    throw new ArgumentError(
      `${op}: padding is ${JSON.stringify(padding)}; give 'valid', 'same' or [[top, bottom], [left, right]] in pixels`,
    );
  }
  return padding;
}

function isPadding(padding: unknown): padding is Padding2d {
  const isPair = (side: unknown): boolean =>
    Array.isArray(side) && side.length === 2 && side.every((n) => Number.isInteger(n) && (n as number) >= 0);
  return Array.isArray(padding) && padding.length === 2 && padding.every(isPair);
}

/** How many windows fit: [height, width] of the output. */
export function windowsOver(op: string, size: Shape, window: Pair, { strides, padding, dilations }: Window2d): Pair {
  const along = (axis: 0 | 1): number => {
    const room = size[axis] + padding[axis][0] + padding[axis][1] - span(window[axis], dilations[axis]);
    if (room < 0) {
      throw new ShapeError(
        `${op}: a window of ${window.join('x')}${dilations.some((d) => d > 1) ? ` (dilated by ${dilations.join('x')})` : ''} does not fit ` +
          `into an image of ${size[0]}x${size[1]}; use padding 'same' or a smaller window`,
      );
    }
    return Math.floor(room / strides[axis]) + 1;
  };
  return [along(0), along(1)];
}

/** Throws unless x is [batch, height, width, channels]. */
export function checkImages(op: string, shape: Shape): void {
  if (shape.length === 4) return;
  throw new ShapeError(`${op}: x is ${formatShape(shape)}; images are [batch, height, width, channels], use reshape or expandDims`);
}

/** Throws where a window could lie in padding alone: it would have no largest element. */
export function checkCovered(op: string, padding: Padding2d, window: Pair): void {
  for (const axis of [0, 1]) {
    if (Math.max(...padding[axis]) < window[axis]) continue;
    throw new ArgumentError(`${op}: padding ${JSON.stringify(padding)} is as large as the window ${window.join('x')}; keep it smaller`);
  }
}
