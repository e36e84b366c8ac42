// Values of a training as event files for TensorBoard.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { callable, either, integer, oneOf, positiveInteger, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import { type EventValue, histogramOf, summaryRecord, versionRecord } from '../formats/tensorBoard.ts';
import type { Callback, Logs, MaybeAsync, TrainedModel } from './callback.ts';

/** Appends bytes to the file at a path. */
export type BytesWriter = (path: string, bytes: Uint8Array) => MaybeAsync;

export const tensorBoardOptions = declareOptions('callbacks.tensorBoard', {
  /** Folder of the event files, which get the subfolders `train` and `validation`. @default 'logs' */
  logDir: optional(text, 'logs'),
  /** Number of epochs from one histogram of every weight to the next; 0 writes none. @default 0 */
  histogramFreq: optional(integer('at least 0'), 0),
  /** 'epoch' writes values of epochs. 'batch' or a number of batches also writes the running values of so many batches. @default 'epoch' */
  updateFreq: optional(either(oneOf('epoch', 'batch'), positiveInteger), 'epoch'),
  /** Appends bytes to a file, instead of writing to the disk in Node: `(path, bytes) => upload(path, bytes)`. */
  write: optional(callable<BytesWriter>()),
});
export type TensorBoardOptions = OptionsOf<typeof tensorBoardOptions>;

export interface TensorBoard extends Callback {
  /** Event files by path, if there is neither a disk nor `write`: a page may offer them as downloads. Empty otherwise. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Number of callbacks made, which keeps the names of files apart. */
let serial = 0;

/**
 * Writes loss, metrics and learning rate as event files of TensorBoard, with the tags and folders of Keras: `epoch_loss` in `train` and in
 * `validation`, `epoch_learning_rate`, `batch_loss`, and a histogram of each weight. In Node the files are written to logDir; in a page they
 * are kept as bytes in `files`.
 *
 *     callbacks.tensorBoard({ logDir: 'logs/run1', histogramFreq: 1 })        // then: tensorboard --logdir logs
 */
export function tensorBoard(options: TensorBoardOptions = {}): Configured<TensorBoard> {
  const settings = tensorBoardOptions.read(options);
  const { logDir, histogramFreq, updateFreq, write } = settings;
  const files: Record<string, Uint8Array> = {};
  const append = write ?? diskWriter() ?? memoryWriter(files);
  const batchFreq = updateFreq === 'epoch' ? 0 : updateFreq === 'batch' ? 1 : updateFreq;
  const id = serial++;
  const names = new Map<string, string>();
  let model: TrainedModel;
  let batches = 0;

  const addTo = async (folder: 'train' | 'validation', step: number, values: readonly EventValue[]): Promise<void> => {
    if (values.length === 0) return;
    const seconds = Date.now() / 1000;
    let path = names.get(folder);
    if (path === undefined) {
      path = `${logDir.replace(/\/+$/, '')}/${folder}/events.out.tfevents.${Math.floor(seconds)}.ombre.${id}.v2`;
      names.set(folder, path);
      await append(path, versionRecord(seconds));
    }
    await append(path, summaryRecord(seconds, step, values));
  };
  const callback: TensorBoard = {
    files,
    ...(batchFreq > 0 && { readsEveryBatch: true }),
    onTrainBegin(info) {
      ({ model } = info);
      batches = 0;
    },
    async onBatchEnd(_, { size: __, ...logs }) {
      if (batchFreq > 0 && ++batches % batchFreq === 0) await addTo('train', batches, scalars('batch', logs));
    },
    async onEpochEnd(epoch, logs) {
      const isOfValidation = ([name]: [string, number]): boolean => name.startsWith('val_');
      const entries = Object.entries(logs);
      const rate = rateOf(model);
      const trained = Object.fromEntries(entries.filter((entry) => !isOfValidation(entry)));
      const validated = Object.fromEntries(entries.filter(isOfValidation).map(([name, value]) => [name.slice(4), value]));
      await addTo('train', epoch, scalars('epoch', { ...trained, ...(rate !== undefined && { learning_rate: rate }) }));
      await addTo('validation', epoch, scalars('epoch', validated));
      if (histogramFreq > 0 && epoch % histogramFreq === 0) await addTo('train', epoch, await histograms(model));
    },
  };
  return withConfig(callback, tensorBoardOptions, settings);
}

const scalars = (prefix: string, logs: Logs): EventValue[] =>
  Object.entries(logs).map(([name, value]) => ({ tag: `${prefix}_${name}`, scalar: value }));

/** The learning rate; undefined for a model with several optimizers. */
function rateOf(model: TrainedModel): number | undefined {
  try {
    return model.learningRate;
  } catch (error) {
    if (error instanceof ArgumentError) return undefined;
    throw error;
  }
}

async function histograms(model: TrainedModel): Promise<EventValue[]> {
  const weights = await model.getWeights();
  const values = await Promise.all(weights.map(async (weight) => histogramOf(await weight.data())));
  return model.variables().flatMap(({ path }, i) => {
    const histogram = values[i];
    return histogram ? [{ tag: `${path}/histogram`, histogram }] : [];
  });
}

/** Keeps the bytes of each file. */
const memoryWriter =
  (files: Record<string, Uint8Array>): BytesWriter =>
  (path, bytes) => {
    const before = files[path] ?? new Uint8Array(0);
    const all = new Uint8Array(before.length + bytes.length);
    all.set(before);
    all.set(bytes, before.length);
    files[path] = all;
  };

// getBuiltinModule instead of an import: a bundler for the browser cannot resolve `node:` specifiers.

/** Writes to the disk in Node; undefined elsewhere. */
function diskWriter(): BytesWriter | undefined {
  const { process } = globalThis as { process?: NodeJS.Process };
  if (!process?.versions?.node || typeof process.getBuiltinModule !== 'function') return undefined;
  const fs = process.getBuiltinModule('node:fs/promises');
  const paths = process.getBuiltinModule('node:path');
  return async (path, bytes) => {
    await fs.mkdir(paths.dirname(path), { recursive: true });
    await fs.appendFile(path, bytes);
  };
}
