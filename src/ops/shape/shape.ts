// Views: new shapes of the same elements, without copies. If a tensor's values are still on the host, the view is made there.
import { ShapeError } from '../../core/errors.ts';
import {
  type Shape,
  type StridedView,
  contiguousView,
  forEachIndex,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  reshapeView,
  sameShape,
  sizeOf,
} from '../../core/shape.ts';
import { type OpDefinition, type TensorType, defineOp } from '../../graph/op.ts';
import { type Tensor, apply, assertUsable, hostTensor } from '../../graph/tensor.ts';
import { checkTensor, inWords, isList } from '../operands/arguments.ts';
import { eye } from '../create/create.ts';
import { sum } from '../reduce/reduce.ts';
import { where } from '../elementwise/select.ts';

/** Properties of one view op. */
export interface ViewRow<A extends object> extends Pick<OpDefinition<A>, 'name' | 'vjp' | 'simplify' | 'batch'> {
  readonly shape: (input: Shape, attributes: A) => Shape;
  readonly view: (input: StridedView, attributes: A, output: TensorType) => StridedView | undefined;
}

/** Defines a view op. Its reference copies the elements that the strided window of a contiguous input selects. */
export function defineView<A extends object>(row: ViewRow<A>): OpDefinition<A> {
  return defineOp<A>({
    name: row.name,
    infer: ([x], attributes) => [{ shape: row.shape(x.shape, attributes), dtype: x.dtype }],
    vjp: row.vjp,
    reference: ({ inputs: [x], outputs: [type], attributes, allocate }) => {
      const view = row.view(contiguousView(x.shape), attributes, type);
      if (!view) throw new ShapeError(`${row.name}: no strides express ${formatShape(type.shape)} over ${formatShape(x.shape)}`);
      const out = allocate(type.dtype, sizeOf(type.shape));
      forEachIndex(view, (flat, position) => {
        out[flat] = x.data[position];
      });
      return [out];
    },
    lowering: { kind: 'view', view: row.view },
    simplify: row.simplify,
    batch: row.batch,
  });
}

/** Checks the shape argument of an op: integers of at least 0. */
export function checkShape(op: string, shape: Shape): Shape {
  const given: unknown = shape;
  if (!Array.isArray(given) || !given.every((n) => Number.isInteger(n) && n >= 0)) {
    const what = Array.isArray(given) ? `[${String(given)}]` : inWords(given);
    throw new ShapeError(`${op}: ${what} is no shape; use an array of whole numbers from 0 on`);
  }
  return shape;
}

const reshapeOp = defineView<{ readonly shape: Shape }>({
  name: 'reshape',
  shape: (from, { shape }) => {
    if (sizeOf(from) !== sizeOf(shape)) {
      throw new ShapeError(
        `reshape: ${formatShape(from)} has ${sizeOf(from)} elements, ${formatShape(shape)} has ${sizeOf(shape)}; the sizes must be equal`,
      );
    }
    return shape;
  },
  view: (input, { shape }) => reshapeView(input, shape),
  batch: ({ inputs: [x], size, attributes: { shape } }) => [reshape(x, [size, ...shape])],
  // The same elements: the cotangent takes the input's shape.
  vjp: ({ inputs: [x], cotangents: [g] }) => [g && reshape(g, x.shape)],
  simplify: ([x], { shape }) => {
    if (sameShape(x.shape, shape)) return x;
    return x.node?.op.name === 'reshape' ? reshape(x.node.inputs[0], shape) : undefined;
  },
});

