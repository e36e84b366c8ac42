// Batching rules that many ops share (see BatchContext): how an op that knows nothing of vmap treats all rows at once.
import type { BatchContext } from '../../graph/op.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { broadcastTo, reshape, transpose } from '../shape/shape.ts';

/** Every input with the mapped axis in front; those that are the same for every row are shown once for each, without copying. */
export function spreadInputs<A>({ inputs, mapped, size }: BatchContext<A>): Tensor[] {
  return inputs.map((x, i) => (mapped[i] ? x : broadcastTo(x, [size, ...x.shape])));
}

/** For ops over axes counted from the front: the axes move back by one. */
export function shiftAxes<A extends { readonly axes: readonly number[] }>({
  inputs,
  attributes,
  apply,
}: BatchContext<A>): readonly Tensor[] {
  return apply(inputs, { ...attributes, axes: attributes.axes.map((axis) => axis + 1) });
}

/** For ops along one axis, counted from the front: it moves back by one, and every input has the rows in front. */
export function shiftAxis<A extends { readonly axis: number }>(context: BatchContext<A>): readonly Tensor[] {
  const { attributes, apply } = context;
  return apply(spreadInputs(context), { ...attributes, axis: attributes.axis + 1 });
}

/** For ops whose first axis is a batch already, of every input and output: rows and batch become one axis, and two again behind the op. */
export function foldIntoBatch<A>(context: BatchContext<A>): Tensor[] {
  const folded = spreadInputs(context).map((x) => reshape(x, [x.shape[0] * x.shape[1], ...x.shape.slice(2)]));
  const { size, attributes, apply } = context;
  const rows = context.inputs[0].shape[context.mapped[0] ? 1 : 0];
  return apply(folded, attributes).map((y) => reshape(y, [size, rows, ...y.shape.slice(1)]));
}

/** x with one axis taken to another place, the others in their order. */
export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  const order = x.shape.map((_, i) => i).filter((i) => i !== from);
  order.splice(to, 0, from);
  return transpose(x, order);
}
