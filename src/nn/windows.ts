// What convolution and pooling layers share. Where windows lie is the ops' business; layers offer the two paddings that have names.
import { ArgumentError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { type Pair, resolvePadding, windowsOver } from '../ops/conv/geometry.ts';

/** One positive integer for both directions, or [height, width]. */
export type PairOption = number | Pair;
export type WindowPadding = 'valid' | 'same';

export function checkPadding(where: string, padding: unknown): asserts padding is WindowPadding {
  if (padding === 'valid' || padding === 'same') return;
  throw new ArgumentError(`${where}: padding is ${JSON.stringify(padding)}; it must be 'valid' or 'same'`);
}

export interface WindowSizes {
  readonly size: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly padding: WindowPadding;
}

/** Height and width that the windows leave of an input [height, width, channels]. */
export function windowedShape(where: string, shape: Shape, { size, strides, dilations, padding }: WindowSizes): Pair {
  const image = shape.slice(0, 2);
  return windowsOver(where, image, size, { strides, dilations, padding: resolvePadding(where, padding, image, size, strides, dilations) });
}
