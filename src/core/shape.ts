// Shapes and strided views of flat memory: arithmetic for ops, compiler and runtimes.
import { formatSize } from './batchAxis.ts';
import { ShapeError } from './errors.ts';

export type Shape = readonly number[];

/** Number of elements; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
}

export const formatShape = (shape: Shape): string => `[${shape.map(formatSize).join(',')}]`;

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** Turns a negative axis into a positive one and checks its range. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const given = typeof axis === 'number' ? axis : JSON.stringify(axis);
    const range = rank === 0 ? 'a scalar has none: reshape(x, [1]) first' : `use ${-rank} to ${rank - 1}`;
    throw new ShapeError(`${op}: axis ${given} is outside a tensor of rank ${rank}; ${range}`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Normalised, sorted, distinct axes; all of them if `axis` is undefined. */
export function normalizeAxes(op: string, axis: number | readonly number[] | undefined, rank: number): number[] {
  if (axis === undefined) return Array.from({ length: rank }, (_, i) => i);
  const axes = (Array.isArray(axis) ? [...(axis as readonly number[])] : [axis as number])
    .map((a) => normalizeAxis(op, a, rank))
    .sort((a, b) => a - b);
  if (new Set(axes).size !== axes.length) throw new ShapeError(`${op}: axis ${formatShape(axes)} names an axis twice`);
  return axes;
}

/** The shape after reducing `axes`; reduced axes become 1 with keepDims, otherwise they are removed. */
export function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  if (keepDims) return shape.map((n, i) => (axes.includes(i) ? 1 : n));
  return shape.filter((_, i) => !axes.includes(i));
}

/** NumPy broadcasting of several shapes. */
export function broadcastShapes(op: string, ...shapes: Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const j = rank - shape.length + i;
      if (shape[i] === out[j] || shape[i] === 1) continue;
      if (out[j] !== 1) {
        throw new ShapeError(
          `${op}: shapes ${shapes.map(formatShape).join(' and ')} do not broadcast; sizes must be equal or 1, counted from the last axis`,
        );
      }
      out[j] = shape[i];
    }
  }
  return out;
}

/** A view of flat memory: element [i, j, …] is at offset + i * strides[0] + j * strides[1] + …; strides may be 0 or negative. */
export interface StridedView {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

export const contiguousView = (shape: Shape): StridedView => ({ shape, strides: stridesOf(shape), offset: 0 });

/** Merges neighbouring axes that one stride can cover and drops axes of size 1. This gives the cheapest equivalent index arithmetic. */
export function collapse(view: StridedView): StridedView {
  const shape: number[] = [];
  const strides: number[] = [];
  for (let i = 0; i < view.shape.length; i++) {
    if (view.shape[i] === 1) continue;
    const last = shape.length - 1;
    if (last >= 0 && strides[last] === view.strides[i] * view.shape[i]) {
      shape[last] *= view.shape[i];
      strides[last] = view.strides[i];
    } else {
      shape.push(view.shape[i]);
      strides.push(view.strides[i]);
    }
  }
  return { shape, strides, offset: view.offset };
}

/** True if the view covers its memory in row-major order without gaps, starting at its offset. */
export function isContiguous(view: StridedView): boolean {
  const { shape, strides } = collapse(view);
  return sizeOf(view.shape) === 0 || shape.length === 0 || (shape.length === 1 && strides[0] === 1);
}

/** The same elements under another shape, or undefined if no strides can express it and a copy is needed. */
export function reshapeView(view: StridedView, shape: Shape): StridedView | undefined {
  if (sizeOf(shape) === 0 || isContiguous(view)) return { shape, strides: stridesOf(shape), offset: view.offset };
  const from = collapse(view);
  const strides = new Array<number>(shape.length).fill(0);
  let j = shape.length - 1;
  for (let i = from.shape.length - 1; i >= 0; i--) {
    let rest = from.shape[i];
    let stride = from.strides[i];
    while (rest > 1) {
      if (j < 0 || rest % shape[j] !== 0) return undefined;
      strides[j] = stride;
      stride *= shape[j];
      rest /= shape[j];
      j--;
    }
  }
  return { shape, strides, offset: view.offset };
}

/**
 * The inverse of a view: a view that maps a position in memory to a position in the given view. Undefined unless the view contains every
 * element of memory once, from its start.
 */
export function invertView(view: StridedView): StridedView | undefined {
  const { shape, strides, offset } = collapse(view);
  const places = stridesOf(shape);
  const order = shape.map((_, i) => i).sort((a, b) => strides[b] - strides[a]);
  let expected = 1;
  for (const i of [...order].reverse()) {
    if (strides[i] !== expected) return undefined;
    expected *= shape[i];
  }
  return offset === 0 ? { shape: order.map((i) => shape[i]), strides: order.map((i) => places[i]), offset: 0 } : undefined;
}

/** Visits every element of a view in row-major order with its position in memory. */
export function forEachIndex(view: StridedView, visit: (flat: number, position: number) => void): void {
  const { shape, strides, offset } = collapse(view);
  const size = sizeOf(view.shape);
  if (size === 0) return;
  const rank = shape.length;
  if (rank === 0) return visit(0, offset);
  const inner = shape[rank - 1];
  const innerStride = strides[rank - 1];
  const counter = new Array<number>(rank).fill(0);
  let base = offset;
  for (let flat = 0; flat < size;) {
    for (let i = 0, position = base; i < inner; i++, position += innerStride) visit(flat++, position);
    for (let axis = rank - 2; axis >= 0; axis--) {
      base += strides[axis];
      if (++counter[axis] < shape[axis]) break;
      base -= strides[axis] * shape[axis];
      counter[axis] = 0;
    }
  }
}