/**
 * Returns the same elements in another shape. One size may be -1; it is computed from the others.
 *
 * x [...], shape of equal size -> shape.
 * @throws ShapeError if the sizes differ.
 *
 *     reshape(arange(6), [2, -1])   // [2,3]
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', 'x', x);
  if (!isList(shape)) checkShape('reshape', shape);
  const to = resolveShape(x, shape);
  if (sameShape(x.shape, to)) return x;
  assertUsable(x);
  if (x.value?.kind === 'host' && x.size === sizeOf(to)) return hostTensor({ shape: to, dtype: x.dtype }, x.value.data);
  return apply(reshapeOp, [x], { shape: to });
}

function resolveShape(x: Tensor, shape: Shape): Shape {
  const unknown = shape.indexOf(-1);
  if (unknown < 0) return checkShape('reshape', shape);
  const rest = shape.filter((_, i) => i !== unknown);
  const known = sizeOf(checkShape('reshape', rest));
  if (known === 0 || x.size % known !== 0) {
    throw new ShapeError(
      `reshape: ${formatShape(x.shape)} with ${x.size} elements does not fill ${formatShape(shape)}; the given sizes must divide it`,
    );
  }
  return shape.map((n, i) => (i === unknown ? x.size / known : n));
}

const transposeOp = defineView<{ readonly permutation: readonly number[] }>({
  name: 'transpose',
  shape: (from, { permutation }) => permutation.map((axis) => from[axis]),
  view: ({ shape, strides, offset }, { permutation }) => ({
    shape: permutation.map((axis) => shape[axis]),
    strides: permutation.map((axis) => strides[axis]),
    offset,
  }),
  batch: ({ inputs: [x], attributes: { permutation }, apply }) => apply([x], { permutation: [0, ...permutation.map((axis) => axis + 1)] }),
  // y = P x:  dx = P⁻¹ dy
  vjp: ({ cotangents: [g], attributes: { permutation } }) => [g && transpose(g, inverse(permutation))],
  simplify: ([x], { permutation }) => {
    if (isIdentity(permutation)) return x;
    if (x.node?.op.name !== 'transpose') return undefined;
    const before = (x.node.attributes as { permutation: readonly number[] }).permutation;
    return transpose(
      x.node.inputs[0],
      permutation.map((axis) => before[axis]),
    );
  },
});

function inverse(permutation: readonly number[]): number[] {
  const result = new Array<number>(permutation.length);
  permutation.forEach((axis, i) => (result[axis] = i));
  return result;
}

const isIdentity = (permutation: readonly number[]): boolean => permutation.every((axis, i) => axis === i);

/**
 * Permutes the axes; the default reverses them. Axis i of the result is axis permutation[i] of x.
 *
 * @throws ShapeError if the permutation does not contain every axis once.
 *
 *     transpose(zeros([2, 3, 5]), [0, 2, 1])   // [2,5,3]
 */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  checkTensor('transpose', 'x', x);
  if (permutation !== undefined && !isList(permutation)) {
    throw new ShapeError(`transpose: permutation is ${inWords(permutation)}; it must be an array that names each axis once`);
  }
  const order = permutation?.map((axis) => normalizeAxis('transpose', axis, x.rank)) ?? x.shape.map((_, i) => x.rank - 1 - i);
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new ShapeError(
      `transpose: permutation [${String(permutation)}] does not name each of the ${x.rank} axes of ${formatShape(x.shape)} once`,
    );
  }
  return isIdentity(order) ? x : apply(transposeOp, [x], { permutation: order });
}

const broadcastOp = defineView<{ readonly shape: Shape }>({
  name: 'broadcastTo',
  shape: (_, { shape }) => shape,
  view: (input, { shape }) => {
    const added = shape.length - input.shape.length;
    const strides = shape.map((_, i) => (i < added || input.shape[i - added] === 1 ? 0 : input.strides[i - added]));
    return { shape, strides, offset: input.offset };
  },
  batch: ({ inputs: [x], size, attributes: { shape } }) => {
    const added = new Array<number>(shape.length - (x.rank - 1)).fill(1);
    return [broadcastTo(reshape(x, [size, ...added, ...x.shape.slice(1)]), [size, ...shape])];
  },
  // Each element is used in many places: its gradient is the sum over them.
  vjp: ({ inputs: [x], cotangents: [g], attributes: { shape } }) => {
    const added = shape.length - x.rank;
    const axes = shape.flatMap((n, i) => (i < added || (x.shape[i - added] === 1 && n !== 1) ? [i] : []));
    return [g && reshape(sum(g, { axis: axes }), x.shape)];
  },
  simplify: ([x], { shape }) => {
    if (sameShape(x.shape, shape)) return x;
    return x.node?.op.name === 'broadcastTo' ? broadcastTo(x.node.inputs[0], shape) : undefined;
  },
});

