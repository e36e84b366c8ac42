// Gathering rows by index, and sums into rows by index. Each is the gradient of the other.
import { promote } from '../../core/dtype.ts';
import { DtypeError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, formatShape, normalizeAxis, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkTensor } from '../operands/arguments.ts';
import { add } from '../elementwise/arithmetic.ts';
import { batchGather, batchScatterSum } from '../batching/batchIndexed.ts';
import { cast } from '../elementwise/cast.ts';
import { planGather } from './gatherPlan.ts';
import { checkIndices, checkRange, clampIndex } from '../operands/indices.ts';
import { planScatter } from './scatterPlan.ts';
import { broadcastTo } from '../shape/shape.ts';

/** Splits a shape at one axis: [outer, rows, inner]. */
function cut(shape: Shape, axis: number): { outer: number; rows: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), rows: shape[axis], inner: sizeOf(shape.slice(axis + 1)) };
}

/** x [..P, N, ..Q], indices [..I] -> [..P, ..I, ..Q] */
const gatherOp: OpDefinition<{ readonly axis: number }> = defineOp<{ readonly axis: number }>({
  name: 'gather',
  infer: ([x, indices], { axis }) => {
    checkIndices('gather', indices);
    if (x.shape[axis] === 0 && sizeOf(indices.shape) > 0) {
      throw new ShapeError(`gather: axis ${axis} of ${formatShape(x.shape)} is empty, there is nothing to take`);
    }
    return [{ shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], dtype: x.dtype }];
  },
  batch: batchGather,
  // y[i] = x[index[i]]:  dx[r] = Σ dy[i] over the i with index[i] = r
  vjp: ({ inputs: [x, indices], cotangents: [g], attributes: { axis } }) => [
    g && apply(scatterSumOp, [g, indices], { axis, rows: x.shape[axis] }),
    undefined,
  ],
  reference: ({ inputs: [x, indices], outputs: [y], attributes: { axis }, allocate }) => {
    const { outer, rows, inner } = cut(x.shape, axis);
    const out = allocate(y.dtype, sizeOf(y.shape));
    let to = 0;
    for (let p = 0; p < outer; p++) {
      for (const index of indices.data) {
        const from = (p * rows + clampIndex(index, rows)) * inner;
        for (let q = 0; q < inner; q++) out[to++] = x.data[from + q];
      }
    }
    return [out];
  },
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    plan: (context) => {
      const [x, indices] = context.inputs;
      return planGather(context, {
        name: 'gather',
        ...cut(x.shape, context.attributes.axis),
        count: sizeOf(indices.shape),
        ownIndices: false,
      });
    },
  },
});

/** updates [..P, ..I, ..Q], indices [..I] -> [..P, rows, ..Q]: the sum of the updates of each row, added in a fixed order. */
const scatterSumOp: OpDefinition<{ readonly axis: number; readonly rows: number }> = defineOp<{
  readonly axis: number;
  readonly rows: number;
}>({
  name: 'scatterSum',
  infer: ([updates, indices], { axis, rows }) => {
    checkIndices('scatterAdd', indices);
    return [{ shape: [...updates.shape.slice(0, axis), rows, ...updates.shape.slice(axis + indices.shape.length)], dtype: updates.dtype }];
  },
  batch: batchScatterSum,
  // y[r] = Σ u[i] over the i with index[i] = r:  du[i] = dy[index[i]]
  vjp: ({ inputs: [, indices], cotangents: [g], attributes: { axis } }) => [g && apply(gatherOp, [g, indices], { axis }), undefined],
  reference: ({ inputs: [updates, indices], outputs: [y], attributes: { axis, rows }, allocate }) => {
    const { outer, inner } = cut(y.shape, axis);
    const sums = new Float64Array(sizeOf(y.shape));
    let from = 0;
    for (let p = 0; p < outer; p++) {
      for (const index of indices.data) {
        const to = (p * rows + clampIndex(index, rows)) * inner;
        for (let q = 0; q < inner; q++) sums[to + q] += updates.data[from++];
      }
    }
    const out = allocate(y.dtype, sums.length);
    // Integers wrap around, like on the GPU.
    for (let i = 0; i < sums.length; i++) out[i] = sums[i];
    return [out];
  },
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [, indices], outputs: [y], attributes: { axis, rows }, target }) => {
      const { outer, inner } = cut(y.shape, axis);
      return planScatter({ outer, rows, count: sizeOf(indices.shape), inner, ownIndices: false }, indices, y, target);
    },
  },
});

/** gather without its checks. */
export const takeRows = (x: Tensor, indices: Tensor, axis: number): Tensor => apply(gatherOp, [x, indices], { axis });
export const sumRows = (updates: Tensor, indices: Tensor, axis: number, rows: number): Tensor =>
  apply(scatterSumOp, [updates, indices], { axis, rows });

