// The contract of callbacks: hooks that fit calls. Every hook may be async. Fit waits for it, so a hook can pause the training.
import type { Config } from '../core/config.ts';
import type { FileTarget } from '../formats/places.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Layer } from '../nn/index.ts';

/** Values of the loss and the metrics by name. Names of validation begin with `val_`. */
export type Logs = Readonly<Record<string, number>>;

/** The model that is being trained, as callbacks see it. */
export interface TrainedModel {
  /** Set to true, ends the training after the current batch. */
  stopTraining: boolean;
  getWeights(): Promise<Tensor[]>;
  setWeights(weights: readonly Tensor[]): Promise<void>;
  /** Replaces the learning rate of the optimizer (one without a schedule) from the next step on. */
  setLearningRate(learningRate: number): void;
  /** Learning rate of the next step. */
  readonly learningRate: number;
  /** Exchanges the parameters and their averages. */
  swapAverages(): Promise<void>;
  /** Copies weights, optimizer states and learning rates. The returned function brings them back. */
  snapshot(): Promise<() => Promise<void>>;
  /** Writes the whole model: layers, weights, options of compile() and the state of the optimizers. */
  save(target: FileTarget, options?: { optimizer?: boolean }): Promise<void>;
  /** Writes all weights, and the state of the optimizers. */
  saveWeights(target: FileTarget, options?: { optimizer?: boolean }): Promise<void>;
  /** All tensors with their paths, in the order of getWeights(). */
  variables(): readonly { readonly path: string; readonly tensor: Tensor }[];
}

export interface FitInfo {
  readonly model: TrainedModel;
  readonly epochs: number;
  readonly initialEpoch: number;
  /** Samples and batches of one epoch, if they are known before it ends. */
  readonly samples: number | undefined;
  readonly batches: number | undefined;
  /** Names that the logs of an epoch's end will have. */
  readonly metrics: readonly string[];
  /** By name: whether larger ('max') or smaller ('min') values are better. Names without an entry are unknown. */
  readonly directions: Readonly<Record<string, 'max' | 'min'>>;
  /** Ends the training, if fit was given one. */
  readonly signal: AbortSignal | undefined;
  /** Seconds since fit began, without the time in callbacks. So a pause is not included. */
  activeSeconds(): number;
  /**
   * Share of the last epoch's time, 0 to 1, in which no step was in flight because the next batch of a dataset was not ready. Validation is not
   * included. It is 0 for arrays.
   */
  dataWait(): number;
  /**
   * The layers of the model, and its inputs in this fit.
   * @internal
   */
  readonly network: { readonly root: Layer; readonly inputs: Layer['inputSpecs'] };
  /** Writes weights, optimizer states and the place in this fit: a file for `restoreFrom` of a callback. */
  saveBackup(target: FileTarget): Promise<void>;
}

export type MaybeAsync = void | Promise<void>;

export interface Callback {
  readonly config?: Config;
  /** True if it shows progress itself. Fit then adds no progress line. */
  readonly showsProgress?: boolean;
  /** True if the losses are not those of a usual training. Fit then prints no verdict about them. */
  readonly hidesVerdict?: boolean;
  /** True if onBatchEnd needs the values at each batch. Every batch then waits for the device. */
  readonly readsEveryBatch?: boolean;
  /** Called first. Returns the bytes of FitInfo.saveBackup() that the fit goes on from, or undefined. */
  restoreFrom?(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  onTrainBegin?(info: FitInfo): MaybeAsync;
  onTrainEnd?(logs: Logs): MaybeAsync;
  onEpochBegin?(epoch: number): MaybeAsync;
  /** Exact values over the epoch. */
  onEpochEnd?(epoch: number, logs: Logs): MaybeAsync;
  onBatchBegin?(batch: number): MaybeAsync;
  /** Called before the validation of an epoch. */
  onValidationBegin?(): MaybeAsync;
  /** Called after it, with its values, whose names begin with `val_`. */
  onValidationEnd?(logs: Logs): MaybeAsync;
  /**
   * `size` is the batch's number of samples. Loss and metrics are running values over the epoch, read from the device a few times a second, and
   * missing until the first read. Reading them at every batch would make every batch wait.
   */
  onBatchEnd?(batch: number, logs: Logs): MaybeAsync;
}

/** Names of the hooks. */
export const callbackHooks = [
  ...(['onTrainBegin', 'onTrainEnd', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd'] as const),
  ...(['onValidationBegin', 'onValidationEnd'] as const),
] as const;
