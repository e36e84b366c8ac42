// The names that users rely on, as data: the list of tensor functions of the public interface. Names are added here, never renamed.
const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Makers of tensors, and what is read of them. */
export const creationNames = [
  ...words('random.categorical random.gumbel random.randint random.gamma random.beta random.exponential'),
  ...words(`
  tensor scalar zeros ones full zerosLike onesLike arange linspace eye
  random.normal random.uniform random.bernoulli random.truncatedNormal random.permutation setSeed evaluate
`),
];
export const tensorMembers = words('shape dtype size rank data array item');
export const dtypes = ['f32', 'f16', 'i32', 'u32', 'bool'] as const;

/** Ops: free functions, and methods too unless listed below. */
export const opNames = words(`
  add sub mul div pow mod floorDiv maximum minimum neg abs sign floor ceil round trunc reciprocal square sqrt rsqrt exp expm1 exp2 log log1p log2
  sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc erfInv lgamma digamma polygamma truncDiv fmod clip where isNaN isFinite isInf
  equal notEqual greater greaterEqual less lessEqual logicalAnd logicalOr logicalNot logicalXor bitwiseAnd bitwiseOr bitwiseXor bitwiseNot leftShift rightShift cast stopGradient
  relu relu6 leakyRelu prelu elu selu celu gelu silu mish softplus softsign sigmoid logSigmoid hardSigmoid hardSwish hardTanh tanhShrink softmax logSoftmax glu
  hardShrink softShrink threshold squareplus sparsePlus sparseSigmoid sparsemax linear
  sum mean prod max min any all argMax argMin variance std norm logSumExp cumSum cumProd cumMax cumMin logCumSumExp quantile median searchSorted
  matmul dot outer einsum tensordot determinant logDeterminant inverse solve triangularSolve cholesky fft ifft rfft irfft
  reshape transpose expandDims squeeze broadcastTo flatten concat stack split unstack slice pad flip roll repeat tile
  gather gatherNd takeAlongAxis scatterAdd scatterAlongAxis scatterNd oneHot sort argSort topK triL triU diagonal diag
  conv1d conv2d conv3d conv2dTranspose depthwiseConv2d maxPool1d maxPool2d maxPool3d avgPool1d avgPool2d avgPool3d globalAvgPool upsample2d
  conv1dTranspose conv3dTranspose maxPool1dWithIndices maxPool2dWithIndices maxPool3dWithIndices maxUnpool2d resize gridSample
  adaptiveAvgPool adaptiveMaxPool pixelShuffle pixelUnshuffle depthToSpace spaceToDepth
  batchNorm layerNorm groupNorm instanceNorm rmsNorm dropout embedding scaledDotProductAttention recurrence
`);

/** Functions that are no methods, and why. */
export const functionsOnly: Readonly<Record<string, string>> = {
  where: 'its first argument is the condition, not the tensor that the result is like',
  einsum: 'its first argument is the equation',
  concat: 'its first argument is a list',
  stack: 'its first argument is a list',
  embedding: 'its first argument is the table; x.gather(indices) is the method',
  recurrence: 'its first argument is a product already; layers.lstm and its relatives are the usual way',
};
