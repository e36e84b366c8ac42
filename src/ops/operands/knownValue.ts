// Queries of simplify hooks about an operand.
import { constantValue } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';

/** The number that every element has, for a constant or views of one (such as a broadcast constant). undefined if unknown. */
export function uniformValue(tensor: Tensor): number | undefined {
  const own = constantValue(tensor);
  if (own !== undefined) return own;
  const node = tensor.node;
  return node?.op.lowering.kind === 'view' ? uniformValue(node.inputs[0]) : undefined;
}

/**
 * Whether x + tensor may be replaced by x. -0 is the exact identity of addition; (-0) + 0 is +0, a difference that does not matter in
 * training.
 */
export const isZero = (tensor: Tensor): boolean => uniformValue(tensor) === 0;

/** Whether the tensor is a constant that divides finite numbers to finite results. */
export function isDivisor(tensor: Tensor): boolean {
  const value = uniformValue(tensor);
  return value !== undefined && value !== 0 && !Number.isNaN(value);
}

export const isOne = (tensor: Tensor): boolean => uniformValue(tensor) === 1;

/** The input of a node made by the op of that name; otherwise undefined. */
export function inputOf(tensor: Tensor, opName: string): Tensor | undefined {
  return tensor.node?.op.name === opName ? tensor.node.inputs[0] : undefined;
}
