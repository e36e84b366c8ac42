// Turns arrays and datasets into sources of batches that the model can be trained on. Every check that needs the data is made here, before
// anything runs.
import { ArgumentError, DataError } from '../core/errors.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { type BatchSource, type RawElement, type SampleTrees, arraySource, countOf, datasetSource, mapTrees } from '../data/batches.ts';
import { type Dataset, isDataset } from '../data/dataset.ts';
import { splitBorder } from '../data/portions.ts';
import { type ArrayTree, Field, type Fields, type SampleTree, arraysGiven, arraysOf, isArrayTree, readTree } from '../data/sampleTree.ts';
import type { Samples } from '../data/samples.ts';
import { type SampleDtype, sliceSamples } from '../data/samples.ts';
import { placeholder } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { TensorSpec, type Specs } from '../nn/index.ts';
import { type CheckedOutput, checkInputs, checkSamples, checkTargets } from './checks.ts';
import { type ClassWeights, classWeightsByOutput, refuseBalanced, weightsByClass } from './classWeights.ts';
import { type ModelCore, adoptWeights, draftWeights, knownInputs, objectivesFor, planTraining, requireSetup } from './core.ts';
import type { Objectives } from './objectives.ts';
import { type StepBatch, type Weights, makeTestStep } from './steps.ts';
import { freshTotals } from './totals.ts';
import { type TrainingSetup, checkSteps } from './trainingSetup.ts';

/** Arrays in the form of the model's inputs, or a dataset of { x, y, sampleWeight }. */
export type ModelInput = ArrayTree | Dataset<unknown>;

/** Data for validation: arrays in the form of x and y, or a dataset. */
export type ValidationData =
  | readonly [x: ArrayTree, y: ArrayTree | undefined, sampleWeight?: ArrayTree]
  | { readonly x: ArrayTree; readonly y: ArrayTree; readonly sampleWeight?: ArrayTree }
  | Dataset<unknown>;

/** Arrays or a dataset, and how they are cut into batches. */
interface Given {
  /** Name of the user's function, for messages. */
  readonly where: string;
  /** The data go through the training step. @default false */
  readonly isTraining?: boolean;
  readonly x: unknown;
  readonly y?: unknown;
  readonly sampleWeight?: unknown;
  readonly classWeight?: ClassWeights;
  /** Undefined if the user gave none. `all` makes one batch of all samples. */
  readonly batchSize?: number | 'all';
}

/** Everything that training takes its batches from. */
export interface TrainingData extends Given {
  /** Share of the samples that are held back for validation. */
  readonly validationSplit?: number;
  readonly validationData?: ValidationData;
  /** Batch size of validation. */
  readonly validationBatchSize?: number;
}

export interface TrainingSources {
  readonly train: BatchSource;
  readonly validation: BatchSource | undefined;
}

const defaultBatchSize = 32;

/** All arrays in data that a user gave: a function that is being traced must not pass its tensors to a model. */
export const arraysIn = (...data: readonly unknown[]): unknown[] => data.flatMap((tree) => arraysGiven('', tree).map(({ value }) => value));

/**
 * Opens data for training or evaluation. They are checked against the model, its losses and its metrics. A model that is not built yet is
 * built for them.
 * @throws ArgumentError, DataError, DtypeError or ShapeError before anything runs. The model is then as it was.
 */
export async function openTraining(core: ModelCore, data: TrainingData): Promise<TrainingSources> {
  const { where, validationSplit = 0, validationData, validationBatchSize } = data;
  const setup = requireSetup(core, where);
  const { batchSize } = data;
  const validationSize = validationBatchSize ?? (batchSize === 'all' ? undefined : batchSize) ?? defaultBatchSize;
  const restore = snapshot(core);
  let train: BatchSource | undefined;
  let validation: BatchSource | undefined;
  try {
    if (isDataset(data.x)) {
      if (validationSplit) throw new ArgumentError(`${where}: validationSplit does not go with a dataset; pass validationData`);
      refuseBalanced(where, data.classWeight, 'a dataset gives its samples in batches');
      train = await openDataset(data, (element) => readTraining(core, setup, { ...data, ...element }));
    } else {
      checkBatchSize(where, batchSize);
      const samples = await readTraining(core, setup, data, validationSplit === 0);
      if (validationSplit) {
        const [kept, held] = splitSamples(samples, validationSplit).map((part, i) =>
          checkObjectives(core, setup, i === 0 ? data : { where, x: undefined }, part),
        );
        train = cut(kept, batchSize);
        validation = arraySource(held, validationSize);
      } else train = cut(samples, batchSize);
    }
    checkAgainstModel(core, train, data.isTraining ?? false);
    if (validationData !== undefined) validation = await openValidation(core, validationData, validationSize);
    else if (validation) checkAgainstModel(core, validation, false);
    return { train, validation };
  } catch (error) {
    restore();
    await train?.close();
    await validation?.close();
    throw error;
  }
}

