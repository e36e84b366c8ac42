// Divergences between distributions.
import type { Configured } from '../core/config.ts';
import { boolean, number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { clip, div, exp, log, logSoftmax, mul, sub } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { alignEqual, tooFewClasses } from './align.ts';
import { type Loss, epsilon, lossOptions, makeLoss } from './loss.ts';

export const klDivergenceOptions = declareOptions('losses.klDivergence', {
  /** True if the targets are logarithms of probabilities (PyTorch's log_target). They are not clipped. @default false */
  logTarget: optional(boolean, false),
  ...lossOptions,
});
export type KlDivergenceOptions = OptionsOf<typeof klDivergenceOptions>;

/**
 * Kullback-Leibler divergence, sum(t log(t / p)) over the last axis, with t and p kept in 1e-7..1. Both [n, ..., classes]. With logTarget,
 * sum(exp(t) (t - log p)).
 *
 *     losses.klDivergence()(targets, probabilities)
 *
 * @throws ShapeError if targets and predictions have different shapes.
 */
export function klDivergence(options: KlDivergenceOptions = {}): Configured<Loss> {
  const settings = klDivergenceOptions.read(options);
  return makeLoss(klDivergenceOptions, settings, {
    targetKind: settings.logTarget ? 'numbers' : 'probabilities',
    terms(targets, predictions) {
      const pair = alignEqual('klDivergence', targets, predictions);
      const p = clip(pair.predictions, epsilon, 1);
      if (settings.logTarget) {
        return { terms: productOrZero(exp(pair.targets), sub(pair.targets, log(p))), inner: 'sum' };
      }
      const t = clip(pair.targets, epsilon, 1);
      return { terms: mul(t, log(div(t, p))), inner: 'sum' };
    },
  });
}

export const distillationOptions = declareOptions('losses.distillation', {
  /** Divisor of the logits of teacher and student. @default 3 */
  temperature: optional(number('above 0'), 3),
  ...lossOptions,
});
export type DistillationOptions = OptionsOf<typeof distillationOptions>;

/**
 * Distillation loss, T^2 sum(q log(q / p)) over the last axis, with q = softmax(teacher / T) and p = softmax(student / T). Targets are the
 * teacher's logits, predictions the student's, both [n, ..., classes]. Unlike Keras's, it does not clip q and p at 1e-7. Hinton et al.,
 * Distilling the Knowledge in a Neural Network, 2015.
 *
 *     losses.distillation({ temperature: 3 })(teacher.predict(x), logits)
 *
 * @throws ShapeError if targets and predictions have different shapes, or only one class.
 */
export function distillation(options: DistillationOptions = {}): Configured<Loss> {
  const settings = distillationOptions.read(options);
  const { temperature } = settings;
  return makeLoss(distillationOptions, settings, {
    targetKind: 'numbers',
    terms(targets, predictions) {
      const pair = alignEqual('distillation', targets, predictions);
      if (predictions.rank === 0 || predictions.shape[predictions.rank - 1] < 2) throw tooFewClasses('distillation', predictions);
      const [teacher, student] = [pair.targets, pair.predictions].map((x) => logSoftmax(mul(x, 1 / temperature)));
      return { terms: mul(productOrZero(exp(teacher), sub(teacher, student)), temperature * temperature), inner: 'sum' };
    },
  });
}
