// Rows of normalisations and attention.
import type { Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { type OpRow, f, row, w } from './row.ts';

const close = { gpu: { ulp: 16, absolute: 4e-6 } } as const;
const X = f([3, 5]);
const images = f([2, 3, 2, 4]);
const spread = f([5], 0.2, 3);
/** [batch, heads, time, depth] of queries, and of keys and values. */
const q = f([2, 2, 3, 4]);
const kv = f([2, 2, 5, 4]);
const attend = o.scaledDotProductAttention;

export const normalizationRows: readonly OpRow[] = [
  row('batchNorm', [X, f([5]), spread], (x, m, v) => o.batchNorm(x, m, v), close),
  row('batchNorm scaled', [X, f([5]), spread, f([5]), f([5])], (x, m, v, gamma, beta) => o.batchNorm(x, m, v, { gamma, beta }), close),
  row('batchNorm images', [images, f([4]), f([4], 0.2, 3)], (x, m, v) => o.batchNorm(x, m, v, { epsilon: 0.1 }), close),
  row('layerNorm', [X], (x) => o.layerNorm(x), close),
  row('layerNorm scaled', [X, f([5]), f([5])], (x, gamma, beta) => o.layerNorm(x, { gamma, beta, epsilon: 1e-5 }), close),
  row('layerNorm axes', [f([2, 3, 4]), f([3, 4])], (x, gamma) => o.layerNorm(x, { axis: [1, -1], gamma }), close),
  row('layerNorm first axis', [X, f([3]), f([3])], (x, gamma, beta) => o.layerNorm(x, { axis: 0, gamma, beta }), close),
  row('groupNorm', [images], (x) => o.groupNorm(x, { groups: 2 }), close),
  row('groupNorm scaled', [images, f([4]), f([4])], (x, gamma, beta) => o.groupNorm(x, { groups: 2, gamma, beta }), close),
  row('groupNorm vectors', [f([3, 6])], (x) => o.groupNorm(x, { groups: 3, epsilon: 0.1 }), close),
  row('instanceNorm', [images, f([4]), f([4])], (x, gamma, beta) => o.instanceNorm(x, { gamma, beta }), close),
  row('rmsNorm', [X], (x) => o.rmsNorm(x), close),
  row('rmsNorm scaled', [X, f([5])], (x, gamma) => o.rmsNorm(x, { gamma, epsilon: 0.01 }), close),
  row('sparsemax', [f([3, 5])], (x) => o.sparsemax(x), { gpu: { ulp: 4, absolute: 2e-7 } }),
  row('sparsemax axis', [f([2, 7, 3], -1, 1)], (x) => o.sparsemax(x, { axis: 1 }), { gpu: { ulp: 4, absolute: 2e-7 } }),
  row('sparsemax dense', [f([2, 9], 0, 0.1)], (x) => o.sparsemax(x), { gpu: { ulp: 4, absolute: 2e-7 } }),
  row('scaledDotProductAttention', [q, kv, kv], (...x) => attend(x[0], x[1], x[2]), close),
  row('scaledDotProductAttention wide', [q, kv, f([2, 2, 5, 3])], (a, b, c) => attend(a, b, c, { scale: 2 }), close),
  row('scaledDotProductAttention causal', [f([1, 2, 5, 4]), f([1, 2, 5, 4]), f([1, 2, 5, 4])], (a, b, c) => attend(a, b, c, { isCausal: true }), close), // prettier-ignore
  row('scaledDotProductAttention mask', [q, kv, kv, w([3, 5], 0, 2)], (a, b, c, m) => attend(a, b, c, { mask: o.greater(m, 0) }), close),
  row('scaledDotProductAttention bias', [q, kv, kv, f([2, 1, 5])], (a, b, c, mask: Tensor) => attend(a, b, c, { mask }), close),
];
