// Layers models of TensorFlow.js: model.json and its shards.
import { joinBytes } from '../../core/bytes.ts';
import { ArgumentError } from '../../core/errors.ts';
import { nodeProcess } from '../../core/nodeProcess.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { shown } from '../../core/shown.ts';
import { readFile } from '../../formats/places.ts';
import type { Model } from '../../train/index.ts';
import type { HostWeight } from '../keras/hostWeight.ts';
import { type InputShapes, inputShapesKind } from '../keras/inputShapes.ts';
import { Place, field, isRecord, parseJson, recordAt, textOf } from '../keras/place.ts';
import { classAndConfig, isModelClass } from '../keras/readLayer.ts';
import { readModel } from '../keras/readModel.ts';
import { type WeightFile, matchByName, modelWithWeights } from '../keras/weights.ts';
import { readGroup, readManifest } from './manifest.ts';

export const loadLayersModelOptions = declareOptions('loadLayersModel', {
  /** Sizes of inputs that the file leaves open, without the batch axis, by the name of the input. @default {} */
  inputShapes: optional(inputShapesKind, {}),
});
export type LoadLayersModelOptions = OptionsOf<typeof loadLayersModelOptions>;

/** A layers model in memory: model.json, and its other files by the paths in the manifest. */
export interface LayersModelFiles {
  readonly 'model.json': string | Uint8Array | object;
  readonly [path: string]: string | Uint8Array | object;
}

/** Place of a layers model: the path or address of model.json, or the files themselves. */
export type LayersModelSource = string | URL | LayersModelFiles;

const where = 'loadLayersModel';

/**
 * Reads a layers model of TensorFlow.js: from the path or address of model.json, next to which its shards are, or from files in memory.
 * Sequential and functional models, nested ones, shared layers, and weights in float32 or quantized to uint8, uint16 or float16.
 *
 *     const model = await loadLayersModel('https://example.com/model.json');
 *
 * @throws FormatError for a damaged file, classes and options that the library does not have, and weights that are not those of the model.
 */
export async function loadLayersModel(source: LayersModelSource, options: LoadLayersModelOptions = {}): Promise<Model> {
  const { inputShapes } = loadLayersModelOptions.read(options);
  const { json, name, shard } = await openSource(source);
  const place = new Place(`${where}: ${name}`);
  const record = recordAt(place, json, 'the file');
  const manifest = field(record, 'weightsManifest');
  const groups = manifest === undefined ? [] : readManifest(manifest, place);
  const weights = new Map<string, HostWeight>();
  for (const group of groups) {
    const parts: Uint8Array[] = [];
    for (const path of group.paths) parts.push(await shard(path, place));
    for (const [key, weight] of readGroup(group, parts.length === 1 ? parts[0] : joinBytes(parts), place)) {
      if (weights.has(key)) place.fail(`the weight '${key}' occurs twice`);
      weights.set(key, weight);
    }
  }
  return buildModel(field(record, 'modelTopology') ?? field(record, 'model_topology') ?? json, weights, inputShapes, place);
}

/** A model of a topology and named weights. */
function buildModel(topology: unknown, weights: ReadonlyMap<string, HostWeight>, inputShapes: InputShapes, place: Place): Model {
  const outer = recordAt(place, topology, 'modelTopology');
  if (Array.isArray(field(outer, 'node')))
    place.fail('it is a graph model; only layers models can be read: convert it with --output_format=tfjs_layers_model');
  const config = field(outer, 'model_config') ?? outer;
  const json = classAndConfig(isRecord(config) && !Object.hasOwn(config, 'class_name') ? field(outer, 'config') : config, place);
  if (!isModelClass(json)) place.fail(`class_name is '${json.className}'; it must be Sequential, Functional or Model`);
  const version = field(outer, 'keras_version');
  const isTensorFlowJs = typeof version === 'string' && version.startsWith('tfjs');
  const drawing = { isOn: false };
  const constants = { constant: () => undefined };
  const tree = readModel(json, place, '', { legacy: true, isTensorFlowJs, drawing, constants, inputShapes, depth: 32 });
  return modelWithWeights(tree, namedWeights(weights), drawing, place);
}

/** Weights of a file whose names have the names of their layers. */
export function namedWeights(weights: ReadonlyMap<string, HostWeight>): WeightFile {
  return {
    match(entries) {
      const names = matchByName(entries, [...weights.keys()]);
      const used = new Set(names.values());
      return {
        found: new Map([...names].map(([entry, name]) => [entry, weights.get(name)!])),
        extra: [...weights].filter(([name]) => !used.has(name)).map(([name, { shape }]) => `${name} [${shape.join(',')}]`),
      };
    },
  };
}

interface Opened {
  readonly json: unknown;
  readonly name: string;
  readonly shard: (path: string, place: Place) => Promise<Uint8Array>;
}

async function openSource(source: LayersModelSource): Promise<Opened> {
  if (typeof source === 'string' || source instanceof URL) {
    const { bytes, name } = await readFile(source, where);
    const place = new Place(`${where}: ${name}`);
    return {
      json: parseJson(place, textOf(place, bytes)),
      name,
      shard: async (path, at) => (await readFile(beside(name, path, at), where)).bytes,
    };
  }
  if (!isRecord(source) || !Object.hasOwn(source, 'model.json')) {
    throw new ArgumentError(
      `${where}: source is ${shown(source)}; it must be the path or address of model.json, or files by name, such as { 'model.json': text, 'weights.bin': bytes }`,
    );
  }
  const place = new Place(`${where}: model.json`);
  const given = source['model.json'];
  const json =
    given instanceof Uint8Array ? parseJson(place, textOf(place, given)) : typeof given === 'string' ? parseJson(place, given) : given;
  return {
    json,
    name: 'model.json',
    shard: async (path, at) => {
      const bytes = field(source, path);
      return bytes instanceof Uint8Array
        ? bytes
        : at.fail(`the file '${path}' of the manifest is not given as bytes; the files are ${Object.keys(source).join(', ')}`);
    },
  };
}

/** Address or path of a shard, which is in the folder of model.json or below. */
function beside(model: string, path: string, place: Place): string {
  if (/^[a-z][a-z0-9+.-]*:|^[/\\]|(^|[/\\])\.\.([/\\]|$)/i.test(path))
    place.fail(`the manifest names the file '${path}'; files must be in the folder of model.json`);
  const isAddress = /^[a-z][a-z0-9+.-]+:/i.test(model);
  if (isAddress) return new URL(path, model).href;
  const folder = model.replace(/[^/\\]*$/, '');
  return nodeProcess() ? folder + path : path;
}
