// Divergences between distributions.
import type { Configured } from '../core/config.ts';
import { declareOptions } from '../core/options.ts';
import { clip, div, log, mul } from '../ops/index.ts';
import { alignEqual } from './align.ts';
import { type Loss, type LossOptions, epsilon, lossOptions, makeLoss } from './loss.ts';

export const klDivergenceOptions = declareOptions('losses.klDivergence', lossOptions);

/** Kullback-Leibler divergence, sum(t log(t / p)) over the last axis, with t and p kept in 1e-7..1. Both [n, ..., classes]. */
export function klDivergence(options: LossOptions = {}): Configured<Loss> {
  return makeLoss(klDivergenceOptions, klDivergenceOptions.read(options), {
    targetKind: 'probabilities',
    terms(targets, predictions) {
      const pair = alignEqual('klDivergence', targets, predictions);
      const t = clip(pair.targets, epsilon, 1);
      return { terms: mul(t, log(div(t, clip(pair.predictions, epsilon, 1)))), inner: 'sum' };
    },
  });
}
