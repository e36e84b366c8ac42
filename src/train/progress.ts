// How far a model was trained. A fit that goes on from there gives the same bits as one that never stopped.
import type { Json } from '../core/config.ts';
import { plainData, revive } from '../core/config.ts';
import type { Key } from '../core/random.ts';
import { isBranch } from '../core/tree.ts';
import type { Logs } from '../callbacks/index.ts';

/** The epochs of fits that follow each other: each begins at the epoch at which the one before ended. */
export interface Progress {
  /** Number of epochs that ended. An epoch that `stopTraining` ended before its last batch counts, too. */
  readonly epochs: number;
  /** Loss and metrics of these epochs by name. A value that an epoch does not have is NaN. */
  readonly history: Readonly<Record<string, readonly number[]>>;
}

/** The same with the key from which shuffles and dropout of each epoch are drawn. */
export interface KeyedProgress extends Progress {
  readonly key: Key;
}

/** The progress after an epoch with these logs. `before` is that of the epochs before it in the same run. */
export function afterEpoch(before: Progress | undefined, key: Key, epoch: number, logs: Logs): KeyedProgress {
  const past = before?.history ?? {};
  const length = Math.max(0, ...Object.values(past).map((values) => values.length));
  const names = new Set([...Object.keys(past), ...Object.keys(logs)]);
  const padded = (name: string): number[] => (Object.hasOwn(past, name) ? [...past[name]] : Array.from({ length }, () => NaN));
  const history = Object.fromEntries([...names].map((name) => [name, [...padded(name), logs[name] ?? NaN]]));
  return { epochs: epoch + 1, history, key };
}

export const progressData = (progress: KeyedProgress): Json => plainData({ ...progress, key: [...progress.key] }, 'progress');

const isWord = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;

/** Whether data are a random key: two words of 32 bits. */
export const isKey = (value: unknown): value is Key => Array.isArray(value) && value.length === 2 && value.every(isWord);

/** Progress from the data of a file; undefined if they are not of this form. */
export function progressFrom(data: unknown): KeyedProgress | undefined {
  const given = revive(data, () => undefined) as Partial<Record<keyof KeyedProgress, unknown>> | undefined;
  if (!isBranch(given) || !Number.isSafeInteger(given.epochs) || (given.epochs as number) < 1 || !isBranch(given.history)) return undefined;
  const lists = Object.entries(given.history);
  const isList = (values: unknown): boolean => Array.isArray(values) && values.every((value) => typeof value === 'number');
  const { key } = given;
  if (!lists.every(([, values]) => isList(values)) || !isKey(key)) return undefined;
  return { epochs: given.epochs as number, history: Object.fromEntries(lists) as Progress['history'], key };
}
