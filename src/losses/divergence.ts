// Divergences between distributions.
import { clip, div, log, mul } from '../ops/index.ts';
import { alignEqual } from './align.ts';
import { type Loss, type LossOptions, checkLossOptions, makeLoss } from './loss.ts';
import { epsilon } from './regression.ts';

/** Kullback-Leibler divergence, sum(t log(t / p)) over the last axis, with t and p kept in 1e-7..1. Both [n, ..., classes]. */
export function klDivergence(options: LossOptions = {}): Loss {
  const name = 'klDivergence';
  checkLossOptions(name, options);
  return makeLoss(
    {
      name,
      targetKind: 'probabilities',
      terms(targets, predictions) {
        const pair = alignEqual(name, targets, predictions);
        const t = clip(pair.targets, epsilon, 1);
        return { terms: mul(t, log(div(t, clip(pair.predictions, epsilon, 1)))), inner: 'sum' };
      },
    },
    options,
  );
}
