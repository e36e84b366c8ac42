// From what the user handed in to a source of batches that the model can be trained on: every check that needs the data is made here,
// before anything runs.
import { ArgumentError, DataError, asText } from '../core/errors.ts';
import { mapTree } from '../core/tree.ts';
import { placeholder } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  type ClassWeight,
  type TargetRule,
  checkCount,
  checkFinite,
  checkGraph,
  checkInput,
  checkTargets,
  weightsByClass,
} from './checks.ts';
import type { TrainingSetup } from './trainingSetup.ts';
import { type ModelCore, adoptWeights, draftWeights, outputShapeOf, requireSetup } from './core.ts';
import { type ArraySamples, type BatchSource, arraySource, datasetSource } from '../data/batches.ts';
import { type Dataset, isDataset } from '../data/dataset.ts';
import { type ArrayInput, type SampleDtype, samplesOf, sliceSamples } from '../data/samples.ts';
import { type Weights, freshTotals, makeTestStep } from './steps.ts';

export type ModelInput = ArrayInput | Dataset<unknown>;

export interface SourceOptions {
  /** The function's name, for messages. */
  readonly where: string;
  /** Undefined where the user gave none. */
  readonly batchSize?: number;
  readonly sampleWeight?: ArrayInput;
  readonly classWeight?: ClassWeight;
}

const defaultBatchSize = 32;

/** Throws unless a batch size is a positive whole number. */
export function checkBatchSize(where: string, batchSize: unknown): void {
  if (batchSize === undefined || (Number.isInteger(batchSize) && (batchSize as number) > 0)) return;
  throw new ArgumentError(`${where}: batchSize is ${asText(batchSize)}; it must be a whole number of 1 or more`);
}

/** Arrays as samples, equally many of each, all finite. */
export async function readSamples(where: string, x: unknown, y: unknown, sampleWeight: unknown, dtype: SampleDtype): Promise<ArraySamples> {
  const samples = {
    x: await samplesOf(where, 'x', x, dtype),
    ...(y !== undefined && { y: await samplesOf(where, 'y', y) }),
    ...(sampleWeight !== undefined && { sampleWeight: await samplesOf(where, 'sampleWeight', sampleWeight, 'f32') }),
  };
  checkSamples(where, samples);
  return samples;
}

function checkSamples(where: string, { x, y, sampleWeight }: ArraySamples): void {
  if (y) checkCount(where, 'y', y.count, x);
  if (sampleWeight) checkCount(where, 'sampleWeight', sampleWeight.count, x);
  checkFinite(where, 'x', x);
  if (y) checkFinite(where, 'y', y);
  if (sampleWeight) checkFinite(where, 'sampleWeight', sampleWeight);
}

/** Inputs with targets: checked against the model and its loss, which also builds the model where it was not. */
export async function trainingSource(core: ModelCore, x: unknown, y: unknown, options: SourceOptions): Promise<BatchSource> {
  const { where, batchSize, sampleWeight } = options;
  checkBatchSize(where, batchSize);
  const { inputDtype } = core.network;
  const inspect = (samples: ArraySamples): ArraySamples => checkTraining(core, samples, options);
  let source: BatchSource;
  if (isDataset(x)) {
    refuseBesideDataset(where, { y, batchSize, sampleWeight });
    source = await datasetSource(where, x, inputDtype, (samples) => {
      checkSamples(where, samples);
      return inspect(samples);
    });
  } else {
    const samples = inspect(await readSamples(where, x, y, sampleWeight, inputDtype));
    source = arraySource(samples, batchSize ?? defaultBatchSize);
  }
  checkAgainstModel(core, source);
  return source;
}

/** Samples already read, of which a part is trained on. */
export function sampledSource(core: ModelCore, samples: ArraySamples, options: SourceOptions): BatchSource {
  const checked = checkTraining(core, samples, options);
  const source = arraySource(checked, options.batchSize ?? defaultBatchSize);
  checkAgainstModel(core, source);
  return source;
}

/** Inputs alone. */
export async function predictionSource(core: ModelCore, x: unknown, { where, batchSize }: SourceOptions): Promise<BatchSource> {
  checkBatchSize(where, batchSize);
  const { network } = core;
  const inspect = (samples: ArraySamples): ArraySamples => {
    checkInput(where, network, samples.x.shape, core.inputShape);
    return { x: samples.x };
  };
  let source: BatchSource;
  if (isDataset(x)) {
    refuseBesideDataset(where, { batchSize });
    source = await datasetSource(where, x, network.inputDtype, (samples) => {
      checkSamples(where, samples);
      return inspect(samples);
    });
  } else {
    const samples = inspect(await readSamples(where, x, undefined, undefined, network.inputDtype));
    source = arraySource(samples, batchSize ?? defaultBatchSize);
  }
  outputShapeOf(core, source.xShape);
  if (!core.weights) adoptWeights(core, source.xShape, draftWeights(core, source.xShape));
  return source;
}

