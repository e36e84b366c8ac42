// Rows of a table of vectors, with LoRA or packed as int8.
import type { Tensor } from '../../../graph/tensor.ts';
import { add, embedding as lookUp, gather, matmul, mul } from '../../../ops/index.ts';
import { unpackBytes } from '../../../ops/matmul/packed.ts';

/** embeddings[ids] + A[ids] B: only the rows in the indices are multiplied, or unpacked. */
export function loraRows(parameters: Readonly<Record<string, Tensor | undefined>>, ids: Tensor, outputDim: number): Tensor {
  const { embeddingsInt8: packed, embeddingsScale: scale } = parameters;
  if (packed && scale) return mul(unpackBytes(gather(packed, ids), outputDim), gather(scale, ids));
  const { embeddings, embeddingsLoraA: a, embeddingsLoraB: b } = parameters;
  const rows = lookUp(embeddings!, ids);
  return a && b ? add(rows, matmul(lookUp(a, ids), b)) : rows;
}
