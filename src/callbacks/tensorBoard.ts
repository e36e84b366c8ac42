// Values of a training as event files for TensorBoard.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { boolean, callable, either, integer, oneOf, positiveInteger, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import { type EventValue, histogramOf } from '../formats/tensorBoard.ts';
import type { Callback, FitInfo, Logs, TrainedModel } from './callback.ts';
import { weightImages } from './eventImages.ts';
import { layerGraph } from './layerGraph.ts';
import { type BytesWriter, EventFile, type SummaryWriter, appender, hparamsKind, writerOf } from './summaryWriter.ts';

export const tensorBoardOptions = declareOptions('callbacks.tensorBoard', {
  /** Folder of the event files, which get the subfolders `train` and `validation`. @default 'logs' */
  logDir: optional(text, 'logs'),
  /** Number of epochs from one histogram of every weight to the next; 0 writes none. @default 0 */
  histogramFreq: optional(integer('at least 0'), 0),
  /** Writes the layers and their connections once. @default true */
  writeGraph: optional(boolean, true),
  /** With each histogram, writes matrices as images, and filters of 1, 3 or 4 channels. Black is the smallest value. @default false */
  writeImages: optional(boolean, false),
  /** Writes `epoch_steps_per_second`. The time of validation and callbacks does not count. @default false */
  writeStepsPerSecond: optional(boolean, false),
  /** 'epoch' writes values of epochs. 'batch' or a number of batches also writes the running values of so many batches. @default 'epoch' */
  updateFreq: optional(either(oneOf('epoch', 'batch'), positiveInteger), 'epoch'),
  /** Hyperparameters of the run: texts, numbers and booleans by name. TensorBoard compares runs by them in the tab HPARAMS. */
  hparams: optional(hparamsKind),
  /** Appends bytes to a file, instead of writing to the disk in Node: `(path, bytes) => upload(path, bytes)`. */
  write: optional(callable<BytesWriter>()),
});
export type TensorBoardOptions = OptionsOf<typeof tensorBoardOptions>;

export interface TensorBoard extends Callback {
  /** Event files by path, if there is neither a disk nor `write`: a page may offer them as downloads. Empty otherwise. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Writes values of your own into the run `train`: images, texts, histograms, scalars. */
  readonly writer: SummaryWriter;
}

/**
 * Writes loss, metrics and learning rate as event files of TensorBoard, with the tags and folders of Keras: `epoch_loss` in `train` and in
 * `validation`, `epoch_learning_rate`, `batch_loss`, a histogram and an image of each weight, the graph of layers, and hyperparameters. In Node
 * the files are written to logDir; in a page they are kept as bytes in `files`. `writer` adds images and texts of your own.
 *
 *     const board = callbacks.tensorBoard({ logDir: 'logs/run1', histogramFreq: 1, hparams: { units: 32 } });
 *     const draw = callbacks.sample({ fn: async (_, epoch) => board.writer.addImages('digits', await generator.predict(noise), epoch) });
 *     await model.fit(x, y, { epochs: 5, callbacks: [board, draw] });         // then: tensorboard --logdir logs
 */
export function tensorBoard(options: TensorBoardOptions = {}): Configured<TensorBoard> {
  const settings = tensorBoardOptions.read(options);
  const { histogramFreq, updateFreq, hparams, writeGraph, writeImages, writeStepsPerSecond } = settings;
  const { append, files } = appender(settings.write);
  const logDir = settings.logDir.replace(/\/+$/, '');
  const inFolder = (folder: string): EventFile => new EventFile(`${logDir}/${folder}`, append);
  const [train, validation] = [inFolder('train'), inFolder('validation')];
  const session = new EventFile(logDir, append);
  const batchFreq = updateFreq === 'epoch' ? 0 : updateFreq === 'batch' ? 1 : updateFreq;
  let info: FitInfo;
  let batches = 0;
  /** First batch of this epoch, number of batches since then, and the seconds of training at its begin and after its last batch. */
  let pace = { first: -1, batches: 0, began: 0, ended: 0 };
  let hasGraph = false;
  let hasHparams = false;

  const callback: TensorBoard = {
    files,
    writer: writerOf(files, train, inFolder),
    ...(batchFreq > 0 && { readsEveryBatch: true }),
    async onTrainBegin(given) {
      info = given;
      batches = 0;
      if (hparams && !hasHparams) await session.add(0, [{ hparams }]);
      hasHparams = true;
      if (writeGraph && !hasGraph) await train.addGraph(layerGraph(info.network.root, info.network.inputs));
      hasGraph = true;
    },
    onEpochBegin() {
      const now = info.activeSeconds();
      pace = { first: -1, batches: 0, began: now, ended: now };
    },
    onBatchBegin(batch) {
      if (pace.first < 0) pace.first = batch;
    },
    async onBatchEnd(batch, { size: _, ...logs }) {
      pace = { ...pace, batches: batch + 1 - pace.first, ended: info.activeSeconds() };
      if (batchFreq > 0 && ++batches % batchFreq === 0) await train.add(batches, scalars('batch', logs));
    },
    async onEpochEnd(epoch, logs) {
      const { model } = info;
      const isOfValidation = ([name]: [string, number]): boolean => name.startsWith('val_');
      const entries = Object.entries(logs);
      const rate = rateOf(model);
      const stepsPerSecond = pace.batches / (pace.ended - pace.began);
      const more = {
        ...(rate !== undefined && { learning_rate: rate }),
        ...(writeStepsPerSecond && Number.isFinite(stepsPerSecond) && { steps_per_second: stepsPerSecond }),
      };
      const trained = Object.fromEntries(entries.filter((entry) => !isOfValidation(entry)));
      const validated = Object.fromEntries(entries.filter(isOfValidation).map(([name, value]) => [name.slice(4), value]));
      await train.add(epoch, scalars('epoch', { ...trained, ...more }));
      await validation.add(epoch, scalars('epoch', validated));
      if (histogramFreq > 0 && epoch % histogramFreq === 0) await train.add(epoch, await weightValues(model, writeImages));
    },
    async onTrainEnd() {
      if (hparams) await session.add(0, [{ ended: true }]);
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

/** Histograms of all weights, and images of those that can be drawn. */
async function weightValues(model: TrainedModel, areDrawn: boolean): Promise<EventValue[]> {
  const weights = await model.getWeights();
  const values = await Promise.all(
    model.variables().map(async ({ path }, i): Promise<EventValue[]> => {
      const data = await weights[i].data();
      const histogram = histogramOf(data);
      const images = areDrawn ? await weightImages(weights[i].shape, data) : undefined;
      return [...(histogram ? [{ tag: `${path}/histogram`, histogram }] : []), ...(images ? [{ tag: `${path}/image`, ...images }] : [])];
    }),
  );
  return values.flat();
}
