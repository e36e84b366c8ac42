// The file of a search: settings and trials, with a checksum. It is written whole after each trial.
import { ArgumentError, FormatError } from '../core/errors.ts';
import { isBranch } from '../core/tree.ts';
import { crc32 } from '../formats/checksums.ts';
import type { BackupStore } from '../formats/backups.ts';
import type { ObjectiveDirection, TrialRecord, TrialState } from './records.ts';
import { type CheckedSpace, type Point, isValueOf, parametersOf } from './readSpace.ts';

/** Settings that must be the same when a search goes on. */
export interface SearchIdentity {
  readonly seed: number;
  readonly objective: string;
  /** Undefined before the first trial has reported. */
  readonly direction: ObjectiveDirection | undefined;
  /** Sampler and scheduler as JSON of their configs. */
  readonly sampler: string;
  readonly scheduler: string;
  /** The parts of the space as texts, by path. */
  readonly space: Readonly<Record<string, string>>;
}

/** A search as it is stored. */
export interface StoredSearch extends SearchIdentity {
  readonly trials: readonly TrialRecord[];
}

const format = 'ombre.tune';
const version = 1;
const fix = 'remove it to begin a new search, or give another target';

const checksumOf = (body: unknown): number => crc32(new TextEncoder().encode(JSON.stringify(body)));

export async function writeSearch(store: BackupStore, { trials, ...identity }: StoredSearch): Promise<void> {
  const body = { ...identity, trials: trials.map(({ parameters: _, ...rest }) => rest) };
  const text = JSON.stringify({ format, version, crc32: checksumOf(body), body });
  await store.write(new TextEncoder().encode(text));
}

/**
 * The stored search; undefined if there is none.
 * @throws FormatError for a file that is no search or was changed, ArgumentError for a search with another space.
 */
export async function readSearch(store: BackupStore, space: CheckedSpace): Promise<StoredSearch | undefined> {
  const bytes = await store.read();
  if (!bytes) return undefined;
  const fail = (message: string): never => {
    throw new FormatError(`tune: the file of storage ${message}; ${fix}`);
  };
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return fail('is not JSON, so tune did not write it, or it is cut off');
  }
  if (!isRecord(data) || data.format !== format) return fail('is JSON, but no search of tune');
  if (data.version !== version) return fail(`has version ${String(data.version)}; this version of ombre reads version ${version}`);
  const { body } = data;
  if (!isRecord(body) || data.crc32 !== checksumOf(body)) return fail('was changed after it was written: its checksum differs');
  if (!isIdentity(body)) return fail('lacks a setting of the search');
  requireSpace(body.space, space.texts);
  const trials = Array.isArray(body.trials) ? body.trials.map((trial, i) => readTrial(trial, i, space)) : undefined;
  if (!trials || trials.includes(undefined)) return fail('has a trial that is not of the form that tune writes');
  return { ...body, trials: trials as TrialRecord[] };
}

const isRecord = (value: unknown): value is Record<string, unknown> => isBranch(value) && !Array.isArray(value);

function isIdentity(body: Record<string, unknown>): body is Record<string, unknown> & SearchIdentity {
  const { seed, objective, direction, sampler, scheduler, space } = body;
  const areTexts = [objective, sampler, scheduler].every((value) => typeof value === 'string');
  const isDirection = direction === undefined || direction === 'max' || direction === 'min';
  return Number.isSafeInteger(seed) && areTexts && isDirection && isRecord(space);
}

/** @throws ArgumentError naming the first part that differs. */
function requireSpace(stored: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): void {
  const advice = `pass the same space, or ${fix}`;
  for (const path of new Set([...Object.keys(stored), ...Object.keys(now)])) {
    if (stored[path] === now[path]) continue;
    const difference = !Object.hasOwn(now, path)
      ? `${path} was ${stored[path]} and is missing now`
      : !Object.hasOwn(stored, path)
        ? `${path} is ${now[path]} and was missing then`
        : `${path} was ${stored[path]} and is ${now[path]} now`;
    throw new ArgumentError(`tune: the search in storage has another space: ${difference}; ${advice}`);
  }
}

/** @throws ArgumentError if a setting differs from the stored one. */
export function requireSame(
  stored: SearchIdentity,
  now: Omit<SearchIdentity, 'space' | 'seed'> & { readonly seed: number | undefined },
): void {
  for (const name of ['seed', 'objective', 'direction', 'sampler', 'scheduler'] as const) {
    if (now[name] === undefined || stored[name] === undefined || stored[name] === now[name]) continue;
    throw new ArgumentError(
      `tune: the search in storage has ${name} ${stored[name]}, and this call has ${now[name]}; pass the same ${name}, or ${fix}`,
    );
  }
}

const states: readonly unknown[] = ['complete', 'pruned', 'failed'] satisfies TrialState[];
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isReport = (value: unknown): boolean => isRecord(value) && isCount(value.epoch) && Number.isFinite(value.value);

/** A stored trial; undefined if it is not of this form. The parameters follow from the point. */
function readTrial(data: unknown, number: number, space: CheckedSpace): TrialRecord | undefined {
  if (!isRecord(data) || data.number !== number || !states.includes(data.state) || !isRecord(data.point)) return undefined;
  const { state, point, seed, value, epoch, reports, message, seconds, compilations } = data;
  const hasValue = state === 'failed' ? value === undefined : Number.isFinite(value) && isCount(epoch);
  const counts = [seed, compilations].every(isCount) && Number.isFinite(seconds);
  if (!hasValue || !counts || !Array.isArray(reports) || !reports.every(isReport)) return undefined;
  if (message !== undefined && typeof message !== 'string') return undefined;
  let isWhole = true;
  const found = point as Point;
  const parameters = parametersOf(space.root, (dimension) => {
    const given = found[dimension.path];
    if (isValueOf(dimension, given)) return given;
    isWhole = false;
    return 0;
  });
  if (!isWhole) return undefined;
  return { ...(data as unknown as TrialRecord), parameters, value: value as number, epoch: epoch as number, message };
}
