// All ops. Each is defined once; public names are listed one by one.
export type { TensorLike } from './operands/operands.ts';
export { abs, add, div, floorDiv, maximum, minimum, mod, mul, neg, pow, reciprocal, sign, square, sub } from './elementwise/arithmetic.ts';
export { ceil, floor, round, trunc } from './elementwise/rounding.ts';
export { exp, exp2, expm1, log, log1p, log2, logSigmoid, rsqrt, sigmoid, softplus, sqrt } from './elementwise/exponential.ts';
export { acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, sin, sinh, tan, tanh } from './elementwise/trigonometric.ts';
export { erf, erfInv, erfc } from './elementwise/errorFunction.ts';
export { digamma, lgamma, polygamma } from './elementwise/gammaFunctions.ts';
export { bitwiseAnd, bitwiseNot, bitwiseOr, bitwiseXor, fmod, leftShift, rightShift, truncDiv } from './elementwise/integers.ts';
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
} from './elementwise/comparison.ts';
export { clip, where } from './elementwise/select.ts';
export { cast } from './elementwise/cast.ts';
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
} from './elementwise/activations.ts';
export {
  type ShrinkOptions,
  type SquareplusOptions,
  type ThresholdOptions,
  hardShrink,
  linear,
  softShrink,
  sparsePlus,
  sparseSigmoid,
  squareplus,
  threshold,
} from './elementwise/piecewise.ts';
export { type SoftmaxOptions, logSoftmax, softmax } from './normalization/softmax.ts';
export { sparsemax } from './normalization/sparsemax.ts';
export { type ReduceOptions, all, any, max, min, prod, sum } from './reduce/reduce.ts';
export { type ArgReduceOptions, argMax, argMin } from './reduce/argReduce.ts';
export {
  type LogSumExpOptions,
  type NormOptions,
  type VarianceOptions,
  logSumExp,
  mean,
  norm,
  std,
  variance,
} from './reduce/statistics.ts';
export { alias, broadcastTo, expandDims, flatten, reshape, squeeze, stopGradient, transpose } from './shape/shape.ts';
export { flip, slice } from './shape/slice.ts';
export { type PadOptions, pad } from './shape/pad.ts';
export { concat } from './shape/concat.ts';
export { repeat, roll, split, stack, tile, unstack } from './shape/rearrange.ts';
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
} from './create/create.ts';
export type { BernoulliOptions } from './create/random.ts';
export type { NestedValues } from './create/create.ts';
export type { AxisOption as GatherOptions } from './indexing/gather.ts';
export type { Conv2dOptions as Conv2dOpOptions } from './conv/conv2d.ts';
export type { Sides } from './conv/extent.ts';
export type { Padding2d } from './conv/geometry.ts';
export type { Coordinates as ResizeCoordinates, Rounding as ResizeRounding } from './resize/taps.ts';
export { type DropoutOptions, type NormalOptions, type UniformOptions, dropout, random } from './create/random.ts';
export type { SeedOptions } from './create/randomBits.ts';
export type { CategoricalOptions, RandintOptions } from './create/discrete.ts';
export type { ExponentialOptions, GumbelOptions } from './create/exponentials.ts';
export type { BetaOptions, GammaOptions } from './create/gamma.ts';
export { setSeed } from '../core/random.ts';
export { type MatmulOptions, dot, matmul, outer } from './matmul/matmul.ts';
export { conv2d } from './conv/conv2d.ts';
export { type Conv1dOptions, conv1d } from './conv/conv1d.ts';
export { type Conv3dOptions, conv3d } from './conv/conv3d.ts';
export {
  type Conv1dTransposeOptions,
  type Conv2dTransposeOptions,
  type Conv3dTransposeOptions,
  conv1dTranspose,
  conv2dTranspose,
  conv3dTranspose,
} from './conv/convTranspose.ts';
export { type DepthwiseConv2dOptions, depthwiseConv2d } from './conv/depthwise.ts';
export { type MaxPool2dOptions, type Pool2dOptions, maxPool2d } from './pool/maxPool.ts';
export { type AvgPool2dOptions, type GlobalAvgPoolOptions, avgPool2d, globalAvgPool } from './pool/averagePool.ts';
export {
  type MaxUnpool2dOptions,
  maxPool1dWithIndices,
  maxPool2dWithIndices,
  maxPool3dWithIndices,
  maxUnpool2d,
} from './pool/poolIndices.ts';
export {
  type AvgPoolOptions,
  type MaxPoolOptions,
  type PoolOptions,
  avgPool1d,
  avgPool3d,
  maxPool1d,
  maxPool3d,
} from './pool/separablePool.ts';
export { type Upsample2dOptions, upsample2d } from './resize/upsample.ts';
export { type AdaptivePoolOptions, adaptiveAvgPool, adaptiveMaxPool } from './pool/adaptivePool.ts';
export { depthToSpace, pixelShuffle, pixelUnshuffle, spaceToDepth } from './shape/pixelShuffle.ts';
export { type GridSampleOptions, gridSample } from './resize/gridSample.ts';
export { type ResizeOptions, resize } from './resize/resize.ts';
export { embedding, gather, scatterAdd } from './indexing/gather.ts';
export { type ScatterAlongOptions, scatterAlongAxis } from './indexing/scatterAlong.ts';
export { type GatherNdOptions, type ScatterNdOptions, gatherNd, scatterNd } from './indexing/scatterNd.ts';
export type { ScatterMode } from './indexing/scatterReduce.ts';
export { type TensordotAxes, einsum, tensordot } from './matmul/einsum.ts';
export {
  type GroupNormOptions,
  type LayerNormOptions,
  type NormalizationOptions,
  batchNorm,
  groupNorm,
  instanceNorm,
  layerNorm,
  rmsNorm,
} from './normalization/normalization.ts';
export { type AttentionOptions, scaledDotProductAttention } from './attention/attention.ts';
export { type TakeAlongOptions, takeAlongAxis } from './indexing/alongAxis.ts';
export { type CellName, type GateFunctionName, type RecurrenceOptions, recurrence } from './recurrent/recurrence.ts';
export { type ScanOptions, cumProd, cumSum } from './scan/scan.ts';
export { type CumulativeOptions, cumMax, cumMin, logCumSumExp } from './scan/cumulative.ts';
export { type DiagOptions, type DiagonalOptions, diag, diagonal } from './shape/diagonal.ts';
export { type Interpolation, type QuantileOptions, type SearchSortedOptions, median, quantile, searchSorted } from './sort/quantile.ts';
export { type SortOptions, type TopKOptions, argSort, sort, topK } from './sort/sort.ts';
export { cholesky } from './linalg/cholesky.ts';
export { determinant, logDeterminant } from './linalg/determinant.ts';
export { type TriangularSolveOptions, inverse, solve, triangularSolve } from './linalg/solve.ts';
export { type FourierOptions, fft, ifft, irfft, rfft } from './fourier/fft.ts';
