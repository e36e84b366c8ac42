// Listeners of fit, by name.
import * as callbacks from './callbacks.ts';

/** Callback factories: `callbacks.earlyStopping({ patience: 3 })`. A plain object with the hooks is a callback too. */
export { callbacks };

export type { Callback, FitInfo, Logs, MaybeAsync, TrainedModel } from './callback.ts';
export { type DiagnoseOptions, type Verdict, type VerdictKind, diagnose } from './diagnose.ts';
export type { BackupAndRestoreOptions } from './backupAndRestore.ts';
export type { EarlyStopping, EarlyStoppingOptions } from './earlyStopping.ts';
export type { CsvLoggerOptions, LineWriter } from './csvLogger.ts';
export type { TerminateOnNaNOptions, TimeLimitOptions } from './ending.ts';
export type { EpochSchedule, LearningRateSchedulerOptions, ReduceLROnPlateauOptions } from './learningRates.ts';
export type { SwapEmaWeightsOptions } from './swapEmaWeights.ts';
export type { History, HistoryOptions } from './history.ts';
export type { CheckpointTarget, ModelCheckpointOptions } from './modelCheckpoint.ts';
export type { ChartAxis, ChartConfig, ChartCurve, ChartMaker, ChartPoint, CurveChart, LiveChart, LiveChartOptions } from './liveChart.ts';
export type { LambdaOptions } from './lambda.ts';
export type { ProgressInfo, ProgressOptions, ProgressStream } from './progress.ts';
export type { LearningRateFinder, LearningRateFinderOptions, SuggestionOptions } from './learningRateFinder.ts';
export type { ImageGrid, SampleImagesOptions } from './sampleImages.ts';
export type { SampleTextOptions } from './sampleText.ts';
export type { EpochSample, SampleCallback, SampleFunction, SampleOptions } from './sample.ts';
export type { TensorBoard, TensorBoardOptions } from './tensorBoard.ts';
export type { PixelImage } from './eventImages.ts';
export type { Hparams } from '../formats/tensorBoard.ts';
export { type BytesWriter, type EventText, type SummaryWriter, type SummaryWriterOptions, summaryWriter } from './summaryWriter.ts';
