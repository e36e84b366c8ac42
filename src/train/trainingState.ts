// The state of training in a file of weights: optimizers, learning rates, the loss scale, the progress, and the place in a fit.
import type { Json } from '../core/config.ts';
import type { Dtype, HostArray } from '../core/dtype.ts';
import { FormatError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { shown } from '../core/shown.ts';
import { leavesOf, mapTree, variablePath } from '../core/tree.ts';
import type { Safetensors, StoredDtype, StoredTensor } from '../formats/safetensors.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import type { LayerTrees } from '../nn/index.ts';
import type { OptimizerState } from '../optim/index.ts';
import type { ModelCore } from './core.ts';
import { type LossScale, firstLossScale } from './lossScale.ts';
import { type OptimizerRecord, birthsOf, draftState, isStateOf, noState, slotsBeside } from './optimizerState.ts';
import { type KeyedProgress, isKey, progressData, progressFrom } from './progress.ts';

/** The metadata `ombre`, as JSON. Trees have the names of tensors as leaves. */
interface TrainingData {
  readonly version: 1;
  readonly optimizers: Readonly<Record<string, StoredOptimizer>>;
  readonly lossScale?: unknown;
  readonly progress?: unknown;
  readonly fitKeys?: unknown;
  /** Place in a fit, in a backup of one. */
  readonly fit?: unknown;
}

interface StoredOptimizer {
  readonly optimizer: string;
  readonly layers: readonly string[];
  readonly calls: number;
  readonly learningRate?: number;
  /** Absent before the first step. */
  readonly state?: unknown;
  readonly aside: unknown;
}

const metadataKey = 'ombre';
/** Tensors that are not weights have names that begin so. */
export const trainingPrefix = 'training:';

export const storedDtypes: Readonly<Record<Dtype, StoredDtype>> = { bool: 'BOOL', i32: 'I32', u32: 'U32', f16: 'F16', f32: 'F32' };

export async function toStored(tensor: Tensor): Promise<StoredTensor> {
  const { dtype, shape } = tensor;
  return { dtype: storedDtypes[dtype], shape, data: (await tensor.data()) as StoredTensor['data'] };
}

const toTensor = ({ shape, data }: StoredTensor, dtype: Dtype): Tensor => hostTensor({ shape, dtype }, data as HostArray);

/** A file of weights, and the fixes that errors offer. */
export interface WeightFile {
  readonly where: string;
  readonly name: string;
  readonly file: Safetensors;
  readonly otherModel: string;
  readonly otherState: string;
}

/** The data of training besides the weights. */
export interface HeldTraining {
  readonly lossScale: LossScale | undefined;
  /** State of the optimizers by name. */
  readonly states: readonly (readonly [string, Pick<OptimizerRecord, 'state' | 'aside'>])[];
  readonly rest: readonly Omit<StoredOptimizer, 'state' | 'aside'>[];
  readonly progress: Json | undefined;
  readonly fitKeys: { readonly key: readonly number[]; readonly drawn: number } | undefined;
  readonly fit: object | undefined;
}

/** The state of training now. New slots in it are not computed yet. No step may own the state meanwhile. */
export function trainingOf(core: ModelCore, fit: object | undefined): HeldTraining {
  const { network, weights, lossScale, optimizers, progress, fitKeys } = core;
  const records = Object.entries(optimizers);
  const now = birthsOf(network);
  const states = records.map(([name, record]) => {
    const { state, layers } = record;
    // Parameters that LoRA has replaced have slots of their own, which are not made yet.
    const trees = Object.fromEntries(layers.map((layer) => [layer, weights!.parameters[layer]]));
    const isCurrent = !state || isStateOf(record, layers, now);
    return [name, { state: isCurrent ? state : draftState(record, trees, now), aside: slotsBeside(record, layers, now) }] as const;
  });
  const rest = records.map(([, { optimizer, layers, calls, learningRate }]) => ({
    ...{ optimizer: optimizer.name, layers, calls },
    ...(learningRate !== undefined && { learningRate }),
  }));
  return {
    ...{ lossScale, states, rest, fit },
    progress: progress && progressData(progress),
    fitKeys: fitKeys && { key: [...fitKeys.key], drawn: fitKeys.drawn },
  };
}

/** The tensors and the metadata of the state of training, which is on the host. */
export async function trainingContents(
  held: HeldTraining,
): Promise<{ readonly tensors: [string, StoredTensor][]; readonly metadata: Readonly<Record<string, string>> }> {
  const waiting: [string, Tensor][] = [];
  const named = (tree: unknown, place: string): unknown =>
    mapTree(tree, (leaf, path) => {
      if (!(leaf instanceof Tensor)) return leaf;
      const name = `${trainingPrefix}${place}${path && `/${variablePath(path)}`}`;
      waiting.push([name, leaf]);
      return name;
    });
  const optimizers = held.states.map(([name, { state, aside }], i): [string, StoredOptimizer] => [
    name,
    { ...held.rest[i], state: named(state, `${name}/state`), aside: named(aside, `${name}/aside`) },
  ]);
  const data: TrainingData = {
    version: 1,
    optimizers: Object.fromEntries(optimizers),
    ...(held.lossScale && { lossScale: named(held.lossScale, 'lossScale') }),
    ...{ progress: held.progress, fitKeys: held.fitKeys },
    ...(held.fit && { fit: named(held.fit, 'fit') }),
  };
  const tensors: [string, StoredTensor][] = [];
  for (const [name, tensor] of waiting) tensors.push([name, await toStored(tensor)]);
  return { tensors, metadata: { [metadataKey]: JSON.stringify(data) } };
}

export interface Training {
  readonly lossScale: LossScale | undefined;
  readonly progress: KeyedProgress | undefined;
  readonly fitKeys: RandomStream | undefined;
  readonly records: readonly (readonly [OptimizerRecord, Partial<OptimizerRecord>])[];
}

/** A tree of names of tensors, with the tensors. They have the types of the tree that is expected. `place` begins errors. */
export type TensorsOf = (tree: unknown, expected: unknown, place: string) => unknown;

/** The state of training for the model's optimizers. Undefined if the file has none. */
export function readTraining(
  core: ModelCore,
  origin: WeightFile,
  fit?: (place: unknown, tensorsOf: TensorsOf) => void,
): Training | undefined {
  const { where, name, file, otherState } = origin;
  const text = Object.hasOwn(file.metadata, metadataKey) ? file.metadata[metadataKey] : undefined;
  if (text === undefined) return undefined;
  const refuse = (what: string): never => {
    throw new FormatError(`${where}: ${name}: ${what}; ${otherState}`);
  };
  const data = parsed(text, refuse);
  const tensorsOf: TensorsOf = (tree, expected, place) => {
    const types = new Map(leavesOf(expected).map(({ path, value }) => [path, value as Tensor]));
    const made = mapTree(tree, (leaf, path) => {
      const wanted = types.get(path);
      const given = typeof leaf === 'string' ? file.tensors.get(leaf) : undefined;
      if (!wanted || !given || given.dtype !== storedDtypes[wanted.dtype] || !sameShape(given.shape, wanted.shape)) {
        const what = given ? `${given.dtype}${formatShape(given.shape)}` : 'no tensor';
        return refuse(`${place}${path} is ${what}; the model needs ${wanted ? wanted.dtype + formatShape(wanted.shape) : 'none'}`);
      }
      types.delete(path);
      return toTensor(given, wanted.dtype);
    });
    for (const path of types.keys()) refuse(`${place}${path} is missing`);
    return made;
  };
  const records = Object.entries(core.optimizers).flatMap(([key, record]): [OptimizerRecord, Partial<OptimizerRecord>][] =>
    Object.hasOwn(data.optimizers, key) ? [[record, readRecord(core, key, data.optimizers[key], { tensorsOf, refuse })]] : [],
  );
  const lossScale = data.lossScale === undefined ? undefined : (tensorsOf(data.lossScale, firstLossScale(), 'loss scale') as LossScale);
  const progress = data.progress === undefined ? undefined : (progressFrom(data.progress) ?? refuse('the progress of training is damaged'));
  fit?.(data.fit, tensorsOf);
  return { lossScale, progress, fitKeys: streamFrom(data.fitKeys, refuse), records };
}

interface Checks {
  readonly tensorsOf: TensorsOf;
  readonly refuse: (what: string) => never;
}

/** The stored values of the optimizer `key` of the model. */
function readRecord(
  core: ModelCore,
  key: string,
  { optimizer, layers, calls, learningRate, state, aside }: StoredOptimizer,
  { tensorsOf, refuse }: Checks,
): Partial<OptimizerRecord> {
  const { parameters } = core.weights!;
  const record = core.optimizers[key];
  if (optimizer !== record.optimizer.name) {
    refuse(`the optimizer '${key}' was ${String(optimizer)}, and the model is compiled with ${record.optimizer.name}`);
  }
  if (!Array.isArray(layers) || !layers.every((layer) => typeof layer === 'string' && Object.hasOwn(parameters, layer))) {
    refuse(`the optimizer '${key}' was for other layers than the model has`);
  }
  const isRate = learningRate === undefined || (typeof learningRate === 'number' && learningRate > 0);
  if (!Number.isSafeInteger(calls) || calls < 0 || !isRate) {
    refuse(`the optimizer '${key}' has the step count ${String(calls)} and the learning rate ${shown(learningRate)}`);
  }
  if (state === undefined) return { ...noState, learningRate };
  const of = (names: readonly string[]): LayerTrees => Object.fromEntries(names.map((layer) => [layer, parameters[layer]]));
  const now = birthsOf(core.network);
  const fresh = { ...record, ...noState, learningRate: undefined };
  // Slots of frozen layers have the form of those that a state for all layers has.
  const ofAll = new Map(leavesOf(draftState(fresh, of(Object.keys(parameters)), now)).map(({ path, value }) => [path, value]));
  return {
    layers,
    calls,
    learningRate,
    born: now,
    state: tensorsOf(state, draftState(fresh, of(layers), now), `optimizer ${key}: state`) as OptimizerState,
    aside: tensorsOf(aside, mapTree(aside, (_, path) => ofAll.get(path)), `optimizer ${key}: aside`) as OptimizerRecord['aside'], // prettier-ignore
  };
}

/** The stream from which fits without a seed draw their keys. */
function streamFrom(data: unknown, refuse: (what: string) => never): RandomStream | undefined {
  if (data === undefined) return undefined;
  const { key, drawn } = (data ?? {}) as { key?: unknown; drawn?: unknown };
  return isKey(key) && Number.isSafeInteger(drawn) && (drawn as number) >= 0
    ? new RandomStream(key, drawn as number)
    : refuse('the keys of fits are damaged');
}

function parsed(text: string, refuse: (what: string) => never): TrainingData {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    refuse('the state of training is no JSON');
  }
  const { version, optimizers } = (typeof data === 'object' && data !== null ? data : {}) as Partial<TrainingData>;
  if (version !== 1) refuse(`the state of training has the version ${String(version)}; this library reads version 1`);
  const isTable = typeof optimizers === 'object' && (optimizers as unknown) !== null && Object.values(optimizers).every((one: unknown) => typeof one === 'object' && one !== null); // prettier-ignore
  return isTable ? (data as TrainingData) : refuse('the state of training has no optimizers');
}
