// Estimated operations of dispatches. They decide where the commands of a step are cut, and never change results. One operation is a
// multiplication or an addition of a good matrix product; slower work counts as more operations.
import { sizeOf } from '../core/shape.ts';
import type { Node } from '../graph/tensor.ts';

/** Operations of a product in the time in which memory moves one byte. On an NVIDIA H200: 33 TFLOP/s and 4,250 GB/s. */
const perByte = 8;
/** Operations of an elementwise op for one element. */
const perElement = 8;

/** Operations that move these bytes once. */
export const movingBytes = (bytes: number): number => perByte * bytes;

/** Operations of a group's elementwise nodes and reductions. Kernels of other nodes report their own. */
export function arithmeticOf(nodes: readonly Node[]): number {
  let operations = 0;
  for (const { op, inputs, types } of nodes) {
    if (op.lowering.kind === 'elementwise') operations += perElement * sizeOf(types[0].shape);
    else if (op.lowering.kind === 'reduction') operations += perElement * sizeOf(inputs[0].shape);
  }
  return operations;
}