/** Copies the parts of an unbuilt model that data change. The returned function restores them. */
function snapshot(core: ModelCore): () => void {
  const { setup, objectives, inputs, network } = core;
  const cells = network.owners.map(({ layer: { variables } }) => ({ variables, value: variables.value, inputShape: variables.inputShape }));
  return () => {
    // A compile() meanwhile has objectives of its own.
    if (core.setup === setup) core.objectives = objectives;
    if (inputs || !core.inputs) return;
    core.inputs = undefined;
    for (const { variables, value, inputShape } of cells) if (!value) Object.assign(variables, { value, inputShape });
  };
}

/** Opens inputs without targets. A model that is not built yet is built for them. */
export async function openPrediction(core: ModelCore, data: Given): Promise<BatchSource> {
  const { where, x, batchSize } = data;
  const read = async ({ x }: RawElement): Promise<SampleTrees> => {
    const samples = { x: await readInputs(core, where, x) };
    checkSamples(where, samples);
    checkInputs(where, core.network, samples.x, knownInputs(core));
    return samples;
  };
  let source: BatchSource;
  if (isDataset(x)) source = await openDataset(data, read);
  else {
    checkBatchSize(where, batchSize);
    source = cut(await read({ x }), batchSize);
  }
  const inputs = specsOf(source.example.x);
  core.network.outputSpecs(inputs);
  if (!core.weights) adoptWeights(core, inputs, draftWeights(core, inputs));
  return source;
}

const cut = (samples: SampleTrees, batchSize: Given['batchSize']): BatchSource =>
  arraySource(samples, batchSize === 'all' ? countOf(samples) : (batchSize ?? defaultBatchSize));

function checkBatchSize(where: string, batchSize: unknown): void {
  if (batchSize !== 'all') checkSteps(where, 'batchSize', batchSize);
}

