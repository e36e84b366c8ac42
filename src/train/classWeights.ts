// Weights of classes: they become weights of samples before the training begins.
import { ArgumentError, DataError, ShapeError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { formatShape } from '../core/shape.ts';
import { Samples, positionOf } from '../data/samples.ts';
import { type CheckedOutput, checkFinite } from './checks.ts';
import { unknownOutput } from './objectives.ts';

/**
 * Weight of each class by its index; classes that are not named weigh 1. 'balanced' weighs a class with n of all samples by
 * samples / (classes * n), so that all classes that occur have the same total weight (scikit-learn, compute_class_weight).
 */
export type ClassWeight = Readonly<Record<number, number>> | 'balanced';

/** Weights of the classes of a single output, or of each output by its name. */
export type ClassWeights = ClassWeight | Readonly<Record<string, ClassWeight | undefined>>;

const form = "it maps class indices to numbers of at least 0, such as { 0: 1, 1: 5 }, or is 'balanced'";

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The class weights of each output by its name.
 * @throws ArgumentError for names of no output, and for weights of a single output if there are several.
 */
export function classWeightsByOutput(where: string, given: ClassWeights, names: readonly string[]): ReadonlyMap<string, ClassWeight> {
  if (names.length === 1) {
    const own = isRecord(given) && Object.hasOwn(given, names[0]) ? given[names[0] as keyof typeof given] : given;
    return new Map([[names[0], own as ClassWeight]]);
  }
  const example = `{ ${names[0]}: { 0: 1, 1: 5 } }`;
  if (!isRecord(given))
    throw new ArgumentError(`${where}: classWeight is ${shown(given)}; it must be a record by output, such as ${example}`);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw unknownOutput(where, 'classWeight', name, names, example);
  }
  return new Map(Object.entries(given).filter((entry): entry is [string, ClassWeight] => entry[1] !== undefined));
}

/** @throws ArgumentError for 'balanced' if the samples come in batches: it needs the number of all samples of each class. */
export function refuseBalanced(where: string, given: ClassWeights | undefined, reason: string): void {
  const each: readonly unknown[] = isRecord(given) ? Object.values(given) : [given];
  if (!each.includes('balanced')) return;
  throw new ArgumentError(`${where}: classWeight is 'balanced', but ${reason}; count the classes yourself and pass { 0: 1, 1: 5 }`);
}

/** The weight of each class that occurs: samples / (classes * its samples). */
function balanced(targets: Samples): Map<number, number> {
  const counts = new Map<number, number>();
  for (let i = 0; i < targets.count; i++) {
    const label = classOf(targets, i);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return new Map([...counts].map(([label, count]) => [label, targets.count / (counts.size * count)]));
}

/** Weights of samples by their class, times the weights that were given. */
export function weightsByClass(
  where: string,
  classWeight: ClassWeight,
  { name, argument, shape }: CheckedOutput,
  targets: Samples,
  given: Samples | undefined,
): Samples {
  const option = name === undefined ? 'classWeight' : `classWeight.${name}`;
  if (classWeight !== 'balanced' && !isRecord(classWeight)) {
    throw new ArgumentError(`${where}: ${option} is ${JSON.stringify(classWeight)}; ${form}`);
  }
  const outputs = shape[shape.length - 1];
  for (const [key, weight] of classWeight === 'balanced' ? [] : Object.entries(classWeight)) {
    if (!/^\d+$/.test(key) || !Number.isFinite(weight) || weight < 0) {
      throw new ArgumentError(`${where}: ${option} has ${key}: ${String(weight)}; ${form}`);
    }
    // With one output unit the number of classes is not known.
    if (outputs > 1 && Number(key) >= outputs) {
      const has = name === undefined ? `the model has ${outputs} outputs` : `output '${name}' has ${outputs}`;
      throw new ArgumentError(`${where}: ${option} names class ${key}, but ${has}; its classes are 0 to ${outputs - 1}`);
    }
  }
  if (targets.shape.length > 1) {
    throw new ShapeError(
      `${where}: ${option} needs one class per sample, but ${argument} has samples of shape ${formatShape(targets.shape)}; use sampleWeight`,
    );
  }
  if (given && given.size !== 1) {
    throw new ShapeError(`${where}: ${option} and a sampleWeight of more than one number per sample do not go together`);
  }
  const fraction = targets.size === 1 ? targets.data.findIndex((label: number) => !Number.isInteger(label)) : -1;
  if (fraction >= 0) {
    throw new DataError(
      `${where}: ${option} needs class indices, but ${argument} holds ${targets.data[fraction]} at ${positionOf(targets, fraction)}; use sampleWeight`,
    );
  }
  const data = new Float32Array(targets.count);
  const shares = classWeight === 'balanced' ? balanced(targets) : undefined;
  const weightOf = (label: number): number | undefined => (shares ? shares.get(label) : (classWeight as Record<number, number>)[label]);
  for (let i = 0; i < targets.count; i++) data[i] = (weightOf(classOf(targets, i)) ?? 1) * (given ? given.data[i] : 1);
  const weights = new Samples(data, targets.count, [], 'f32');
  checkFinite(where, given ? `${option} times sampleWeight` : `the weight of ${argument} by ${option}`, weights);
  return weights;
}

/** The class of sample i: its index, or the largest element of its one-hot targets. */
function classOf({ data, size }: Samples, i: number): number {
  if (size === 1) return data[i];
  let best = 0;
  for (let j = 1; j < size; j++) if (data[i * size + j] > data[i * size + best]) best = j;
  return best;
}
