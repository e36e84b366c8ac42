// Messages between the page and its trainer. They are plain data, so that the trainer may run in a worker or in the page.
import type { DeviceName, Profile } from 'ombre';
import type { LossName, ModelName, OptimizerName } from './recipes.ts';

/** Number of test images for which the page shows predictions. */
export const sampleCount = 24;

export type DeviceChoice = DeviceName;

/** A device as the page names it. */
export interface ChosenDevice {
  readonly kind: string;
  readonly name: string;
}

export interface TrainingConfig {
  readonly model: ModelName;
  readonly loss: LossName;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly epochs: number;
  readonly trainSize: number;
  /** Seed of initial weights, shuffles and dropout. The same run on the same device gives the same numbers. */
  readonly seed: number;
  readonly device: DeviceChoice;
}

export type Command =
  | { readonly type: 'device'; readonly device: DeviceChoice }
  | { readonly type: 'start'; readonly run: number; readonly config: TrainingConfig; readonly dataUrl: string }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'reset' }
  /** Times a few steps of such a model. A run waits meanwhile. */
  | { readonly type: 'profile'; readonly config: TrainingConfig }
  /** A 28x28 drawing that the latest model classifies. */
  | { readonly type: 'recognise'; readonly id: number; readonly pixels: Float32Array };

/** Times are those of all steps together. */
export interface ProfileReport extends Omit<Profile, 'toString'> {
  readonly steps: number;
  readonly model: ModelName;
  readonly batchSize: number;
  /** Names in the order of the model. Scopes of kernels begin with them, or with a part that is not a layer. */
  readonly layers: readonly string[];
}

/** Epochs count from 1; `step` of `steps` is within the epoch. */
export type RunEvent =
  | { readonly type: 'loading'; readonly loadedBytes: number; readonly totalBytes: number }
  | { readonly type: 'training'; readonly parameters: number; readonly images: number; readonly validationImages: number }
  | {
      readonly type: 'batch';
      readonly epoch: number;
      readonly step: number;
      readonly steps: number;
      /** Mean over the epoch so far. Absent until it is first read from the device. */
      readonly loss?: number;
      readonly accuracy?: number;
      readonly imagesPerSecond: number;
      readonly secondsLeft?: number;
    }
  | {
      readonly type: 'epoch';
      readonly epoch: number;
      readonly loss: number;
      readonly accuracy: number;
      readonly validationLoss: number;
      readonly validationAccuracy: number;
    }
  /** Outputs for the sample images, [samples, outputs] in row-major order. */
  | { readonly type: 'predictions'; readonly outputs: Float32Array }
  | { readonly type: 'testing' }
  | {
      readonly type: 'finished';
      readonly loss: number;
      readonly accuracy: number;
      readonly seconds: number;
      readonly imagesPerSecond: number;
    }
  /** The loss is not finite, and training has ended. */
  | { readonly type: 'diverged'; readonly epoch: number; readonly loss: number }
  | { readonly type: 'failed'; readonly message: string };

export type TrainerEvent =
  /** Whether the worker or page of the trainer has WebGPU. */
  | { readonly type: 'ready'; readonly hasWebGpu: boolean }
  | ({ readonly type: 'device' } & ChosenDevice)
  /** An error outside of a run: a missing device, or a drawing that could not be classified. */
  | { readonly type: 'problem'; readonly message: string }
  /** The answer to `profile`: times, or the reason why there are none. */
  | { readonly type: 'profiled'; readonly report: ProfileReport }
  | { readonly type: 'profileFailed'; readonly message: string }
  /** Test images to show predictions for: [n, 28, 28] in 0..1. */
  | { readonly type: 'samples'; readonly images: Float32Array; readonly labels: Int32Array }
  | { readonly type: 'recognised'; readonly id: number; readonly outputs: Float32Array }
  /** Events of one training run. Late events of a run that was reset are ignored. */
  | { readonly type: 'run'; readonly run: number; readonly event: RunEvent };
