// Windows over images [batch, height, width, channels]: extent.ts for two axes.
import type { Shape } from '../../core/shape.ts';
import { type Sides, checkOverlap, checkRank, paddingAlong, sizesAlong, windowsAlong } from './extent.ts';

export type Pair = readonly [number, number];
/** [[top, bottom], [left, right]] */
export type Padding2d = readonly [vertical: Sides, horizontal: Sides];

/** Step of the windows, zero padding around the image, and distance between the taps: each [height, width]. */
export interface Window2d {
  readonly strides: Pair;
  readonly padding: Padding2d;
  readonly dilations: Pair;
}

/** One positive whole number for both directions, or one for each. */
export function pairOf(op: string, name: string, value: number | readonly number[]): Pair {
  const [height, width] = sizesAlong(op, name, value, 2);
  return [height, width];
}

/**
 * Padding in numbers. `same` keeps ceil(size / stride) windows, and puts the odd pixel of padding at the end, like TensorFlow.
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
  const [rows, columns] = paddingAlong(op, padding, size, window, strides, dilations);
  return [rows, columns];
}

/** Number of windows, [height, width] of the output. */
export function windowsOver(op: string, size: Shape, window: Pair, windows: Window2d): Pair {
  const [height, width] = windowsAlong(op, size, window, windows);
  return [height, width];
}

/** Throws unless x is [batch, height, width, channels]. */
export const checkImages = (op: string, shape: Shape): void => checkRank(op, shape, 2);

/** Throws if a window could be entirely in padding: it would have no largest element. */
export const checkCovered = (op: string, padding: Padding2d, window: readonly number[]): void => checkOverlap(op, padding, window);
