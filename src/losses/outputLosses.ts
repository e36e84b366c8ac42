// Losses of one output each. A namespace and no table: a bundler keeps only the losses that are used.
export {
  meanSquaredError,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredLogarithmicError,
  huber,
  smoothL1,
  logCosh,
  cosineSimilarity,
  poisson,
} from './regression.ts';
export { binaryCrossentropy, categoricalCrossentropy, sparseCategoricalCrossentropy } from './crossentropy.ts';
export { linearCrossEntropy } from './linearCrossEntropy.ts';
export { binaryFocalCrossentropy, categoricalFocalCrossentropy } from './focal.ts';
export { hinge, squaredHinge, categoricalHinge } from './margin.ts';
export { klDivergence, distillation } from './divergence.ts';
export { charbonnier, tukeyBiweight, quantile } from './robust.ts';
export { poissonNll, gaussianNll } from './likelihood.ts';
export { nll, polyLoss, categoricalGeneralizedCrossEntropy } from './nll.ts';
export { multiMargin, multiLabelMargin, multiLabelSoftMargin, softMargin } from './multiMargin.ts';
export { contrastive, hingeEmbedding, wasserstein } from './distances.ts';
export { rankingSoftmax, pairwiseLogistic } from './ranking.ts';
export { dice, tversky, focalTversky } from './region.ts';
export { giou, ciou } from './boxes.ts';
export { circle } from './circle.ts';
export { ctc } from './ctc.ts';
