// Encodings of indices as vectors: one-hot, multi-hot, counts and tf-idf. An index outside of 0 to depth - 1 adds nothing.
import { type Shape, sizeOf } from '../../../core/shape.ts';
import { type Tensor, hostTensor } from '../../../graph/tensor.ts';
import { max, mul, oneHot, reshape, sum } from '../../../ops/index.ts';

export type Encoding = 'int' | 'oneHot' | 'multiHot' | 'count' | 'tfIdf';

/** Shape of the encoding of indices. The first axis of `shape` is the batch, unless it has none. */
export function encodedShape(shape: Shape, mode: Encoding, depth: number): Shape {
  if (mode === 'int') return shape;
  const rest = shape.slice(0, -1);
  if (mode === 'oneHot') return shape.length > 1 && shape[shape.length - 1] === 1 ? [...rest, depth] : [...shape, depth];
  return shape.length > 1 ? [...rest, depth] : [...shape, depth];
}

/** Indices [batch, ..] as vectors. The last axis after the batch is summed, but for 'oneHot'. Weights multiply counts, one for each index. */
export function encode(indices: Tensor, mode: Encoding, depth: number, details: { weights?: Tensor; idf?: Tensor } = {}): Tensor {
  if (mode === 'int') return indices;
  const hot = oneHot(indices, depth);
  const shape = encodedShape(indices.shape, mode, depth);
  if (mode === 'oneHot') return reshape(hot, shape);
  const { weights, idf } = details;
  const weighted = weights ? mul(hot, reshape(weights, [...weights.shape, 1])) : hot;
  if (mode === 'multiHot') return indices.rank > 1 ? max(hot, { axis: -2 }) : hot;
  const counts = indices.rank > 1 ? sum(weighted, { axis: -2 }) : weighted;
  return idf ? mul(counts, idf) : counts;
}

/** The same on the host. One number without a batch, or a single list without one, is one sample. */
export function encodeOnHost(indices: ArrayLike<number>, shape: Shape, mode: Encoding, depth: number, idf?: readonly number[]): Tensor {
  if (mode === 'int') return hostTensor({ shape, dtype: 'i32' }, Int32Array.from(indices));
  const outShape = encodedShape(shape, mode, depth);
  const out = new Float32Array(sizeOf(outShape));
  const perVector = mode === 'oneHot' || shape.length < 2 ? 1 : shape[shape.length - 1];
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (index < 0 || index >= depth) continue;
    const at = Math.floor(i / perVector) * depth + index;
    if (mode === 'oneHot' || mode === 'multiHot') out[at] = 1;
    else out[at] += idf?.[index] ?? 1;
  }
  return hostTensor({ shape: outShape, dtype: 'f32' }, out);
}
