// Activations, initializers, regularizers and constraints: Keras's classes and names, and those of this library.
import type { Config, Configured } from '../../core/config.ts';
import { ArgumentError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { register } from '../../core/registry.ts';
import { shown } from '../../core/shown.ts';
import { type Tensor, hostTensor } from '../../graph/tensor.ts';
import { type Activation, type Initializer, constraints, initializers, regularizers } from '../../nn/index.ts';
import { add, celu, clip, glu, mul } from '../../ops/index.ts';
import { type JsonRecord, type Place, camelCase, field, isRecord, snakeCase } from './place.ts';

/** The program that reads a file. */
export type Target = 'keras' | 'tensorFlowJs';

/** hard_sigmoid of Keras 2 and TensorFlow.js, clip(0.2 x + 0.5, 0, 1). Keras 3 has the slope 1/6. */
const steepHardSigmoid = register('keras.hardSigmoid', () => (x: Tensor) => clip(add(mul(x, 0.2), 0.5), 0, 1));
const celuOf = register('keras.celu', () => (x: Tensor) => celu(x));
const gluOf = register('keras.glu', () => (x: Tensor) => glu(x));

/** Names of activations that both libraries have with the same formula, by Keras's name. */
const sharedActivations = new Set([
  ...['linear', 'relu', 'relu6', 'leaky_relu', 'elu', 'selu', 'gelu', 'silu', 'mish', 'sigmoid', 'hard_sigmoid', 'log_sigmoid', 'tanh'],
  ...['hard_tanh', 'tanh_shrink', 'hard_shrink', 'soft_shrink', 'squareplus', 'sparse_plus', 'sparse_sigmoid', 'exponential'],
  ...['softplus', 'softsign', 'softmax', 'log_softmax', 'sparsemax'],
]);
/** Other names that Keras accepts. */
const activationAliases: Readonly<Record<string, string>> = {
  swish: 'silu',
  hard_silu: 'hard_swish',
  hard_swish: 'hard_swish',
  hardSigmoid: 'hard_sigmoid',
  logSoftmax: 'log_softmax',
  leakyrelu: 'leaky_relu',
};
/** Activations of TensorFlow.js, by Keras's name. */
const tensorFlowJsActivations = new Set([
  ...[
    'linear',
    'relu',
    'relu6',
    'elu',
    'selu',
    'gelu',
    'silu',
    'mish',
    'sigmoid',
    'tanh',
    'softplus',
    'softsign',
    'softmax',
    'log_softmax',
  ],
]);

/** An option value that is being read. */
export interface ReadAt {
  readonly place: Place;
  /** Keras's name of the option. */
  readonly option: string;
  /** True for files of Keras 2 and TensorFlow.js, in which some names have another meaning. */
  readonly legacy: boolean;
  /** True for files that TensorFlow.js wrote, and false for those that were converted from Keras. */
  readonly isTensorFlowJs: boolean;
  readonly drawing: Drawing;
}

/** Whether initializers draw numbers. Weights of a file take the place of what they would draw, so that nothing is drawn while it is read. */
export interface Drawing {
  isOn: boolean;
}

const refuse = ({ place, option }: ReadAt, value: unknown, rule: string): never => place.fail(`${option} is ${shown(value)}; ${rule}`);

interface Described {
  readonly name: string;
  readonly config: JsonRecord;
}

/** A name, or { class_name, config } of Keras 2 and 3. */
function described(value: unknown, at: ReadAt): Described {
  if (typeof value === 'string') return { name: value, config: {} };
  if (!isRecord(value)) return refuse(at, value, 'it must be a name, or an object with class_name and config');
  const [name, config] = [field(value, 'class_name'), field(value, 'config')];
  // A function of Keras 3 has its name in the config.
  if (name === 'function' && typeof config === 'string') return { name: config, config: {} };
  if (typeof name !== 'string' || !(config === undefined || config === null || isRecord(config)))
    return refuse(at, value, 'class_name must be a text and config an object');
  return { name, config: config ?? {} };
}

/** An activation by Keras's name, as an option of a layer. */
export function readActivation(value: unknown, at: ReadAt): string | Activation {
  if (value === null) return 'linear';
  const given = described(value, at).name;
  const name = Object.hasOwn(activationAliases, given) ? activationAliases[given] : given;
  if (name === 'hard_sigmoid' && at.legacy) return steepHardSigmoid();
  if (name === 'celu') return celuOf();
  if (name === 'glu') return gluOf();
  if (sharedActivations.has(name) || name === 'hard_swish') return camelCase(name);
  const known = [...sharedActivations, ...Object.keys(activationAliases), 'celu', 'glu'];
  return refuse(at, given, `there is no such activation here${didYouMean(given, known)}`);
}

/** A value of an option in the config of a layer, on its way into a file. */
export interface WriteAt {
  /** Names the layer in messages. */
  readonly where: string;
  readonly option: string;
  readonly target: Target;
}

const cannotWrite = ({ where, option, target }: WriteAt, what: string): never => {
  throw new ArgumentError(
    `${where}: ${option} is ${what}, which ${target === 'keras' ? 'Keras' : 'TensorFlow.js'} does not have; choose another one`,
  );
};

const isConfig = (value: unknown): value is Config => isRecord(value) && typeof value.kind === 'string' && isRecord(value.options);

export function writeActivation(value: unknown, at: WriteAt): string {
  const own = isConfig(value) ? value.kind : undefined;
  if (own === 'keras.hardSigmoid' && at.target === 'tensorFlowJs') return 'hard_sigmoid';
  if ((own === 'keras.celu' || own === 'keras.glu') && at.target === 'keras') return own.slice('keras.'.length);
  if (typeof value !== 'string') return cannotWrite(at, own ? `'${own}'` : shown(value));
  const name = value === 'swish' ? 'silu' : value === 'hardSwish' ? 'hard_silu' : snakeCase(value);
  const known = at.target === 'keras' ? sharedActivations.has(name) || name === 'hard_silu' : tensorFlowJsActivations.has(name);
  if (!known) return cannotWrite(at, `'${value}'`);
  return at.target === 'tensorFlowJs' && name === 'silu' ? 'swish' : name;
}

/** One family of classes: Keras's class name by the factory, and options that have the same name after snake_case. */
interface Family {
  readonly table: 'initializers' | 'regularizers' | 'constraints';
  readonly factories: Readonly<Record<string, (options: never) => unknown>>;
  readonly classes: Readonly<Record<string, string>>;
  readonly aliases: Readonly<Record<string, string>>;
  /** Options of Keras that change nothing here. */
  readonly ignored: readonly string[];
}

const initializerFamily: Family = {
  table: 'initializers',
  factories: initializers,
  classes: {
    ...{ zeros: 'Zeros', ones: 'Ones', constant: 'Constant', randomNormal: 'RandomNormal', randomUniform: 'RandomUniform' },
    ...{
      truncatedNormal: 'TruncatedNormal',
      varianceScaling: 'VarianceScaling',
      glorotNormal: 'GlorotNormal',
      glorotUniform: 'GlorotUniform',
    },
    ...{ heNormal: 'HeNormal', heUniform: 'HeUniform', lecunNormal: 'LecunNormal', lecunUniform: 'LecunUniform' },
    ...{ orthogonal: 'Orthogonal', identity: 'Identity' },
  },
  aliases: {
    ...{ Zero: 'zeros', One: 'ones', uniform: 'randomUniform', normal: 'randomNormal', IdentityInitializer: 'identity' },
    ...{ OrthogonalInitializer: 'orthogonal' },
  },
  ignored: ['dtype', 'input_axes', 'output_axes'],
};
const regularizerFamily: Family = {
  table: 'regularizers',
  factories: regularizers,
  classes: { l1: 'L1', l2: 'L2', l1l2: 'L1L2', orthogonal: 'OrthogonalRegularizer' },
  aliases: { l1_l2: 'l1l2' },
  ignored: [],
};
const constraintFamily: Family = {
  table: 'constraints',
  factories: constraints,
  classes: { maxNorm: 'MaxNorm', minMaxNorm: 'MinMaxNorm', nonNeg: 'NonNeg', unitNorm: 'UnitNorm' },
  aliases: {},
  ignored: [],
};

/** Name without case and underscores: GlorotUniform is glorot_uniform. */
const plain = (name: string): string => name.toLowerCase().replaceAll('_', '');

function factoryNamed(family: Family, name: string): string | undefined {
  if (Object.hasOwn(family.aliases, name)) return family.aliases[name];
  const wanted = plain(name);
  return Object.entries(family.classes).find(([factory, className]) => plain(factory) === wanted || plain(className) === wanted)?.[0];
}

const reader =
  (family: Family) =>
  (value: unknown, at: ReadAt): unknown => {
    if (value === null) return undefined;
    const { name, config } = described(value, at);
    const factory = factoryNamed(family, name);
    if (!factory) {
      const known = Object.values(family.classes);
      return refuse(at, name, `the ${family.table} are ${known.join(', ')}${didYouMean(name, known)}`);
    }
    const entries = Object.entries(config).flatMap(([option, given]) => {
      if (given === null || family.ignored.includes(option)) return [];
      if (option === 'seed' && typeof given !== 'number') return [];
      return [[camelCase(option), typeof given === 'string' ? readWord(given) : given] as const];
    });
    const place = at.place.at(`${at.option} (${name})`);
    return place.guard(() => family.factories[factory](Object.fromEntries(entries) as never));
  };

/** 'normal' is the truncated distribution in Keras 2. */
const readWord = (text: string): string => (text === 'normal' ? 'truncatedNormal' : camelCase(text));

/** Variance scaling of the initializers that TensorFlow.js has under other names. */
const scalings: Readonly<Record<string, JsonRecord>> = Object.fromEntries(
  (['glorot', 'he', 'lecun'] as const).flatMap((stem) =>
    (['Normal', 'Uniform'] as const).map((distribution) => [
      stem + distribution,
      {
        scale: stem === 'he' ? 2 : 1,
        mode: stem === 'glorot' ? 'fan_avg' : 'fan_in',
        distribution: distribution === 'Normal' ? 'truncated_normal' : 'uniform',
      },
    ]),
  ),
);

const writer =
  (family: Family) =>
  (value: unknown, at: WriteAt): unknown => {
    if (value === undefined) return null;
    const kind = isConfig(value) ? value.kind.slice(family.table.length + 1) : '';
    if (!isConfig(value) || !value.kind.startsWith(`${family.table}.`) || !Object.hasOwn(family.classes, kind))
      return cannotWrite(at, isConfig(value) ? `'${value.kind}'` : shown(value));
    const options = Object.entries(value.options).map(([name, given]) => [snakeCase(name), typeof given === 'string' ? snakeCase(given) : given]); // prettier-ignore
    const config = Object.fromEntries(options) as JsonRecord;
    if (at.target === 'keras') {
      return { module: `keras.${family.table}`, class_name: family.classes[kind], config, registered_name: null };
    }
    if (kind === 'l1' || kind === 'l2') return { class_name: 'L1L2', config: { l1: 0, l2: 0, ...config } };
    if (Object.hasOwn(scalings, kind)) return { class_name: 'VarianceScaling', config: { ...scalings[kind], seed: null, ...config } };
    if (family === regularizerFamily && kind === 'orthogonal') return cannotWrite(at, `'${value.kind}'`);
    return { class_name: family.classes[kind], config };
  };

const makeInitializer = reader(initializerFamily);

/** Takes the place of numbers that the file gives later. */
const noNumbers = new Float32Array(0);

/** An initializer that makes shapes without numbers while a file is read. */
export function readInitializer(value: unknown, at: ReadAt): Configured<Initializer> {
  const draw = makeInitializer(value ?? defaultInitializer(at.option), at) as Configured<Initializer>;
  const { drawing } = at;
  const initializer: Initializer = (shape, random) => (drawing.isOn ? draw(shape, random) : hostTensor({ shape, dtype: 'f32' }, noNumbers));
  return Object.defineProperty(initializer, 'config', { get: () => draw.config, configurable: true }) as Configured<Initializer>;
}

/** Keras's default for an option such as `kernel_initializer`. */
function defaultInitializer(option: string): string {
  if (/^(bias|beta|moving_mean|alpha)_/.test(option)) return 'Zeros';
  if (/^(gamma|moving_variance)_/.test(option)) return 'Ones';
  return option.startsWith('recurrent_') ? 'Orthogonal' : option.startsWith('embeddings_') ? 'RandomUniform' : 'GlorotUniform';
}

export const readRegularizer = reader(regularizerFamily);
export const readConstraint = reader(constraintFamily);
export const writeInitializer = writer(initializerFamily);
export const writeRegularizer = writer(regularizerFamily);
export const writeConstraint = writer(constraintFamily);
