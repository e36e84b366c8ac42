// One layer of a config: its class, its options and the layers inside it.
import { didYouMean } from '../../core/nearest.ts';
import { shown } from '../../core/shown.ts';
import type { Layer } from '../../nn/index.ts';
import { type Converter, type KerasLayer, converterNamed, isOwn, unknownClass } from './converter.ts';
import type { Drawing } from './functions.ts';
import type { HostWeight } from './hostWeight.ts';
import type { InputShapes } from './inputShapes.ts';
import { type JsonRecord, type Place, camelCase, field, isRecord, recordAt, textAt } from './place.ts';
import type { Shape } from '../../core/shape.ts';

/** Weights that a layer takes as options, by the place of the layer in the file. */
export interface Constants {
  constant(layer: { readonly store: string; readonly name: string }, weight: string, index: number): HostWeight | undefined;
}

/** Context of a whole file. */
export interface Reading {
  readonly legacy: boolean;
  readonly isTensorFlowJs: boolean;
  readonly drawing: Drawing;
  readonly constants: Constants;
  /** Shapes of inputs that the file leaves open, by the name of the input. */
  readonly inputShapes: InputShapes;
  /** Number of models that may contain each other. */
  readonly depth: number;
}

/** The layer's part of a call in Keras that is an option here. */
export interface LayerExtras {
  readonly inputShape?: Shape;
  readonly batchSize?: number;
  readonly causal?: boolean;
}

/** Reads a layer that is a model. Given by readModel.ts, whose models have layers. */
export type ReadModel = (json: ClassAndConfig, place: Place, store: string, reading: Reading) => KerasLayer;

export interface ClassAndConfig {
  readonly className: string;
  readonly name: string;
  readonly config: JsonRecord;
}

const modelClasses = new Set(['Sequential', 'Functional', 'Model']);

export const isModelClass = ({ className, config }: ClassAndConfig): boolean =>
  modelClasses.has(className) ||
  (!converterNamed(className) && Array.isArray(field(config, 'layers')) && field(config, 'input_layers') !== undefined);

/** Class, name and config of { class_name, config }, as in every generation of Keras. */
export function classAndConfig(json: unknown, place: Place): ClassAndConfig {
  const record = recordAt(place, json, 'a layer');
  const registered = textAt(place, field(record, 'class_name'), 'class_name');
  const className = registered.slice(registered.lastIndexOf('>') + 1);
  const given = field(record, 'config');
  // The first versions of Keras 2 wrote a list of layers.
  const config =
    className === 'Sequential' && Array.isArray(given) ? { layers: given as unknown } : recordAt(place.at(className), given, 'config');
  const name = field(config, 'name') ?? field(record, 'name') ?? className.toLowerCase();
  return { className, config, name: textAt(place, name, 'name') };
}

/** Module of an op of Keras 3 between layers; undefined for a layer. */
export function moduleOfOp(json: unknown): string | undefined {
  const module = isRecord(json) ? field(json, 'module') : undefined;
  return typeof module === 'string' && /^keras\.(src\.)?ops/.test(module) ? module : undefined;
}

/** A name that layers here may have. */
export const plainName = (name: string): string => name.replace(/[/\s]+/g, '_');

/** Options of every layer that have no meaning here, or that are read elsewhere. */
const common = new Set([
  'name',
  'trainable',
  'dtype',
  'batch_input_shape',
  'batch_shape',
  'input_shape',
  'input_dtype',
  'autocast',
  'ragged',
  'sparse',
  'input_spec',
]);

const floats = new Set(['float16', 'bfloat16', 'float32', 'float64', 'mixed_float16', 'mixed_bfloat16']);
const dtypes = new Set([...floats, 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'bool', 'string']);

/** Name of a dtype or of a policy. */
export function dtypeName(value: unknown, place: Place): string {
  if (value === undefined || value === null) return 'float32';
  const config = isRecord(value) ? field(value, 'config') : undefined;
  const name = isRecord(config) ? field(config, 'name') : value;
  if (typeof name === 'string' && dtypes.has(name)) return name;
  return place.fail(
    `dtype is ${shown(isRecord(value) ? (name ?? value) : value)}; it must be a float or integer type, such as 'float32': save the model without quantization`,
  );
}

/** Reads one layer that is no model. */
export function readLayer(
  json: ClassAndConfig,
  place: Place,
  store: string,
  reading: Reading,
  readModel: ReadModel,
  extras: LayerExtras = {},
): KerasLayer {
  const { className, config, name } = json;
  const converter = converterNamed(className) ?? unknownClass(place, className);
  dtypeName(field(config, 'dtype'), place);
  const trainable = field(config, 'trainable');
  const options: Record<string, unknown> = {
    name: plainName(name),
    ...(trainable === false && { trainable }),
    ...(extras.inputShape && { inputShape: extras.inputShape }),
    ...(isOwn(converter) ? {} : readOptions(converter, config, place, reading)),
    ...(extras.causal && { causal: true }),
  };
  const inner = (given: unknown, label: string): KerasLayer => {
    const at = place.at(label);
    const part = classAndConfig(given, at);
    const deeper = { ...reading, depth: reading.depth - 1 };
    if (deeper.depth < 0) at.fail('layers contain each other too deeply; at most 32 are allowed');
    const path = `${store}/${label}`;
    return isModelClass(part)
      ? readModel(part, at, path, deeper)
      : readLayer(part, at, path, deeper, readModel, { batchSize: extras.batchSize });
  };
  const made = place.guard(() =>
    converter.make(options, {
      ...{ place, name, legacy: reading.legacy, config, batchSize: extras.batchSize, inner },
      weight: (weight, index) =>
        reading.constants.constant({ store, name }, weight, index) ?? place.fail(`the weight '${weight}' is missing in the file`),
    }),
  );
  return {
    className,
    name,
    layer: checkLayer(made.layer, className, place),
    weights: converter.weights ?? [],
    children: made.children ?? [],
    isModel: false,
  };
}

function checkLayer(layer: unknown, className: string, place: Place): Layer {
  if (typeof (layer as Partial<Layer> | undefined)?.draft === 'function') return layer as Layer;
  return place.fail(`the converter of '${className}' returned ${shown(layer)}; read must return a layer`);
}

function readOptions(
  converter: Converter,
  config: JsonRecord,
  place: Place,
  { legacy, isTensorFlowJs, drawing }: Reading,
): Record<string, unknown> {
  const { options } = converter;
  const read: [string, unknown][] = [];
  const known = new Set(Object.keys(options));
  for (const [option, kind] of Object.entries(options)) {
    const given = [option, ...(kind.aliases ?? [])].find((name) => Object.hasOwn(config, name));
    for (const alias of kind.aliases ?? []) known.add(alias);
    if (given === undefined && !kind.always) continue;
    const value = kind.read(given === undefined ? null : config[given], {
      place,
      option: given ?? option,
      legacy,
      isTensorFlowJs,
      drawing,
    });
    if (value !== undefined) read.push([kind.name ?? camelCase(option), value]);
  }
  for (const [option, value] of Object.entries(config)) {
    if (known.has(option) || common.has(option) || value === null) continue;
    place.fail(
      `${option} is ${shown(value)}, an option that is not supported here${didYouMean(option, [...known])}; leave it out of the model`,
    );
  }
  return Object.fromEntries(read);
}
