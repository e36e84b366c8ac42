// Metrics of language models.
import type { Configured } from '../core/config.ts';
import { boolean, integer } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { withScope } from '../graph/scope.ts';
import { alignClasses, fitWeight, losses } from '../losses/index.ts';
import { cast, equal, exp, notEqual, where } from '../ops/index.ts';
import { countValue } from './accumulate.ts';
import { type MeanState, addToMean, meanOf, noMean } from './mean.ts';
import { type Metric, makeMetric, metricOptions } from './metric.ts';

export const perplexityOptions = declareOptions('metrics.perplexity', {
  /** True if the predictions are logits, false if they are probabilities. @default false */
  fromLogits: optional(boolean, false),
  /** Target token that does not count, such as padding. */
  maskTokenId: optional(integer()),
  ...metricOptions,
});
export type PerplexityOptions = OptionsOf<typeof perplexityOptions>;

/**
 * Perplexity, exp(mean of -log p(target)) over all tokens seen; 1 is best, and 0 means no token. Targets are tokens [n, ...], predictions
 * [n, ..., vocabulary]. (KerasHub's Perplexity.)
 *
 *     metrics.perplexity({ fromLogits: true, maskTokenId: 0 })
 */
export const perplexity = (options: PerplexityOptions = {}): Configured<Metric<MeanState>> =>
  makeMetric<Metric<MeanState>, (typeof perplexityOptions)['options']>(perplexityOptions, options, (name, { fromLogits, maskTokenId }) => {
    const loss = losses.sparseCategoricalCrossentropy({ fromLogits, reduction: 'none' });
    return {
      direction: 'min',
      init: noMean,
      update: (state, targets, predictions, sampleWeight) =>
        withScope(name, () => {
          const tokens = alignClasses(name, targets, predictions).targets;
          const given = sampleWeight && fitWeight(name, sampleWeight, tokens.shape);
          const counts = maskTokenId === undefined ? undefined : notEqual(tokens, maskTokenId);
          const weight = counts ? (given ? where(counts, given, 0) : cast(counts, 'f32')) : given;
          return addToMean(state, loss(tokens, predictions), weight);
        }),
      result: (state) => where(equal(countValue(state.count), 0), 0, exp(meanOf(state))),
    };
  });
