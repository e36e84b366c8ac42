// Rows of a table of vectors, with LoRA.
import type { Tensor } from '../../../graph/tensor.ts';
import { add, embedding as lookUp, matmul } from '../../../ops/index.ts';

/** embeddings[ids] + A[ids] B: only the rows of A that are asked for are multiplied. */
export function loraRows(parameters: Readonly<Record<string, Tensor | undefined>>, ids: Tensor): Tensor {
  const { embeddings, embeddingsLoraA: a, embeddingsLoraB: b } = parameters;
  const rows = lookUp(embeddings!, ids);
  return a && b ? add(rows, matmul(lookUp(a, ids), b)) : rows;
}
