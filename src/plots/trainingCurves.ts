// Values of a training by epoch, with training and validation side by side.
import { ArgumentError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { History } from '../callbacks/index.ts';

/** One value of the logs over the epochs. */
export interface TrainingCurve {
  /** Name without `val_`, such as `loss`. */
  readonly name: string;
  /** Numbers of the epochs, from 1. */
  readonly epochs: readonly number[];
  /** Values of the training; undefined if the logs have only those of the validation. */
  readonly training: readonly number[] | undefined;
  /** Values of the validation, if there was one. */
  readonly validation: readonly number[] | undefined;
}

/** Result of `model.fit`, `model.progress`, or the lists of values by name. */
export type HistoryInput =
  History | { readonly history: Readonly<Record<string, readonly number[]>> } | Readonly<Record<string, readonly number[]>>;

const isValues = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every((x) => typeof x === 'number');

/**
 * Curves of a training from its history, one for each name of the logs. `val_` values join those of the training.
 *
 *     const [loss] = trainingCurves(await model.fit(x, y, { epochs: 5, validationSplit: 0.1 }));
 *
 * @throws ArgumentError for a value without lists of numbers.
 */
export function trainingCurves(history: HistoryInput): TrainingCurve[] {
  const given = (history as Partial<History> | undefined)?.history ?? history;
  const record = given as Readonly<Record<string, unknown>>;
  const isRecord = typeof given === 'object' && given !== null && !Array.isArray(given);
  if (!isRecord || Object.keys(record).length === 0 || !Object.values(record).every(isValues)) {
    throw new ArgumentError(
      `trainingCurves: history is ${shown(history)}; give the result of model.fit, or lists of numbers by name, such as { loss: [0.5, 0.3] }`,
    );
  }
  const values = record as Readonly<Record<string, readonly number[]>>;
  const numbered = (history as Partial<History>).history ? (history as Partial<History>).epoch : undefined;
  const names = new Set(Object.keys(values).map((name) => name.replace(/^val_/, '')));
  return [...names].map((name) => {
    const training = Object.hasOwn(values, name) ? values[name] : undefined;
    const validation = Object.hasOwn(values, `val_${name}`) ? values[`val_${name}`] : undefined;
    const length = Math.max(training?.length ?? 0, validation?.length ?? 0);
    const epochs = Array.from({ length }, (_, i) => (numbered?.[i] ?? i) + 1);
    return { name, epochs, training, validation };
  });
}
