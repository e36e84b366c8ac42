// A whole model as one file: layers, weights, how the model is compiled, and the state of training.
import { type Json, plainData } from '../core/config.ts';
import type { HostArray } from '../core/dtype.ts';
import { ArgumentError, checkOptions } from '../core/errors.ts';
import { mapTree } from '../core/tree.ts';
import type { FileTarget } from '../formats/places.ts';
import { saveSafetensors } from '../formats/saveSafetensors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type TensorSpec, networkConfig } from '../nn/index.ts';
import { type ModelCore, knownInputs } from './core.ts';
import type { CompileOptions } from './trainingSetup.ts';
import { weightContents } from './weightFiles.ts';

export interface SaveOptions {
  /** Also stores how the model is compiled, the state of its optimizers and its progress, so that a fit can go on exactly. @default true */
  optimizer?: boolean;
}

/** Key of the description in the metadata of the file. */
export const modelKey = 'ombre.model';
export const modelVersion = 1;

/** The description of a model, as JSON. */
export interface ModelData {
  readonly version: typeof modelVersion;
  /** Config of the layers. */
  readonly model: Json;
  /** Shapes and dtypes of one sample of the inputs: a tree of `{ $spec: { shape, dtype } }`. */
  readonly inputs: Json;
  /** Options of compile(), if the model is compiled. */
  readonly compile?: Json;
}

/** Options of compile() that a file keeps. The device is that of the reader. */
export const keptOptions = [
  ...['optimizer', 'optimizers', 'trainStep', 'loss', 'lossWeights', 'metrics', 'weightedMetrics'],
  ...['stepsPerExecution', 'dtypePolicy', 'seed'],
] as readonly (keyof CompileOptions)[];

/** @throws ArgumentError for layers, losses or functions of one's own that have no config. The target is written when all bytes are there. */
export async function saveModel(core: ModelCore, target: FileTarget, options: SaveOptions = {}): Promise<void> {
  const where = 'save';
  checkOptions(where, options, ['optimizer']);
  const packed = core.network.owners.filter(({ layer }) => layer.isQuantized).map(({ name }) => name);
  if (packed.length > 0) {
    throw new ArgumentError(
      `${where}: the kernels of ${packed.join(', ')} are quantized, which a config does not say; save the weights by saveWeights(), ` +
        "and read them into the same model after quantize('int8')",
    );
  }
  const withTraining = options.optimizer ?? true;
  // Refusals come before the weights are read.
  const compile = withTraining ? compileData(core) : undefined;
  const model = await configOf(core);
  const { tensors, metadata } = await weightContents(core, { where, withTraining });
  const inputs = mapTree(knownInputs(core), (leaf) => {
    const { shape, dtype } = leaf as TensorSpec;
    return { $spec: { shape: [...shape], dtype } };
  }) as Json;
  const data: ModelData = { version: modelVersion, model, inputs, ...(compile !== undefined && { compile }) };
  await saveSafetensors(target, { tensors, metadata: { ...metadata, [modelKey]: JSON.stringify(data) } }, where);
}

function compileData({ given }: ModelCore): Json | undefined {
  if (!given) return undefined;
  const kept = Object.fromEntries(keptOptions.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])));
  return plainData(kept, 'save: compile');
}

/** The config of the layers. Constants of graphs whose elements are on a device are read first. */
async function configOf({ network }: ModelCore): Promise<Json> {
  const read = new Map<Tensor, HostArray>();
  const dataOf = (tensor: Tensor): HostArray => {
    if (tensor.value?.kind === 'host') return tensor.value.data;
    const data = read.get(tensor) ?? new Float32Array(0);
    read.set(tensor, data);
    return data;
  };
  const config = networkConfig(network.root, dataOf);
  if (read.size === 0) return config as unknown as Json;
  for (const tensor of read.keys()) read.set(tensor, await tensor.data());
  return networkConfig(network.root, dataOf) as unknown as Json;
}
