// Rows at kinks, infinite slopes and limits. Values and gradients are PyTorch's (test/golden/kinks.json, made by scripts/golden/kinks.py
// with the same names). In addition, a cotangent of 0 gives a gradient of 0 in every row, also with an infinite slope, and it has gradients
// in turn.
import type { Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';

/** JSON lacks the numbers 'inf', '-inf' and 'nan'. */
export type Word = number | 'inf' | '-inf' | 'nan';

export interface PackedWords {
  readonly shape: readonly number[];
  readonly data: readonly Word[];
}

/** One row of the golden file. Without a cotangent the gradient is that of the sum. */
export interface GoldenKink {
  readonly inputs: readonly PackedWords[];
  readonly cotangent?: PackedWords;
  readonly value: PackedWords;
  readonly gradients: readonly PackedWords[];
}

const numbers = { inf: Infinity, '-inf': -Infinity, nan: NaN } as const;
export const numbersOf = ({ data }: PackedWords): number[] => data.map((word) => (typeof word === 'number' ? word : numbers[word]));

export interface KinkRow {
  readonly call: (...inputs: Tensor[]) => Tensor;
  /** Why gradients of gradients are not tried. */
  readonly once?: string;
  /** The difference from PyTorch, and its reason. */
  readonly differs?: { readonly value?: readonly number[]; readonly gradients?: readonly (readonly number[])[]; readonly reason: string };
}

const mask = (x: Tensor): Tensor => o.greater(x, 0);
const along = { axis: 1 } as const;

/** The first word of a name is the op. */
export const kinkRows: Readonly<Record<string, KinkRow | KinkRow['call']>> = {
  sqrt: o.sqrt,
  'sqrt negative cotangent': o.sqrt,
  rsqrt: o.rsqrt,
  reciprocal: o.reciprocal,
  log: o.log,
  log1p: o.log1p,
  log2: o.log2,
  ...Object.fromEntries([0, 0.5, -0.5, 1, 1.5, 2, 3, -1, -2, 0.25].map((p) => [`pow ${p}`, (x: Tensor) => o.pow(x, p)])),
  pow: o.pow,
  'pow of 0': (x) => o.pow(0, x),
  'pow of 2': (x) => o.pow(2, x),
  div: o.div,
  mod: o.mod,
  fmod: o.fmod,
  lgamma: o.lgamma,
  digamma: o.digamma,
  polygamma: {
    call: (x: Tensor) => o.polygamma(x, 1),
    differs: {
      gradients: [[NaN, -2.4041138]],
      reason: 'even orders have poles of either sign: NaN here, the limit from the right in PyTorch',
    },
  },
  erfInv: o.erfInv,

  exp: o.exp,
  exp2: o.exp2,
  expm1: o.expm1,
  sinh: o.sinh,
  cosh: o.cosh,
  sigmoid: o.sigmoid,
  tanh: o.tanh,
  logSigmoid: o.logSigmoid,
  softplus: o.softplus,
  erf: o.erf,
  erfc: o.erfc,

  asin: o.asin,
  acos: o.acos,
  atan: o.atan,
  asinh: o.asinh,
  acosh: o.acosh,
  atanh: o.atanh,
  atan2: { call: o.atan2, differs: { gradients: [[0, 1, -1, 0, 0], [0, 0, 0, -1, 1]], reason: 'no angle at the origin: 0 here, 0 / 0 in PyTorch' } }, // prettier-ignore

  abs: o.abs,
  maximum: o.maximum,
  minimum: o.minimum,
  clip: (x) => o.clip(x, -1, 1),
  'clip crossed': (x) => o.clip(x, 2, 1),
  relu: o.relu,
  relu6: o.relu6,
  hardSigmoid: o.hardSigmoid,
  hardSwish: {
    call: o.hardSwish,
    differs: {
      gradients: [[0.5, 1, 0, 1, 0]],
      reason: 'at 3 and -3 the slope of the side that is a line, as in later versions of PyTorch',
    },
  },
  hardTanh: {
    call: o.hardTanh,
    differs: {
      gradients: [[1, 1, 0, 0, 0, 0, 1, 1]],
      reason: 'it is clip(x, -1, 1), whose bounds belong to the inside, as in torch.clamp',
    },
  },
  leakyRelu: (x) => o.leakyRelu(x),
  prelu: o.prelu,
  elu: (x) => o.elu(x),
  selu: o.selu,
  celu: (x) => o.celu(x, { alpha: 2 }),
  softsign: o.softsign,
  silu: o.silu,
  mish: o.mish,
  gelu: (x) => o.gelu(x),
  'gelu exact': (x) => o.gelu(x, { approximate: false }),
  tanhShrink: o.tanhShrink,
  hardShrink: (x) => o.hardShrink(x),
  softShrink: (x) => o.softShrink(x),
  threshold: (x) => o.threshold(x, { threshold: 0.5, value: 3 }),
  squareplus: (x) => o.squareplus(x),
  sparsePlus: o.sparsePlus,
  sparseSigmoid: o.sparseSigmoid,
  sparsemax: (x) => o.sparsemax(x),
  glu: (x) => o.glu(x),

  max: (x) => o.max(x, along),
  min: (x) => o.min(x, along),
  prod: (x) => o.prod(x, along),
  cumProd: (x) => o.cumProd(x, along),
  ...Object.fromEntries(
    [1, 2, 3, 1.5, 0.5, -1, -2, Infinity, -Infinity].map((ord) => [
      `norm ${String(ord).replace('Infinity', 'inf')}`,
      (x: Tensor) => o.norm(x, { ord, ...along }),
    ]),
  ),
  std: (x) => o.std(x, along),
  'std correction': (x) => o.std(x, { correction: 1, ...along }),
  variance: (x) => o.variance(x, along),
  softmax: (x) => o.softmax(x),
  'softmax nothing': (x) => o.softmax(x),
  logSoftmax: (x) => o.logSoftmax(x),
  logSumExp: (x) => o.logSumExp(x, along),
  'logSumExp nothing': (x) => o.logSumExp(x, along),
  ...Object.fromEntries(
    (['multiply', 'min', 'max'] as const).map((mode) => [
      `scatterAlongAxis ${mode}`,
      (x: Tensor, u: Tensor) => o.scatterAlongAxis(x, o.tensor([0, 0, 1, 1, 3], undefined, 'i32'), u, { mode }),
    ]),
  ),
  cumMax: (x) => o.cumMax(x, along),
  cumMin: (x) => o.cumMin(x, along),
  logCumSumExp: (x) => o.logCumSumExp(x, along),
  quantile: (x) => o.quantile(x, 0.4, along),
  determinant: { call: (x: Tensor) => o.determinant(x), once: 'the second derivative of a singular matrix is 0 / 0 by its formula' },
  sort: (x) => o.sort(x),

  'where sqrt': (x) => o.where(mask(x), o.sqrt(x), 0),
  'where rsqrt': (x) => o.where(mask(x), o.rsqrt(x), 0),
  'where log': (x) => o.where(mask(x), o.log(x), 0),
  'where log2': (x) => o.where(mask(x), o.log2(x), 0),
  'where reciprocal': (x) => o.where(mask(x), o.reciprocal(x), 0),
  'where pow': (x) => o.where(mask(x), o.pow(x, -0.3), 0),
  'where norm': (x) => o.where(mask(x), o.norm(o.expandDims(x, 1), along), 0),
  'where exp': (x) => o.where(o.less(x, 9), o.exp(x), 0),
  'where div': (a, b) => o.where(mask(b), o.div(a, b), 0),
  'where acos': (x) => o.where(o.less(x, 1), o.acos(x), 0),
  triL: (x) => o.triL(x),

  layerNorm: (x) => o.layerNorm(x),
  rmsNorm: (x) => o.rmsNorm(x),
  groupNorm: (x) => o.groupNorm(x, { groups: 2 }),
  instanceNorm: (x) => o.instanceNorm(x),
  batchNorm: (x, mean, variance) => o.batchNorm(x, mean, variance),
  scaledDotProductAttention: (q, k, v) =>
    o.scaledDotProductAttention(q, k, v, { mask: o.cast(o.tensor([[1, 0], [0, 0]]), 'bool') }), // prettier-ignore
  maxPool2d: (x) => o.maxPool2d(x, { poolSize: 2 }),
  maxPool1d: (x) => o.maxPool1d(x, { poolSize: 2 }),
  maxPool3d: (x) => o.maxPool3d(x, { poolSize: [1, 2, 2] }),
};
