// Listeners of fit, by name.
import { earlyStopping } from './earlyStopping.ts';
import { history } from './history.ts';
import { lambda } from './lambda.ts';
import { progress } from './progress.ts';

/** Callback factories: `callbacks.earlyStopping({ patience: 3 })`. A plain object with the hooks is a callback too. */
export const callbacks = { earlyStopping, history, lambda, progress };

export type { Callback, FitInfo, Logs, MaybeAsync, TrainedModel } from './callback.ts';
export type { EarlyStopping, EarlyStoppingOptions } from './earlyStopping.ts';
export type { History, HistoryOptions } from './history.ts';
export type { LambdaOptions } from './lambda.ts';
export type { ProgressInfo, ProgressOptions, ProgressStream } from './progress.ts';
