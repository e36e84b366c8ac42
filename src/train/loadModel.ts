// Models from files of model.save().
import { isConfig, revive } from '../core/config.ts';
import { type Dtype, dtypes } from '../core/dtype.ts';
import { FormatError } from '../core/errors.ts';
import { boolean } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { sizeOf } from '../core/shape.ts';
import { shown } from '../core/shown.ts';
import { isBranch } from '../core/tree.ts';
import { readWhole } from '../formats/openSafetensors.ts';
import type { FileSource } from '../formats/places.ts';
import { type Specs, TensorSpec, withPlaceholders } from '../nn/index.ts';
import { type ModelCore, adoptWeights, draftWeights } from './core.ts';
import { fromConfig } from './fromConfig.ts';
import { Model } from './model.ts';
import { type ModelData, keptOptions, modelKey, modelVersion } from './saveModel.ts';
import { type CompileOptions, deviceKind } from './trainingSetup.ts';
import { fileOf, readWeights } from './weightFiles.ts';

export const loadModelOptions = declareOptions('loadModel', {
  /** Also compiles the model as it was, with the state of its optimizers. @default true */
  compile: optional(boolean, true),
  /** Device of the compiled model. @default the device of setDevice() */
  device: optional(deviceKind),
});
export type LoadModelOptions = OptionsOf<typeof loadModelOptions>;

/**
 * Reads a file of model.save(): from a path, an address, bytes, a Blob or a file handle. The model has the weights, and is compiled as it was,
 * with its optimizers and progress. Layers, losses and functions of your own must be registered before (`register`).
 *
 *     const model = await loadModel('model.safetensors');
 *     await model.fit(x, y, { epochs: 6, initialEpoch: model.progress.epochs });
 *
 * @throws FormatError for a damaged file, a file that holds weights only, and kinds that are not registered.
 */
export async function loadModel(source: FileSource, options: LoadModelOptions = {}): Promise<Model> {
  const { compile, device } = loadModelOptions.read(options);
  const { name, ...file } = await readWhole(source, 'loadModel');
  const text = Object.hasOwn(file.metadata, modelKey) ? file.metadata[modelKey] : undefined;
  if (text === undefined) {
    throw new FormatError(
      `loadModel: ${name} holds weights and no description of a model; make the model by the code that wrote it, and call model.loadWeights()`,
    );
  }
  return inFile(name, async () => {
    const data = JSON.parse(text) as Partial<ModelData>;
    const { version, model: config, inputs, frozen, compile: given } = isBranch(data) && !Array.isArray(data) ? data : {};
    if (version !== modelVersion) throw new FormatError(`version is ${String(version)}; this library reads version ${modelVersion}`);
    // All weights come from the file: a description of larger ones is refused before memory is taken.
    // A word of a packed kernel has four elements.
    const elements = [...file.tensors.values()].reduce((sum, { dtype, shape }) => sum + sizeOf(shape) * (dtype === 'U32' ? 4 : 1), 0);
    const model = withPlaceholders(elements, () => builtModel(config, inputs));
    const { core } = model;
    freeze(core, frozen);
    if (compile && given !== undefined) model.compile({ ...compileOptions(given), ...(device && { device }) });
    await readWeights(core, fileOf('loadModel', name, file), { optimizer: true, skipMismatch: false });
    return model;
  });
}

function builtModel(config: unknown, inputs: unknown): Model {
  const model: unknown = isConfig(config) ? fromConfig(config) : undefined;
  if (!(model instanceof Model)) throw new FormatError('it describes no model');
  const { core } = model;
  const specs = core.network.inputs ?? specsFrom(inputs);
  adoptWeights(core, specs, draftWeights(core, specs));
  return model;
}

/** Freezes the layers of these paths. Layers come before those inside them, which they freeze, too. */
function freeze({ network: { owners } }: ModelCore, frozen: unknown): void {
  if (frozen === undefined) return;
  const isList = Array.isArray(frozen) && frozen.every((path) => owners.some(({ name }) => name === path));
  if (!isList) throw new FormatError(`frozen is ${shown(frozen)}; it must be a list of paths of layers`);
  for (const { name, layer } of owners) layer.trainable = !frozen.includes(name);
}

/** Errors of a damaged or unknown description name the file. */
async function inFile<T>(name: string, fn: () => Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof FormatError && text.includes(name)) throw error;
    throw new FormatError(`loadModel: ${name}: ${text}`, { cause: error });
  }
}

function specsFrom(tree: unknown): Specs {
  if (!isBranch(tree)) throw new FormatError('the shapes of its inputs are missing');
  if (Array.isArray(tree)) return tree.map(specsFrom);
  if (!('$spec' in tree)) return Object.fromEntries(Object.entries(tree).map(([name, child]) => [name, specsFrom(child)]));
  const { shape, dtype } = (tree.$spec ?? {}) as { shape?: unknown; dtype?: unknown };
  const isShape = Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!isShape || !dtypes.includes(dtype as Dtype)) throw new FormatError('the shape of an input is damaged');
  return new TensorSpec(shape, dtype as Dtype);
}

function compileOptions(given: unknown): CompileOptions {
  const made = revive(given, fromConfig);
  const isKnown =
    isBranch(made) && !Array.isArray(made) && Object.keys(made).every((name) => (keptOptions as readonly string[]).includes(name));
  if (!isKnown) throw new FormatError('the options of compile() are damaged');
  return made;
}
