// gather, scatterSum and scatterReduce under vmap. If every example has its own indices, the examples' tables are stacked into one, and
// each example's indices are offset to its part.
import type { BatchContext } from '../../graph/op.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, mul } from '../elementwise/arithmetic.ts';
import { moveAxis, spreadInputs } from './batching.ts';
import { cast } from '../elementwise/cast.ts';
import { iota } from '../create/create.ts';
import { clip } from '../elementwise/select.ts';
import { reshape } from '../shape/shape.ts';

/**
 * Indices [B, ..I] into tables of `rows` rows -> indices into the B stacked tables. They are clamped first, so that none leaves its own
 * table.
 */
export function intoStack(indices: Tensor, rows: number): Tensor {
  const [size, ...rest] = indices.shape;
  const starts = reshape(mul(cast(iota(size), indices.dtype), rows), [size, ...rest.map(() => 1)]);
  return add(clip(indices, 0, Math.max(0, rows - 1)), starts);
}

/** Moves `count` axes at `from` to `to`, which is before them, one by one. */
function moveAxes(x: Tensor, from: number, to: number, count: number): Tensor {
  let y = x;
  for (let i = 0; i < count; i++) y = moveAxis(y, from + i, to + i);
  return y;
}

/** x [..P, N, ..Q], indices [..I] -> [..P, ..I, ..Q] for every example */
export function batchGather(context: BatchContext<{ readonly axis: number }>): readonly Tensor[] {
  const { inputs, mapped, attributes, apply } = context;
  const { axis } = attributes;
  const [x, indices] = inputs;
  if (!mapped[1]) return apply([x, indices], { axis: axis + 1 });
  // One table for all: [..P, B, ..I, ..Q]
  if (!mapped[0]) return apply([x, indices], attributes).map((y) => moveAxis(y, axis, 0));
  const [size, rows] = [x.shape[0], x.shape[axis + 1]];
  const front = moveAxis(x, axis + 1, 1);
  const stacked = reshape(front, [size * rows, ...front.shape.slice(2)]);
  // [B, ..I, ..P, ..Q]
  const taken = apply([stacked, intoStack(indices, rows)], { axis: 0 });
  return taken.map((y) => moveAxes(y, indices.rank, 1, axis));
}

/** updates [..P, ..I, ..Q], indices [..I] -> [..P, rows, ..Q] for every example */
export function batchScatterSum(context: BatchContext<{ readonly axis: number; readonly rows: number }>): readonly Tensor[] {
  const { inputs, mapped, size, attributes, apply } = context;
  const { axis, rows } = attributes;
  if (!mapped[1]) return apply(inputs, { axis: axis + 1, rows });
  const [updates, indices] = spreadInputs(context);
  // [B, ..I, ..P, ..Q] into [B * rows, ..P, ..Q]
  const front = moveAxes(updates, axis + 1, 1, indices.rank - 1);
  const sums = apply([front, intoStack(indices, rows)], { axis: 0, rows: size * rows });
  return sums.map((y) => moveAxis(reshape(y, [size, rows, ...y.shape.slice(1)]), 1, axis + 1));
}

/** x [..P, N, ..Q], indices [K], updates [..P, K, ..Q] -> [..P, N, ..Q] for every example */
export function batchScatterRows<A extends { readonly axis: number }>(context: BatchContext<A>): readonly Tensor[] {
  const { mapped, size, attributes, apply } = context;
  const { axis } = attributes;
  const [x, indices, updates] = spreadInputs(context);
  if (!mapped[1]) return apply([x, context.inputs[1], updates], { ...attributes, axis: axis + 1 });
  // [B, N, ..P, ..Q] as [B * N, ..P, ..Q]
  const front = [x, updates].map((t) => moveAxis(t, axis + 1, 1));
  const [table, rows] = front.map((t) => reshape(t, [size * t.shape[1], ...t.shape.slice(2)]));
  const stacked = reshape(intoStack(indices, x.shape[axis + 1]), [size * indices.shape[1]]);
  return apply([table, stacked, rows], { ...attributes, axis: 0 }).map((y) => moveAxis(reshape(y, front[0].shape), 1, axis + 1));
}
