// The weights of a model as Keras lists them, and how weights of a file take their places.
import { FormatError } from '../../core/errors.ts';
import { RandomStream } from '../../core/random.ts';
import { type Shape, formatShape, sameShape } from '../../core/shape.ts';
import { type Tensor, hostTensor } from '../../graph/tensor.ts';
import { type Layer, type LayerTrees, type Network, type TensorRecord, networkOf } from '../../nn/index.ts';
import { Model } from '../../train/index.ts';
import type { KerasLayer } from './converter.ts';
import type { Drawing } from './functions.ts';
import type { HostWeight } from './hostWeight.ts';
import type { Place } from './place.ts';

/** One weight that a model has, by its names in files. */
export interface WeightEntry {
  readonly layer: Layer;
  /** Name of the variable in its layer here. */
  readonly variable: string;
  /** Keras's name, such as `recurrent_kernel`. */
  readonly name: string;
  /** Names of the layers around it, outermost first, as older files have them. */
  readonly owners: readonly string[];
  /** Path in files of Keras 3, such as `layers/lstm/cell/vars/1`. */
  readonly store: string;
  /** Position among the layers of the outermost model. */
  readonly top: number;
  /** Shape in Keras. */
  readonly shape: Shape;
  /** Whether Keras lists it before the others of a nested model. */
  readonly isTrained: boolean;
}

/** Path of a weight for messages. */
export const pathOf = ({ owners, name }: WeightEntry): string => [...owners, name].join('/');

/** Weights of all layers once, in Keras's order. `variablesOf` gives the tensors of a layer. */
export function entriesOf(root: KerasLayer, variablesOf: (layer: Layer) => TensorRecord): WeightEntry[] {
  const seen = new Set<Layer>();
  const entries: WeightEntry[] = [];
  const visit = (node: KerasLayer, store: string, owners: readonly string[], top: number): void => {
    if (seen.has(node.layer)) return;
    seen.add(node.layer);
    const variables = variablesOf(node.layer);
    const counts = new Map<string, number>();
    for (const { name, variable, owner = '', part, leading = 0 } of node.weights) {
      if (!Object.hasOwn(variables, variable)) continue;
      const index = counts.get(owner) ?? 0;
      counts.set(owner, index + 1);
      const own = owner ? `${store}/${owner}` : store;
      const tensor = variables[variable];
      entries.push({
        ...{ layer: node.layer, variable, name, store: `${own}/vars/${index}`, top },
        owners: part ? [...owners, part] : owners,
        shape: [...new Array<number>(leading).fill(1), ...tensor.shape],
        isTrained: node.layer.trainable && !name.startsWith('moving_'),
      });
    }
    node.children.forEach(({ store: path, name, node: child }, i) => {
      // Layers of a nested model have names of their own.
      const around = node.isModel || child.isModel ? (child.isModel ? [] : [child.name]) : name ? [...owners, name] : owners;
      visit(child, store ? `${store}/${path}` : path, around, store === '' && node.isModel ? i : top);
    });
  };
  visit(root, '', root.isModel ? [] : [root.name], 0);
  return entries;
}

/** The weights of a file, which give themselves to the entries of a model. */
export interface WeightFile {
  /** The weight of each entry. Entries without one are missing. Also the names of weights that no entry takes. */
  match(entries: readonly WeightEntry[]): { readonly found: ReadonlyMap<WeightEntry, HostWeight>; readonly extra: readonly string[] };
}

/** Tensors of each layer that owns some, by the layer. */
const byLayer = ({ owners }: Network, parameters: LayerTrees, state: LayerTrees): Map<Layer, TensorRecord> =>
  new Map(owners.map(({ name, layer }) => [layer, { ...parameters[name], ...state[name] }]));

/**
 * A model with the weights of a file. Everything is checked before a tensor is made.
 * @throws FormatError listing weights that are missing, extra or of another shape.
 */
