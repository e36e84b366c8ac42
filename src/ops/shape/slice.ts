// slice and flip: windows with a begin, an end and a stride along each axis.
import { ArgumentError, ShapeError } from '../../core/errors.ts';
import { type Shape, formatShape, normalizeAxes, sizeOf } from '../../core/shape.ts';
import { type Tensor, apply, assertUsable, hostTensor } from '../../graph/tensor.ts';
import { checkTensor } from '../operands/arguments.ts';
import { padInterior } from './pad.ts';
import { checkShape, defineView } from './shape.ts';

interface SliceAttributes {
  /** Index of the first element along each axis. */
  readonly begin: readonly number[];
  /** Number of elements along each axis. */
  readonly size: Shape;
  readonly strides: readonly number[];
}

const sliceOp = defineView<SliceAttributes>({
  name: 'slice',
  shape: (from, attributes) => {
    attributes.size.forEach((_, axis) => checkWindow(from, attributes, axis));
    return attributes.size;
  },
  view: (input, { begin, size, strides }) => ({
    shape: size,
    strides: input.strides.map((stride, i) => stride * strides[i]),
    offset: input.offset + input.strides.reduce((sum, stride, i) => sum + stride * (size[i] > 0 ? begin[i] : 0), 0),
  }),
  batch: ({ inputs: [x], size: rows, attributes: { begin, size, strides }, apply }) =>
    apply([x], { begin: [0, ...begin], size: [rows, ...size], strides: [1, ...strides] }),
  // y[i] = x[begin + i stride]:  dx has dy at these positions and 0 elsewhere
  vjp: ({ inputs: [x], cotangents: [g], attributes: { begin, size, strides } }) => {
    if (!g) return [undefined];
    const backwards = strides.flatMap((stride, i) => (stride < 0 ? [i] : []));
    const padding = x.shape.map((n, i) => {
      if (size[i] === 0) return [n, 0, 0] as const;
      const step = Math.abs(strides[i]);
      const span = (size[i] - 1) * step + 1;
      const before = strides[i] > 0 ? begin[i] : begin[i] - (span - 1);
      return [before, n - before - span, step - 1] as const;
    });
    return [padInterior(backwards.length ? flip(g, backwards) : g, padding, 0)];
  },
  simplify: ([x], { size, strides }) => (size.every((n, i) => n === x.shape[i] && strides[i] === 1) ? x : undefined),
});

/** Throws if a window leaves its axis. A window that was written for an unknown batch size may be too large for a small batch. */
function checkWindow(from: Shape, { begin, size, strides }: SliceAttributes, axis: number): void {
  const last = begin[axis] + (size[axis] - 1) * strides[axis];
  if (size[axis] === 0 || (Math.min(begin[axis], last) >= 0 && Math.max(begin[axis], last) < from[axis])) return;
  throw new ShapeError(
    `slice: positions ${begin[axis]} to ${last} are outside axis ${axis} of ${formatShape(from)}; use positions from 0 to ${from[axis] - 1}`,
  );
}

/**
 * A window of x from `begin` up to, not including, `end`, in steps of `strides`, as NumPy's x[begin:end:stride]. Negative positions count
 * from the end; positions outside are moved to the border. Axes without an entry are taken whole. An undefined end is the border in the
 * direction of the stride.
 *
 * @throws ShapeError for more positions than axes, ArgumentError for a stride of 0 or a position that is no whole number.
 *
 *     slice(x, [0, 1], [2, 3])             // rows 0 and 1, columns 1 and 2
 *     slice(x, [-1], [undefined], [-1])    // rows in reverse
 */
export function slice(
  x: Tensor,
  begin: readonly number[],
  end: readonly (number | undefined)[] = [],
  strides: readonly number[] = [],
): Tensor {
  checkTensor('slice', 'x', x);
  if (![begin, end, strides].every((list) => Array.isArray(list))) {
    throw new ArgumentError('slice: begin, end and strides are arrays with an entry for each axis, such as x.slice([0], [10])');
  }
  if (Math.max(begin.length, end.length, strides.length) > x.rank) {
    throw new ShapeError(`slice: more positions than the ${x.rank} axes of ${formatShape(x.shape)}`);
  }
  for (const n of [...begin, ...end, ...strides]) {
    if (n !== undefined && !Number.isInteger(n)) throw new ArgumentError(`slice: position ${String(n)} is no whole number; count elements`);
  }
  const windows = x.shape.map((n, i) => windowOf(n, begin[i], end[i], strides[i] ?? 1));
  return takeWindow(x, { begin: windows.map((w) => w.begin), size: windows.map((w) => w.size), strides: windows.map((w) => w.stride) });
}

function windowOf(
  n: number,
  begin: number | undefined,
  end: number | undefined,
  stride: number,
): { begin: number; size: number; stride: number } {
  if (stride === 0) throw new ArgumentError('slice: a stride of 0 never moves; use 1 or -1');
  // With a negative stride, positions go from n - 1 down to -1, the border before the first element.
  const [low, high] = stride > 0 ? [0, n] : [-1, n - 1];
  const clamp = (position: number): number => Math.min(high, Math.max(low, position < 0 ? position + n : position));
  const from = begin === undefined ? (stride > 0 ? low : high) : clamp(begin);
  const to = end === undefined ? (stride > 0 ? high : low) : clamp(end);
  const size = Math.max(0, Math.ceil((to - from) / stride));
  return { begin: size > 0 ? from : 0, size, stride: size > 1 ? stride : 1 };
}

function takeWindow(x: Tensor, attributes: SliceAttributes): Tensor {
  const { begin, size, strides } = attributes;
  assertUsable(x);
  const rest = size.slice(1);
  if (x.value?.kind === 'host' && x.rank > 0 && strides[0] === 1 && rest.every((n, i) => n === x.shape[i + 1] && strides[i + 1] === 1)) {
    // Leading rows of values on the host share the same array, and the graph gets no node.
    const row = sizeOf(rest);
    return hostTensor({ shape: size, dtype: x.dtype }, x.value.data.subarray(begin[0] * row, (begin[0] + size[0]) * row));
  }
  return apply(sliceOp, [x], attributes);
}

/** `size` elements of one axis, starting at `begin`. */
export function sliceAxis(x: Tensor, axis: number, begin: number, size: number): Tensor {
  return takeWindow(x, {
    begin: x.shape.map((_, i) => (i === axis ? begin : 0)),
    size: checkShape(
      'slice',
      x.shape.map((n, i) => (i === axis ? size : n)),
    ),
    strides: x.shape.map(() => 1),
  });
}

/** Every `stride`-th element of each axis, starting at `begin`; `size` elements. */
export const sliceStrided = (x: Tensor, begin: readonly number[], size: Shape, strides: readonly number[]): Tensor =>
  apply(sliceOp, [x], { begin, size, strides });

/**
 * Reverses the elements along one axis, several axes, or all axes.
 *
 *     flip(tensor([1, 2, 3]))   // [3, 2, 1]
 */
export function flip(x: Tensor, axis?: number | readonly number[]): Tensor {
  checkTensor('flip', 'x', x);
  const axes = normalizeAxes('flip', axis, x.rank).filter((a) => x.shape[a] > 1);
  if (axes.length === 0) return x;
  const turned = (i: number): boolean => axes.includes(i);
  return apply(sliceOp, [x], {
    begin: x.shape.map((n, i) => (turned(i) ? n - 1 : 0)),
    size: x.shape,
    strides: x.shape.map((_, i) => (turned(i) ? -1 : 1)),
  });
}
