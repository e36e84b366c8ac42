// Weighted sums of rows by index: the base of sampling at computed positions. It has three primitives. Each is linear in its operands, and
// its gradient uses the others, so gradients of gradients work. A tap whose index is the number of rows or more is ignored.
import type { HostArray } from '../../core/dtype.ts';
import { sizeOf } from '../../core/shape.ts';
import { type OpDefinition, type ReferenceContext, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { foldIntoBatch } from '../batching/batching.ts';
import { planWeightedDot, planWeightedGather, planWeightedScatter } from './plan.ts';

interface Sizes {
  readonly batch: number;
  readonly rows: number;
  readonly count: number;
  readonly taps: number;
  readonly channels: number;
}

/**
 * Calls visit(pair of an output and a tap, first element of its row in x, first element of the output) for every tap with a valid index.
 */
function forEachTap(
  { batch, rows, count, taps, channels }: Sizes,
  indices: HostArray,
  visit: (pair: number, at: number, out: number) => void,
): void {
  for (let out = 0; out < batch * count; out++) {
    const image = Math.floor(out / count);
    for (let pair = out * taps; pair < (out + 1) * taps; pair++) {
      const row = Math.max(0, indices[pair]);
      if (row < rows) visit(pair, (image * rows + row) * channels, out * channels);
    }
  }
}

function summed({ outputs: [{ shape, dtype }], allocate }: ReferenceContext<object>, fill: (sums: Float64Array) => void): HostArray[] {
  const sums = new Float64Array(sizeOf(shape));
  fill(sums);
  const result = allocate(dtype, sums.length);
  result.set(sums);
  return [result];
}

/** x [B, P, C], indices [B, N, T], weights [B, N, T] -> y [B, N, C]: y[b, n, c] = Σ w[b, n, t] x[b, i[b, n, t], c] */
const gatherOp: OpDefinition<object> = defineOp<object>({
  name: 'weightedGather',
  infer: ([x, indices]) => [{ shape: [x.shape[0], indices.shape[1], x.shape[2]], dtype: x.dtype }],
  batch: foldIntoBatch,
  // dx[r] = Σ w dy over the taps of row r;  dw[t] = <dy, x[i[t]]>
  vjp: ({ inputs: [x, indices, weights], cotangents: [g], needs }) => [
    g && needs[0] ? weightedScatter(g, indices, weights, x.shape[1]) : undefined,
    undefined,
    g && needs[2] ? apply(dotOp, [g, x, indices], {}) : undefined,
  ],
  reference: (context) => {
    const [x, indices, weights] = context.inputs;
    const [batch, rows, channels] = x.shape;
    const [, count, taps] = indices.shape;
    return summed(context, (sums) => {
      forEachTap({ batch, rows, count, taps, channels }, indices.data, (pair, at, out) => {
        for (let c = 0; c < channels; c++) sums[out + c] += weights.data[pair] * x.data[at + c];
      });
    });
  },
  passesInfinities: true,
  lowering: { kind: 'kernel', plan: planWeightedGather },
});

/** dy [B, N, C], indices [B, N, T], weights [B, N, T] -> dx [B, P, C]: the transpose of weightedGather */
const scatterOp: OpDefinition<{ readonly rows: number }> = defineOp<{ readonly rows: number }>({
  name: 'weightedScatter',
  infer: ([dy], { rows }) => [{ shape: [dy.shape[0], rows, dy.shape[2]], dtype: dy.dtype }],
  batch: foldIntoBatch,
  // With u the cotangent of dx:  d(dy)[n] = Σ w u[i];  dw[t] = <dy, u[i[t]]>
  vjp: ({ inputs: [dy, indices, weights], cotangents: [u], needs }) => [
    u && needs[0] ? weightedGather(u, indices, weights) : undefined,
    undefined,
    u && needs[2] ? apply(dotOp, [dy, u, indices], {}) : undefined,
  ],
  reference: (context) => {
    const [dy, indices, weights] = context.inputs;
    const [batch, count, channels] = dy.shape;
    const sizes = { batch, rows: context.attributes.rows, count, taps: indices.shape[2], channels };
    return summed(context, (sums) => {
      forEachTap(sizes, indices.data, (pair, at, out) => {
        for (let c = 0; c < channels; c++) sums[at + c] += weights.data[pair] * dy.data[out + c];
      });
    });
  },
  passesInfinities: true,
  lowering: { kind: 'kernel', plan: planWeightedScatter },
});

/** dy [B, N, C], x [B, P, C], indices [B, N, T] -> dw f32 [B, N, T]: dw[b, n, t] = Σ dy[b, n, c] x[b, i[b, n, t], c] */
const dotOp: OpDefinition<object> = defineOp<object>({
  name: 'weightedDot',
  infer: ([, , indices]) => [{ shape: indices.shape, dtype: 'f32' }],
  batch: foldIntoBatch,
  // With v the cotangent of dw:  d(dy)[n] = Σ v x[i];  dx[r] = Σ v dy over the taps of row r
  vjp: ({ inputs: [dy, x, indices], cotangents: [v], needs }) => [
    v && needs[0] ? weightedGather(x, indices, v) : undefined,
    v && needs[1] ? weightedScatter(dy, indices, v, x.shape[1]) : undefined,
    undefined,
  ],
  reference: (context) => {
    const [dy, x, indices] = context.inputs;
    const [batch, rows, channels] = x.shape;
    const [, count, taps] = indices.shape;
    return summed(context, (sums) => {
      forEachTap({ batch, rows, count, taps, channels }, indices.data, (pair, at, out) => {
        for (let c = 0; c < channels; c++) sums[pair] += dy.data[out + c] * x.data[at + c];
      });
    });
  },
  lowering: { kind: 'kernel', epilogue: false, plan: planWeightedDot },
});

/** x [B, P, C], indices i32 [B, N, T], weights f32 [B, N, T] -> [B, N, C] */
export const weightedGather = (x: Tensor, indices: Tensor, weights: Tensor): Tensor => apply(gatherOp, [x, indices, weights], {});

const weightedScatter = (dy: Tensor, indices: Tensor, weights: Tensor, rows: number): Tensor =>
  apply(scatterOp, [dy, indices, weights], { rows });
