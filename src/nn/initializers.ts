// Initial weights. They are drawn on the host from a counter-based stream, so that one seed gives the same weights on every device.
import type { Config, Configured } from '../core/config.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { type Kind, anyNumber, named, number, oneOf, seed as seedKind } from '../core/optionKinds.ts';
import { type Declaration, type OptionsOf, type SettingsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import { RandomStream, globalStream } from '../core/random.ts';
import { type Shape, formatShape, sameShape, sizeOf, stridesOf } from '../core/shape.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';

/** Makes the first value of a parameter. Draws from `random`, or from the initializer's own seed. */
export interface Initializer {
  (shape: Shape, random: RandomStream): Tensor;
  readonly config?: Config;
}

/** One number from the stream. */
type Draw = (random: RandomStream) => number;

const make = (shape: Shape, data: Float32Array): Tensor => hostTensor({ shape, dtype: 'f32' }, data);

/** Most elements of a tensor while weights are only placeholders; undefined while they are drawn. */
let placeholderLimit: number | undefined;

/**
 * Runs fn, in which initializers give zeros instead of drawing numbers: the weights will be replaced.
 * @throws ShapeError for a weight of more than `limit` elements.
 */
export function withPlaceholders<T>(limit: number, fn: () => T): T {
  const before = placeholderLimit;
  placeholderLimit = limit;
  try {
    return fn();
  } finally {
    placeholderLimit = before;
  }
}

function allocate(shape: Shape): Float32Array {
  const size = sizeOf(shape);
  if (placeholderLimit === undefined || size <= placeholderLimit) return new Float32Array(size);
  throw new ShapeError(`a weight ${formatShape(shape)} has ${size} elements, and all weights of the file have ${placeholderLimit}`);
}

function fill(shape: Shape, random: RandomStream, seed: number | undefined, draw: Draw): Tensor {
  if (placeholderLimit !== undefined) return make(shape, allocate(shape));
  const stream = seed === undefined ? ((random as RandomStream | undefined) ?? globalStream()) : RandomStream.fromSeed(seed);
  const data = allocate(shape);
  for (let i = 0; i < data.length; i++) data[i] = draw(stream);
  return make(shape, data);
}

/** A standard normal, drawn again while its magnitude is above 2, as Keras and TensorFlow truncate. */
function truncated(random: RandomStream): number {
  let z = random.normal();
  while (Math.abs(z) > 2) z = random.normal();
  return z;
}

/** Inputs and outputs of one unit of a kernel [..., in, out]: the leading axes are a receptive field. Keras's `compute_fans`. */
export function fansOf(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length === 0) return { fanIn: 1, fanOut: 1 };
  if (shape.length === 1) return { fanIn: shape[0], fanOut: shape[0] };
  const field = sizeOf(shape.slice(0, -2));
  return { fanIn: shape[shape.length - 2] * field, fanOut: shape[shape.length - 1] * field };
}

const seedOption = {
  /** Makes the values independent of setSeed() and of the order of construction: the same at every call. */
  seed: /* @__PURE__ */ optional(seedKind),
};

export const zerosOptions = declareOptions('initializers.zeros', {});
export type ZerosOptions = OptionsOf<typeof zerosOptions>;

/** All zeros. */
function zeros(options: ZerosOptions = {}): Configured<Initializer> {
  const initializer: Initializer = (shape) => make(shape, allocate(shape));
  return withConfig(initializer, zerosOptions, zerosOptions.read(options));
}

export const onesOptions = declareOptions('initializers.ones', {});
export type OnesOptions = OptionsOf<typeof onesOptions>;

/** All ones. */
function ones(options: OnesOptions = {}): Configured<Initializer> {
  const initializer: Initializer = (shape) => make(shape, allocate(shape).fill(1));
  return withConfig(initializer, onesOptions, onesOptions.read(options));
}

export const constantOptions = declareOptions('initializers.constant', {
  /** The value of every element. @default 0 */
  value: optional(anyNumber, 0),
});
export type ConstantOptions = OptionsOf<typeof constantOptions>;

