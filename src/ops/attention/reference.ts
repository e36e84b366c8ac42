// Attention on the CPU, in plain loops over one row of scores at a time.
import type { HostArray } from '../../core/dtype.ts';
import type { HostTensor } from '../../graph/op.ts';
import { type AttentionAttributes, excluded, nothing } from './scores.ts';

/** Sizes of q [B, H, T, D], k and v [B, H, S, D]. */
export interface AttentionSizes {
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
}

export const sizesOf = (q: Pick<HostTensor, 'shape'>, k: Pick<HostTensor, 'shape'>): AttentionSizes => ({
  heads: q.shape[0] * q.shape[1],
  queries: q.shape[2],
  keys: k.shape[2],
  depth: q.shape[3],
});

/** Writes scale q · k + mask of one query, for all keys, into `scores`. */
function scoreRow(
  scores: Float64Array,
  inputs: readonly HostTensor[],
  { scale, causal, masked }: AttentionAttributes,
  { keys, queries, depth }: AttentionSizes,
  head: number,
  row: number,
): void {
  const [q, k] = inputs;
  const mask = inputs[inputs.length - 1];
  for (let s = 0; s < keys; s++) {
    let sum = 0;
    for (let d = 0; d < depth; d++) sum += q.data[(head * queries + row) * depth + d] * k.data[(head * keys + s) * depth + d];
    sum *= scale;
    if (masked) sum += mask.data[(head * queries + row) * keys + s];
    scores[s] = causal && s > row ? excluded : sum;
  }
}

/** softmax(scale q kᵀ + mask) v [B, H, T, D], and log Σ exp of each row of scores [B, H, T]. */
export function attend(inputs: readonly HostTensor[], attributes: AttentionAttributes, result: HostArray, logSumExp: HostArray): void {
  const v = inputs[2];
  const sizes = sizesOf(inputs[0], inputs[1]);
  const { heads, queries, keys, depth } = sizes;
  const scores = new Float64Array(keys);
  const sums = new Float64Array(depth);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < queries; row++) {
      scoreRow(scores, inputs, attributes, sizes, head, row);
      let largest = nothing;
      for (const score of scores) largest = Math.max(largest, score);
      let total = 0;
      sums.fill(0);
      for (let s = 0; s < keys; s++) {
        if (scores[s] <= nothing) continue;
        const weight = Math.exp(scores[s] - largest);
        total += weight;
        for (let d = 0; d < depth; d++) sums[d] += weight * v.data[(head * keys + s) * depth + d];
      }
      const position = head * queries + row;
      logSumExp[position] = total === 0 ? 0 : largest + Math.log(total);
      for (let d = 0; d < depth; d++) result[position * depth + d] = total === 0 ? 0 : sums[d] / total;
    }
  }
}

/**
 * Visits all pairs with a non-zero weight. With P = exp(score - logSumExp) and E = g · v - delta, calls visit(query, key, P, scale P E);
 * both positions count over all heads.
 */
export function forEachWeight(
  inputs: readonly HostTensor[],
  attributes: AttentionAttributes,
  visit: (query: number, key: number, weight: number, slope: number) => void,
): void {
  const [q, k, v, g, logSumExp, delta] = inputs;
  const sizes = sizesOf(q, k);
  const { heads, queries, keys, depth } = sizes;
  const scores = new Float64Array(keys);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < queries; row++) {
      scoreRow(scores, inputs, attributes, sizes, head, row);
      const query = head * queries + row;
      for (let s = 0; s < keys; s++) {
        if (scores[s] <= nothing) continue;
        const key = head * keys + s;
        let product = 0;
        for (let d = 0; d < depth; d++) product += g.data[query * depth + d] * v.data[key * depth + d];
        const weight = Math.exp(scores[s] - logSumExp.data[query]);
        visit(query, key, weight, attributes.scale * weight * (product - delta.data[query]));
      }
    }
  }
}
