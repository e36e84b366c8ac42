// A callback that keeps the weights of a training, for the path on a loss landscape.
import { positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import type { Callback, FitInfo } from '../callbacks/index.ts';
import type { Tensor } from '../graph/tensor.ts';

export const recordWeightsOptions = declareOptions('plots.recordWeights', {
  /** Number of epochs between two records. The weights before the first epoch and after the last one are always kept. @default 1 */
  every: optional(positiveInteger, 1),
});
export type RecordWeightsOptions = OptionsOf<typeof recordWeightsOptions>;

/** A callback of fit that keeps weights on the host. */
export interface WeightRecorder extends Callback {
  /** Lists of getWeights(), from the first to the last. A later fit adds to them. */
  readonly weights: readonly (readonly Tensor[])[];
}

/**
 * Keeps a copy of the weights on the host before a training and after its epochs.
 *
 *     const recorder = recordWeights({ every: 2 });
 *     await model.fit(x, y, { epochs: 20, callbacks: [recorder] });
 *     const landscape = await lossLandscape(model, x, y, { directions: 'path', path: recorder.weights });
 */
export function recordWeights(options: RecordWeightsOptions = {}): WeightRecorder {
  const { every } = recordWeightsOptions.read(options);
  const weights: (readonly Tensor[])[] = [];
  let info: FitInfo | undefined;
  let since = 0;
  const record = async (): Promise<void> => {
    since = 0;
    weights.push(await info!.model.getWeights());
  };
  return {
    weights,
    onTrainBegin(given) {
      info = given;
      return record();
    },
    async onEpochEnd() {
      if (++since >= every) await record();
    },
    async onTrainEnd() {
      if (since > 0) await record();
    },
  };
}
