// Backups of a fit: a file of weights that also holds the place in the fit, so that another fit goes on with the same bits.
import { ArgumentError, FormatError } from '../core/errors.ts';
import type { Key } from '../core/random.ts';
import type { FileTarget } from '../formats/places.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import type { TrainingSteps } from './compiledSteps.ts';
import type { ModelCore } from './core.ts';
import { type Totals, freshTotals } from './totals.ts';
import { readWeights, writeWeights } from './weightFiles.ts';

/** Place in a fit. */
export interface FitPlace {
  /** The epoch that the fit goes on in, from 0. */
  readonly epoch: number;
  /** Number of batches of this epoch that were trained on. */
  readonly batch: number;
  /** Sums of loss and metrics over these batches. */
  readonly totals: Totals | undefined;
}

/** A fit, as far as a place in it depends on it. */
export interface FitPlan {
  /** Key that order and dropout are drawn from. */
  readonly key: Key;
  readonly samples: number | undefined;
  readonly batches: number | undefined;
  /** Number of samples of a batch. */
  readonly size: number;
}

export const saveBackup = (core: ModelCore, target: FileTarget, place: FitPlace, { key, ...plan }: FitPlan): Promise<void> =>
  writeWeights(core, target, { where: 'fit', withTraining: true, fit: { ...place, key: [...key], plan } });

/**
 * Reads a backup into the model. Returns the place in the fit, and the key of that fit.
 * @throws FormatError for a file of another model, ArgumentError in the middle of an epoch over other data. Nothing is changed then.
 */
export async function restoreBackup(
  core: ModelCore,
  steps: TrainingSteps,
  bytes: Uint8Array,
  plan: Omit<FitPlan, 'key'>,
): Promise<FitPlace & { key: Key }> {
  const name = 'the backup';
  const fix = 'remove the backup to begin again';
  const origin = { where: 'fit', name, file: readSafetensors(bytes, name), otherModel: fix, otherState: fix };
  let found: (FitPlace & { key: Key }) | undefined;
  await readWeights(core, origin, { optimizer: true, skipMismatch: false }, (stored, tensorsOf) => {
    const { epoch, batch, key, totals, plan: before } = (stored ?? {}) as Stored;
    if (!isCount(epoch) || !isCount(batch) || !Array.isArray(key) || key.length !== 2 || !key.every(isCount)) {
      throw new FormatError(`fit: ${name} has no place in a fit; ${fix}`);
    }
    if (batch > 0 && JSON.stringify(before) !== JSON.stringify(plan)) {
      throw new ArgumentError(
        `fit: ${name} is from the middle of an epoch over ${inWords(before)}, and this epoch has ${inWords(plan)}; pass the same data and batchSize, or ${fix}`,
      );
    }
    const sums = batch > 0 ? (tensorsOf(totals, freshTotals(steps.training.objectives), 'sums') as Totals) : undefined;
    found = { epoch, batch, totals: sums, key: key as unknown as Key };
  });
  if (!found) throw new FormatError(`fit: ${name} has no state of training; ${fix}`);
  return found;
}

interface Stored {
  readonly epoch?: unknown;
  readonly batch?: unknown;
  readonly key?: unknown;
  readonly totals?: unknown;
  readonly plan?: Omit<FitPlan, 'key'>;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const inWords = ({ samples, batches, size }: Partial<FitPlan> = {}): string =>
  `${batches ?? 'an unknown number of'} batches${samples === undefined ? '' : ` with ${samples} samples`}, ${size} in a batch`;