const axisText = (axis: number, x: Tensor): string => `axis ${axis} of ${formatShape(x.shape)}`;

export interface AxisOption {
  /** Axis of the indices. @default 0 */
  readonly axis?: number;
}

/**
 * Rows of x by index: with axis 0, y[i, …] = x[indices[i], …]. An index outside the axis is an error if the host has it, as in
 * tensor([...]). An index that a kernel computed, or an input of a compiled function, is clamped to the axis on every device. The gradient
 * is scatterAdd.
 *
 * x [..P, N, ..Q], indices i32 or u32 [..I] -> [..P, ..I, ..Q].
 * @throws DtypeError if indices are not integers, ShapeError for an axis that x does not have, DataError for a known index outside it.
 *
 *     const rows = gather(x, tensor([2, 0, 2]));            // [5,3] -> [3,3]
 *     const columns = gather(x, tensor([1]), { axis: 1 });    // [5,3] -> [5,1]
 */
export function gather(x: Tensor, indices: Tensor, options: AxisOption = {}): Tensor {
  checkTensor('gather', 'x', x);
  checkTensor('gather', 'indices', indices);
  checkOptions('gather', options, ['axis']);
  const axis = normalizeAxis('gather', options.axis ?? 0, x.rank);
  const y = apply(gatherOp, [x, indices], { axis });
  checkRange('gather', indices, x.shape[axis], axisText(axis, x));
  return y;
}

/**
 * One row of the table for each index: gather along axis 0, under its name in models. Indices outside the table are treated as in gather.
 *
 * table [N, D], indices i32 or u32 [..I] -> [..I, D].
 * @throws ShapeError if the table is not a matrix, DtypeError if indices are not integers, DataError for a known index outside the table.
 *
 *     const vectors = embedding(table, tokens);   // [1000,64], [8,32] -> [8,32,64]
 */
export function embedding(table: Tensor, indices: Tensor): Tensor {
  checkTensor('embedding', 'table', table);
  checkTensor('embedding', 'indices', indices);
  if (table.rank !== 2) throw new ShapeError(`embedding: table is ${formatShape(table.shape)}; it must be [rows, features]`);
  checkIndices('embedding', indices);
  const [rows] = table.shape;
  if (rows === 0 && indices.size > 0)
    throw new ShapeError(`embedding: table ${formatShape(table.shape)} is empty, there is nothing to take`);
  checkRange('embedding', indices, rows, `the table ${formatShape(table.shape)}`);
  return apply(gatherOp, [table, indices], { axis: 0 });
}

/**
 * Adds updates to rows of x by index: with axis 0, y = x, then y[indices[i], …] += updates[i, …] for every i. Updates of the same row are
 * added in their order, so the result is reproducible. Updates broadcast. Indices outside the axis are treated as in gather.
 *
 * x [..P, N, ..Q], indices i32 or u32 [..I], updates [..P, ..I, ..Q] -> [..P, N, ..Q].
 * @throws DtypeError for bool or non-integer indices, ShapeError if updates do not broadcast, DataError for a known index outside the axis.
 *
 *     const counts = scatterAdd(zeros([10]), labels, ones([32]));   // how often each label occurs
 */
export function scatterAdd(x: Tensor, indices: Tensor, updates: Tensor, options: AxisOption = {}): Tensor {
  checkTensor('scatterAdd', 'x', x);
  checkTensor('scatterAdd', 'indices', indices);
  checkTensor('scatterAdd', 'updates', updates);
  checkOptions('scatterAdd', options, ['axis']);
  const axis = normalizeAxis('scatterAdd', options.axis ?? 0, x.rank);
  const dtype = promote('scatterAdd', x.dtype, updates.dtype);
  if (dtype === 'bool') throw new DtypeError(`scatterAdd: takes numbers, got bool; use cast(x, 'i32')`);
  if (x.shape[axis] === 0 && indices.size > 0) {
    throw new ShapeError(`scatterAdd: axis ${axis} of ${formatShape(x.shape)} is empty, there is no row to add to`);
  }
  checkIndices('scatterAdd', indices);
  checkRange('scatterAdd', indices, x.shape[axis], axisText(axis, x));
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const added = shape.length - updates.rank;
  if (added < 0 || !updates.shape.every((n, i) => n === 1 || n === shape[added + i])) {
    throw new ShapeError(
      `scatterAdd: updates ${formatShape(updates.shape)} do not broadcast to ${formatShape(shape)}, a row of x ${formatShape(x.shape)} for each index; reshape them`,
    );
  }
  const sums = apply(scatterSumOp, [broadcastTo(cast(updates, dtype), shape), indices], { axis, rows: x.shape[axis] });
  return add(cast(x, dtype), sums);
}
