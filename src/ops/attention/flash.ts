// Attention for long sequences: kernels that never store the scores of all pairs. The forward kernel stores the log-sum-exp of each row,
// and the two gradient kernels recompute the weights from it. Each sum has one writer. All three are ops over [batch, heads, time, depth]
// in f32; a mask is the last input. GPUs replace them by compositions that store the scores if storesScores() says so.
import { sizeOf } from '../../core/shape.ts';
import { type KernelPlan, type KernelContext, type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply, applyAll } from '../../graph/tensor.ts';
import forwardSource from '../../../shaders/attention.wgsl?raw';
import gradientHeadSource from '../../../shaders/attentionGradientHead.wgsl?raw';
import keySource from '../../../shaders/attentionKeyGradient.wgsl?raw';
import querySource from '../../../shaders/attentionQueryGradient.wgsl?raw';
import type { KernelFile } from '../../wgsl/index.ts';
import { add, div, mul, neg, sub } from '../elementwise/arithmetic.ts';
import { foldIntoBatch } from '../batching/batching.ts';
import { equal } from '../elementwise/comparison.ts';
import { exp, log } from '../elementwise/exponential.ts';
import { clip, where } from '../elementwise/select.ts';
import { matmul } from '../matmul/matmul.ts';
import { max, sum } from '../reduce/reduce.ts';
import { concat } from '../shape/concat.ts';
import { expandDims, reshape } from '../shape/shape.ts';
import { sliceAxis } from '../shape/slice.ts';
import { type AttentionKernel, acceptsMask, acceptsRows, planAttention, scoreBytes, storesScores } from './plan.ts';
import { attend, forEachWeight } from './reference.ts';
import { type AttentionAttributes, nothing, scoresOf } from './scores.ts';

const forwardKernel = { name: 'attention', text: forwardSource } as const;
const gradientKernel = <Name extends string>(name: Name, source: string): KernelFile & { readonly name: Name } => ({
  name,
  text: `${gradientHeadSource}\n${source}`,
});

const transposed = { transposeB: true } as const;

/**
 * q, k, v and an optional mask [B, H, T, S] -> result [B, H, T, D] and log Σ exp of each row's scores [B, H, T] (0 for a row without keys).
 */
export const flashOp: OpDefinition<AttentionAttributes> = defineOp<AttentionAttributes>({
  name: 'attention',
  infer: ([q]) => [
    { shape: q.shape, dtype: 'f32' },
    { shape: q.shape.slice(0, 3), dtype: 'f32' },
  ],
  batch: foldIntoBatch,
  // With delta = Σ g y:  dS = P (g vᵀ - delta);  dq = scale dS k,  dk = scale dSᵀ q,  dv = Pᵀ g,  dmask = dS.
  // logSumExp = L has the derivative P dS, so a cotangent of L is subtracted from delta.
  vjp: ({ inputs, outputs: [y, logSumExp], cotangents: [given, ofLog], needs, attributes }) => {
    if (!given && !ofLog) return inputs.map(() => undefined);
    const [q, k, v, mask] = inputs;
    const g = given ?? mul(y, 0);
    const product = sum(mul(g, y), { axis: -1 });
    const delta = ofLog ? sub(product, ofLog) : product;
    const operands = [q, k, v, g, logSumExp, delta, ...(mask ? [mask] : [])];
    const both = needs[1] || needs[2] ? apply(keyGradientOp, operands, attributes) : undefined;
    const depth = q.shape[3];
    const gradients = [
      needs[0] ? apply(queryGradientOp, operands, attributes) : undefined,
      both && sliceAxis(both, 3, 0, depth),
      both && sliceAxis(both, 3, depth, depth),
    ];
    // A trainable mask has a gradient of its own size, T x S.
    return mask ? [...gradients, needs[3] ? mul(...weightsAndSlopes(operands, attributes)) : undefined] : gradients;
  },
  reference: ({ inputs, outputs: [y, logSumExp], attributes, allocate }) => {
    const result = allocate(y.dtype, sizeOf(y.shape));
    const logs = allocate(logSumExp.dtype, sizeOf(logSumExp.shape));
    attend(inputs, attributes, result, logs);
    return [result, logs];
  },
  expand: (inputs, attributes, target) => {
    if (!storesScores(inputs, attributes, target)) return undefined;
    const [q, k, v] = inputs;
    const scores = scoresOf(q, k, inputs.at(3), attributes);
    const shift = clip(max(scores, { axis: -1, keepDims: true }), nothing, Infinity);
    const powers = exp(sub(scores, shift));
    const sums = sum(powers, { axis: -1, keepDims: true });
    // NaN stays, as in the kernels.
    const isEmpty = equal(sums, 0);
    const whole = where(isEmpty, 1, sums);
    const logSumExp = where(isEmpty, 0, add(shift, log(whole)));
    return [matmul(div(powers, whole), v), reshape(logSumExp, q.shape.slice(0, 3))];
  },
  keptBytes: scoreBytes,
  lowering: {
    kind: 'kernel',
    acceptsView: (input, view) => (input < 3 ? acceptsRows(view) : acceptsMask(view)),
    plan: (context) => planAttention(forwardKernel, 'queries', { rows: { q: 0, k: 1, v: 2 }, flat: [] }, context),
  },
});

