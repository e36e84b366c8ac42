// Attention with linear biases: scores are lowered by the distance of query and key. Press et al., Train Short, Test Long, 2021.
import { type Tensor, hostTensor } from '../../../graph/tensor.ts';
import { iota } from '../../../ops/create/create.ts';
import { abs, add, cast, mul, reshape, sub } from '../../../ops/index.ts';

/**
 * -slope |query - key| for each head, to be added to scores: [heads, queries, keys]. The last query belongs to the last key. With `at`, the positions
 * of the only query of each sequence, i32 [batch]: [batch, heads, 1, keys].
 */
export function alibiBias(
  heads: number,
  queries: number,
  keys: number,
  { at, maxBias = 8 }: { readonly at?: Tensor | undefined; readonly maxBias?: number } = {},
): Tensor {
  const slopes = Float32Array.from({ length: heads }, (_, head) => -(2 ** ((-maxBias * (head + 1)) / heads)));
  const places = at ? reshape(at, [at.shape[0], 1, 1, 1]) : reshape(add(iota(queries), keys - queries), [queries, 1]);
  const distance = abs(sub(places, reshape(iota(keys), [1, keys])));
  return mul(hostTensor({ shape: [heads, 1, 1], dtype: 'f32' }, slopes), cast(distance, 'f32'));
}
