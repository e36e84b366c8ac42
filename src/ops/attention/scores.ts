// Attention as a composition of ops. Short sequences and gradients of gradients use it, and tests compare the kernels with it.
import type { Tensor } from '../../graph/tensor.ts';
import { add, div, mul, sub } from '../elementwise/arithmetic.ts';
import { greater, lessEqual } from '../elementwise/comparison.ts';
import { iota } from '../create/create.ts';
import { exp } from '../elementwise/exponential.ts';
import { matmul } from '../matmul/matmul.ts';
import { max, sum } from '../reduce/reduce.ts';
import { clip, where } from '../elementwise/select.ts';
import { reshape, stopGradient } from '../shape/shape.ts';

export interface AttentionAttributes {
  /** Query t sees the keys 0 … t. */
  readonly causal: boolean;
  readonly scale: number;
  /** Whether the last input is a mask to add to the scores. */
  readonly masked: boolean;
  /** Whether a GPU may store the scores of all heads instead, if they fit into memory. @default false */
  readonly mayStore?: boolean;
}

/** A score at or below this has the weight 0. */
export const nothing = -1e37;
/** Score of a key that is hidden from the query. WGSL does not guarantee infinities. */
export const excluded = -3e38;

/** scale q kᵀ + mask [B, H, T, S]. */
export function scoresOf(q: Tensor, k: Tensor, mask: Tensor | undefined, { causal, scale }: AttentionAttributes): Tensor {
  const products = mul(matmul(q, k, { transposeB: true }), scale);
  const scores = mask ? add(products, mask) : products;
  if (!causal) return scores;
  const [queries, keys] = scores.shape.slice(-2);
  return where(lessEqual(reshape(iota(keys), [1, keys]), reshape(iota(queries), [queries, 1])), scores, excluded);
}

/** softmax(scale q kᵀ + mask) v; zeros for a query that sees no key. `change` is applied to the weights, for dropout. */
export function composedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask: Tensor | undefined,
  attributes: AttentionAttributes,
  change: (weights: Tensor) => Tensor = (weights) => weights,
): Tensor {
  return matmul(change(weightsOf(scoresOf(q, k, mask, attributes), mask !== undefined)), v);
}

/** softmax of scores, of which excluded ones have the weight 0. `masked` if all scores of a query may be excluded. */
export function weightsOf(scores: Tensor, masked: boolean): Tensor {
  // The shift stays far above excluded scores. So their exponentials are 0 even if all keys are excluded.
  const shift = clip(stopGradient(max(scores, { axis: -1, keepDims: true })), nothing, Infinity);
  const powers = exp(sub(scores, shift));
  const total = sum(powers, { axis: -1, keepDims: true });
  return div(powers, masked ? where(greater(total, 0), total, 1) : total);
}