const backwardLowering = (kernel: AttentionKernel, along: 'queries' | 'keys'): OpDefinition<AttentionAttributes>['lowering'] => ({
  kind: 'kernel',
  epilogue: false,
  acceptsView: (input, view) => (input < 4 ? acceptsRows(view) : input === 6 && acceptsMask(view)),
  plan: (context: KernelContext<AttentionAttributes>): KernelPlan =>
    planAttention(kernel, along, { rows: { q: 0, k: 1, v: 2, g: 3 }, flat: [4, 5] }, context),
});

/** q, k, v, g, logSumExp, delta, mask? -> scale Σₛ P (g · v - delta) k, the gradient of the queries [B, H, T, D]. */
const queryGradientOp: OpDefinition<AttentionAttributes> = defineOp<AttentionAttributes>({
  name: 'attentionQueryGradient',
  infer: ([q]) => [{ shape: q.shape, dtype: 'f32' }],
  batch: foldIntoBatch,
  expand: (inputs, attributes, target) => {
    if (!storesScores(inputs, attributes, target)) return undefined;
    return [mul(matmul(mul(...weightsAndSlopes(inputs, attributes)), inputs[1]), attributes.scale)];
  },
  vjp: ({ inputs, cotangents: [u], attributes }) => secondGradients(inputs, { ofQuery: u }, attributes),
  reference: ({ inputs, outputs: [type], attributes, allocate }) => {
    const k = inputs[1].data;
    const depth = type.shape[3];
    const sums = new Float64Array(sizeOf(type.shape));
    forEachWeight(inputs, attributes, (query, key, _, slope) => {
      for (let d = 0; d < depth; d++) sums[query * depth + d] += slope * k[key * depth + d];
    });
    const out = allocate(type.dtype, sums.length);
    out.set(sums);
    return [out];
  },
  lowering: backwardLowering(gradientKernel('attentionQueryGradient', querySource), 'queries'),
});

