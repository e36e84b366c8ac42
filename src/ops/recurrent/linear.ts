// Linear recurrences of vectors: gradients of recurrences, backwards in time, and their transposes, forwards in time. The gradient of one
// runs the other, so gradients of every order exist.
import { type Tensor, apply } from '../../graph/tensor.ts';
import { type BatchContext, type OpDefinition, defineOp } from '../../graph/op.ts';
import { add, mul } from '../elementwise/arithmetic.ts';
import { foldIntoBatch, spreadInputs } from '../batching/batching.ts';
import { matmul } from '../matmul/matmul.ts';
import { sum } from '../reduce/reduce.ts';
import { concat } from '../shape/concat.ts';
import { stack } from '../shape/rearrange.ts';
import { expandDims, reshape, squeeze, transpose } from '../shape/shape.ts';
import { sliceAxis } from '../shape/slice.ts';
import { type LinearAttributes, planLinear } from './plan.ts';
import { linearReference } from './reference.ts';

/** Element `index` of axis 2: [batch, time, n, units] -> [batch, time, units] */
export const partOf = (x: Tensor, index: number): Tensor => squeeze(sliceAxis(x, 2, index, 1), 2);

/** Rows of each matrix: x [batch, time, n] -> [matrices, batch / matrices · time, n] */
const grouped = (x: Tensor, matrices: number): Tensor =>
  reshape(x, [matrices, (x.shape[0] / matrices) * x.shape[1], x.shape.slice(2).reduce((a, b) => a * b, 1)]);

/** x [batch, time, n] times matrices [count, n, m], or [count, m, n] if transposed -> [batch, time, m] */
export function product(x: Tensor, matrices: Tensor, transposed = false): Tensor {
  const width = matrices.shape[transposed ? 1 : 2];
  return reshape(matmul(grouped(x, matrices.shape[0]), matrices, { transposeB: transposed }), [x.shape[0], x.shape[1], width]);
}

/** Gradient of the matrices of a product: x^T g, [count, n, m] */
export const productGradient = (x: Tensor, g: Tensor, count: number): Tensor =>
  matmul(grouped(x, count), grouped(g, count), { transposeA: true });

/** See `Factors` in cells.ts: gateFactors A [batch, time, gates, units]; stateFactors K, D and F, or K, [batch, time, 3 or 1, units]. */
export interface FactorTensors {
  readonly gateFactors: Tensor;
  readonly stateFactors: Tensor;
}

/** dc + D dh, [batch, time, units] */
const memoryGradient = (stateFactors: Tensor, after: Tensor): Tensor =>
  add(partOf(after, 1), mul(partOf(stateFactors, 1), partOf(after, 0)));

/** The gradients v of the products from those after the step, [batch, time, states, units] -> [batch, time, gates, units] */
export function gateGradients({ gateFactors, stateFactors }: FactorTensors, after: Tensor, { gates, states }: LinearAttributes): Tensor {
  const dh = sliceAxis(after, 2, 0, 1);
  if (states === 1) return mul(gateFactors, dh);
  const memory = expandDims(memoryGradient(stateFactors, after), 2);
  return mul(gateFactors, concat([...Array.from({ length: gates - 1 }, () => memory), dh], 2));
}

/**
 * drive [batch, time + 1, states, units], gateFactors A, stateFactors K, D, F, matrices, scale [batch, units] -> like drive. A step
 * backwards, with matrices [count, gates · units, units] and m = dc[t+1] + D dh[t+1]:
 *
 *     v = A m, last gate A dh[t+1];  dh[t] = drive[t] + K dh[t+1] + scale (v matrix),  dc[t] = drive[t] + F m
 *
 * Forwards it is the transpose, with matrices [count, units, gates · units]; the sum is over all gates but the last:
 *
 *     w = (scale qh[t]) matrix,  n = F qc[t] + Σ A w;  qh[t+1] = drive[t+1] + K qh[t] + A w of the last gate + D n,  qc[t+1] = drive[t+1] + n
 */
