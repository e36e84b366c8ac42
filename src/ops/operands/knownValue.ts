// What simplify hooks ask about an operand.
import { constantValue } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';

/** The number every element has: a constant, or views of one (a constant broadcast to a shape); undefined where unknown. */
export function uniformValue(tensor: Tensor): number | undefined {
  const own = constantValue(tensor);
  if (own !== undefined) return own;
  const node = tensor.node;
  return node?.op.lowering.kind === 'view' ? uniformValue(node.inputs[0]) : undefined;
}

/** True for x + 0's zero. -0 is the identity of addition, +0 is not quite: (-0) + 0 is +0, a difference nobody trains on. */
export const isZero = (tensor: Tensor): boolean => uniformValue(tensor) === 0;

/** A constant by which finite numbers are divided to finite ones. */
export function isDivisor(tensor: Tensor): boolean {
  const value = uniformValue(tensor);
  return value !== undefined && value !== 0 && !Number.isNaN(value);
}

export const isOne = (tensor: Tensor): boolean => uniformValue(tensor) === 1;

/** The input of a node made by the op of that name, or undefined. */
export function inputOf(tensor: Tensor, opName: string): Tensor | undefined {
  return tensor.node?.op.name === opName ? tensor.node.inputs[0] : undefined;
}
