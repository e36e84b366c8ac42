// A verdict on the curves of a training, with the remedy. The limits were chosen on runs made to show each case: test/unit/diagnose.test.ts.
import { ArgumentError } from '../core/errors.ts';
import { integer, listOf, number, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { shown } from '../core/shown.ts';

/** Fault that the curves of a training show. */
export type VerdictKind = 'diverging' | 'learningRateTooHigh' | 'shuffledLabels' | 'overfitting' | 'underfitting';

/** A fault of a training, with its remedy. */
export interface Verdict {
  readonly kind: VerdictKind;
  /** First epoch that shows it, from 0, among those of the history. */
  readonly since: number;
  /** One line: the fault, since which epoch (counted from 1), and the remedy. */
  readonly message: string;
}

export const diagnoseOptions = declareOptions('diagnose', {
  /** Smallest number of epochs for a verdict. A loss that is not finite needs none. @default 5 */
  minEpochs: optional(positiveInteger, 5),
  /** Loss of the best constant prediction: log of the number of classes for crossentropy, variance of the targets for squared errors. */
  chanceLoss: optional(number('above 0')),
  /** Epochs of the values of validation, from 0. Evenly spread over the epochs if absent. */
  validationEpochs: optional(listOf(integer('at least 0'), 'epochs')),
});
export type DiagnoseOptions = OptionsOf<typeof diagnoseOptions>;

type Curve = readonly number[];

const median3 = (curve: Curve): number => [...curve.slice(-3)].sort((a, b) => a - b)[Math.min(1, curve.length - 1)];

/** Share of the epochs in which a curve falls. */
const fallingShare = (curve: Curve): number => curve.slice(1).filter((value, i) => value < curve[i]).length / (curve.length - 1);

/** Share of the epochs in which a curve turns from falling to rising, or back. */
const turningShare = (curve: Curve): number => {
  const steps = curve.slice(1).map((value, i) => value - curve[i]);
  return steps.slice(1).filter((step, i) => step * steps[i] < 0).length / (steps.length - 1);
};

const mean = (curve: Curve): number => curve.reduce((sum, value) => sum + value, 0) / curve.length;

/** Mean of the second half less mean of the first. */
const trend = (curve: Curve): number => mean(curve.slice(curve.length >> 1)) - mean(curve.slice(0, Math.ceil(curve.length / 2)));

const verdict = (kind: VerdictKind, since: number, fault: string, remedy: string): Verdict => ({
  kind,
  since,
  message: `${fault}; ${remedy}`,
});

/**
 * Looks for faults in the curves of a training: a diverging loss, a learning rate that is too high, labels that look shuffled, overfitting,
 * underfitting. Undefined if the curves show none. Reads `loss` and, if there is one, `val_loss`. If a loss is below 0, it finds only losses that
 * are not finite.
 *
 *     const { history } = await model.fit(x, y, { epochs: 50, validationSplit: 0.2 });
 *     console.log(diagnose(history)?.message);
 *
 * @throws ArgumentError for a history without a loss.
 */
export function diagnose(history: Readonly<Record<string, readonly number[]>>, options: DiagnoseOptions = {}): Verdict | undefined {
  const { minEpochs, chanceLoss, validationEpochs } = diagnoseOptions.read(options);
  const { loss, val_loss: validation = [] } = (history ?? {}) as Readonly<Record<string, Curve | undefined>>;
  if (!Array.isArray(loss)) {
    throw new ArgumentError(`diagnose: history is ${shown(history)}; it must have the list loss, as the history of fit has`);
  }
  const losses: Curve = loss;
  const spread = Math.max(1, Math.floor(losses.length / (validation.length || 1)));
  const epochOf = (i: number): number => validationEpochs?.[i] ?? Math.min(losses.length - 1, (i + 1) * spread - 1);
  const broken = losses.findIndex((value) => !Number.isFinite(value));
  // The other rules compare ratios, which have no meaning for losses below 0, such as that of cosineSimilarity.
  const isNegative = [...losses, ...validation].some((value) => value < 0);
  if (broken < 0 && (isNegative || losses.length < minEpochs)) return undefined;
  return (
    (broken < 0 ? unstable(losses, chanceLoss) : undefined) ??
    divergence(losses, broken) ??
    (validation.length >= 4 && validation.every(Number.isFinite) ? overfit(losses, validation, epochOf, chanceLoss) : undefined) ??
    underfit(losses, chanceLoss)
  );
}

function divergence(losses: Curve, broken: number): Verdict | undefined {
  const finite = broken < 0 ? losses : losses.slice(0, broken);
  const lowest = finite.indexOf(Math.min(...finite));
  const last = median3(finite);
  const grows = finite[lowest] >= 0 && last > 3 * finite[lowest] && last > 0.5 * finite[0] && lowest < finite.length - 2;
  if (broken < 0 && !grows) return undefined;
  const since = grows ? lowest + 1 : broken;
  const fault = broken < 0 ? 'the loss grows' : grows ? `the loss grows, and is ${losses[broken]} in epoch ${broken + 1}` : `the loss is ${losses[broken]}`; // prettier-ignore
  const remedy = 'lower the learning rate, scale the inputs, or clip gradients (clipNorm)';
  return verdict('diverging', since, `diverging since epoch ${since + 1}: ${fault}`, remedy);
}

/** A loss that never comes below that of a constant prediction, or jumps without getting better. */
function unstable(losses: Curve, chance: number | undefined): Verdict | undefined {
  const lowest = Math.min(...losses);
  const last = median3(losses);
  const isWorse = chance !== undefined && lowest > 1.02 * chance && fallingShare(losses) < 0.8;
  const jumps =
    turningShare(losses) >= 0.5 &&
    mean(losses.slice(1).map((value, i) => Math.abs(value - losses[i]))) > 0.2 * last &&
    last > 0.7 * losses[0];
  if (!isWorse && !jumps) return undefined;
  const fault = isWorse
    ? `the loss stays above ${chance.toPrecision(3)}, that of a constant prediction`
    : 'the loss jumps up and down without getting better';
  return verdict('learningRateTooHigh', 0, `learning rate too high: ${fault}`, 'divide the learning rate by 10, or scale the inputs');
}

function overfit(losses: Curve, validation: Curve, epochOf: (i: number) => number, chance: number | undefined): Verdict | undefined {
  const best = validation.indexOf(Math.min(...validation));
  const rise = median3(validation) - validation[best];
  const isLate = validation.length - 1 - best < Math.max(2, 0.1 * validation.length);
  // The first epoch includes the loss of the first weights.
  const fell = median3(losses) < 0.95 * losses[Math.min(losses.length - 1, epochOf(best) + 1)];
  const isNoise = trend(validation.slice(best + 1)) < 0.2 * rise || rise < 0.03 * (validation[0] - validation[best]);
  if (isLate || !fell || isNoise) return undefined;
  const isNever = validation[best] > 0.97 * losses[0] || (chance !== undefined && validation[best] > 0.98 * chance);
  if (isNever && rise > 0.05 * validation[best] && best <= 0.2 * validation.length) {
    const fault = 'labels look shuffled: the training loss falls, and the validation loss never does';
    return verdict(
      'shuffledLabels',
      0,
      fault,
      'check that x and y have the same order, and that training and validation data are of one kind',
    );
  }
  if (rise < 0.1 * validation[best]) return undefined;
  const since = epochOf(best) + 1;
  const fault = `overfitting since epoch ${since + 1}: val_loss rose from ${validation[best].toPrecision(3)} to ${median3(validation).toPrecision(3)}`;
  const remedy = 'stop there with callbacks.earlyStopping({ restoreBestWeights: true }), or add data, dropout or weight decay';
  return verdict('overfitting', since, fault, remedy);
}

function underfit(losses: Curve, chance: number | undefined): Verdict | undefined {
  const [first, last] = [losses[0], losses[losses.length - 1]];
  const middle = losses[losses.length >> 1];
  const isSteady = fallingShare(losses) >= 0.8 && middle - last > 0.5 * (first - middle);
  const isNearChance = chance !== undefined && median3(losses) > 0.9 * chance;
  const isSlow = isSteady && last > 0.85 * first;
  if (!isNearChance && !isSlow) return undefined;
  const fault = isNearChance
    ? `the loss ${last.toPrecision(3)} is close to ${chance.toPrecision(3)}, that of a constant prediction`
    : `the loss fell by only ${((1 - last / first) * 100).toFixed(0)}% in ${losses.length} epochs`;
  const remedy = isSteady
    ? 'it still falls: raise the learning rate, or train longer'
    : 'use a larger model or another learning rate, and check the labels';
  return verdict('underfitting', 0, `underfitting: ${fault}`, remedy);
}
