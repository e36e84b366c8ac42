// Windows on the CPU, tap by tap, along any number of axes. The references of pooling, depthwise and volume kernels use it.
import type { Windows } from './extent.ts';

export interface TapSizes extends Windows {
  readonly batch: number;
  /** Size of input, window and output along each axis. */
  readonly input: readonly number[];
  readonly window: readonly number[];
  readonly output: readonly number[];
}

/**
 * Calls visit(index in the output, tap of the window, index in the input) for every tap outside of padding. Indices count over the batch.
 */
export function forEachTap(
  { batch, input, window, output, strides, padding, dilations }: TapSizes,
  visit: (out: number, tap: number, at: number) => void,
): void {
  const walk = (axis: number, out: number, tap: number, at: number): void => {
    if (axis === input.length) {
      visit(out, tap, at);
      return;
    }
    for (let o = 0; o < output[axis]; o++) {
      for (let k = 0; k < window[axis]; k++) {
        const i = o * strides[axis] + k * dilations[axis] - padding[axis][0];
        if (i >= 0 && i < input[axis]) walk(axis + 1, out * output[axis] + o, tap * window[axis] + k, at * input[axis] + i);
      }
    }
  };
  for (let item = 0; item < batch; item++) walk(0, item, 0, item);
}