export function modelWithWeights(tree: KerasLayer, file: WeightFile, drawing: Drawing, place: Place): Model {
  const network = networkOf(tree.layer);
  const specs = network.inputs;
  if (!specs) return place.fail("the model states no input shape; choose it by { inputShapes: { 'name of the first layer': [...] } }");
  const { parameters, state } = place.guard(() => network.draft(specs, RandomStream.fromSeed(0)));
  const tensors = byLayer(network, parameters, state);
  const entries = entriesOf(tree, (layer) => tensors.get(layer) ?? {});
  const { found, extra } = file.match(entries);
  const missing = entries.filter((entry) => !found.has(entry)).map((entry) => `${pathOf(entry)} ${formatShape(entry.shape)}`);
  const different = entries.flatMap((entry) => {
    const given = found.get(entry);
    return given && !sameShape(given.shape, entry.shape) ? [`${pathOf(entry)} is ${formatShape(given.shape)} in the file and ${formatShape(entry.shape)} in the model`] : []; // prettier-ignore
  });
  refuseMismatch(place, missing, different, extra);
  refuseUnnamed(place, entries, tensors, network);
  const values = new Map<Layer, Map<string, Tensor>>();
  for (const entry of entries) {
    const { data } = found.get(entry)!;
    const { shape, dtype } = tensors.get(entry.layer)![entry.variable];
    const own = dtype === 'i32' ? Int32Array.from(data) : data instanceof Float32Array ? data.slice() : Float32Array.from(data);
    values.set(entry.layer, (values.get(entry.layer) ?? new Map<string, Tensor>()).set(entry.variable, hostTensor({ shape, dtype }, own)));
  }
  const filled = (trees: LayerTrees): LayerTrees =>
    Object.fromEntries(
      network.owners.map(({ name, layer }) => {
        const given = values.get(layer);
        return [
          name,
          Object.fromEntries(Object.entries(trees[name]).map(([variable, drawn]) => [variable, given?.get(variable) ?? drawn])),
        ];
      }),
    );
  network.store({ parameters: filled(parameters), state: filled(state) }, specs);
  drawing.isOn = true;
  return new Model(network);
}

function refuseMismatch(place: Place, missing: readonly string[], different: readonly string[], extra: readonly string[]): void {
  if (missing.length + different.length + extra.length === 0) return;
  const lists = [['missing', missing], ['of another shape', different], ['not in the model', extra]] as const; // prettier-ignore
  const texts = lists.filter(([, list]) => list.length).map(([what, list]) => `${what}: ${list.slice(0, 20).join(', ')}${list.length > 20 ? `, and ${list.length - 20} more` : ''}`); // prettier-ignore
  throw new FormatError(`${place.text}: the weights are not those of the model; ${texts.join('; ')}`);
}

/** Weights of a class of one's own need names. */
function refuseUnnamed(
  place: Place,
  entries: readonly WeightEntry[],
  tensors: ReadonlyMap<Layer, TensorRecord>,
  { owners }: Network,
): void {
  const named = new Set(entries.map(({ layer, variable }) => layer && `${owners.findIndex((owner) => owner.layer === layer)}/${variable}`));
  owners.forEach(({ name, layer }, i) => {
    // States of a recurrent layer begin at zero.
    const open = Object.keys(tensors.get(layer)!).filter((variable) => !named.has(`${i}/${variable}`) && !/^state\d+$/.test(variable));
    if (open.length)
      place.fail(
        `layer '${name}' has the variables ${open.join(', ')}, which its converter does not name; give registerKerasLayer their names as weights`,
      );
  });
}

/** Whether the name of a weight in an older file is that of an entry: its last part, and the owners among the parts before. */
function fits(parts: readonly string[], { owners, name, variable }: WeightEntry): boolean {
  const last = parts[parts.length - 1];
  // Some versions call the kernel of a depthwise convolution after the variable here.
  if (last !== name && last !== variable) return false;
  let from = 0;
  for (const owner of owners) {
    for (const one of owner.split('/')) {
      const at = parts.indexOf(one, from);
      if (at < 0 || at >= parts.length - 1) return false;
      from = at + 1;
    }
  }
  return true;
}

/** Weights by their names, such as `dense_1/kernel:0`. */
export function matchByName(entries: readonly WeightEntry[], names: readonly string[]): Map<WeightEntry, string> {
  const byLast = new Map<string, { readonly name: string; readonly parts: readonly string[] }[]>();
  for (const name of names) {
    const parts = name.replace(/:\d+$/, '').split('/');
    const last = parts[parts.length - 1];
    byLast.set(last, [...(byLast.get(last) ?? []), { name, parts }]);
  }
  const taken = new Set<string>();
  const found = new Map<WeightEntry, string>();
  for (const entry of entries) {
    const candidates = [...(byLast.get(entry.name) ?? []), ...(entry.variable === entry.name ? [] : (byLast.get(entry.variable) ?? []))];
    const best = candidates.filter(({ name, parts }) => !taken.has(name) && fits(parts, entry)).sort((a, b) => a.parts.length - b.parts.length)[0]; // prettier-ignore
    if (!best) continue;
    taken.add(best.name);
    found.set(entry, best.name);
  }
  return found;
}