/** The same -> scale Σₜ P (g · v - delta) q and Σₜ P g, the gradients of keys and values side by side [B, H, S, 2 D]. */
const keyGradientOp: OpDefinition<AttentionAttributes> = defineOp<AttentionAttributes>({
  name: 'attentionKeyGradient',
  infer: ([, k]) => [{ shape: [...k.shape.slice(0, 3), 2 * k.shape[3]], dtype: 'f32' }],
  batch: foldIntoBatch,
  expand: (inputs, attributes, target) => {
    if (!storesScores(inputs, attributes, target)) return undefined;
    const [weights, slopes] = weightsAndSlopes(inputs, attributes);
    const ofKeys = mul(matmul(mul(weights, slopes), inputs[0], { transposeA: true }), attributes.scale);
    return [concat([ofKeys, matmul(weights, inputs[3], { transposeA: true })], 3)];
  },
  vjp: ({ inputs, cotangents: [u], attributes }) => {
    const depth = inputs[0].shape[3];
    const halves = u && { ofKey: sliceAxis(u, 3, 0, depth), ofValue: sliceAxis(u, 3, depth, depth) };
    return secondGradients(inputs, halves ?? {}, attributes);
  },
  reference: ({ inputs, outputs: [type], attributes, allocate }) => {
    const q = inputs[0].data;
    const g = inputs[3].data;
    const depth = inputs[0].shape[3];
    const sums = new Float64Array(sizeOf(type.shape));
    forEachWeight(inputs, attributes, (query, key, weight, slope) => {
      const at = 2 * depth * key;
      for (let d = 0; d < depth; d++) {
        sums[at + d] += slope * q[query * depth + d];
        sums[at + depth + d] += weight * g[query * depth + d];
      }
    });
    const out = allocate(type.dtype, sums.length);
    out.set(sums);
    return [out];
  },
  lowering: backwardLowering(gradientKernel('attentionKeyGradient', keySource), 'keys'),
});

/** P = exp(score - logSumExp) and E = g vᵀ - delta, [B, H, T, S]: the gradient of the scores is P E. */
function weightsAndSlopes(inputs: readonly Tensor[], attributes: AttentionAttributes): [weights: Tensor, slopes: Tensor] {
  const [q, k, v, g, logSumExp, delta, mask] = inputs;
  const weights = exp(sub(scoresOf(q, k, mask, attributes), expandDims(logSumExp, -1)));
  return [weights, sub(matmul(g, v, transposed), expandDims(delta, -1))];
}

/**
 * Gradients of the gradients dq = scale (P E) k, dk = scale (P E)ᵀ q, dv = Pᵀ g for cotangents u of dq, uₖ of dk and uᵥ of dv, as a composition
 * over all pairs. With A = scale (u kᵀ + q ukᵀ), the cotangent of P E:  Ē = A P,  P̄ = A E + g uᵥᵀ,  and S̄ = P̄ P for the scores.
 */
function secondGradients(
  inputs: readonly Tensor[],
  { ofQuery, ofKey, ofValue }: { ofQuery?: Tensor; ofKey?: Tensor; ofValue?: Tensor },
  attributes: AttentionAttributes,
): (Tensor | undefined)[] {
  const [q, k, v, g, , , mask] = inputs;
  const [weights, slopes] = weightsAndSlopes(inputs, attributes);
  const { scale } = attributes;
  const dS = mul(weights, slopes);
  const A = total([ofQuery && mul(matmul(ofQuery, k, transposed), scale), ofKey && mul(matmul(q, ofKey, transposed), scale)]);
  const ofWeights = total([A && mul(A, slopes), ofValue && matmul(g, ofValue, transposed)]);
  if (!ofWeights) return inputs.map(() => undefined);
  const ofScores = mul(ofWeights, weights);
  const ofSlopes = A && mul(A, weights);
  return [
    total([mul(matmul(ofScores, k), scale), ofKey && mul(matmul(dS, ofKey), scale)]),
    total([mul(matmul(ofScores, q, { transposeA: true }), scale), ofQuery && mul(matmul(dS, ofQuery, { transposeA: true }), scale)]),
    ofSlopes && matmul(ofSlopes, g, { transposeA: true }),
    total([ofSlopes && matmul(ofSlopes, v), ofValue && matmul(weights, ofValue)]),
    neg(sum(ofScores, { axis: -1 })),
    ofSlopes && neg(sum(ofSlopes, { axis: -1 })),
    ...(mask ? [ofScores] : []),
  ];
}

const total = (terms: readonly (Tensor | undefined)[]): Tensor | undefined =>
  terms.reduce((sumSoFar, term) => (sumSoFar && term ? add(sumSoFar, term) : (sumSoFar ?? term)), undefined);

/** The kernels' result for operands in f32 whose depth is a multiple of 4. */
export function flashAttention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | undefined, attributes: AttentionAttributes): Tensor {
  return applyAll(flashOp, [q, k, v, ...(mask ? [mask] : [])], attributes)[0];
}
