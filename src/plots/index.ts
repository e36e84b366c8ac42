// Pictures: data about trainings, models and data sets as plain numbers, and `plots`, which draws them as SVG. ECharts is needed beside it.
import { calibration, precisionRecall, roc } from './pictures/classification.ts';
import { confusionMatrix } from './pictures/confusionMatrix.ts';
import { curves } from './pictures/curves.ts';
import { embedding } from './pictures/embedding.ts';
import { histograms } from './pictures/histograms.ts';
import { filters, saliency } from './pictures/images.ts';
import { landscape, optimizerPaths } from './pictures/landscape.ts';
import { parallelCoordinates, scatter } from './pictures/search.ts';

/** Functions that return the text of an SVG file. */
export const plots = {
  curves,
  confusionMatrix,
  roc,
  precisionRecall,
  calibration,
  histograms,
  filters,
  saliency,
  landscape,
  optimizerPaths,
  embedding,
  parallelCoordinates,
  scatter,
};

export type { ClassificationPictureOptions, Curves } from './pictures/classification.ts';
export type { ConfusionMatrixPictureOptions } from './pictures/confusionMatrix.ts';
export type { CurvesOptions } from './pictures/curves.ts';
export type { EmbeddingOptions } from './pictures/embedding.ts';
export type { HistogramsOptions } from './pictures/histograms.ts';
export type { FiltersOptions, SaliencyOptions, SaliencyPictures } from './pictures/images.ts';
export type { LandscapeOptions, OptimizerPathsOptions } from './pictures/landscape.ts';
export type { ParallelCoordinatesOptions, ScatterOptions, SearchParameter, SearchTrial } from './pictures/search.ts';

export {
  type PrecisionRecallCurveOptions,
  type PrecisionRecallPoints,
  type RocCurveOptions,
  type RocPoints,
  precisionRecallCurve,
  rocCurve,
} from './classificationCurves.ts';
export { type CalibrationBin, type CalibrationCurveOptions, type CalibrationPoints, calibrationCurve } from './calibrationCurve.ts';
export { type ConfusionCountsOptions, confusionCounts } from './confusionCounts.ts';
export { type WeightHistogram, type WeightHistogramsOptions, weightHistograms } from './weightHistograms.ts';
export { type FilterImagesOptions, type ImageSet, filterImages } from './filterImages.ts';
export { type HistoryInput, type TrainingCurve, trainingCurves } from './trainingCurves.ts';
export type { ArrayResult, Explained } from './classScores.ts';
export type { NumbersInput } from './numbers.ts';
export {
  type Attribution,
  type IntegratedAttribution,
  type IntegratedGradientsOptions,
  type SaliencyMapOptions,
  type SmoothGradOptions,
  integratedGradients,
  saliencyMap,
  smoothGrad,
} from './saliency.ts';
export { type GradCamMap, type GradCamOptions, gradCam } from './gradCam.ts';
export { type LossLandscape, type LossLandscapeOptions, type PathPoint, lossLandscape } from './lossLandscape.ts';
export { type RecordWeightsOptions, type WeightRecorder, recordWeights } from './recordWeights.ts';
export {
  type Surface,
  type SurfaceName,
  type SurfacePath,
  type SurfacePaths,
  type SurfacePathsOptions,
  surfacePaths,
} from './surfacePaths.ts';
export { type PcaOptions, type PrincipalComponents, pca } from './pca.ts';
export { type TsneOptions, type TsneResult, tsne } from './tsne.ts';
