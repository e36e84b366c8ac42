// The primitive of scatterAlongAxis and scatterNd for all modes except adding. It merges updates into the elements at their indices.
import { DtypeError } from '../../core/errors.ts';
import { type Shape, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, type VjpContext, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { sumAlong, takeAlong } from './alongAxis.ts';
import { add, div, mul } from '../elementwise/arithmetic.ts';
import { batchScatterRows } from '../batching/batchIndexed.ts';
import { shiftAxis } from '../batching/batching.ts';
import { cast } from '../elementwise/cast.ts';
import { equal, less } from '../elementwise/comparison.ts';
import { full, iota, onesLike } from '../create/create.ts';
import { sumRows, takeRows } from './gather.ts';
import { checkIndices, clampIndex } from '../operands/indices.ts';
import { type ReduceMode, planScatterReduce } from './scatterPlan.ts';
import { where } from '../elementwise/select.ts';
import { broadcastTo, reshape } from '../shape/shape.ts';
import { propagate } from '../elementwise/zeroFlow.ts';

/** Effect of an update on its element. */
export type ScatterMode = ReduceMode | 'add';

interface ReduceAttributes {
  readonly axis: number;
  readonly mode: ReduceMode;
  /** Whether every update has its own index. Otherwise the indices [K] apply to every line. */
  readonly ownIndices: boolean;
}

const geometryOf = (x: Shape, updates: Shape, { axis, ownIndices }: ReduceAttributes) => ({
  outer: sizeOf(x.slice(0, axis)),
  rows: x[axis],
  count: updates[axis],
  inner: sizeOf(x.slice(axis + 1)),
  ownIndices,
});

const merges: Readonly<Record<ReduceMode, (a: number, b: number) => number>> = {
  replace: (_, b) => b,
  multiply: (a, b) => a * b,
  min: Math.min,
  max: Math.max,
};

/** x [..P, N, ..Q], indices [..P, K, ..Q] or [K], updates [..P, K, ..Q] -> [..P, N, ..Q] */
const scatterReduceOp: OpDefinition<ReduceAttributes> = defineOp<ReduceAttributes>({
  name: 'scatterReduce',
  infer: ([x, indices, updates]) => {
    checkIndices('scatterReduce', indices);
    if (x.dtype !== updates.dtype) throw new DtypeError(`scatterReduce: x is ${x.dtype}, updates are ${updates.dtype}; cast one`);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  batch: (context) => (context.attributes.ownIndices ? shiftAxis(context) : batchScatterRows(context)),
  vjp: (context) => {
    const [g] = context.cotangents;
    return g ? slopes[context.attributes.mode](context, g) : [undefined, undefined, undefined];
  },
  reference: ({ inputs: [x, indices, updates], outputs: [y], attributes, allocate }) => {
    const { outer, rows, count, inner, ownIndices } = geometryOf(x.shape, updates.shape, attributes);
    const { mode } = attributes;
    const wraps = mode === 'multiply' && (y.dtype === 'i32' || y.dtype === 'u32');
    const merge = wraps ? Math.imul : merges[mode];
    const values = Float64Array.from(x.data);
    for (let i = 0; i < outer * count * inner; i++) {
      const line = Math.floor(i / inner);
      const row = clampIndex(indices.data[ownIndices ? i : line % count], rows);
      const at = (Math.floor(line / count) * rows + row) * inner + (i % inner);
      values[at] = merge(values[at], updates.data[i]);
    }
    const out = allocate(y.dtype, values.length);
    for (let i = 0; i < values.length; i++) out[i] = values[i];
    return [out];
  },
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x, indices, updates], outputs: [y], attributes, target }) =>
      planScatterReduce(geometryOf(x.shape, updates.shape, attributes), attributes.mode, indices, y, target),
  },
});

/** Merges updates into the rows or elements of x at the indices. Shapes and dtypes must already fit. */
export const scatterReduce = (x: Tensor, indices: Tensor, updates: Tensor, attributes: ReduceAttributes): Tensor =>
  apply(scatterReduceOp, [x, indices, updates], attributes);

type Slope = (context: VjpContext<ReduceAttributes>, g: Tensor) => readonly (Tensor | undefined)[];

/** Returns two functions for tensors like x: gathering to the updates, and summing the updates of each element. */
function linksOf({ inputs: [x, indices], attributes: { axis, ownIndices } }: VjpContext<ReduceAttributes>) {
  return {
    seen: (t: Tensor): Tensor => (ownIndices ? takeAlong(t, indices, axis) : takeRows(t, indices, axis)),
    total: (u: Tensor): Tensor => (ownIndices ? sumAlong(u, indices, axis, x.shape[axis]) : sumRows(u, indices, axis, x.shape[axis])),
  };
}

/** The gradient goes to the extreme values. Equal ones share it, as in PyTorch's amax. */
const ofExtreme: Slope = (context, g) => {
  const { inputs, outputs, needs } = context;
  const [x, , updates] = inputs;
  const { seen, total } = linksOf(context);
  const [ofX, ofUpdates] = [equal(x, outputs[0]), equal(updates, seen(outputs[0]))];
  // At least one, unless the result is NaN: then both conditions fail.
  const share = div(g, add(cast(ofX, g.dtype), total(cast(ofUpdates, g.dtype))));
  return [needs[0] ? where(ofX, share, 0) : undefined, undefined, needs[2] ? where(ofUpdates, seen(share), 0) : undefined];
};

const slopes: Readonly<Record<ReduceMode, Slope>> = {
  // y[r] = u[i] for the last i with index[i] = r, otherwise x[r]:  du[i] = dy[r] for that i, dx[r] = dy[r] if there is none
  replace: (context, g) => {
    const { inputs, attributes, needs } = context;
    const [x, indices, updates] = inputs;
    const { axis } = attributes;
    const count = updates.shape[axis];
    const line = updates.shape.map((n, i) => (i === axis ? n : 1));
    const positions = broadcastTo(reshape(iota(count), line), updates.shape);
    const last = scatterReduce(full(x.shape, -1, 'i32'), indices, positions, attributes);
    const { seen } = linksOf(context);
    return [
      needs[0] ? where(less(last, 0), g, 0) : undefined,
      undefined,
      needs[2] ? where(equal(seen(last), positions), seen(g), 0) : undefined,
    ];
  },
  // y = x Π u:  dx = dy Π u,  du[i] = dy x v[i], with v[i] the product of the other updates. If no other update is 0, v[i] is the product
  // of the non-zero ones divided by its own; otherwise 0. x is not in the divided product: for an element with one update, v is 1 for every
  // x and u.
  multiply: (context, g) => {
    const { inputs, attributes, needs } = context;
    const [x, indices, updates] = inputs;
    const { seen, total } = linksOf(context);
    const productOf = (factors: Tensor): Tensor => scatterReduce(onesLike(x), indices, factors, attributes);
    const du = (): Tensor => {
      const isNull = equal(updates, 0);
      const nulls = cast(isNull, g.dtype);
      const factors = where(isNull, 1, updates);
      const others = where(equal(seen(total(nulls)), nulls), div(seen(productOf(factors)), factors), 0);
      return propagate(seen(g), mul(seen(x), others));
    };
    return [needs[0] ? propagate(g, productOf(updates)) : undefined, undefined, needs[2] ? du() : undefined];
  },
  min: ofExtreme,
  max: ofExtreme,
};
