// Every metric. A namespace and no table: a bundler keeps only the metrics that are used.
export {
  accuracy,
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  topKCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
} from './accuracy.ts';
export {
  truePositives,
  trueNegatives,
  falsePositives,
  falseNegatives,
  precision,
  recall,
  specificity,
  negativePredictiveValue,
  f1Score,
  fBetaScore,
} from './confusion.ts';
export { auc, sensitivityAtSpecificity, specificityAtSensitivity, precisionAtRecall, recallAtPrecision } from './thresholds.ts';
export { rocCurve, precisionRecallCurve } from './curves.ts';
export { balancedAccuracy, cohenKappa, matthews, confusionMatrix, classificationReport } from './confusionMatrix.ts';
export { exactMatch, hammingDistance } from './multiLabel.ts';
export { calibrationError } from './calibration.ts';
export {
  meanSquaredError,
  rootMeanSquaredError,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanSquaredLogarithmicError,
  cosineSimilarity,
  logCosh,
  logCoshError,
  poisson,
  hinge,
  squaredHinge,
  categoricalHinge,
  klDivergence,
  binaryCrossentropy,
  categoricalCrossentropy,
  sparseCategoricalCrossentropy,
} from './ofLosses.ts';
export { symmetricMeanAbsolutePercentageError, weightedMeanAbsolutePercentageError } from './percentage.ts';
export { r2Score, explainedVariance, pearsonCorrelation, concordanceCorrelation } from './moments.ts';
export { spearmanCorrelation } from './rankCorrelation.ts';
export { iou, binaryIoU, meanIoU, oneHotIoU, oneHotMeanIoU } from './iou.ts';
export { psnr, ssim } from './images.ts';
export { ndcg, meanReciprocalRank, hitRate } from './ranking.ts';
export { perplexity } from './text.ts';
export { editDistance, wordErrorRate, charErrorRate } from './editDistance.ts';
export { mean, sum } from './mean.ts';
export { min, max } from './extremes.ts';
