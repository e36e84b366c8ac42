// The two leaf ops: constants, and placeholders for values that are given when the graph runs.
import type { Dtype } from '../core/dtype.ts';
import { TraceError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { defineOp } from './op.ts';
import { type Tensor, apply, placeholderName } from './tensor.ts';

/**
 * A scalar that is known when the graph is built. In evaluate() it becomes an input of the program, so a changing number does not compile
 * again.
 */
export const constantOp = defineOp<{ readonly value: number; readonly dtype: Dtype }>({
  name: 'constant',
  infer: (_, { dtype }) => [{ shape: [], dtype }],
  vjp: () => [],
  reference: ({ attributes, allocate }) => [allocate(attributes.dtype, 1).fill(attributes.value)],
  lowering: { kind: 'leaf' },
});

export const constant = (value: number, dtype: Dtype): Tensor => apply(constantOp, [], { value, dtype });

/** Returns the number of a constant node, or undefined. */
export function constantValue(tensor: Tensor): number | undefined {
  const node = tensor.node;
  return node && node.op.name === constantOp.name ? (node.attributes as { value: number }).value : undefined;
}

/** An input of a graph. Scalar inputs share one small buffer that is written before each run. */
export const placeholderOp = defineOp<{
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly position: number;
  readonly scalar: boolean;
  readonly label: string;
}>({
  name: placeholderName,
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  vjp: () => [],
  reference: ({ attributes }) => {
    throw new TraceError(`placeholder ${attributes.label} has no value: it is an argument of a function being traced`);
  },
  lowering: { kind: 'leaf' },
});

export interface PlaceholderOptions {
  position: number;
  scalar?: boolean;
  label?: string;
}

export const placeholder = (
  shape: Shape,
  dtype: Dtype,
  { position, scalar = false, label = `input ${position}` }: PlaceholderOptions,
): Tensor => apply(placeholderOp, [], { shape, dtype, position, scalar, label });

export const isPlaceholder = (tensor: Tensor): boolean => tensor.node?.op.name === placeholderOp.name;

/** Whether a tensor is a placeholder whose value is written to the shared buffer of scalars. */
export const isScalarInput = (tensor: Tensor): boolean => isPlaceholder(tensor) && (tensor.node!.attributes as { scalar: boolean }).scalar;
