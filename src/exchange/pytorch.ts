// State dicts of PyTorch: the map between the names and layouts of its modules and those of a model.
import type { Config } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { type Kind, kindOf } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import type { Layer } from '../nn/index.ts';
import type { Model, WeightMap, WeightRule } from '../train/index.ts';
import { requirePlainWeights } from './plainWeights.ts';
import { type LayerWeights, pytorchLayers } from './pytorchLayers.ts';

type Modules = readonly string[] | Readonly<Record<string, string>>;

const modulesKind: Kind<Modules> = /* @__PURE__ */ kindOf({
  rule: "a list or a record of names, such as { dense_1: 'fc' }",
  accepts: (value): value is Modules =>
    typeof value === 'object' && value !== null && Object.values(value).every((name) => typeof name === 'string' && name !== ''),
});

const rulesKind: Kind<readonly WeightRule[]> = /* @__PURE__ */ kindOf({
  rule: "a list of rules, such as { names: 'fc.weight', paths: 'dense_1/kernel', axes: 'o i -> i o' }",
  accepts: (value): value is readonly WeightRule[] =>
    Array.isArray(value) && value.every((rule) => (rule as Partial<WeightRule> | null)?.paths !== undefined),
});

export const pytorchOptions = declareOptions('pytorch', {
  /**
   * Names of the modules. A list names the layers with weights in order, a record names some by their paths: `{ dense_1: 'fc' }`. The name of a
   * recurrent layer may end in a level of its module, such as `rnn_l1`.
   * @default the path of the layer, with dots instead of slashes
   */
  modules: optional(modulesKind),
  /** Rules that count before those of the layers. @default [] */
  rules: optional(rulesKind, []),
});
export type PytorchOptions = OptionsOf<typeof pytorchOptions>;

const recurrent = /^(simpleRnn|lstm|gru)$/;

/**
 * The map of a model whose layers follow the modules of PyTorch, for `loadWeights` and `saveWeights`. It covers Linear (dense), Conv1d to Conv3d and
 * their transposed forms, depthwise groups, Embedding, BatchNorm, LayerNorm, GroupNorm, InstanceNorm, PReLU, RNN, LSTM, GRU and their cells,
 * MultiheadAttention, TransformerEncoderLayer and TransformerDecoderLayer. The sum of the two biases of RNN and LSTM is loaded. A file that is saved
 * has the sum in `bias_ih`, and zeros in `bias_hh`.
 *
 *     const map = pytorch(model, { modules: ['0', '2'] });             // of nn.Sequential(Linear, ReLU, Linear)
 *     await model.loadWeights('weights.safetensors', { map });
 *     await model.saveWeights('trained.safetensors', { map });
 *
 * @throws ArgumentError for a layer that has no such module, and for names of layers that the model does not have.
 */
export function pytorch(model: Model, options: PytorchOptions = {}): WeightMap {
  const where = 'pytorch';
  if (typeof (model as Partial<Model> | undefined)?.variables !== 'function') {
    throw new ArgumentError(`${where}: model is ${shown(model)}; pass a model of sequential() or createModel()`);
  }
  const { rules, modules } = pytorchOptions.read(options);
  const layers = weightsOf(model);
  const names = modulesOf(layers, modules, where);
  const given = new Set(rules.flatMap(({ paths }) => paths));
  const found = layers.flatMap((layer): WeightRule[] => {
    if (Object.keys(layer.shapes).every((weight) => given.has(`${layer.path}/${weight}`))) return [];
    const rulesOf = Object.hasOwn(pytorchLayers, layer.kind) ? pytorchLayers[layer.kind] : undefined;
    if (!rulesOf) {
      throw new ArgumentError(
        `${where}: the layer '${layer.path}' is a ${layer.kind}, which has no module in PyTorch; ` +
          `give rules for ${Object.keys(layer.shapes).map((weight) => `'${layer.path}/${weight}'`).join(', ')}`, // prettier-ignore
      );
    }
    const { module, suffix } = placeOf(layer, names.get(layer.path)!);
    return rulesOf(layer, module, suffix);
  });
  return { rules: [...rules, ...found], ignore: ['{m}.num_batches_tracked'], metadata: { format: 'pt' } };
}

/** Layers with weights, in order. */
function weightsOf(model: Model): LayerWeights[] {
  const layers = new Map<string, LayerWeights & { shapes: Record<string, readonly number[]> }>();
  for (const { path, tensor, layer } of model.variables()) {
    const cut = path.lastIndexOf('/');
    const owner = path.slice(0, cut);
    requirePlainWeights(layer, `pytorch: ${owner}`);
    const entry = layers.get(owner) ?? { path: owner, kind: layer.kind, options: optionsOf(layer), shapes: {} };
    entry.shapes[path.slice(cut + 1)] = tensor.shape;
    layers.set(owner, entry);
  }
  return [...layers.values()];
}

/** Options of a layer. Layers with functions of the user have none. */
function optionsOf(layer: Layer & { readonly config?: Config }): Config['options'] {
  try {
    return layer.config?.options ?? {};
  } catch {
    return {};
  }
}

/** Name of the module of each layer. */
function modulesOf(layers: readonly LayerWeights[], modules: Modules | undefined, where: string): ReadonlyMap<string, string> {
  const paths = layers.map(({ path }) => path);
  const standard = new Map(paths.map((path) => [path, path.replaceAll('/', '.')]));
  if (modules === undefined) return standard;
  const isList = Array.isArray(modules);
  if (isList && modules.length !== paths.length) {
    throw new ArgumentError(`${where}: modules has ${modules.length} names, and ${paths.length} layers have weights: ${paths.join(', ')}`);
  }
  const entries = isList ? paths.map((path, i): [string, string] => [path, modules[i] as string]) : Object.entries(modules as object);
  for (const [path, name] of entries as [string, string][]) {
    // A name of a container or of a bidirectional layer names the layers inside.
    const inside = paths.filter((one) => one === path || one.startsWith(`${path}/`));
    if (inside.length === 0) {
      throw new ArgumentError(`${where}: modules has '${path}'; layers with weights are ${paths.join(', ')}${didYouMean(path, paths)}`);
    }
    for (const one of inside) standard.set(one, `${name}${one.slice(path.length).replaceAll('/', '.')}`);
  }
  return standard;
}

/** Module of a layer, and the ending of the names of its weights. */
function placeOf({ kind }: LayerWeights, name: string): { module: string; suffix: string } {
  if (!recurrent.test(kind)) return { module: name, suffix: '' };
  // The layers of a bidirectional layer are called forward and backward.
  const [, stem = name, side] = /^(.+)\.(forward|backward)$/.exec(name) ?? [];
  const [, module = stem, level = '_l0'] = /^(.+?)(_l\d+)$/.exec(stem) ?? [];
  return { module, suffix: side === 'backward' ? `${level}_reverse` : level };
}
