// Batching rules that many ops share (see BatchContext). They apply an op without its own vmap rule to all examples at once.
import type { BatchContext } from '../../graph/op.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { broadcastTo, reshape, transpose } from '../shape/shape.ts';

/** Moves the mapped axis of every input to the front. Inputs shared by all examples are broadcast, without copying. */
export function spreadInputs<A>({ inputs, mapped, size }: BatchContext<A>): Tensor[] {
  return inputs.map((x, i) => (mapped[i] ? x : broadcastTo(x, [size, ...x.shape])));
}

/** For ops over axes counted from the front: adds one to each axis. */
export function shiftAxes<A extends { readonly axes: readonly number[] }>({
  inputs,
  attributes,
  apply,
}: BatchContext<A>): readonly Tensor[] {
  return apply(inputs, { ...attributes, axes: attributes.axes.map((axis) => axis + 1) });
}

/** For ops along one axis, counted from the front: adds one to it. Every input gets the examples as its first axis. */
export function shiftAxis<A extends { readonly axis: number }>(context: BatchContext<A>): readonly Tensor[] {
  const { attributes, apply } = context;
  return apply(spreadInputs(context), { ...attributes, axis: attributes.axis + 1 });
}

/**
 * For ops whose first axis is already a batch, in every input and output. Examples and batch are merged into one axis before the op and
 * split after it.
 */
export function foldIntoBatch<A>(context: BatchContext<A>): Tensor[] {
  const folded = spreadInputs(context).map((x) => reshape(x, [x.shape[0] * x.shape[1], ...x.shape.slice(2)]));
  const { size, attributes, apply } = context;
  const rows = context.inputs[0].shape[context.mapped[0] ? 1 : 0];
  return apply(folded, attributes).map((y) => reshape(y, [size, rows, ...y.shape.slice(1)]));
}

/** Moves one axis of x to another position. The others keep their order. */
export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  const order = x.shape.map((_, i) => i).filter((i) => i !== from);
  order.splice(to, 0, from);
  return transpose(x, order);
}