/** One value everywhere. */
function constant(options: ConstantOptions = {}): Configured<Initializer> {
  const settings = constantOptions.read(options);
  const initializer: Initializer = (shape) => make(shape, allocate(shape).fill(settings.value));
  return withConfig(initializer, constantOptions, settings);
}

const normalTable = {
  /** Mean of the values. @default 0 */
  mean: /* @__PURE__ */ optional(number(), 0),
  /** Standard deviation of the values, before truncation. @default 0.05 */
  stddev: /* @__PURE__ */ optional(number('at least 0'), 0.05),
  ...seedOption,
};

export const randomNormalOptions = declareOptions('initializers.randomNormal', normalTable);
export type RandomNormalOptions = OptionsOf<typeof randomNormalOptions>;

/** Values of a normal distribution. */
function randomNormal(options: RandomNormalOptions = {}): Configured<Initializer> {
  const settings = randomNormalOptions.read(options);
  const { mean, stddev, seed } = settings;
  const initializer: Initializer = (shape, random) => fill(shape, random, seed, (stream) => mean + stddev * stream.normal());
  return withConfig(initializer, randomNormalOptions, settings);
}

export const truncatedNormalOptions = declareOptions('initializers.truncatedNormal', normalTable);
export type TruncatedNormalOptions = OptionsOf<typeof truncatedNormalOptions>;

/** Values of a normal distribution, drawn again beyond two standard deviations. */
function truncatedNormal(options: TruncatedNormalOptions = {}): Configured<Initializer> {
  const settings = truncatedNormalOptions.read(options);
  const { mean, stddev, seed } = settings;
  const initializer: Initializer = (shape, random) => fill(shape, random, seed, (stream) => mean + stddev * truncated(stream));
  return withConfig(initializer, truncatedNormalOptions, settings);
}

export const randomUniformOptions = declareOptions(
  'initializers.randomUniform',
  {
    /** Smallest value. @default -0.05 */
    minval: optional(number(), -0.05),
    /** Largest value. @default 0.05 */
    maxval: optional(number(), 0.05),
    ...seedOption,
  },
  ({ minval, maxval }, where) => {
    if (minval > maxval) throw new ArgumentError(`${where}: minval is ${minval} and maxval ${maxval}; minval must not be the greater one`);
  },
);
export type RandomUniformOptions = OptionsOf<typeof randomUniformOptions>;

/** Values spread evenly from minval to maxval. */
function randomUniform(options: RandomUniformOptions = {}): Configured<Initializer> {
  const settings = randomUniformOptions.read(options);
  const { minval, maxval, seed } = settings;
  const initializer: Initializer = (shape, random) => fill(shape, random, seed, (stream) => minval + (maxval - minval) * stream.uniform());
  return withConfig(initializer, randomUniformOptions, settings);
}

export const varianceScalingOptions = declareOptions('initializers.varianceScaling', {
  /** Variance of the values times n. @default 1 */
  scale: optional(number('above 0'), 1),
  /** The number n: inputs of a unit, outputs, or their mean. @default 'fanIn' */
  mode: optional(oneOf('fanIn', 'fanOut', 'fanAvg'), 'fanIn'),
  /** Distribution of the values. Truncation is at two standard deviations. @default 'truncatedNormal' */
  distribution: optional(oneOf('truncatedNormal', 'untruncatedNormal', 'uniform'), 'truncatedNormal'),
  ...seedOption,
});
export type VarianceScalingOptions = OptionsOf<typeof varianceScalingOptions>;
type Scaling = SettingsOf<typeof varianceScalingOptions>;

/** Standard deviation of a standard normal that is truncated at two. Draws are divided by it, so that they have the given variance. */
const truncatedStddev = 0.8796256610342398;