/**
 * Repeats x along new leading axes and along axes of size 1, without copying.
 *
 * @throws ShapeError if the size of an axis of x is neither 1 nor the requested size.
 *
 *     broadcastTo(tensor([1, 2, 3]), [4, 3])
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkTensor('broadcastTo', 'x', x);
  checkShape('broadcastTo', shape);
  if (sameShape(x.shape, shape)) return x;
  const added = shape.length - x.rank;
  if (added < 0 || !x.shape.every((n, i) => n === 1 || n === shape[added + i])) {
    throw new ShapeError(
      `broadcastTo: ${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}; sizes must be equal or 1, counted from the last axis`,
    );
  }
  return apply(broadcastOp, [x], { shape });
}

const identityView = (input: StridedView): StridedView => input;

const aliasOp = defineView<object>({
  name: 'alias',
  shape: (from) => from,
  view: identityView,
  batch: ({ inputs, attributes, apply }) => apply(inputs, attributes),
  // An identity.
  vjp: ({ cotangents: [g] }) => [g],
  simplify: ([x]) => x,
});

/** Returns a new tensor equal to x, so that a gradient can separate its uses from other uses of x. */
export const alias = (x: Tensor): Tensor => apply(aliasOp, [checkTensor('alias', 'x', x)], {});

const stopGradientOp = defineView<object>({
  name: 'stopGradient',
  shape: (from) => from,
  view: identityView,
  batch: ({ inputs, attributes, apply }) => apply(inputs, attributes),
  // The purpose of the op: no gradient is passed on.
  vjp: () => [undefined],
  simplify: ([x]) => x,
});

/**
 * Returns x as a constant for gradients.
 *
 *     grad((x) => sum(mul(x, stopGradient(x))))   // x, not 2x
 */
export const stopGradient = (x: Tensor): Tensor => apply(stopGradientOp, [checkTensor('stopGradient', 'x', x)], {});

const diagonalOp = defineView<object>({
  name: 'diagonal',
  shape: (from) => [...from.slice(0, -2), Math.min(from[from.length - 2], from[from.length - 1])],
  view: ({ strides, offset }, _, output) => ({
    shape: output.shape,
    strides: [...strides.slice(0, -2), strides[strides.length - 2] + strides[strides.length - 1]],
    offset,
  }),
  batch: ({ inputs, attributes, apply }) => apply(inputs, attributes),
  // dX has dy on its diagonal and 0 elsewhere
  vjp: ({ inputs: [x], cotangents: [g] }) => {
    if (!g) return [undefined];
    const [rows, columns] = x.shape.slice(-2);
    // Repeats dy along the longer axis: as a row for tall matrices, as a column for wide ones.
    const line = rows > columns ? expandDims(g, -2) : expandDims(g, -1);
    return [where(eye(rows, columns, 'bool'), line, 0)];
  },
});

/** The main diagonal of the last two axes: x [.., M, N] -> [.., min(M, N)]. */
export const mainDiagonal = (x: Tensor): Tensor => apply(diagonalOp, [x], {});

/**
 * Adds an axis of size 1 at `axis`; -1 adds it as the last one.
 *
 *     expandDims(zeros([2, 3]), -1)   // [2,3,1]
 */
export function expandDims(x: Tensor, axis: number): Tensor {
  checkTensor('expandDims', 'x', x);
  const at = normalizeAxis('expandDims', axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/**
 * Removes the given axes of size 1, or all axes of size 1.
 *
 * @throws ShapeError for an axis of another size.
 *
 *     squeeze(zeros([1, 3, 1]))   // [3]
 */
export function squeeze(x: Tensor, axis?: number | readonly number[]): Tensor {
  checkTensor('squeeze', 'x', x);
  const axes = axis === undefined ? x.shape.flatMap((n, i) => (n === 1 ? [i] : [])) : normalizeAxes('squeeze', axis, x.rank);
  for (const a of axes) {
    if (x.shape[a] !== 1)
      throw new ShapeError(`squeeze: axis ${a} of ${formatShape(x.shape)} has size ${x.shape[a]}; only axes of size 1 can go`);
  }
  return reshape(
    x,
    x.shape.filter((_, i) => !axes.includes(i)),
  );
}

/** Flattens all elements into one axis: [...] -> [size]. */
export const flatten = (x: Tensor): Tensor => reshape(x, [checkTensor('flatten', 'x', x).size]);
