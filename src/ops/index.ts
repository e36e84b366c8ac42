// The ops floor: every op, defined once. Public names, one by one.
export type { TensorLike } from './operands.ts';
export { abs, add, div, floorDiv, maximum, minimum, mod, mul, neg, pow, reciprocal, sign, square, sub } from './arithmetic.ts';
export { ceil, floor, round, trunc } from './rounding.ts';
export { exp, exp2, expm1, log, log1p, log2, logSigmoid, rsqrt, sigmoid, softplus, sqrt } from './exponential.ts';
export { acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, sin, sinh, tan, tanh } from './trigonometric.ts';
export { erf, erfInv, erfc } from './errorFunction.ts';
export { digamma, lgamma, polygamma } from './gammaFunctions.ts';
export { bitwiseAnd, bitwiseNot, bitwiseOr, bitwiseXor, fmod, leftShift, rightShift, truncDiv } from './integers.ts';
export {
  equal,
  greater,
  greaterEqual,
  isFinite,
  isInf,
  isNaN,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  notEqual,
} from './comparison.ts';
export { clip, where } from './select.ts';
export { cast } from './cast.ts';
export {
  celu,
  elu,
  gelu,
  glu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  mish,
  prelu,
  relu,
  relu6,
  selu,
  silu,
  softsign,
  tanhShrink,
} from './activations.ts';
export { type SoftmaxOptions, logSoftmax, softmax } from './softmax.ts';
export { type ReduceOptions, all, any, max, min, prod, sum } from './reduce.ts';
export { type ArgReduceOptions, argMax, argMin } from './argReduce.ts';
export { type LogSumExpOptions, type NormOptions, type VarianceOptions, logSumExp, mean, norm, std, variance } from './statistics.ts';
export { alias, broadcastTo, expandDims, flatten, reshape, squeeze, stopGradient, transpose } from './shape.ts';
export { flip, slice } from './slice.ts';
export { type PadOptions, pad } from './pad.ts';
export { concat } from './concat.ts';
export { repeat, roll, split, stack, tile, unstack } from './rearrange.ts';
export {
  type TriangleOptions,
  type Values,
  arange,
  eye,
  full,
  linspace,
  oneHot,
  ones,
  onesLike,
  scalar,
  tensor,
  triL,
  triU,
  zeros,
  zerosLike,
} from './create.ts';
export { type DropoutOptions, type NormalOptions, type SeedOptions, type UniformOptions, dropout, random } from './random.ts';
export { setSeed } from '../core/random.ts';
export { type MatmulOptions, dot, matmul, outer } from './matmul.ts';
export { conv2d } from './conv.ts';
export { type Conv1dOptions, conv1d } from './conv1d.ts';
export { type Conv3dOptions, conv3d } from './conv3d.ts';
export {
  type Conv1dTransposeOptions,
  type Conv2dTransposeOptions,
  type Conv3dTransposeOptions,
  conv1dTranspose,
  conv2dTranspose,
  conv3dTranspose,
} from './convTranspose.ts';
export { type DepthwiseConv2dOptions, depthwiseConv2d } from './depthwise.ts';
export { type MaxPool2dOptions, type Pool2dOptions, maxPool2d } from './pool.ts';
export { type AvgPool2dOptions, type GlobalAvgPoolOptions, avgPool2d, globalAvgPool } from './averagePool.ts';
export { type MaxUnpool2dOptions, maxPool1dWithIndices, maxPool2dWithIndices, maxPool3dWithIndices, maxUnpool2d } from './poolIndices.ts';
export { type AvgPoolOptions, type MaxPoolOptions, type PoolOptions, avgPool1d, avgPool3d, maxPool1d, maxPool3d } from './separablePool.ts';
export { type Upsample2dOptions, upsample2d } from './upsample.ts';
export { type AdaptivePoolOptions, adaptiveAvgPool, adaptiveMaxPool } from './adaptivePool.ts';
export { depthToSpace, pixelShuffle, pixelUnshuffle, spaceToDepth } from './pixelShuffle.ts';
export { type GridSampleOptions, gridSample } from './gridSample.ts';
export { type ResizeOptions, resize } from './resize.ts';
export { embedding, gather, scatterAdd } from './gather.ts';
export { type ScatterAlongOptions, scatterAlongAxis } from './scatterAlong.ts';
export { type GatherNdOptions, type ScatterNdOptions, gatherNd, scatterNd } from './scatterNd.ts';
export type { ScatterMode } from './scatterReduce.ts';
export { type TensordotAxes, einsum, tensordot } from './einsum.ts';
export {
  type GroupNormOptions,
  type LayerNormOptions,
  type NormalizationOptions,
  batchNorm,
  groupNorm,
  instanceNorm,
  layerNorm,
  rmsNorm,
} from './normalization.ts';
export { type AttentionOptions, scaledDotProductAttention } from './attention.ts';
export { type TakeAlongOptions, takeAlongAxis } from './alongAxis.ts';
export { type ScanOptions, cumProd, cumSum } from './scan.ts';
export { type CumulativeOptions, cumMax, cumMin, logCumSumExp } from './cumulative.ts';
export { type DiagOptions, type DiagonalOptions, diag, diagonal } from './diagonal.ts';
export { type Interpolation, type QuantileOptions, type SearchSortedOptions, median, quantile, searchSorted } from './quantile.ts';
export { type SortOptions, type TopKOptions, argSort, sort, topK } from './sort.ts';
export { cholesky } from './cholesky.ts';
export { determinant, logDeterminant } from './determinant.ts';
export { type TriangularSolveOptions, inverse, solve, triangularSolve } from './solve.ts';
export { type FourierOptions, fft, ifft, irfft, rfft } from './fft.ts';
