// Event files of TensorBoard, written value by value.
import { ArgumentError, checkOptions } from '../core/errors.ts';
import { nodeProcess } from '../core/nodeProcess.ts';
import { type Kind, callable, kindOf, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { PromiseQueue } from '../core/promiseQueue.ts';
import { shown } from '../core/shown.ts';
import { writeError } from '../formats/fileErrors.ts';
import { type EventValue, type Hparams, graphRecord, histogramOf, summaryRecord, versionRecord } from '../formats/tensorBoard.ts';
import type { GraphNode } from '../formats/tensorBoardGraph.ts';
import { Tensor } from '../graph/tensor.ts';
import { type HasLayer, layerOf } from '../nn/index.ts';
import type { MaybeAsync } from './callback.ts';
import { type PixelImage, imagesOf } from './eventImages.ts';
import { layerGraph } from './layerGraph.ts';

/** Appends bytes to the file at a path. */
export type BytesWriter = (path: string, bytes: Uint8Array) => MaybeAsync;

/** A text, a list of texts, or a table: a list of rows with texts. */
export type EventText = string | readonly string[] | readonly (readonly string[])[];

export const hparamsKind: Kind<Hparams> = /* @__PURE__ */ kindOf({
  rule: 'an object of texts, numbers and booleans by name',
  accepts: (value): value is Hparams =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((part) => ['string', 'number', 'boolean'].includes(typeof part)),
});

export const summaryWriterOptions = declareOptions('summaryWriter', {
  /** Folder of the event file: one run in TensorBoard. @default 'logs' */
  logDir: optional(text, 'logs'),
  /** Appends bytes to a file, instead of writing to the disk in Node: `(path, bytes) => upload(path, bytes)`. */
  write: optional(callable<BytesWriter>()),
});
export type SummaryWriterOptions = OptionsOf<typeof summaryWriterOptions>;

/** Names and arguments are those of PyTorch's SummaryWriter. Each promise resolves when the value is written. Steps are integers from 0. */
export interface SummaryWriter {
  /** Event files by path, if there is neither a disk nor `write`: a page may offer them as downloads. Empty otherwise. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  addScalar(tag: string, value: number, step: number): Promise<void>;
  /** A histogram of the finite values. Without one, nothing is written. */
  addHistogram(tag: string, values: Tensor | ArrayLike<number>, step: number): Promise<void>;
  /**
   * An image [height, width] or [height, width, channels]: 1 channel is grey, 2 are grey and opacity, 3 are red, green and blue, 4 have an opacity
   * too. Floats are from 0 to 1, integers from 0 to 255, values beyond are clipped. `ImageData` of a canvas is taken as well.
   */
  addImage(tag: string, image: PixelImage, step: number): Promise<void>;
  /** Images [count, height, width, channels], which TensorBoard shows side by side. */
  addImages(tag: string, images: Tensor, step: number): Promise<void>;
  /** A text in Markdown, or a table of texts. */
  addText(tag: string, text: EventText, step: number): Promise<void>;
  /** Layers and connections of a model, for the tab of graphs. A viewer shows one graph for each run. */
  addGraph(model: HasLayer): Promise<void>;
  /**
   * Hyperparameters of the run and the metrics it reached, for the tab HPARAMS. A run has one set of hyperparameters. Another set needs
   * `runName`: a folder inside logDir, which is then a run of its own.
   */
  addHparams(hparams: Hparams, metrics?: Readonly<Record<string, number>>, options?: { readonly runName?: string }): Promise<void>;
}

/** Number of files made, which keeps their names apart. */
let serial = 0;

/** Writer of one event file, whose records are in the order of the calls. */
export class EventFile {
  readonly path: string;
  private readonly append: BytesWriter;
  private readonly queue = new PromiseQueue();
  private isBegun = false;

  constructor(logDir: string, append: BytesWriter) {
    this.append = append;
    this.path = `${logDir.replace(/\/+$/, '')}/events.out.tfevents.${Math.floor(Date.now() / 1000)}.ombre.${serial++}.v2`;
  }

  add(step: number, values: readonly EventValue[]): Promise<void> {
    return values.length ? this.put(summaryRecord(Date.now() / 1000, step, values)) : Promise.resolve();
  }

  addGraph(nodes: readonly GraphNode[]): Promise<void> {
    return this.put(graphRecord(Date.now() / 1000, nodes));
  }

  private put(record: Uint8Array): Promise<void> {
    return this.queue.run(async () => {
      if (!this.isBegun) await this.append(this.path, versionRecord(Date.now() / 1000));
      this.isBegun = true;
      await this.append(this.path, record);
    });
  }
}

/**
 * Writes values for TensorBoard without `fit`, like PyTorch's SummaryWriter. In Node the file is written to logDir; in a page it is kept
 * as bytes in `files`. Each call appends to the file, so nothing is to be closed.
 *
 *     const writer = summaryWriter({ logDir: 'logs/run1' });                 // then: tensorboard --logdir logs
 *     await writer.addScalar('loss', 0.5, step);
 *     await writer.addImage('digit', image, step);                           // [height, width, channels]
 *     await writer.addHparams({ units: 32, optimizer: 'adam' }, { accuracy: 0.9 });
 *
 * @throws ArgumentError for a wrong tag, step, value or shape: before anything is written.
 */
export function summaryWriter(options: SummaryWriterOptions = {}): SummaryWriter {
  const { logDir, write } = summaryWriterOptions.read(options);
  const { append, files } = appender(write);
  return writerOf(files, new EventFile(logDir, append), (folder) => new EventFile(`${logDir.replace(/\/+$/, '')}/${folder}`, append));
}

/** The methods of a writer that adds to a file. `inFolder` makes the file of a run inside it. */
export function writerOf(files: SummaryWriter['files'], file: EventFile, inFolder: (folder: string) => EventFile): SummaryWriter {
  let hasHparams = false;
  const add = (name: string, step: number, value: EventValue): Promise<void> => file.add(checkedStep(name, step), [value]);
  return {
    files,
    addScalar: async (tag, value, step) => add('addScalar', step, scalarOf('addScalar', tag, value)),
    async addHistogram(tag, values, step) {
      const name = checkedTag('addHistogram', tag);
      checkedStep('addHistogram', step);
      const histogram = histogramOf(values instanceof Tensor ? await values.data() : values);
      if (histogram) await add('addHistogram', step, { tag: name, histogram });
    },
    async addImage(tag, image, step) {
      const name = checkedTag('addImage', tag);
      checkedStep('addImage', step);
      await add('addImage', step, { tag: name, ...(await imagesOf('addImage', image, false)) });
    },
    async addImages(tag, images, step) {
      const name = checkedTag('addImages', tag);
      checkedStep('addImages', step);
      await add('addImages', step, { tag: name, ...(await imagesOf('addImages', images, true)) });
    },
    addText: async (tag, given, step) => add('addText', step, { tag: checkedTag('addText', tag), ...textsOf(given) }),
    async addGraph(model) {
      if (!layerOf(model)) throw new ArgumentError(`addGraph: model is ${shown(model)}; it must be a model, such as sequential([...])`);
      await file.addGraph(layerGraph(model));
    },
    async addHparams(hparams, metrics = {}, options = {}) {
      checkOptions('addHparams', options, ['runName'], "addHparams(hparams, metrics, { runName: 'trial_1' })");
      const { runName } = options;
      const given = hparamsKind.read(hparams, 'addHparams: hparams');
      const scalars = Object.entries(metrics).map(([name, value]) => scalarOf('addHparams', name, value));
      if (runName === undefined && hasHparams) {
        throw new ArgumentError('addHparams: this run has hyperparameters already; give runName, a folder for another run');
      }
      hasHparams ||= runName === undefined;
      const target = runName === undefined ? file : inFolder(text.read(runName, 'addHparams: runName'));
      await target.add(0, [{ hparams: given }]);
      await target.add(0, scalars);
      await target.add(0, [{ ended: true }]);
    },
  };
}

function checkedTag(where: string, tag: unknown): string {
  return text.read(tag, `${where}: tag`);
}

function checkedStep(where: string, step: unknown): number {
  if (Number.isSafeInteger(step) && (step as number) >= 0) return step as number;
  throw new ArgumentError(`${where}: step is ${shown(step)}; it must be an integer of at least 0`);
}

function scalarOf(where: string, tag: unknown, value: unknown): EventValue {
  const name = checkedTag(where, tag);
  if (typeof value === 'number') return { tag: name, scalar: value };
  const hint = value instanceof Tensor ? '; read it by await tensor.item()' : '';
  throw new ArgumentError(`${where}: the value of '${name}' is ${shown(value)}; it must be a number${hint}`);
}

function textsOf(given: unknown): { texts: readonly string[]; shape: readonly number[] } {
  const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((part) => typeof part === 'string');
  if (typeof given === 'string') return { texts: [given], shape: [] };
  if (isTexts(given) && given.length > 0) return { texts: given, shape: [given.length] };
  const rows = given as readonly (readonly string[])[];
  if (Array.isArray(given) && given.length > 0 && rows.every((row) => isTexts(row) && row.length > 0 && row.length === rows[0].length)) {
    return { texts: rows.flat(), shape: [rows.length, rows[0].length] };
  }
  throw new ArgumentError(`addText: text is ${shown(given)}; it must be a text, a list of texts, or rows of as many texts each`);
}

/** Appends to the disk in Node, to `write` if it is given, and to `files` elsewhere. */
export function appender(write: BytesWriter | undefined): { append: BytesWriter; files: Record<string, Uint8Array> } {
  const files: Record<string, Uint8Array> = {};
  return { files, append: write ?? diskWriter() ?? memoryWriter(files) };
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
  const system = nodeProcess();
  if (!system) return undefined;
  const fs = system.getBuiltinModule('node:fs/promises');
  const paths = system.getBuiltinModule('node:path');
  return async (path, bytes) => {
    try {
      await fs.mkdir(paths.dirname(path), { recursive: true });
      await fs.appendFile(path, bytes);
    } catch (error) {
      throw writeError('tensorBoard', `'${path}'`, error);
    }
  };
}