const distributions: Record<Scaling['distribution'], (variance: number) => Draw> = {
  truncatedNormal: (variance) => {
    const stddev = Math.sqrt(variance) / truncatedStddev;
    return (random) => stddev * truncated(random);
  },
  untruncatedNormal: (variance) => {
    const stddev = Math.sqrt(variance);
    return (random) => stddev * random.normal();
  },
  uniform: (variance) => {
    const limit = Math.sqrt(3 * variance);
    return (random) => limit * (2 * random.uniform() - 1);
  },
};

function scaled({ scale, mode, distribution, seed }: Scaling): Initializer {
  return (shape, random) => {
    const { fanIn, fanOut } = fansOf(shape);
    const n = mode === 'fanIn' ? fanIn : mode === 'fanOut' ? fanOut : (fanIn + fanOut) / 2;
    return fill(shape, random, seed, distributions[distribution](scale / Math.max(1, n)));
  };
}

/** Values of variance scale / n. Signals then keep their size from layer to layer. */
function varianceScaling(options: VarianceScalingOptions = {}): Configured<Initializer> {
  const settings = varianceScalingOptions.read(options);
  return withConfig(scaled(settings), varianceScalingOptions, settings);
}

/** The named forms of varianceScaling. They differ only in scale, mode and distribution. */
export const scalingOptions = {
  glorotNormal: declareOptions('initializers.glorotNormal', seedOption),
  glorotUniform: declareOptions('initializers.glorotUniform', seedOption),
  heNormal: declareOptions('initializers.heNormal', seedOption),
  heUniform: declareOptions('initializers.heUniform', seedOption),
  lecunNormal: declareOptions('initializers.lecunNormal', seedOption),
  lecunUniform: declareOptions('initializers.lecunUniform', seedOption),
};

/** Options of the named forms of varianceScaling. */
export type ScaledInitializerOptions = OptionsOf<Declaration<typeof seedOption>>;

/* @__NO_SIDE_EFFECTS__ */
function scaling(
  name: keyof typeof scalingOptions,
  fixed: Omit<Scaling, 'seed'>,
): (options?: ScaledInitializerOptions) => Configured<Initializer> {
  return (options = {}) => {
    const settings = scalingOptions[name].read(options);
    return withConfig(scaled({ ...fixed, ...settings }), scalingOptions[name], settings);
  };
}

function matrixOnly(name: string, shape: Shape): void {
  if (shape.length >= 2) return;
  throw new ShapeError(
    `initializers.${name}: needs a shape of rank 2 or more, got ${formatShape(shape)}; choose another initializer for vectors`,
  );
}

export const orthogonalOptions = declareOptions('initializers.orthogonal', {
  /** Factor of the matrix. @default 1 */
  gain: optional(number(), 1),
  ...seedOption,
});
export type OrthogonalOptions = OptionsOf<typeof orthogonalOptions>;

/**
 * A matrix [product of the leading sizes, last size] with orthonormal columns (rows if there are fewer rows), times `gain`.
 * Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014.
 */
function orthogonal(options: OrthogonalOptions = {}): Configured<Initializer> {
  const settings = orthogonalOptions.read(options);
  const { gain, seed } = settings;
  const initializer: Initializer = (shape, random) => {
    matrixOnly('orthogonal', shape);
    if (placeholderLimit !== undefined) return make(shape, allocate(shape));
    const stream = seed === undefined ? ((random as RandomStream | undefined) ?? globalStream()) : RandomStream.fromSeed(seed);
    const columns = shape[shape.length - 1];
    const rows = sizeOf(shape) / Math.max(1, columns);
    const long = Math.max(rows, columns);
    const basis: Float64Array[] = [];
    while (basis.length < Math.min(rows, columns)) basis.push(nextDirection(basis, long, stream));
    const data = new Float32Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) data[i * columns + j] = gain * (rows >= columns ? basis[j][i] : basis[i][j]);
    }
    return make(shape, data);
  };
  return withConfig(initializer, orthogonalOptions, settings);
}

