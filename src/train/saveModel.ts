// A whole model as one file: layers, weights, how the model is compiled, and the state of training.
import { type Json, plainData } from '../core/config.ts';
import type { HostArray } from '../core/dtype.ts';
import { boolean } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { mapTree } from '../core/tree.ts';
import type { FileTarget } from '../formats/places.ts';
import { saveSafetensors } from '../formats/saveSafetensors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type TensorSpec, networkConfig } from '../nn/index.ts';
import { type ModelCore, knownInputs } from './core.ts';
import { type CompileOptions, compileOptions } from './trainingSetup.ts';
import { weightContents } from './weightFiles.ts';

export const saveOptions = declareOptions('save', {
  /** Also stores how the model is compiled, the state of its optimizers and its progress, so that a fit can go on exactly. @default true */
  optimizer: optional(boolean, true),
});
export type SaveOptions = OptionsOf<typeof saveOptions>;

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
  /** Paths of layers that are not trained. The config of a registered layer has only the options that it was made with. */
  readonly frozen?: readonly string[];
  /** Options of compile(), if the model is compiled. */
  readonly compile?: Json;
}

/** Options of compile() that a file keeps. The device is that of the reader. */
export const keptOptions = (Object.keys(compileOptions.options) as (keyof CompileOptions)[]).filter((name) => name !== 'device');

/** @throws ArgumentError for layers, losses or functions of one's own that have no config. The target is written when all bytes are there. */
export async function saveModel(core: ModelCore, target: FileTarget, options: SaveOptions = {}): Promise<void> {
  const where = 'save';
  const { optimizer: withTraining } = saveOptions.read(options);
  // Refusals come before the weights are read.
  const compile = withTraining ? compileData(core) : undefined;
  const model = await configOf(core);
  const { tensors, metadata } = await weightContents(core, { where, withTraining });
  const inputs = mapTree(knownInputs(core), (leaf) => {
    const { shape, dtype } = leaf as TensorSpec;
    return { $spec: { shape: [...shape], dtype } };
  }) as Json;
  const frozen = core.network.owners.flatMap(({ name, layer }) => (layer.trainable ? [] : [name]));
  const data: ModelData = { version: modelVersion, model, inputs, frozen, ...(compile !== undefined && { compile }) };
  await saveSafetensors(target, { tensors, metadata: { ...metadata, [modelKey]: JSON.stringify(data) } }, where);
}

function compileData({ setup }: ModelCore): Json | undefined {
  if (!setup) return undefined;
  const { given } = setup;
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
