import type { Tensor } from '../../../graph/tensor.ts';
import { transpose } from '../../../ops/index.ts';

/** The tensor with an axis moved to the end, and a function that moves it back. */
export function featuresLast(x: Tensor, axis: number): { readonly moved: Tensor; readonly back: (y: Tensor) => Tensor } {
  const last = x.rank - 1;
  if (axis === last) return { moved: x, back: (y) => y };
  const order = Array.from({ length: x.rank }, (_, i) => i).filter((i) => i !== axis);
  const backwards = [...order.slice(0, axis), last, ...order.slice(axis).map((i) => i - 1)];
  return { moved: transpose(x, [...order, axis]), back: (y) => transpose(y, backwards) };
}
