// What fit tells whoever listens, and what a listener may do. Every hook may be async: fit waits for it, so a hook can pause the training.
import type { Tensor } from '../graph/tensor.ts';

/** Values of the loss and the metrics by name; validation's begin with `val_`. */
export type Logs = Readonly<Record<string, number>>;

/** What a callback may do with the model that is being trained. */
export interface TrainedModel {
  /** Set to true, ends the training after the current batch. */
  stopTraining: boolean;
  getWeights(): Promise<Tensor[]>;
  setWeights(weights: readonly Tensor[]): Promise<void>;
  /** Replaces the learning rate of the optimizer (one without a schedule) from the next step on. */
  setLearningRate(learningRate: number): void;
}

export interface FitInfo {
  readonly model: TrainedModel;
  readonly epochs: number;
  readonly initialEpoch: number;
  /** Samples and batches of one epoch, where they are known before it ends. */
  readonly samples: number | undefined;
  readonly batches: number | undefined;
  /** Names that the logs of an epoch's end will have. */
  readonly metrics: readonly string[];
  /** Seconds since fit began, without those spent in callbacks: a pause does not count. */
  activeSeconds(): number;
}

type MaybeAsync = void | Promise<void>;

export interface Callback {
  /** It shows progress itself: fit then adds no progress line of its own. */
  readonly showsProgress?: boolean;
  onTrainBegin?(info: FitInfo): MaybeAsync;
  onTrainEnd?(logs: Logs): MaybeAsync;
  onEpochBegin?(epoch: number): MaybeAsync;
  /** Exact values over the epoch. */
  onEpochEnd?(epoch: number, logs: Logs): MaybeAsync;
  onBatchBegin?(batch: number): MaybeAsync;
  /**
   * `size` is the batch's number of samples. Loss and metrics are running values over the epoch as of the last time they were read from the
   * device, a few times a second, and are missing until then: reading them at every batch would make every batch wait.
   */
  onBatchEnd?(batch: number, logs: Logs): MaybeAsync;
}

/** Names of the hooks. */
export const callbackHooks = ['onTrainBegin', 'onTrainEnd', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd'] as const;
