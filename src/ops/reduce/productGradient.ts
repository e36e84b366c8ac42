// The gradient of a product.
import { sizeOf } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { mul } from '../elementwise/arithmetic.ts';
import { padInterior } from '../shape/pad.ts';
import { reshape, transpose } from '../shape/shape.ts';
import { flip, sliceAxis } from '../shape/slice.ts';

/** For each element, the product of all earlier elements along the last axis of [rows, n]. It doubles the distance in log2(n) steps. */
function productsBefore(x: Tensor): Tensor {
  const n = x.shape[1];
  // Shifts by `distance` and inserts ones.
  const shifted = (t: Tensor, distance: number): Tensor => padInterior(sliceAxis(t, 1, 0, n - distance), [[0, 0, 0], [distance, 0, 0]], 1); // prettier-ignore
  let product = shifted(x, 1);
  for (let distance = 1; distance < n; distance *= 2) product = mul(product, shifted(product, distance));
  return product;
}

/**
 * For each element, the product of all others over the axes. It uses only multiplications, so derivatives of every order are correct at 0.
 */
export function productOfOthers(x: Tensor, axes: readonly number[]): Tensor {
  const kept = x.shape.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
  const order = [...kept, ...axes];
  const ordered = transpose(x, order);
  if (x.size === 0) return x;
  const rows = reshape(ordered, [sizeOf(kept.map((i) => x.shape[i])), sizeOf(axes.map((i) => x.shape[i]))]);
  const others = mul(productsBefore(rows), flip(productsBefore(flip(rows, 1)), 1));
  const back = x.shape.map((_, i) => order.indexOf(i));
  return transpose(reshape(others, ordered.shape), back);
}
