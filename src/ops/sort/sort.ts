// Sorting: one primitive returns the order of each line, and the other ops gather by it.
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape, normalizeAxis, sizeOf } from '../../core/shape.ts';
import { defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkFlag } from '../operands/arguments.ts';
import { takeDistinct } from '../indexing/alongAxis.ts';
import { shiftAxis } from '../batching/batching.ts';
import { operand } from '../operands/operands.ts';
import { planSort, temporariesOf } from './sortPlan.ts';
import { sliceAxis } from '../shape/slice.ts';

interface SortAttributes {
  readonly axis: number;
  readonly descending: boolean;
}

/** x [.., N, ..] -> i32 [.., N, ..]: the positions of each line's elements in sorted order. */
const argSortOp = defineOp<SortAttributes>({
  name: 'argSort',
  infer: ([{ shape }]) => [{ shape, dtype: 'i32' }],
  batch: shiftAxis,
  vjp: 'nondifferentiable',
  reference: ({ inputs: [x], attributes: { axis, descending }, allocate }) => {
    const length = x.shape[axis];
    const inner = sizeOf(x.shape.slice(axis + 1));
    const out = allocate('i32', sizeOf(x.shape));
    const sign = descending ? -1 : 1;
    // Array.sort is stable, and NaN is larger than every number in either direction.
    const compare = (a: number, b: number): number => (a < b ? -sign : a > b ? sign : Number(Number.isNaN(a)) - Number(Number.isNaN(b)));
    const order = new Int32Array(length);
    for (let line = 0; line < out.length / Math.max(1, length); line++) {
      const base = Math.floor(line / inner) * length * inner + (line % inner);
      for (let i = 0; i < length; i++) order[i] = i;
      order.sort((a, b) => compare(x.data[base + a * inner], x.data[base + b * inner]));
      for (let i = 0; i < length; i++) out[base + i * inner] = order[i];
    }
    return [out];
  },
  lowering: {
    kind: 'kernel',
    epilogue: false,
    plan: ({ inputs: [x], attributes: { axis, descending }, target }) => {
      const { temporaries, temporary } = temporariesOf('u32');
      const outer = sizeOf(x.shape.slice(0, axis));
      const length = x.shape[axis];
      const inner = sizeOf(x.shape.slice(axis + 1));
      const { dispatches } = planSort({
        keys: { kind: 'input', index: 0 },
        dtype: x.dtype,
        ...{ outer, length, inner, descending, target, temporary },
        order: { operand: { kind: 'output', index: 0 }, inner, lineStride: length * inner, offset: 0 },
      });
      return { dispatches, temporaries };
    },
  },
});

export interface SortOptions {
  /** Axis to sort along. Negative values count from the end. @default -1 */
  readonly axis?: number;
  /** Whether the largest element comes first. @default false */
  readonly descending?: boolean;
}

function axisOf(op: string, x: Tensor, axis: number): number {
  if (x.rank === 0) throw new ShapeError(`${op}: takes at least one axis, got []; reshape(x, [1]) first`);
  return normalizeAxis(op, axis, x.rank);
}

/**
 * Sorts the elements along an axis, ascending or descending. Equal elements keep their order; NaN comes last in both. The gradient of each
 * element goes to its original position.
 *
 * x [.., N, ..] -> [.., N, ..].
 * @throws ShapeError for a scalar or an axis that x does not have.
 *
 *     sort(tensor([3, 1, 2]), { descending: true })   // [3, 2, 1]
 */
export function sort(x: Tensor, options: SortOptions = {}): Tensor {
  checkOptions('sort', options, ['axis', 'descending']);
  const t = operand('sort', x);
  const { axis = -1, descending = false } = options;
  checkFlag('sort', 'descending', descending);
  const at = axisOf('sort', t, axis);
  return takeDistinct(t, apply(argSortOp, [t], { axis: at, descending }), at);
}

/**
 * The original positions of the elements of sort(x) along the axis, as i32. Equal elements keep their order; NaN comes last.
 *
 * x [.., N, ..] -> i32 [.., N, ..].
 * @throws ShapeError for a scalar or an axis that x does not have.
 *
 *     argSort(tensor([3, 1, 2]))   // [1, 2, 0]
 */
export function argSort(x: Tensor, options: SortOptions = {}): Tensor {
  checkOptions('argSort', options, ['axis', 'descending']);
  const t = operand('argSort', x);
  const { axis = -1, descending = false } = options;
  checkFlag('argSort', 'descending', descending);
  return apply(argSortOp, [t], { axis: axisOf('argSort', t, axis), descending });
}

export interface TopKOptions {
  /** Axis to search. Negative values count from the end. @default -1 */
  readonly axis?: number;
  /**
   * Whether to take the largest elements instead of the smallest.
   * @default true
   */
  readonly largest?: boolean;
  /**
   * Whether the elements must be sorted. They are sorted in any case.
   * @default true
   */
  readonly sorted?: boolean;
}

/**
 * The k largest elements along an axis, the largest first, or the k smallest, the smallest first; and their positions as i32. Of equal
 * elements the first ones are taken; NaN is taken last.
 *
 * x [.., N, ..] -> [[.., k, ..], i32 [.., k, ..]].
 * @throws ArgumentError for a k that the axis does not have, ShapeError for a scalar or an axis that x does not have.
 *
 *     const [values, indices] = topK(tensor([3, 1, 2]), 2);   // [3, 2], [0, 2]
 *     const [smallest] = topK(tensor([3, 1, 2]), 2, { largest: false });   // [1, 2]
 */
export function topK(x: Tensor, k: number, options: TopKOptions = {}): [values: Tensor, indices: Tensor] {
  checkOptions('topK', options, ['axis', 'largest', 'sorted']);
  const t = operand('topK', x);
  const { largest = true, sorted } = options;
  checkFlag('topK', 'largest', largest);
  checkFlag('topK', 'sorted', sorted);
  const axis = axisOf('topK', t, options.axis ?? -1);
  if (!Number.isInteger(k) || k < 0 || k > t.shape[axis]) {
    throw new ArgumentError(
      `topK: k is ${String(k)}, axis ${axis} of ${formatShape(t.shape)} has ${t.shape[axis]} elements; use a whole number from 0 to ${t.shape[axis]}`,
    );
  }
  const indices = sliceAxis(apply(argSortOp, [t], { axis, descending: largest }), axis, 0, k);
  return [takeDistinct(t, indices, axis), indices];
}
