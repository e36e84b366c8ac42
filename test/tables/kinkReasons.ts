// Why an op with a gradient has no row in test/tables/kinks.ts.
const linear = 'linear in what it is differentiated by: the slope is a constant';
const bilinear = 'a sum of products: each slope is the other factor';
const smooth = 'smooth, with a bounded slope at every finite argument';

const named = (names: string, reason: string): Record<string, string> => Object.fromEntries(names.split(' ').map((name) => [name, reason]));

export const kinkReasons: Readonly<Record<string, string>> = {
  ...named('add sub neg mean sum cumSum cast linear', linear),
  ...named('alias broadcastTo diag diagonal expandDims flatten flip reshape slice split squeeze transpose unstack', linear),
  ...named('concat pad repeat roll stack tile triU', linear),
  ...named('fft ifft rfft irfft', linear),
  ...named('gather gatherNd embedding scatterAdd takeAlongAxis', linear),
  ...named('avgPool1d avgPool2d avgPool3d globalAvgPool upsample2d resize maxUnpool2d', linear),
  ...named('adaptiveAvgPool pixelShuffle pixelUnshuffle depthToSpace spaceToDepth', linear),
  adaptiveMaxPool: 'the values of maxPool, whose rows have ties',
  gridSample: 'its jumps on elements and edges are compared with PyTorch in test/unit/images.test.ts',
  dropout: 'linear for a given mask; the share that is kept is a constant',
  ...named('mul matmul dot outer einsum tensordot', bilinear),
  ...named('conv1d conv2d conv3d conv1dTranspose conv2dTranspose conv3dTranspose depthwiseConv2d', bilinear),
  ...named('cos sin square', smooth),
  ...named('random.exponential random.gamma random.gumbel', 'linear in loc and scale: the numbers of scale 1 are constants'),
  tan: 'smooth: no float is a pole',
  scatterNd: 'scatterAlongAxis with flat indices',
  ...named('maxPool1dWithIndices maxPool2dWithIndices maxPool3dWithIndices', 'the values of maxPool, whose rows have ties'),
  median: 'quantile of one half',
  logDeterminant: 'the logarithm of determinant, by the same factors; singular matrices are in its own rows',
  ...named('cholesky inverse solve triangularSolve', 'smooth where the matrix has a result; singular ones give NaN or infinities'),
  recurrence: 'its functions are tanh, sigmoid, relu and hardSigmoid, which have rows',
  topK: 'sort and slice; ties are in the row of sort',
  where: 'the rows that begin with where choose between sides with an infinite slope',
};