/** A random unit vector at right angles to all of `basis`. Gram-Schmidt, twice: one pass leaves rounding errors of the first order. */
function nextDirection(basis: readonly Float64Array[], length: number, random: RandomStream): Float64Array {
  const vector = Float64Array.from({ length }, () => random.normal());
  for (let pass = 0; pass < 2; pass++) {
    for (const unit of basis) {
      let projection = 0;
      for (let i = 0; i < length; i++) projection += unit[i] * vector[i];
      for (let i = 0; i < length; i++) vector[i] -= projection * unit[i];
    }
  }
  const norm = Math.sqrt(vector.reduce((sum, v) => sum + v * v, 0));
  return vector.map((v) => v / norm);
}

export const identityOptions = declareOptions('initializers.identity', {
  /** Value of the diagonal. @default 1 */
  gain: optional(number(), 1),
});
export type IdentityOptions = OptionsOf<typeof identityOptions>;

/** `gain` on the diagonal, zeros elsewhere; for matrices. */
function identity(options: IdentityOptions = {}): Configured<Initializer> {
  const settings = identityOptions.read(options);
  const { gain } = settings;
  const initializer: Initializer = (shape) => {
    if (shape.length !== 2) throw new ShapeError(`initializers.identity: needs a matrix, got the shape ${formatShape(shape)}`);
    const data = allocate(shape);
    const step = stridesOf(shape)[0] + 1;
    for (let i = 0; i < Math.min(shape[0], shape[1]); i++) data[i * step] = gain;
    return make(shape, data);
  };
  return withConfig(initializer, identityOptions, settings);
}

/** Factories by name, with Keras's defaults: `initializers.heNormal({ seed: 1 })`. */
export const initializers = {
  zeros,
  ones,
  constant,
  randomNormal,
  randomUniform,
  truncatedNormal,
  varianceScaling,
  /** Normal values of variance 2 / (fanIn + fanOut), truncated. Glorot and Bengio, 2010. */
  glorotNormal: scaling('glorotNormal', { scale: 1, mode: 'fanAvg', distribution: 'truncatedNormal' }),
  /** Uniform values of variance 2 / (fanIn + fanOut). Glorot and Bengio, 2010. */
  glorotUniform: scaling('glorotUniform', { scale: 1, mode: 'fanAvg', distribution: 'uniform' }),
  /** Normal values of variance 2 / fanIn, truncated. He et al., 2015. */
  heNormal: scaling('heNormal', { scale: 2, mode: 'fanIn', distribution: 'truncatedNormal' }),
  /** Uniform values of variance 2 / fanIn. He et al., 2015. */
  heUniform: scaling('heUniform', { scale: 2, mode: 'fanIn', distribution: 'uniform' }),
  /** Normal values of variance 1 / fanIn, truncated. LeCun et al., 1998. */
  lecunNormal: scaling('lecunNormal', { scale: 1, mode: 'fanIn', distribution: 'truncatedNormal' }),
  /** Uniform values of variance 1 / fanIn. LeCun et al., 1998. */
  lecunUniform: scaling('lecunUniform', { scale: 1, mode: 'fanIn', distribution: 'uniform' }),
  orthogonal,
  identity,
};

export type InitializerName = keyof typeof initializers;

/** An initializer, by its name or as a function. Results of functions are checked. */
export const initializerKind: Kind<InitializerName | Initializer, Initializer> = /* @__PURE__ */ named<InitializerName, Initializer>({
  names: () => Object.keys(initializers) as InitializerName[],
  find: (name) => initializers[name](),
  check(given, at) {
    const checked: Initializer = (shape, random) => checkResult(at, given(shape, random), shape);
    return Object.defineProperty(checked, 'config', { get: () => given.config });
  },
});

function checkResult(at: string, result: unknown, shape: Shape): Tensor {
  if (result instanceof Tensor && result.dtype === 'f32' && sameShape(result.shape, shape) && result.value?.kind === 'host') return result;
  const got = result instanceof Tensor ? result.toString() : typeof result;
  throw new ArgumentError(
    `${at} gave ${got} for a parameter of shape ${formatShape(shape)}; it must return an f32 tensor of that shape made from values`,
  );
}