function refuseBesideDataset(where: string, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    throw new ArgumentError(`${where}: ${name} does not go with a dataset; ${fixBesideDataset(where, name, value)}`);
  }
}

function fixBesideDataset(where: string, name: string, value: unknown): string {
  if (name === 'batchSize') return 'group its samples with .batch(n)';
  if (name !== 'y') return `let its elements be { x, y, ${name} }`;
  const isOptions = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isOptions ? `options come third: ${where}(dataset, undefined, { … })` : 'let its elements be { x, y }';
}

function checkTraining(core: ModelCore, samples: ArraySamples, { where, classWeight }: SourceOptions): ArraySamples {
  const { network } = core;
  const setup = requireSetup(core, where);
  const { x, y, sampleWeight } = samples;
  if (!y) throw new DataError(`${where}: y is missing; training needs a target for each sample of x`);
  checkInput(where, network, x.shape, core.inputShape);
  checkTargets(where, ruleOf(setup), y, outputShapeOf(core, x.shape));
  return classWeight !== undefined
    ? { x, y, sampleWeight: weightsByClass(where, classWeight, outputShapeOf(core, x.shape), y, sampleWeight) }
    : samples;
}

const ruleOf = ({ loss }: TrainingSetup): TargetRule => loss;

/** Draws the weights if there are none, but keeps them only when a batch goes through the model, its loss and its metrics. */
function checkAgainstModel(core: ModelCore, source: BatchSource): void {
  const weights = core.weights ?? draftWeights(core, source.xShape);
  const setup = core.setup!;
  const step = makeTestStep(core.network, setup);
  // Only the weights' shapes matter here, and the tensors themselves may belong to a step that is under way.
  let position = 0;
  const shapes = mapTree(weights, (leaf) => {
    const { shape, dtype } = leaf as Tensor;
    return placeholder(shape, dtype, { position: position++ });
  }) as Weights;
  checkGraph(source, core.network.inputDtype, (batch) => step(freshTotals(setup), shapes, batch));
  if (!core.weights) adoptWeights(core, source.xShape, weights);
}

/**
 * Number of samples before the last fraction, floor(count (1 - fraction)). Products that miss a whole number by rounding are that number: of
 * 10 samples, 0.8 leaves 2, although 1 - 0.8 is 0.19999999999999996.
 */
export function splitBorder(count: number, fraction: number): number {
  const held = count * fraction;
  const nearest = Math.round(held);
  return count - (Math.abs(held - nearest) <= count * 2 ** -50 ? nearest : Math.ceil(held));
}

/** Splits the last fraction off, before any shuffling, as Keras does. */
export function splitSamples(samples: ArraySamples, fraction: number): [ArraySamples, ArraySamples] {
  const { count } = samples.x;
  const border = splitBorder(count, fraction);
  if (border === 0 || border === count) {
    throw new DataError(
      `fit: validationSplit ${fraction} of ${count} samples leaves none to ${border === 0 ? 'train on' : 'validate with'}; change it or pass validationData`,
    );
  }
  const part = (begin: number, end: number): ArraySamples => ({
    x: sliceSamples(samples.x, begin, end),
    ...(samples.y && { y: sliceSamples(samples.y, begin, end) }),
    ...(samples.sampleWeight && { sampleWeight: sliceSamples(samples.sampleWeight, begin, end) }),
  });
  return [part(0, border), part(border, count)];
}

/** What fit may be given to validate with. */
export type ValidationData =
  | readonly [x: ArrayInput, y: ArrayInput, sampleWeight?: ArrayInput]
  | { readonly x: ArrayInput; readonly y: ArrayInput; readonly sampleWeight?: ArrayInput }
  | Dataset<unknown>;

/** @throws ArgumentError where it is none of the forms of ValidationData. */
export async function validationSource(core: ModelCore, data: ValidationData, batchSize: number): Promise<BatchSource> {
  const where = 'fit (validationData)';
  if (isDataset(data)) return trainingSource(core, data, undefined, { where });
  const isPair = Array.isArray(data) && (data.length === 2 || data.length === 3);
  const isRecord = typeof data === 'object' && data !== null && 'x' in data && 'y' in data;
  if (!isPair && !isRecord) throw new ArgumentError('fit: validationData must be [x, y], [x, y, sampleWeight], { x, y } or a dataset');
  const [x, y, sampleWeight] = isRecord ? [data.x, data.y, data.sampleWeight] : (data as readonly ArrayInput[]);
  return trainingSource(core, x, y, { where, batchSize, sampleWeight });
}
