// Converters: one class of Keras and one kind of layer here, in both directions, with their weights. The table of all classes.
import { ArgumentError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { shown } from '../../core/shown.ts';
import type { Layer } from '../../nn/index.ts';
import type { HostWeight } from './hostWeight.ts';
import type { Target } from './functions.ts';
import type { OptionTable } from './optionKinds.ts';
import type { JsonRecord, Place } from './place.ts';

/** One weight of a class, in Keras's order. A weight that the layer does not have, such as the bias without useBias, is left out. */
export interface WeightRule {
  /** Keras's name, such as `recurrent_kernel`. */
  readonly name: string;
  /** Name of the variable here, such as `recurrentKernel`. */
  readonly variable: string;
  /** Attribute of the layer that owns the weight in Keras 3, such as `cell`. Empty for the layer itself. */
  readonly owner?: string;
  /** Part of the name in older files, such as `query`. */
  readonly part?: string;
  /** Axes of size 1 that Keras puts before the shape here. */
  readonly leading?: number;
}

/** A layer of a model in the form of Keras. */
export interface KerasLayer {
  readonly className: string;
  /** Keras's name of the layer. */
  readonly name: string;
  readonly layer: Layer;
  readonly weights: readonly WeightRule[];
  readonly children: readonly KerasChild[];
  /** Whether it is a model, whose layers have names of their own. */
  readonly isModel: boolean;
}

/** A layer inside another one. */
export interface KerasChild {
  /** Path of the layer in Keras 3, such as `forward_layer`. */
  readonly store: string;
  /** Name in older files and TensorFlow.js; empty if the weights have the name of the outer layer. */
  readonly name: string;
  readonly node: KerasLayer;
}

/** Context of a config that is read. */
export interface ReadContext {
  readonly place: Place;
  readonly name: string;
  /** True for files of Keras 2 and TensorFlow.js. */
  readonly legacy: boolean;
  readonly config: JsonRecord;
  /** Batch size that an input states. */
  readonly batchSize: number | undefined;
  /** A layer in the config of this one. */
  readonly inner: (config: unknown, label: string) => KerasLayer;
  /** A weight of this layer by its position in the file. Only for layers that take weights as options. */
  readonly weight: (name: string, index: number) => HostWeight;
}

export interface MadeLayer {
  readonly layer: Layer;
  readonly children?: readonly KerasChild[];
}

export interface WriteContext {
  readonly where: string;
  readonly name: string;
  readonly target: Target;
  readonly layer: Layer;
  /** Shape of the first input, without the batch axis. */
  readonly inputShape: readonly number[];
  /** A layer of this one, under a name. */
  readonly inner: (layer: Layer, name: string) => WrittenLayer;
}

export interface WrittenLayer {
  readonly node: KerasLayer;
  /** { class_name, config } with everything that the target needs. */
  readonly json: JsonRecord;
}

export interface WrittenConfig {
  readonly className?: string;
  readonly config: JsonRecord;
  readonly children?: readonly KerasChild[];
}

/** A class of Keras and its layer here. */
export interface Converter {
  readonly className: string;
  /** Other names of the class in files. */
  readonly aliases?: readonly string[];
  /** Name of the Python class, if it is another one. */
  readonly pythonName?: string;
  /** Kind in the config of the layer here, such as `layers.dense`. */
  readonly kind: string;
  readonly options: OptionTable;
  readonly weights?: readonly WeightRule[];
  /** Programs that have the class. @default both */
  readonly targets?: readonly Target[];
  make(options: Readonly<Record<string, unknown>>, context: ReadContext): MadeLayer;
  /** Completes the config. `written` has the options of the table. */
  complete?(written: JsonRecord, options: JsonRecord, context: WriteContext): WrittenConfig;
  /** Options here that a config needs not say, if they have this value. */
  readonly implied?: Readonly<Record<string, unknown>>;
}

const byClass = new Map<string, Converter>();
const byKind = new Map<string, Converter>();

/** Adds converters. The first one of a class reads it, and the first one of a kind writes it. */
export function addConverters(converters: readonly Converter[]): void {
  for (const converter of converters) {
    for (const name of [converter.className, ...(converter.aliases ?? [])]) if (!byClass.has(name)) byClass.set(name, converter);
    if (!byKind.has(converter.kind)) byKind.set(converter.kind, converter);
  }
}

export const converterOfKind = (kind: string): Converter | undefined => byKind.get(kind);
export const converterNamed = (className: string): Converter | undefined => byClass.get(className);

export function unknownClass(place: Place, className: string): never {
  const known = [...byClass.keys()];
  return place.fail(
    `the class '${className}' is unknown${didYouMean(className, known)}; ` +
      `for a class of your own, call registerKerasLayer('${className}', { read: (config) => layer }) before loading`,
  );
}

/** How a class of one's own becomes a layer, and the reverse. */
export interface KerasLayerConverter {
  /** Makes the layer from the config of Keras. `name` and `trainable` are options that every layer takes. */
  readonly read: (config: Readonly<Record<string, unknown>>, common: { readonly name: string; readonly trainable: boolean }) => Layer;
  /** Variables of the layer in the order of Keras's weights: Keras's names, and the names here. */
  readonly weights?: Readonly<Record<string, string>>;
  /** Kind in the config of the layer, as given to register(kind, factory). Needed for writing. */
  readonly kind?: string;
  /** Config of Keras, from the options in the config of the layer. Needed for writing. */
  readonly write?: (options: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
}

/**
 * Registers a class of Keras that the library does not have, for loading and saving. A class that is registered again is replaced.
 *
 *     registerKerasLayer('Scale', {
 *       read: ({ factor }, common) => scale({ factor, ...common }),
 *       weights: { gamma: 'gamma' },
 *       kind: 'my.scale',
 *       write: ({ factor }) => ({ factor }),
 *     });
 *
 * @throws ArgumentError for a name that is no text, or a converter without `read`.
 */
export function registerKerasLayer(className: string, converter: KerasLayerConverter): void {
  const where = 'registerKerasLayer';
  if (typeof className !== 'string' || className === '')
    throw new ArgumentError(`${where}: className is ${shown(className)}; it must be a text, such as 'Scale'`);
  if (typeof (converter as Partial<KerasLayerConverter> | undefined)?.read !== 'function')
    throw new ArgumentError(`${where}: '${className}' has no function read; give { read: (config, common) => layer }`);
  const { read, write, kind, weights = {} } = converter;
  if ((write === undefined) !== (kind === undefined))
    throw new ArgumentError(
      `${where}: '${className}' has ${kind === undefined ? 'write but no kind' : 'kind but no write'}; give both, or none to load only`,
    );
  const made: Converter = {
    className,
    kind: kind ?? `keras.${className}`,
    options: {},
    weights: Object.entries(weights).map(([name, variable]) => ({ name, variable })),
    make: ({ name, trainable = true }, { config }) => ({ layer: read(config, { name: name as string, trainable: trainable as boolean }) }),
    ...(write && { complete: (written, options) => ({ config: { ...write(options), ...written } }) }),
  };
  byClass.set(className, made);
  if (kind !== undefined) byKind.set(kind, made);
}

/** Whether a converter is one of registerKerasLayer, whose options are not checked. */
export const isOwn = ({ options, kind }: Converter): boolean => Object.keys(options).length === 0 && !kind.startsWith('layers.');
