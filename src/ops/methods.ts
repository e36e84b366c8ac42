// Methods of Tensor: every free function whose first argument is a tensor, under the same name. One table gives the types and attaches
// them: `relu(x)` and `x.relu()` are the same function.
import { Tensor } from '../graph/tensor.ts';
import {
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
import { hardShrink, linear, softShrink, sparsePlus, sparseSigmoid, squareplus, threshold } from './elementwise/piecewise.ts';
import { sparsemax } from './normalization/sparsemax.ts';
import { adaptiveAvgPool, adaptiveMaxPool } from './pool/adaptivePool.ts';
import { takeAlongAxis } from './indexing/alongAxis.ts';
import { argMax, argMin } from './reduce/argReduce.ts';
import { abs, add, div, floorDiv, maximum, minimum, mod, mul, neg, pow, reciprocal, sign, square, sub } from './elementwise/arithmetic.ts';
import { avgPool2d, globalAvgPool } from './pool/averagePool.ts';
import { scaledDotProductAttention } from './attention/attention.ts';
import { cast } from './elementwise/cast.ts';
import {
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
import { conv2d } from './conv/conv2d.ts';
import { conv1d } from './conv/conv1d.ts';
import { conv3d } from './conv/conv3d.ts';
import { conv1dTranspose, conv2dTranspose, conv3dTranspose } from './conv/convTranspose.ts';
import { cumMax, cumMin, logCumSumExp } from './scan/cumulative.ts';
import { diag, diagonal } from './shape/diagonal.ts';
import { median, quantile, searchSorted } from './sort/quantile.ts';
import { fft, ifft, irfft, rfft } from './fourier/fft.ts';
import { cholesky } from './linalg/cholesky.ts';
import { determinant, logDeterminant } from './linalg/determinant.ts';
import { inverse, solve, triangularSolve } from './linalg/solve.ts';
import { oneHot, onesLike, triL, triU, zerosLike } from './create/create.ts';
import { depthwiseConv2d } from './conv/depthwise.ts';
import { tensordot } from './matmul/einsum.ts';
import { erf, erfInv, erfc } from './elementwise/errorFunction.ts';
import { exp, exp2, expm1, log, log1p, log2, logSigmoid, rsqrt, sigmoid, softplus, sqrt } from './elementwise/exponential.ts';
import { digamma, lgamma, polygamma } from './elementwise/gammaFunctions.ts';
import { gather, scatterAdd } from './indexing/gather.ts';
import { bitwiseAnd, bitwiseNot, bitwiseOr, bitwiseXor, fmod, leftShift, rightShift, truncDiv } from './elementwise/integers.ts';
import { gridSample } from './resize/gridSample.ts';
import { dot, matmul, outer } from './matmul/matmul.ts';
import { batchNorm, groupNorm, instanceNorm, layerNorm, rmsNorm } from './normalization/normalization.ts';
import { pad } from './shape/pad.ts';
import { depthToSpace, pixelShuffle, pixelUnshuffle, spaceToDepth } from './shape/pixelShuffle.ts';
import { maxPool2d } from './pool/maxPool.ts';
import { maxPool1dWithIndices, maxPool2dWithIndices, maxPool3dWithIndices, maxUnpool2d } from './pool/poolIndices.ts';
import { dropout } from './create/random.ts';
import { repeat, roll, split, tile, unstack } from './shape/rearrange.ts';
import { all, any, max, min, prod, sum } from './reduce/reduce.ts';
import { resize } from './resize/resize.ts';
import { ceil, floor, round, trunc } from './elementwise/rounding.ts';
import { cumProd, cumSum } from './scan/scan.ts';
import { scatterAlongAxis } from './indexing/scatterAlong.ts';
import { gatherNd, scatterNd } from './indexing/scatterNd.ts';
import { clip } from './elementwise/select.ts';
import { broadcastTo, expandDims, flatten, reshape, squeeze, stopGradient, transpose } from './shape/shape.ts';
import { avgPool1d, avgPool3d, maxPool1d, maxPool3d } from './pool/separablePool.ts';
import { flip, slice } from './shape/slice.ts';
import { logSoftmax, softmax } from './normalization/softmax.ts';
import { argSort, sort, topK } from './sort/sort.ts';
import { logSumExp, mean, norm, std, variance } from './reduce/statistics.ts';
import { acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, sin, sinh, tan, tanh } from './elementwise/trigonometric.ts';
import { upsample2d } from './resize/upsample.ts';

const methods = {
  ...{ abs, add, div, floorDiv, maximum, minimum, mod, mul, neg, pow, reciprocal, sign, square, sub },
  ...{ ceil, floor, round, trunc },
  ...{ exp, exp2, expm1, log, log1p, log2, logSigmoid, rsqrt, sigmoid, softplus, sqrt, erf, erfc },
  ...{ acos, acosh, asin, asinh, atan, atan2, atanh, cos, cosh, sin, sinh, tan, tanh },
  ...{ equal, notEqual, greater, greaterEqual, less, lessEqual, logicalAnd, logicalOr, logicalXor, logicalNot, isNaN, isFinite, isInf },
  ...{ erfInv, lgamma, digamma, polygamma },
  ...{ truncDiv, fmod, bitwiseAnd, bitwiseOr, bitwiseXor, bitwiseNot, leftShift, rightShift },
  ...{ cast, clip, stopGradient, dropout },
  ...{ relu, relu6, leakyRelu, prelu, elu, selu, celu, gelu, silu, mish, softsign, hardSigmoid, hardSwish, hardTanh, tanhShrink, glu },
  ...{ hardShrink, softShrink, threshold, squareplus, sparsePlus, sparseSigmoid, sparsemax, linear },
  ...{ softmax, logSoftmax, logSumExp },
  ...{ sum, mean, prod, max, min, any, all, argMax, argMin, variance, std, norm },
  ...{ cumSum, cumProd, sort, argSort, topK, takeAlongAxis },
  ...{ matmul, dot, outer, conv2d, maxPool2d, gather, scatterAdd },
  ...{ maxPool1dWithIndices, maxPool2dWithIndices, maxPool3dWithIndices, maxUnpool2d, resize, gridSample },
  ...{ adaptiveAvgPool, adaptiveMaxPool, pixelShuffle, pixelUnshuffle, depthToSpace, spaceToDepth },
  ...{ conv1d, conv3d, conv1dTranspose, conv2dTranspose, conv3dTranspose, depthwiseConv2d },
  ...{ maxPool1d, maxPool3d, avgPool1d, avgPool2d, avgPool3d, globalAvgPool, upsample2d },
  ...{ scatterAlongAxis, gatherNd, scatterNd },
  ...{ fft, ifft, rfft, irfft },
  ...{ determinant, logDeterminant, inverse, solve, triangularSolve, cholesky },
  ...{ cumMax, cumMin, logCumSumExp, quantile, median, searchSorted },
  ...{ reshape, transpose, expandDims, squeeze, broadcastTo, flatten, diagonal, diag },
  ...{ slice, flip, split, unstack, pad, tile, repeat, roll },
  ...{ tensordot, batchNorm, layerNorm, groupNorm, instanceNorm, rmsNorm, scaledDotProductAttention },
  ...{ oneHot, triL, triU, zerosLike, onesLike },
};

/** The function without its first argument, which is `this`. */
type Method<F> = F extends (first: never, ...rest: infer Rest) => infer Result ? (...rest: Rest) => Result : never;
type Methods = { readonly [Name in keyof typeof methods]: Method<(typeof methods)[Name]> };

declare module '../graph/tensor.ts' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  interface TensorMethods extends Methods {}
}

for (const [name, fn] of Object.entries<(first: never, ...rest: never[]) => unknown>(methods)) {
  Object.defineProperty(Tensor.prototype, name, {
    configurable: true,
    writable: true,
    value(this: never, ...rest: never[]) {
      return fn(this, ...rest);
    },
  });
}