function openDataset(data: Given, read: (element: RawElement) => Promise<SampleTrees>): Promise<BatchSource> {
  const { where, x, batchSize, y, sampleWeight } = data;
  if (batchSize === 'all') throw new ArgumentError(`${where}: x is a dataset; give one batch of arrays`);
  refuseBesideDataset(where, { y, batchSize, sampleWeight });
  return datasetSource(where, x as Dataset<unknown>, read);
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

/** @throws ArgumentError for data in no form of ValidationData. */
async function openValidation(core: ModelCore, data: ValidationData, batchSize: number): Promise<BatchSource> {
  const where = 'fit (validationData)';
  if (isDataset(data)) return (await openTraining(core, { where, x: data })).train;
  const isPair = Array.isArray(data) && (data.length === 2 || data.length === 3);
  const isRecord = typeof data === 'object' && data !== null && 'x' in data && 'y' in data;
  if (!isPair && !isRecord) throw new ArgumentError('fit: validationData must be [x, y], [x, y, sampleWeight], { x, y } or a dataset');
  const [x, y, sampleWeight] = isRecord ? [data.x, data.y, data.sampleWeight] : (data as readonly unknown[]);
  return (await openTraining(core, { where, x, y, sampleWeight, batchSize })).train;
}

const asDtype = (dtype: string): SampleDtype => (dtype === 'i32' ? 'i32' : 'f32');

/** Inputs in the form that the model takes. Unchanged if that form is not known yet. */
function readInputs(core: ModelCore, where: string, x: unknown): Promise<SampleTree> {
  const known = knownInputs(core);
  const fields = known && (mapTree(known, (spec) => new Field(asDtype((spec as TensorSpec).dtype))) as Fields);
  return readTree(where, 'x', x, fields, core.network.inputDtype);
}

/** Specs of inputs, by the data. */
const specsOf = (x: SampleTree): Specs =>
  mapTree(x, (leaf) => {
    const { shape, dtype } = leaf as Samples;
    return new TensorSpec(shape, dtype);
  }) as Specs;

/** Reads and checks samples. `isComplete` is false if they are yet to be split: their targets are checked afterwards. */
async function readTraining(core: ModelCore, setup: TrainingSetup, data: Given, isComplete = true): Promise<SampleTrees> {
  const { where } = data;
  const x = await readInputs(core, where, data.x);
  const inputs = specsOf(x);
  checkInputs(where, core.network, x, knownInputs(core));
  const objectives = objectivesFor(core, setup, inputs);
  const outputs = core.network.outputSpecs(inputs);
  const { y, sampleWeight } = data;
  if (y === undefined && needsTargets(objectives, setup, data))
    throw new DataError(`${where}: y is missing; training needs a target for each sample of x`);
  const samples: SampleTrees = {
    x,
    ...(y !== undefined && { y: await readTree(where, 'y', y, targetFields(objectives, outputs)) }),
    ...(sampleWeight !== undefined && { sampleWeight: await readWeights(where, sampleWeight, outputs) }),
  };
  checkSamples(where, samples);
  return isComplete ? checkObjectives(core, setup, data, samples) : samples;
}

/** Whether the losses and metrics of the outputs need targets. A step of the user's own may do without. */
const needsTargets = ({ outputs, joint }: Objectives, { trainStep }: TrainingSetup, { isTraining }: Given): boolean =>
  !joint && !(isTraining && trainStep && outputs.every(({ loss, metrics }) => !loss && metrics.length === 0));

/** Targets of outputs with a loss or metrics are required. A loss over all outputs without metrics takes targets in any form. */
function targetFields({ outputs, joint }: Objectives, specs: Specs): Fields | undefined {
  if (joint && outputs.every(({ metrics }) => metrics.length === 0)) return undefined;
  const required = new Set(outputs.flatMap(({ path, loss, metrics }) => ((loss ?? metrics.length) ? [path] : [])));
  return mapTree(specs, (_, path) => new Field(undefined, required.has(path))) as Fields;
}

/** Weights in the form of the outputs. One array weighs the samples of every output. */
async function readWeights(where: string, given: unknown, outputs: Specs): Promise<SampleTree> {
  const argument = 'sampleWeight';
  const isByOutput = isArrayTree(given) || (Array.isArray(outputs) && Array.isArray(given) && Array.isArray(given[0]));
  if (outputs instanceof TensorSpec || isByOutput) {
    return readTree(where, argument, given, mapTree(outputs, () => new Field('f32', outputs instanceof TensorSpec)) as Fields);
  }
  const weights = await readTree(where, argument, given, new Field('f32'));
  return mapTree(outputs, () => weights) as SampleTree;
}

/** Checks the targets of each output, and turns weights of classes into weights of samples. */
function checkObjectives(core: ModelCore, setup: TrainingSetup, { where, classWeight }: Given, samples: SampleTrees): SampleTrees {
  const inputs = specsOf(samples.x);
  const { outputs } = objectivesFor(core, setup, inputs);
  const specs = core.network.outputSpecs(inputs);
  const shapes = new Map(leavesOf(specs).map(({ path, value }) => [path, (value as TensorSpec).shape]));
  const targets = new Map(arraysOf('', samples.y).map(({ argument, samples }) => [argument, samples]));
  const several = outputs.length > 1;
  const checked = (name: string, path: string): CheckedOutput => ({
    name: several ? name : undefined,
    argument: `y${path}`,
    shape: shapes.get(path)!,
  });
  for (const { name, path, loss } of outputs) {
    const found = targets.get(path);
    if (loss && found) checkTargets(where, loss, found, checked(name, path));
  }
  if (classWeight === undefined) return samples;
  const byOutput = classWeightsByOutput(
    where,
    classWeight,
    outputs.map(({ name }) => name),
  );
  const given = new Map(arraysOf('', samples.sampleWeight).map(({ argument, samples }) => [argument, samples]));
  const weights = mapTree(specs, (_, path) => {
    const { name } = outputs.find((output) => output.path === path)!;
    const classes = byOutput.get(name);
    const found = targets.get(path);
    if (classes === undefined) return given.get(path);
    if (!found) throw new DataError(`${where}: classWeight needs targets, but y${path} is missing`);
    return weightsByClass(where, classes, checked(name, path), found, given.get(path));
  });
  return { ...samples, sampleWeight: weights as SampleTree };
}

/** Draws the weights if there are none, but keeps them only if a batch goes through the model, its losses and its metrics. */
function checkAgainstModel(core: ModelCore, { example, firstSize }: BatchSource, isTraining: boolean): void {
  const inputs = specsOf(example.x);
  const weights = core.weights ?? draftWeights(core, inputs);
  const objectives = core.objectives!;
  // Only the weights' shapes matter here, and the tensors themselves may belong to a step that is under way.
  let position = 0;
  const shapes = mapTree(weights, (leaf) => {
    const { shape, dtype } = leaf as Tensor;
    return placeholder(shape, dtype, { position: position++ });
  }) as Weights;
  position = 0;
  const key = placeholder([2], 'u32', { position: position++, label: 'key' });
  const batch = mapTrees(example, ({ shape, dtype }, label) => placeholder([firstSize, ...shape], dtype, { position: position++, label }));
  const stepBatch = { key, ...batch } as StepBatch;
  if (isTraining && core.setup!.trainStep) planTraining(core, shapes, stepBatch);
  else makeTestStep(core.network, objectives)(freshTotals(objectives), shapes, stepBatch);
  if (!core.weights) adoptWeights(core, inputs, weights);
}

/** Splits the last fraction off, before any shuffling, as Keras does. */
function splitSamples(samples: SampleTrees, fraction: number): [SampleTrees, SampleTrees] {
  const count = countOf(samples);
  const border = splitBorder(count, fraction);
  if (border === 0 || border === count) {
    throw new DataError(
      `fit: validationSplit ${fraction} of ${count} samples leaves none to ${border === 0 ? 'train on' : 'validate with'}; change it or pass validationData`,
    );
  }
  const part = (begin: number, end: number): SampleTrees => mapTrees(samples, (leaf) => sliceSamples(leaf, begin, end)) as SampleTrees;
  return [part(0, border), part(border, count)];
}
