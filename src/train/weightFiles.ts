// Weights and the state of training as one safetensors file. A fit that resumes from it gives the same bits as one that never stopped.
import type { Dtype, HostArray } from '../core/dtype.ts';
import { ArgumentError, FormatError, checkOptions } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { leavesOf, mapTree, variablePath } from '../core/tree.ts';
import { type FileSource, type FileTarget, readFile, writeFile } from '../formats/places.ts';
import { type Safetensors, type StoredDtype, type StoredTensor, readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import type { LayerTrees, TensorRecord } from '../nn/index.ts';
import type { OptimizerState } from '../optim/index.ts';
import { type ModelCore, builtWeights, exclusive, prepareSteps } from './core.ts';
import { type LossScale, firstLossScale } from './lossScale.ts';
import { type OptimizerRecord, draftState } from './optimizerState.ts';
import { type KeyedProgress, isKey, progressData, progressFrom } from './progress.ts';
import { toHost } from './residence.ts';
import { type FittingWeights, type WeightMap, checkMap, readMapped, writeMapped } from './weightMap.ts';
import { type ModelVariable, listVariables } from './weights.ts';

export interface SaveWeightsOptions {
  /** Also stores the optimizers' state, learning rates and the loss scale, so that a fit can resume exactly. @default true, and false with a map */
  optimizer?: boolean;
  /** Writes names and layouts of another library, such as `pytorch(model)`. */
  map?: WeightMap;
}

export interface LoadWeightsOptions {
  /** Also reads the optimizers' state, if the model is compiled and the file has it. @default true */
  optimizer?: boolean;
  /** Keeps the weights that the file lacks or has in another shape, and leaves out what else it has. @default false */
  skipMismatch?: boolean;
  /** Reads a file with names and layouts of another library, such as `pytorch(model)`. Its floats of any precision become those of the model. */
  map?: WeightMap;
}

/** The metadata `ombre`, as JSON. Trees have the names of tensors as leaves. */
interface TrainingData {
  readonly version: 1;
  readonly optimizers: Readonly<Record<string, StoredOptimizer>>;
  readonly lossScale?: unknown;
  readonly progress?: unknown;
  readonly fitKeys?: unknown;
}

interface StoredOptimizer {
  readonly optimizer: string;
  readonly layers: readonly string[];
  readonly calls: number;
  readonly learningRate?: number;
  readonly state: unknown;
  readonly aside: unknown;
}

const metadataKey = 'ombre';
/** Tensors that are not weights have names that begin so. */
const trainingPrefix = 'training:';

const storedDtypes: Readonly<Record<Dtype, StoredDtype>> = { bool: 'BOOL', i32: 'I32', u32: 'U32', f16: 'F16', f32: 'F32' };

async function toStored(tensor: Tensor): Promise<StoredTensor> {
  const { dtype, shape } = tensor;
  return { dtype: storedDtypes[dtype], shape, data: (await tensor.data()) as StoredTensor['data'] };
}

const toTensor = ({ shape, data }: StoredTensor, dtype: Dtype): Tensor => hostTensor({ shape, dtype }, data as HostArray);

/** Writes the weights, and the state of training. The target is written when all bytes are there. */
export async function saveWeights(core: ModelCore, target: FileTarget, options: SaveWeightsOptions = {}): Promise<void> {
  checkOptions('saveWeights', options, ['optimizer', 'map']);
  const { map, optimizer = !map } = options;
  if (map) checkMap('saveWeights', map);
  if (map && optimizer) throw new ArgumentError('saveWeights: a file with a map holds only weights; leave out optimizer, or map');
  const { tensors, metadata } = await weightFile(core, 'saveWeights', optimizer, map);
  await writeFile(target, writeSafetensors(tensors, metadata), 'saveWeights');
}

export interface WeightFile {
  readonly tensors: readonly [string, StoredTensor][];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Weights by their paths, or by the names of a map, and the state of training if it is wanted. */
export async function weightFile(core: ModelCore, where: string, withTraining: boolean, map?: WeightMap): Promise<WeightFile> {
  builtWeights(core, where);
  const { engine } = await prepareSteps(core);
  const held = await exclusive(core, () => {
    const { weights, lossScale, optimizers } = core;
    const records = Object.entries(optimizers).filter(([, { state }]) => state);
    const states = records.map(([name, { state, aside }]) => [name, { state, aside }] as const);
    const rest = records.map(([, { optimizer, layers, calls, learningRate }]) => ({ optimizer: optimizer.name, layers, calls, learningRate })); // prettier-ignore
    return toHost({ weights: weights!, lossScale, states, rest }, engine);
  });
  const variables = listVariables(core, held.weights);
  const stored: StoredTensor[] = [];
  for (const { tensor } of variables) stored.push(await toStored(tensor));
  const tensors = map ? writeMapped(map, variables, stored) : variables.map(({ path }, i): [string, StoredTensor] => [path, stored[i]]);
  let metadata = map?.metadata ?? {};
  if (withTraining) {
    const waiting: [string, Tensor][] = [];
    const named = (tree: unknown, place: string): unknown =>
      mapTree(tree, (leaf, path) => {
        if (!(leaf instanceof Tensor)) return leaf;
        const name = `${trainingPrefix}${place}${path && `/${variablePath(path)}`}`;
        waiting.push([name, leaf]);
        return name;
      });
    const optimizers = held.states.map(([name, { state, aside }], i) => [name, { ...held.rest[i], state: named(state, `${name}/state`), aside: named(aside, `${name}/aside`) }]); // prettier-ignore
    const { progress, fitKeys } = core;
    const data = {
      version: 1,
      optimizers: Object.fromEntries(optimizers) as TrainingData['optimizers'],
      ...(held.lossScale && { lossScale: named(held.lossScale, 'lossScale') }),
      ...(progress && { progress: progressData(progress) }),
      ...(fitKeys && { fitKeys: { key: [...fitKeys.key], drawn: fitKeys.drawn } }),
    } as const;
    for (const [name, tensor] of waiting) tensors.push([name, await toStored(tensor)]);
    metadata = { [metadataKey]: JSON.stringify(data satisfies TrainingData) };
  }
  return { tensors, metadata };
}

/**
 * Reads weights by their paths, and the state of training. Everything is checked first; nothing is changed if something does not fit.
 * @throws FormatError listing the weights that are missing, extra, or of another shape, or naming the state that does not fit the optimizer.
 */
export async function loadWeights(core: ModelCore, source: FileSource, options: LoadWeightsOptions = {}): Promise<void> {
  checkOptions('loadWeights', options, ['optimizer', 'skipMismatch', 'map']);
  const { map, optimizer = !map, skipMismatch = false } = options;
  if (map) checkMap('loadWeights', map);
  const { bytes, name } = await readFile(source, 'loadWeights');
  await adoptFile(core, readSafetensors(bytes, name), name, { optimizer, skipMismatch, map });
}

/** The model takes the file's weights and state. Nothing is changed if something does not fit. */
export async function adoptFile(
  core: ModelCore,
  file: Safetensors,
  name: string,
  { optimizer, skipMismatch, map }: Required<Omit<LoadWeightsOptions, 'map'>> & Pick<LoadWeightsOptions, 'map'>,
): Promise<void> {
  await exclusive(core, async () => {
    const weights = fitted(core, file, name, skipMismatch, map);
    const training = optimizer && core.setup ? readTraining(core, file, name) : undefined;
    const layers = core.network.owners.map(({ name: layer }) => layer);
    const placed = (trees: LayerTrees): LayerTrees =>
      Object.fromEntries(
        layers.map((layer) => [layer, mapTree(trees[layer], (leaf) => weights.get(leaf as Tensor) ?? leaf) as TensorRecord]),
      );
    const { parameters, state } = core.weights!;
    core.weights = { parameters: placed(parameters), state: placed(state) };
    if (!training) return;
    core.lossScale = training.lossScale;
    core.progress = training.progress;
    if (training.fitKeys) core.fitKeys = training.fitKeys;
    for (const [record, values] of training.records) Object.assign(record, values);
  });
}

/** The file's tensors by the weights that they replace. */
function fitted(
  core: ModelCore,
  { tensors }: Safetensors,
  name: string,
  skipMismatch: boolean,
  map: WeightMap | undefined,
): ReadonlyMap<Tensor, Tensor> {
  const wanted = listVariables(core, builtWeights(core, 'loadWeights'));
  const { found, missing, different, extra } = map ? readMapped(map, wanted, tensors) : readNamed(wanted, tensors);
  if (skipMismatch || missing.length + different.length + extra.length === 0) {
    return new Map([...found].map(([tensor, data]) => [tensor, hostTensor({ shape: tensor.shape, dtype: tensor.dtype }, data)]));
  }
  const lists = [['missing', missing], ['of another type or shape', different], ['not in the model', extra]] as const; // prettier-ignore
  const texts = lists.filter(([, list]) => list.length).map(([what, list]) => `${what}: ${list.join(', ')}`);
  throw new FormatError(
    `loadWeights: ${name} holds the weights of another model; ${texts.join('; ')}; pass { skipMismatch: true } to load those that fit`,
  );
}

/** Weights of a file that has the names and layouts of the model. */
function readNamed(wanted: readonly ModelVariable[], tensors: Safetensors['tensors']): FittingWeights {
  const found = new Map<Tensor, HostArray>();
  const missing: string[] = [];
  const different: string[] = [];
  for (const { path, tensor } of wanted) {
    const given = tensors.get(path);
    if (!given) missing.push(`${path} ${tensor.dtype}${formatShape(tensor.shape)}`);
    else if (given.dtype === storedDtypes[tensor.dtype] && sameShape(given.shape, tensor.shape)) found.set(tensor, given.data as HostArray);
    else different.push(`${path} is ${given.dtype}${formatShape(given.shape)} in the file and ${tensor.dtype}${formatShape(tensor.shape)} in the model`);
  } // prettier-ignore
  const paths = new Set(wanted.map(({ path }) => path));
  const extra = [...tensors].filter(([path]) => !paths.has(path) && !path.startsWith(trainingPrefix)).map(([path, { dtype, shape }]) => `${path} ${dtype}${formatShape(shape)}`); // prettier-ignore
  return { found, missing, different, extra };
}

interface Training {
  readonly lossScale: LossScale | undefined;
  readonly progress: KeyedProgress | undefined;
  readonly fitKeys: RandomStream | undefined;
  readonly records: readonly (readonly [OptimizerRecord, Partial<OptimizerRecord>])[];
}

/** The state of training for the model's optimizers. Undefined if the file has none. */
function readTraining(core: ModelCore, file: Safetensors, name: string): Training | undefined {
  const text = Object.hasOwn(file.metadata, metadataKey) ? file.metadata[metadataKey] : undefined;
  if (text === undefined) return undefined;
  const refuse = (what: string): never => {
    throw new FormatError(`loadWeights: ${name}: ${what}; pass { optimizer: false } to load only the weights`);
  };
  const data = parsed(text, refuse);
  /** The tree with the file's tensors. They have the types of the tree that is expected. */
  const tensorsOf = (tree: unknown, expected: unknown, place: string): unknown => {
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
  const { parameters } = core.weights!;
  const records = Object.entries(core.optimizers).flatMap(([key, record]) => {
    if (!Object.hasOwn(data.optimizers, key)) return [];
    const { optimizer, layers, calls, learningRate, state, aside } = data.optimizers[key];
    if (optimizer !== record.optimizer.name) {
      refuse(`the optimizer '${key}' was ${String(optimizer)}, and the model is compiled with ${record.optimizer.name}`);
    }
    if (!Array.isArray(layers) || !layers.every((layer) => typeof layer === 'string' && Object.hasOwn(parameters, layer))) {
      refuse(`the optimizer '${key}' was for other layers than the model has`);
    }
    if (!Number.isSafeInteger(calls) || calls < 0 || (learningRate !== undefined && !(learningRate > 0))) {
      refuse(`the optimizer '${key}' has the step count ${String(calls)} and the learning rate ${String(learningRate)}`);
    }
    const of = (names: readonly string[]): LayerTrees => Object.fromEntries(names.map((layer) => [layer, parameters[layer]]));
    const fresh = { ...record, state: undefined, aside: {}, learningRate: undefined };
    // Slots of frozen layers have the form of those that a state for all layers has.
    const ofAll = draftState(fresh, of(Object.keys(parameters)));
    const expectedAside = mapTree(aside, (leaf, path) => leavesOf(ofAll).find((found) => found.path === path)?.value ?? leaf);
    return [
      [
        record,
        {
          layers,
          calls,
          learningRate,
          state: tensorsOf(state, draftState(fresh, of(layers)), `optimizer ${key}: state`) as OptimizerState,
          aside: tensorsOf(aside, expectedAside, `optimizer ${key}: aside`) as OptimizerRecord['aside'],
        },
      ] as const,
    ];
  });
  const lossScale = data.lossScale === undefined ? undefined : (tensorsOf(data.lossScale, firstLossScale(), 'loss scale') as LossScale);
  const progress = data.progress === undefined ? undefined : (progressFrom(data.progress) ?? refuse('the progress of training is damaged'));
  return { lossScale, progress, fitKeys: streamFrom(data.fitKeys, refuse), records };
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
