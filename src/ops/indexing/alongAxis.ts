// Gathering along an axis, with separate indices for each line of a tensor, and its gradient.
import { ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, broadcastShapes, formatShape, normalizeAxis, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, type TensorType, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { gridOf, runOf } from '../../graph/workgroups.ts';
import distinctSource from '../../../shaders/scatterDistinct.wgsl?raw';
import { type KernelFile, fillKernel, storageType } from '../../wgsl/index.ts';
import { checkTensor } from '../operands/arguments.ts';
import { shiftAxis } from '../batching/batching.ts';
import { planGather } from './gatherPlan.ts';
import { checkIndices, checkRange, clampIndex } from '../operands/indices.ts';
import { planScatter } from './scatterPlan.ts';
import { broadcastTo } from '../shape/shape.ts';

const distinctKernel: KernelFile = { name: 'scatterDistinct', text: distinctSource };

interface TakeAttributes {
  readonly axis: number;
  /** Whether no element of a line is selected twice. The gradient is then a plain write. */
  readonly distinct: boolean;
}

interface ScatterAttributes extends TakeAttributes {
  /** Size of the axis in the result. */
  readonly rows: number;
}

/** Calls visit(element of the indices, selected element of [outer, rows, inner]). */
function forEachPick(
  indices: { data: ArrayLike<number>; shape: Shape },
  axis: number,
  rows: number,
  visit: (i: number, at: number) => void,
): void {
  const count = indices.shape[axis];
  const inner = sizeOf(indices.shape.slice(axis + 1));
  for (let i = 0; i < indices.data.length; i++) {
    const outer = Math.floor(i / inner / count);
    visit(i, (outer * rows + clampIndex(indices.data[i], rows)) * inner + (i % inner));
  }
}

/** x [..P, N, ..Q], indices [..P, K, ..Q] -> [..P, K, ..Q] */
const takeAlongOp: OpDefinition<TakeAttributes> = defineOp<TakeAttributes>({
  name: 'takeAlongAxis',
  infer: ([x, indices], { axis }) => {
    checkIndices('takeAlongAxis', indices);
    if (x.shape[axis] === 0 && sizeOf(indices.shape) > 0) {
      throw new ShapeError(`takeAlongAxis: axis ${axis} of ${formatShape(x.shape)} is empty, there is nothing to take`);
    }
    return [{ shape: indices.shape, dtype: x.dtype }];
  },
  batch: shiftAxis,
  // y[i] = x[index[i]]:  dx[r] = Σ dy[i] over the i with index[i] = r
  vjp: ({ inputs: [x, indices], cotangents: [g], attributes }) => [
    g && apply(attributes.distinct ? scatterDistinctOp : scatterAlongOp, [g, indices], { ...attributes, rows: x.shape[attributes.axis] }),
    undefined,
  ],
  reference: ({ inputs: [x, indices], outputs: [y], attributes: { axis }, allocate }) => {
    const out = allocate(y.dtype, sizeOf(y.shape));
    forEachPick(indices, axis, x.shape[axis], (i, at) => {
      out[i] = x.data[at];
    });
    return [out];
  },
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    plan: (context) => {
      const [x, { shape }] = context.inputs;
      const { axis } = context.attributes;
      const sizes = { rows: x.shape[axis], count: shape[axis], inner: sizeOf(shape.slice(axis + 1)) };
      return planGather(context, { name: 'take_along', ...sizes, ownIndices: true });
    },
  },
});

const inferScatter = ([updates]: readonly TensorType[], { axis, rows }: ScatterAttributes): readonly TensorType[] => [
  { shape: updates.shape.map((n, i) => (i === axis ? rows : n)), dtype: updates.dtype },
];

// y[r] = Σ u[i] over the i with index[i] = r:  du[i] = dy[index[i]]
const scatterVjp: OpDefinition<ScatterAttributes>['vjp'] = ({ inputs: [, indices], cotangents: [g], attributes: { axis, distinct } }) => [
  g && apply(takeAlongOp, [g, indices], { axis, distinct }),
  undefined,
];

const scatterReference: OpDefinition<ScatterAttributes>['reference'] = ({ inputs, outputs: [y], attributes: { axis, rows }, allocate }) => {
  const [updates, indices] = inputs;
  const sums = new Float64Array(sizeOf(y.shape));
  forEachPick(indices, axis, rows, (i, at) => {
    sums[at] += updates.data[i];
  });
  const out = allocate(y.dtype, sums.length);
  for (let i = 0; i < sums.length; i++) out[i] = sums[i];
  return [out];
};

