// Windows of convolution and pooling layers. The ops place the windows; layers offer the two paddings that have names.
import { type Kind, oneOf } from '../core/optionKinds.ts';
import type { Shape } from '../core/shape.ts';
import { type Pair, resolvePadding, windowsOver } from '../ops/conv/geometry.ts';

export type WindowPadding = 'valid' | 'same';

export const paddingKind: Kind<WindowPadding> = /* @__PURE__ */ oneOf('valid', 'same');

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
