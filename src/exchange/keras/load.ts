// Reads models of Keras: .keras files of Keras 3, and .h5 files of Keras 2.
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { type FileSource, readFile } from '../../formats/places.ts';
import type { Model } from '../../train/index.ts';
import type { KerasLayer } from './converter.ts';
import { type Hdf5Dataset, type Hdf5Group, readHdf5 } from '../hdf5/readHdf5.ts';
import { readZip } from '../zip/readZip.ts';
import type { HostWeight } from './hostWeight.ts';
import { type InputShapes, inputShapesKind } from './inputShapes.ts';
import { Place, field, isRecord, parseJson, textOf } from './place.ts';
import { type Constants, classAndConfig, isModelClass } from './readLayer.ts';
import { readModel } from './readModel.ts';
import { type WeightEntry, type WeightFile, matchByName, modelWithWeights } from './weights.ts';

export const loadKerasModelOptions = declareOptions('loadKerasModel', {
  /** Sizes of inputs that the file leaves open, without the batch axis, by the name of the input. @default {} */
  inputShapes: optional(inputShapesKind, {}),
});
export type LoadKerasModelOptions = OptionsOf<typeof loadKerasModelOptions>;

const where = 'loadKerasModel';

/**
 * Reads a model of Keras with its weights: a .keras file of Keras 3, or a .h5 file of Keras 2 or 3. Sequential and functional models, nested ones
 * and shared layers. The optimizer, the loss and the metrics are left out. A .keras file must have its weights as HDF5: weights as .npz are
 * Python objects, which Keras 3.15 refuses too.
 *
 *     const model = await loadKerasModel('model.keras');
 *
 * @throws FormatError for a damaged file, classes and options that the library does not have, and weights that are not those of the model.
 */
export async function loadKerasModel(source: FileSource, options: LoadKerasModelOptions = {}): Promise<Model> {
  const { inputShapes } = loadKerasModelOptions.read(options);
  const { bytes, name } = await readFile(source, where);
  const place = new Place(`${where}: ${name}`);
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return loadArchive(bytes, inputShapes, place);
  if (bytes[0] === 0x89 && bytes[1] === 0x48) return loadLegacy(readHdf5(bytes, place.text), inputShapes, place);
  return place.fail('it is neither a .keras file, which is a zip archive, nor a .h5 file');
}

/** Numbers of a dataset in f32. */
function weightOf(dataset: Hdf5Dataset, place: Place): HostWeight {
  const value = dataset.read();
  if (!value || value.dtype === 'text') return place.fail('a dataset has no numbers');
  const { shape, data } = value;
  const isLarge = data instanceof BigInt64Array || data instanceof BigUint64Array;
  return { shape, data: isLarge ? Float32Array.from(data, Number) : Float32Array.from(data) };
}

/** The node of a path such as `layers/dense`; undefined if there is none. */
function find(group: Hdf5Group, path: string): Hdf5Group | Hdf5Dataset | undefined {
  let node: Hdf5Group | Hdf5Dataset | undefined = group;
  for (const name of path.split('/')) node = node?.kind === 'group' ? node.children.get(name) : undefined;
  return node;
}

function loadArchive(bytes: Uint8Array, inputShapes: InputShapes, place: Place): Model {
  const members = readZip(bytes, place.text);
  const member = (name: string): Uint8Array | undefined => members.get(name)?.read();
  const config = member('config.json') ?? place.fail("the archive has no 'config.json'");
  const inConfig = place.at('config.json');
  const weights = member('model.weights.h5');
  if (!weights) {
    return place.fail(
      member('model.weights.npz')
        ? 'the weights are a .npz file of Python objects, which Keras itself refuses to read; save the model with weights in HDF5'
        : "the archive has no 'model.weights.h5'",
    );
  }
  const inWeights = place.at('model.weights.h5');
  const root = readHdf5(weights, inWeights.text);
  const tree = readTree(parseJson(inConfig, textOf(inConfig, config)), false, inputShapes, inConfig, (drawing) => {
    const at = (store: string, index: number): HostWeight | undefined => {
      const node = find(root, `${store}/vars/${index}`);
      return node?.kind === 'dataset' ? weightOf(node, inWeights) : undefined;
    };
    return { drawing, constants: { constant: ({ store }, _, index) => at(store, index) } };
  });
  return modelWithWeights(tree.node, storedWeights(root, tree.taken, inWeights), tree.drawing, place);
}

