// Weights and the state of training as one safetensors file. A fit that resumes from it gives the same bits as one that never stopped.
import type { HostArray } from '../core/dtype.ts';
import { ArgumentError, FormatError } from '../core/errors.ts';
import { boolean, checkedLater, oneOf } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { mapTree } from '../core/tree.ts';
import { openFrom } from '../formats/openSafetensors.ts';
import type { FileSource, FileTarget } from '../formats/places.ts';
import type { Safetensors, StoredTensor } from '../formats/safetensors.ts';
import { type SafetensorsContents, saveSafetensors } from '../formats/saveSafetensors.ts';
import { byteLimit } from '../formats/shardSafetensors.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import { type LayerTrees, type TensorRecord, isPackedPath } from '../nn/index.ts';
import { adapterKey, adapterMetadata, adapterPaths, checkAdapters } from './adapterFiles.ts';
import { type ModelCore, builtWeights, exclusive, prepareSteps } from './core.ts';
import { toHost } from './residence.ts';
import {
  type TensorsOf,
  type WeightFile,
  readTraining,
  storedDtypes,
  toStored,
  trainingContents,
  trainingOf,
  trainingPrefix,
} from './trainingState.ts';
import { type FittingWeights, type WeightMap, checkMap, readMapped, writeMapped } from './weightMap.ts';
import { type ModelVariable, listVariables } from './weights.ts';

/** @throws ArgumentError for a map that is none, and for one beside `only`. */
function checkSelection({ map, only }: { readonly map: WeightMap | undefined; readonly only: 'lora' | undefined }, where: string): void {
  if (only && map) throw new ArgumentError(`${where}: only and map exclude each other; leave out one of them`);
  if (map) checkMap(where, map);
}

const mapKind = /* @__PURE__ */ checkedLater<WeightMap>('a map, such as pytorch(model)');

export const saveWeightsOptions = declareOptions(
  'saveWeights',
  {
    /** Also stores the optimizers' state, learning rates and the loss scale, so that a fit can resume exactly. @default true, and false with a map */
    optimizer: optional(boolean),
    /** Writes names and layouts of another library, such as `pytorch(model)`. */
    map: optional(mapKind),
    /** 'lora' stores only the A and B of layers with LoRA, without the state of optimizers. */
    only: optional(oneOf('lora')),
    /** The most bytes of tensors in one file. More become several files with an index, if the target is a path or a name. @default 2 GiB */
    shardSize: optional(byteLimit),
  },
  (settings, where) => {
    checkSelection(settings, where);
    if (settings.map && settings.optimizer) {
      throw new ArgumentError(`${where}: a file with a map holds only weights; leave out optimizer, or map`);
    }
  },
);
export type SaveWeightsOptions = OptionsOf<typeof saveWeightsOptions>;

export const loadWeightsOptions = declareOptions(
  'loadWeights',
  {
    /** Also reads the optimizers' state, if the model is compiled and the file has it. @default true, and false with a map */
    optimizer: optional(boolean),
    /** Keeps the weights that the file lacks or has in another shape, and ignores all other tensors of the file. @default false */
    skipMismatch: optional(boolean, false),
    /** Reads a file with names and layouts of another library, such as `pytorch(model)`. Its floats of any precision become those of the model. */
    map: optional(mapKind),
    /** 'lora' reads only the A and B of layers with LoRA. A file that holds nothing else is read so without the option. */
    only: optional(oneOf('lora')),
  },
  checkSelection,
);
export type LoadWeightsOptions = OptionsOf<typeof loadWeightsOptions>;

/** Writes the weights, and the state of training. The target is written when all bytes are there. */
export async function saveWeights(core: ModelCore, target: FileTarget, options: SaveWeightsOptions = {}): Promise<void> {
  const { map, only, shardSize, optimizer = !map } = saveWeightsOptions.read(options);
  await writeWeights(core, target, { where: 'saveWeights', withTraining: optimizer && !only, map, only, shardSize });
}

interface WrittenWeights {
  readonly where: string;
  readonly withTraining: boolean;
  readonly map?: WeightMap | undefined;
  readonly only?: 'lora' | undefined;
  readonly shardSize?: number | undefined;
  /** A tree of tensors and plain data: the place in a fit. */
  readonly fit?: object;
}

/** Writes the file of saveWeights(). */
export async function writeWeights(core: ModelCore, target: FileTarget, what: WrittenWeights): Promise<void> {
  await saveSafetensors(target, await weightContents(core, what), what.where, what.shardSize);
}

/** Weights by their paths, or by the names of a map, and the state of training on request. */
export async function weightContents(
  core: ModelCore,
  { where, withTraining, map, only, fit }: WrittenWeights,
): Promise<SafetensorsContents> {
  builtWeights(core, where);
  const metadata = only ? adapterMetadata(core.network) : (map?.metadata ?? {});
  const { engine } = await prepareSteps(core);
  const held = await exclusive(core, () => toHost({ weights: core.weights!, training: withTraining ? trainingOf(core, fit) : undefined }, engine)); // prettier-ignore
  const chosen = only && adapterPaths(core.network);
  const variables = listVariables(core, held.weights).filter(({ path }) => !chosen || chosen.has(path));
  const stored: StoredTensor[] = [];
  for (const { tensor } of variables) stored.push(await toStored(tensor));
  const weights = map ? writeMapped(map, variables, stored) : variables.map(({ path }, i): [string, StoredTensor] => [path, stored[i]]);
  if (!held.training) return { tensors: weights, metadata };
  const training = await trainingContents(held.training);
  return { tensors: [...weights, ...training.tensors], metadata: training.metadata };
}

