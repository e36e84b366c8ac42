// Labels that parts are balanced by, and numbers of groups: one value per sample.
import { DataError, ShapeError } from '../core/errors.ts';
import { checkedLater, seed } from '../core/optionKinds.ts';
import { optional } from '../core/options.ts';
import { RandomStream, globalStream, keyFromSeed } from '../core/random.ts';
import { type ArrayInput, samplesOf } from './samples.ts';

/** One label per sample: numbers, texts, a tensor or a typed array. One-hot rows count as classes, too. */
export type Labels = ArrayInput | readonly string[];

export const labelsKind = /* @__PURE__ */ checkedLater<Labels>('an array with one label per sample');

export const seedOption = {
  /** Fixes the random numbers, independent of setSeed(). */
  seed: /* @__PURE__ */ optional(seed),
};

export const streamOf = (given: number | undefined): RandomStream =>
  new RandomStream(given === undefined ? globalStream().nextKey() : keyFromSeed(given));

/** Samples by label, in the order of the first sample with each label. */
export type Classes = ReadonlyMap<string, readonly number[]>;

/**
 * Groups samples by their labels.
 * @throws DataError if there is not one label per sample.
 */
export async function classesOf(where: string, argument: string, labels: Labels, count: number): Promise<Classes> {
  const keys = await keysOf(where, argument, labels);
  if (keys.length !== count) {
    throw new DataError(`${where}: ${argument} has ${keys.length} labels for ${count} samples; give one label per sample`);
  }
  const classes = new Map<string, number[]>();
  keys.forEach((key, i) => {
    const found = classes.get(key);
    if (found) found.push(i);
    else classes.set(key, [i]);
  });
  return classes;
}

const isTexts = (labels: Labels): labels is readonly string[] =>
  Array.isArray(labels) && labels.length > 0 && labels.every((label) => typeof label === 'string');

async function keysOf(where: string, argument: string, labels: Labels): Promise<readonly string[]> {
  if (isTexts(labels)) return labels;
  const { data, count, size, shape } = await samplesOf(where, argument, labels);
  if (shape.length > 1) {
    throw new ShapeError(`${where}: ${argument} has labels of shape [${shape.join(',')}]; give one label per sample, such as its class`);
  }
  const odd = data.findIndex((value: number) => Number.isNaN(value));
  if (odd >= 0) throw new DataError(`${where}: ${argument} holds NaN for sample ${Math.floor(odd / size)}; give every sample a label`);
  return Array.from({ length: count }, (_, i) => data.subarray(i * size, (i + 1) * size).join());
}