interface ReadTree {
  readonly node: KerasLayer;
  readonly drawing: { isOn: boolean };
  /** Layers that took weights as options. */
  readonly taken: ReadonlySet<string>;
}

function readTree(
  json: unknown,
  legacy: boolean,
  inputShapes: InputShapes,
  place: Place,
  open: (drawing: { isOn: boolean }) => { readonly constants: Constants },
): ReadTree {
  const model = classAndConfig(json, place);
  if (!isModelClass(model)) {
    place.fail(`class_name is '${model.className}'; it must be Sequential or Functional: save a model that is not a subclass`);
  }
  const drawing = { isOn: false };
  const { constants } = open(drawing);
  const taken = new Set<string>();
  const counted: Constants = {
    constant(layer, weight, index) {
      taken.add(layer.store).add(layer.name);
      return constants.constant(layer, weight, index);
    },
  };
  const node = readModel(model, place, '', { legacy, isTensorFlowJs: false, drawing, constants: counted, inputShapes, depth: 32 });
  return { node, drawing, taken };
}

/** All datasets of a group by their paths. */
function datasetsOf(root: Hdf5Group): Map<string, Hdf5Dataset> {
  const found = new Map<string, Hdf5Dataset>();
  const visit = (node: Hdf5Group, path: string): void => {
    for (const [name, child] of node.children) {
      if (child.kind === 'dataset') found.set(path + name, child);
      else visit(child, `${path}${name}/`);
    }
  };
  visit(root, '');
  return found;
}

const shapeText = ({ shape }: HostWeight): string => `[${shape.join(',')}]`;