/**
 * Reads weights by their paths, and the state of training. Everything is checked first; nothing is changed if something does not fit.
 * @throws FormatError listing the weights that are missing, extra, or of another shape, or naming the state that does not fit the optimizer.
 */
export async function loadWeights(core: ModelCore, source: FileSource, options: LoadWeightsOptions = {}): Promise<void> {
  const { map, only, skipMismatch, optimizer = !map } = loadWeightsOptions.read(options);
  const file = await openFrom(source, 'loadWeights');
  try {
    const names = new Set(skipMismatch && !map ? listVariables(core, builtWeights(core, 'loadWeights')).map(({ path }) => path) : file.tensors.keys()); // prettier-ignore
    const needed = [...file.tensors.keys()].filter((key) =>
      key.startsWith(trainingPrefix) ? optimizer && !only && core.setup !== undefined : names.has(key),
    );
    const contents = { tensors: await file.read(needed), metadata: file.metadata };
    await readWeights(core, fileOf('loadWeights', file.name, contents), { optimizer, skipMismatch, map, only });
  } finally {
    await file.close();
  }
}

/** A file with the fixes of loadWeights(). */
export const fileOf = (where: string, name: string, file: Safetensors): WeightFile => ({
  where,
  name,
  file,
  otherModel: 'pass { skipMismatch: true } to load those that fit',
  otherState: 'pass { optimizer: false } to load only the weights',
});

interface WantedWeights {
  readonly optimizer: boolean;
  readonly skipMismatch: boolean;
  readonly map?: WeightMap | undefined;
  readonly only?: 'lora' | undefined;
}

/** Reads the file of loadWeights(). `fit` takes the place in a fit, and checks it before anything changes. */
export async function readWeights(
  core: ModelCore,
  origin: WeightFile,
  { optimizer, skipMismatch, map, only }: WantedWeights,
  fit?: (place: unknown, tensorsOf: TensorsOf) => void,
): Promise<void> {
  await exclusive(core, async () => {
    const { file, name } = origin;
    const adapters = Object.hasOwn(file.metadata, adapterKey) ? file.metadata[adapterKey] : undefined;
    if (adapters !== undefined) checkAdapters(core.network, adapters, name);
    const isAdapter = adapters !== undefined || only === 'lora';
    const weights = fitted(core, origin, skipMismatch, map, isAdapter ? adapterPaths(core.network) : undefined);
    const training = optimizer && !isAdapter && core.setup ? readTraining(core, origin, fit) : undefined;
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

/** The file's tensors by the weights that they replace. `chosen` are the paths of those that are read; all if absent. */
function fitted(
  core: ModelCore,
  { where, name, file: { tensors }, otherModel }: WeightFile,
  skipMismatch: boolean,
  map: WeightMap | undefined,
  chosen: ReadonlySet<string> | undefined,
): ReadonlyMap<Tensor, Tensor> {
  if (chosen?.size === 0) {
    throw new FormatError(`${where}: ${name} is read for LoRA, and no layer of the model has it; call model.enableLora({ rank }) first`);
  }
  const all = listVariables(core, builtWeights(core, where));
  const { found, missing, different, extra } = map ? readMapped(map, all, tensors) : readNamed(all, tensors, chosen);
  if (skipMismatch || missing.length + different.length + extra.length === 0) {
    return new Map([...found].map(([tensor, data]) => [tensor, hostTensor({ shape: tensor.shape, dtype: tensor.dtype }, data)]));
  }
  const lists = [['missing', missing], ['of another type or shape', different], ['not in the model', extra]] as const; // prettier-ignore
  const texts = lists.filter(([, list]) => list.length).map(([what, list]) => `${what}: ${list.join(', ')}`);
  throw new FormatError(
    `${where}: ${name} holds the weights of another model; ${texts.join('; ')}; ${otherForm(all, tensors) ?? otherModel}`,
  );
}

/** The fix for a file of floats and a quantized model, or the reverse. */
function otherForm(all: readonly ModelVariable[], tensors: Safetensors['tensors']): string | undefined {
  const wanted = all.some(({ path }) => isPackedPath(path));
  if (wanted === [...tensors.keys()].some(isPackedPath)) return undefined;
  return wanted
    ? "the file has kernels as floats: load it before quantize('int8')"
    : "the file has kernels packed as int8: call model.quantize('int8') first";
}

/** Weights of a file that has the names and layouts of the model. */
function readNamed(
  all: readonly ModelVariable[],
  tensors: Safetensors['tensors'],
  chosen: ReadonlySet<string> | undefined,
): FittingWeights {
  const wanted = chosen ? all.filter(({ path }) => chosen.has(path)) : all;
  const found = new Map<Tensor, HostArray>();
  const missing: string[] = [];
  const different: string[] = [];
  for (const { path, tensor } of wanted) {
    const given = tensors.get(path);
    if (!given) missing.push(`${path} ${tensor.dtype}${formatShape(tensor.shape)}`);
    else if (given.dtype === storedDtypes[tensor.dtype] && sameShape(given.shape, tensor.shape)) found.set(tensor, given.data as HostArray);
    else different.push(`${path} is ${given.dtype}${formatShape(given.shape)} in the file and ${tensor.dtype}${formatShape(tensor.shape)} in the model`);
  } // prettier-ignore
  const paths = new Set(all.map(({ path }) => path));
  const extra = [...tensors].filter(([path]) => !paths.has(path) && !path.startsWith(trainingPrefix)).map(([path, { dtype, shape }]) => `${path} ${dtype}${formatShape(shape)}`); // prettier-ignore
  return { found, missing, different, extra };
}