/** updates [..P, K, ..Q], indices [..P, K, ..Q] -> [..P, rows, ..Q]: the sum of the updates with the index of each element. */
const scatterAlongOp: OpDefinition<ScatterAttributes> = defineOp<ScatterAttributes>({
  name: 'scatterAlongAxis',
  infer: inferScatter,
  batch: shiftAxis,
  vjp: scatterVjp,
  reference: scatterReference,
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [updates, indices], outputs: [y], attributes: { axis, rows }, target }) => {
      const outer = sizeOf(y.shape.slice(0, axis));
      const inner = sizeOf(y.shape.slice(axis + 1));
      return planScatter({ outer, rows, count: updates.shape[axis], inner, ownIndices: true }, indices, y, target);
    },
  },
});

/** The same for indices that select no element of a line twice. */
const scatterDistinctOp: OpDefinition<ScatterAttributes> = defineOp<ScatterAttributes>({
  name: 'scatterDistinct',
  infer: inferScatter,
  batch: shiftAxis,
  vjp: scatterVjp,
  reference: scatterReference,
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    epilogue: false,
    plan: ({ inputs: [updates, indices], outputs: [y], attributes: { axis, rows }, target }) => {
      const aliases = { Element: storageType(y.dtype), Index: storageType(indices.dtype) };
      const inner = sizeOf(y.shape.slice(axis + 1));
      const phase = (number: number, size: number) => {
        const run = runOf(size, target);
        return {
          name: number === 0 ? 'scatter_clear' : 'scatter_distinct',
          ...fillKernel(distinctKernel, {
            aliases,
            params: { size, run, rows, count: updates.shape[axis], inner, phase: number },
          }),
          operands: [{ kind: 'input', index: 0 } as const, { kind: 'input', index: 1 } as const, { kind: 'output', index: 0 } as const],
          workgroups: gridOf(Math.ceil(size / (run * 64)), target),
        };
      };
      const count = sizeOf(updates.shape);
      const clear = phase(0, sizeOf(y.shape));
      const write = phase(1, count);
      // With as many updates as elements, no element needs to be cleared.
      return { dispatches: count === 0 ? [clear] : count === sizeOf(y.shape) ? [write] : [clear, write], temporaries: [] };
    },
  },
});

/** x at indices that select no element of a line twice, such as those of sorting. */
export const takeDistinct = (x: Tensor, indices: Tensor, axis: number): Tensor =>
  apply(takeAlongOp, [x, indices], { axis, distinct: true });

/** x at indices of its own shape, except along the axis. */
export const takeAlong = (x: Tensor, indices: Tensor, axis: number): Tensor => apply(takeAlongOp, [x, indices], { axis, distinct: false });

/** The sum of the updates for each of `rows` elements along the axis. Indices and updates have one shape. */
export const sumAlong = (updates: Tensor, indices: Tensor, axis: number, rows: number): Tensor =>
  apply(scatterAlongOp, [updates, indices], { axis, rows, distinct: false });

export interface TakeAlongOptions {
  /** Axis of the indices. @default -1 */
  readonly axis?: number;
}

/**
 * Gathers elements of x along an axis, with separate indices for each line: with axis 1, y[i, k] = x[i, indices[i, k]]. Other axes
 * broadcast. Indices outside the axis are treated as in gather. The gradient adds in a fixed order, so it is reproducible.
 *
 * x [.., N, ..], indices i32 or u32 [.., K, ..] -> [.., K, ..].
 * @throws ShapeError if ranks differ or other axes do not broadcast, DtypeError if indices are not integers, DataError for a known index
 * outside the axis.
 *
 *     takeAlongAxis(x, argMax(x, { axis: 1, keepDims: true }), { axis: 1 })   // the largest of each row, [3,5] -> [3,1]
 */
export function takeAlongAxis(x: Tensor, indices: Tensor, options: TakeAlongOptions = {}): Tensor {
  checkTensor('takeAlongAxis', 'x', x);
  checkTensor('takeAlongAxis', 'indices', indices);
  checkOptions('takeAlongAxis', options, ['axis']);
  if (x.rank !== indices.rank) {
    throw new ShapeError(
      `takeAlongAxis: x is ${formatShape(x.shape)}, indices are ${formatShape(indices.shape)}; ranks must be equal, reshape the indices`,
    );
  }
  const axis = normalizeAxis('takeAlongAxis', options.axis ?? -1, x.rank);
  const around = (shape: Shape): number[] => shape.map((n, i) => (i === axis ? 1 : n));
  const common = broadcastShapes('takeAlongAxis', around(x.shape), around(indices.shape));
  const along = (t: Tensor): Tensor =>
    broadcastTo(
      t,
      common.map((n, i) => (i === axis ? t.shape[axis] : n)),
    );
  const y = apply(takeAlongOp, [along(x), along(indices)], { axis, distinct: false });
  checkRange('takeAlongAxis', indices, x.shape[axis], `axis ${axis} of ${formatShape(x.shape)}`);
  return y;
}