/** Weights of Keras 3, by their paths. Versions before 3 called the layers of a model in another way. */
function storedWeights(root: Hdf5Group, taken: ReadonlySet<string>, place: Place): WeightFile {
  const old = root.children.has('_layer_checkpoint_dependencies') ? '_layer_checkpoint_dependencies' : 'layers';
  return {
    match(entries) {
      const datasets = datasetsOf(root);
      const found = new Map<WeightEntry, HostWeight>();
      const used = new Set<string>();
      for (const entry of entries) {
        const path = entry.store.replaceAll(/(^|\/)layers\//g, `$1${old}/`);
        const node = datasets.get(path);
        if (!node) continue;
        used.add(path);
        found.set(entry, weightOf(node, place));
      }
      const isTaken = (path: string): boolean => [...taken].some((store) => path.startsWith(`${store}/vars/`));
      // States of random numbers, of the optimizer and of metrics are no weights of layers.
      const extra = [...datasets].filter(
        ([path]) => path.startsWith(`${old}/`) && !used.has(path) && !/(^|\/)seed_generator\//.test(path) && !isTaken(path),
      );
      return { found, extra: extra.map(([path, node]) => `${path} [${(node.shape ?? []).join(',')}]`) };
    },
  };
}

/** Texts of an attribute; undefined if there is none. An empty list has no type of its own. */
function textsAt({ attributes }: Hdf5Group, name: string): readonly string[] | undefined {
  const value = attributes.get(name);
  if (value?.dtype === 'text') return value.data;
  return value?.data.length === 0 ? [] : undefined;
}

/** Names of a group, which may be spread over several attributes. */
function namesAt(node: Hdf5Group, name: string, place: Place): readonly string[] {
  const whole = textsAt(node, name);
  if (whole) return whole;
  const parts: string[] = [];
  for (let i = 0; ; i++) {
    const part = textsAt(node, `${name}${i}`);
    if (!part) return i > 0 ? parts : place.fail(`the attribute '${name}' is missing`);
    parts.push(...part);
  }
}

interface LegacyGroup {
  readonly name: string;
  readonly weights: readonly { readonly name: string; readonly weight: HostWeight }[];
}

function groupIn(group: Hdf5Group, path: string): Hdf5Group | undefined {
  const node = find(group, path);
  return node?.kind === 'group' ? node : undefined;
}

function legacyGroups(root: Hdf5Group, place: Place): LegacyGroup[] {
  const group = groupIn(root, 'model_weights') ?? root;
  return namesAt(group, 'layer_names', place).map((name) => {
    const at = place.at(`the group '${name}'`);
    const node = groupIn(group, name) ?? at.fail('it is missing');
    const weights = namesAt(node, 'weight_names', at).map((weight) => {
      const dataset = find(node, weight);
      return dataset?.kind === 'dataset' ? { name: weight, weight: weightOf(dataset, at) } : at.fail(`the weight '${weight}' is missing`);
    });
    return { name, weights };
  });
}

function loadLegacy(root: Hdf5Group, inputShapes: InputShapes, place: Place): Model {
  const text = textsAt(root, 'model_config')?.[0];
  if (text === undefined) place.fail("the attribute 'model_config' is missing: the file has weights only, so there is no model to make");
  const config = parseJson(place.at('model_config'), text);
  const version = textsAt(root, 'keras_version')?.[0] ?? textsAt(groupIn(root, 'model_weights') ?? root, 'keras_version')?.[0];
  const groups = legacyGroups(root, place);
  const isOld = !version?.startsWith('3');
  const json = isRecord(config) && field(config, 'class_name') === undefined ? field(config, 'config') : config;
  const tree = readTree(json, isOld, inputShapes, place.at('model_config'), () => ({
    constants: { constant: ({ name }, _, index) => groups.find((group) => group.name === name)?.weights[index]?.weight },
  }));
  return modelWithWeights(tree.node, groupedWeights(groups, tree), tree.drawing, place);
}

/** Weights of Keras 2: a group for each layer of the outermost model, with the weights of the layers inside. */
function groupedWeights(groups: readonly LegacyGroup[], { node, taken }: ReadTree): WeightFile {
  return {
    match(entries) {
      const found = new Map<WeightEntry, HostWeight>();
      const extra: string[] = [];
      const used = new Set<LegacyGroup>();
      node.children.forEach(({ node: child }, top) => {
        const own = entries.filter((entry) => entry.top === top);
        const group = groups.find(({ name }) => name === child.name);
        if (!group) return;
        used.add(group);
        if (taken.has(group.name)) return;
        const isPlain = !child.isModel && own.length === group.weights.length;
        // Layers in a nested model are found by their names. If there are none, Keras's order counts: trained weights first.
        const byName = isPlain ? undefined : matchByName(own, group.weights.map(({ name }) => name)); // prettier-ignore
        if (byName && byName.size === own.length) {
          for (const [entry, name] of byName) found.set(entry, group.weights.find((one) => one.name === name)!.weight);
          const names = new Set(byName.values());
          extra.push(...group.weights.filter(({ name }) => !names.has(name)).map(({ name, weight }) => `${group.name}: ${name} ${shapeText(weight)}`)); // prettier-ignore
          return;
        }
        const ordered = isPlain ? own : [...own.filter(({ isTrained }) => isTrained), ...own.filter(({ isTrained }) => !isTrained)];
        group.weights.forEach(({ name, weight }, i) => {
          if (i < ordered.length) found.set(ordered[i], weight);
          else extra.push(`${group.name}: ${name} ${shapeText(weight)}`);
        });
      });
      for (const group of groups) if (!used.has(group)) extra.push(...group.weights.map(({ name, weight }) => `${group.name}: ${name} ${shapeText(weight)}`)); // prettier-ignore
      return { found, extra };
    },
  };
}