const linearOp: OpDefinition<LinearAttributes> = defineOp<LinearAttributes>({
  name: 'recurrenceGradient',
  infer: ([{ shape }]) => [{ shape, dtype: 'f32' }],
  batch: (context) => batchRecurrence(context, [3]),
  vjp({ inputs: [, gateFactors, stateFactors, matrices, scale], outputs: [found], cotangents: [g], needs, attributes }) {
    if (!g) return needs.map(() => undefined);
    const factors = { gateFactors, stateFactors };
    const turned = transpose(matrices, [0, 2, 1]);
    // The gradient of the drive is the transposed recurrence of g. Of both, the states before and after each step meet.
    const other = linearSteps(g, factors, turned, scale, { ...attributes, backwards: !attributes.backwards });
    const { gates, states, scaled, backwards } = attributes;
    const [forward, backward] = backwards ? [other, found] : [found, other];
    const [batch, steps, , units] = gateFactors.shape;
    const [before, after] = [sliceAxis(forward, 1, 0, steps), sliceAxis(backward, 1, 1, steps)];
    const kernel = backwards ? turned : matrices;
    const [qh, dh] = [partOf(before, 0), partOf(after, 0)];
    const left = scaled ? mul(qh, expandDims(scale, 1)) : qh;
    const v = reshape(gateGradients(factors, after, attributes), [batch, steps, gates * units]);
    const w = reshape(product(left, kernel), [batch, steps, gates, units]);
    const gateFactorsGradient = (): Tensor => gateGradients({ ...factors, gateFactors: w }, after, attributes);
    const stateFactorsGradient = (): Tensor => {
      if (states === 1) return expandDims(mul(qh, dh), 2);
      const toMemory = sum(mul(sliceAxis(gateFactors, 2, 0, gates - 1), sliceAxis(w, 2, 0, gates - 1)), { axis: 2 });
      const qc = partOf(before, 1);
      const memory = add(mul(partOf(stateFactors, 2), qc), toMemory);
      return stack([mul(qh, dh), mul(memory, dh), mul(qc, memoryGradient(stateFactors, after))], 2);
    };
    const matricesGradient = (): Tensor => {
      const ofKernel = productGradient(left, v, kernel.shape[0]);
      return backwards ? transpose(ofKernel, [0, 2, 1]) : ofKernel;
    };
    return [
      needs[0] ? other : undefined,
      needs[1] ? gateFactorsGradient() : undefined,
      needs[2] ? stateFactorsGradient() : undefined,
      needs[3] ? matricesGradient() : undefined,
      needs[4] && scaled ? sum(mul(qh, product(v, kernel, true)), { axis: 1 }) : undefined,
    ];
  },
  reference: linearReference,
  lowering: { kind: 'kernel', epilogue: false, plan: planLinear },
});

export const linearSteps = (
  drive: Tensor,
  { gateFactors, stateFactors }: FactorTensors,
  matrices: Tensor,
  scale: Tensor,
  attributes: LinearAttributes,
): Tensor => apply(linearOp, [drive, gateFactors, stateFactors, matrices, scale], attributes);

/** Examples join the batch. Inputs `shared`, which belong to groups of the batch, stay as they are if all examples share one of each. */
export function batchRecurrence<A>(context: BatchContext<A>, shared: readonly number[]): readonly Tensor[] {
  const { inputs, mapped, size, attributes, apply: applyTo } = context;
  if (shared.some((i) => i < inputs.length && (mapped[i] || inputs[i].shape[0] !== 1))) return foldIntoBatch(context);
  const rows = inputs[0].shape[mapped[0] ? 1 : 0];
  const folded = spreadInputs(context).map((x, i) => (shared.includes(i) ? inputs[i] : reshape(x, [size * rows, ...x.shape.slice(2)])));
  return applyTo(folded, attributes).map((y) => reshape(y, [size, rows, ...y.shape.slice(1)]));
}
