// Initial weights. They are drawn on the host from a counter-based stream, so that one seed gives the same weights on every device.
import { ArgumentError, ShapeError, checkOptions } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { type Shape, formatShape, sameShape, sizeOf, stridesOf } from '../core/shape.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';

/** Makes the first value of a parameter; draws from `random`, or from its own seed where it was given one. */
export type Initializer = (shape: Shape, random: RandomStream) => Tensor;

export interface SeedOption {
  /** Makes the values independent of setSeed() and of the order of construction: the same at every call. */
  seed?: number;
}

/** One number from the stream. */
type Draw = (random: RandomStream) => number;

const make = (shape: Shape, data: Float32Array): Tensor => hostTensor({ shape, dtype: 'f32' }, data);

function fill(shape: Shape, random: RandomStream, seed: number | undefined, draw: Draw): Tensor {
  const stream = seed === undefined ? random : RandomStream.fromSeed(seed);
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = draw(stream);
  return make(shape, data);
}

/** A standard normal, drawn again while it lies beyond two standard deviations, as Keras and TensorFlow truncate. */
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

const zeros = (options: object = {}): Initializer => {
  checkOptions('initializers.zeros', options, []);
  return (shape) => make(shape, new Float32Array(sizeOf(shape)));
};

const ones = (options: object = {}): Initializer => {
  checkOptions('initializers.ones', options, []);
  return (shape) => make(shape, new Float32Array(sizeOf(shape)).fill(1));
};

const constant = (options: { value?: number } = {}): Initializer => {
  checkOptions('initializers.constant', options, ['value']);
  const { value = 0 } = options;
  return (shape) => make(shape, new Float32Array(sizeOf(shape)).fill(value));
};

export interface NormalOptions extends SeedOption {
  mean?: number;
  stddev?: number;
}

const randomNormal = (options: NormalOptions = {}): Initializer => {
  checkOptions('initializers.randomNormal', options, ['mean', 'stddev', 'seed']);
  const { mean = 0, stddev = 0.05, seed } = options;
  return (shape, random) => fill(shape, random, seed, (stream) => mean + stddev * stream.normal());
};

const truncatedNormal = (options: NormalOptions = {}): Initializer => {
  checkOptions('initializers.truncatedNormal', options, ['mean', 'stddev', 'seed']);
  const { mean = 0, stddev = 0.05, seed } = options;
  return (shape, random) => fill(shape, random, seed, (stream) => mean + stddev * truncated(stream));
};

export interface UniformOptions extends SeedOption {
  minval?: number;
  maxval?: number;
}

const randomUniform = (options: UniformOptions = {}): Initializer => {
  checkOptions('initializers.randomUniform', options, ['minval', 'maxval', 'seed']);
  const { minval = -0.05, maxval = 0.05, seed } = options;
  return (shape, random) => fill(shape, random, seed, (stream) => minval + (maxval - minval) * stream.uniform());
};

export interface VarianceScalingOptions extends SeedOption {
  scale?: number;
  mode?: 'fanIn' | 'fanOut' | 'fanAvg';
  distribution?: 'truncatedNormal' | 'untruncatedNormal' | 'uniform';
}

/** What truncation at two standard deviations leaves of the standard deviation; divided out, so that the variance is the one asked for. */
const truncatedStddev = 0.8796256610342398;

const distributions: Record<NonNullable<VarianceScalingOptions['distribution']>, (variance: number) => Draw> = {
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

/**
 * Values of variance scale / n, where n is the fan-in, the fan-out or their mean: signals keep their size from layer to layer.
 * @throws ArgumentError for a scale that is not positive, an unknown mode or distribution.
 */
const varianceScaling = (options: VarianceScalingOptions = {}): Initializer => {
  const where = 'initializers.varianceScaling';
  checkOptions(where, options, ['scale', 'mode', 'distribution', 'seed']);
  const { scale = 1, mode = 'fanIn', distribution = 'truncatedNormal', seed } = options;
  if (!(scale > 0)) throw new ArgumentError(`${where}: scale is ${scale}; it must be positive`);
  if (!['fanIn', 'fanOut', 'fanAvg'].includes(mode)) {
    throw new ArgumentError(`${where}: unknown mode '${mode}'; it is fanIn, fanOut or fanAvg`);
  }
  if (!Object.hasOwn(distributions, distribution)) {
    throw new ArgumentError(`${where}: unknown distribution '${distribution}'; it is ${Object.keys(distributions).join(', ')}`);
  }
  return (shape, random) => {
    const { fanIn, fanOut } = fansOf(shape);
    const n = mode === 'fanIn' ? fanIn : mode === 'fanOut' ? fanOut : (fanIn + fanOut) / 2;
    return fill(shape, random, seed, distributions[distribution](scale / Math.max(1, n)));
  };
};

/** The named forms of varianceScaling: they differ in scale, mode and distribution only. */
const scaling =
  (name: string, fixed: VarianceScalingOptions) =>
  (options: SeedOption = {}): Initializer => {
    checkOptions(`initializers.${name}`, options, ['seed']);
    return varianceScaling({ ...fixed, ...options });
  };

function matrixOnly(name: string, shape: Shape): void {
  if (shape.length >= 2) return;
  throw new ShapeError(
    `initializers.${name}: needs a shape of rank 2 or more, got ${formatShape(shape)}; choose another initializer for vectors`,
  );
}

/**
 * A matrix [product of the leading sizes, last size] with orthonormal columns (rows where there are fewer rows), times `gain`.
 * Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2014.
 */
const orthogonal = (options: { gain?: number } & SeedOption = {}): Initializer => {
  checkOptions('initializers.orthogonal', options, ['gain', 'seed']);
  const { gain = 1, seed } = options;
  return (shape, random) => {
    matrixOnly('orthogonal', shape);
    const stream = seed === undefined ? random : RandomStream.fromSeed(seed);
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
};

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

/** `gain` on the diagonal, zeros elsewhere; for matrices. */
const identity = (options: { gain?: number } = {}): Initializer => {
  checkOptions('initializers.identity', options, ['gain']);
  const { gain = 1 } = options;
  return (shape) => {
    if (shape.length !== 2) throw new ShapeError(`initializers.identity: needs a matrix, got the shape ${formatShape(shape)}`);
    const data = new Float32Array(sizeOf(shape));
    const step = stridesOf(shape)[0] + 1;
    for (let i = 0; i < Math.min(shape[0], shape[1]); i++) data[i * step] = gain;
    return make(shape, data);
  };
};

/** Factories by name, with Keras's defaults: `initializers.heNormal({ seed: 1 })`. */
export const initializers = {
  zeros,
  ones,
  constant,
  randomNormal,
  randomUniform,
  truncatedNormal,
  varianceScaling,
  glorotNormal: scaling('glorotNormal', { scale: 1, mode: 'fanAvg', distribution: 'truncatedNormal' }),
  glorotUniform: scaling('glorotUniform', { scale: 1, mode: 'fanAvg', distribution: 'uniform' }),
  heNormal: scaling('heNormal', { scale: 2, mode: 'fanIn', distribution: 'truncatedNormal' }),
  heUniform: scaling('heUniform', { scale: 2, mode: 'fanIn', distribution: 'uniform' }),
  lecunNormal: scaling('lecunNormal', { scale: 1, mode: 'fanIn', distribution: 'truncatedNormal' }),
  lecunUniform: scaling('lecunUniform', { scale: 1, mode: 'fanIn', distribution: 'uniform' }),
  orthogonal,
  identity,
};

export type InitializerName = keyof typeof initializers;

/** An initializer from what a layer's option holds: a name, or a function such as `initializers.heNormal()` gives, whose results are checked. */
export function resolveInitializer(where: string, value: InitializerName | Initializer): Initializer {
  if (typeof value === 'function') return (shape, random) => checkResult(where, value(shape, random), shape);
  if (!Object.hasOwn(initializers, value)) {
    throw new ArgumentError(
      `${where}: unknown initializer '${String(value)}'; it is one of ${Object.keys(initializers).join(', ')}, or a function`,
    );
  }
  return initializers[value]();
}

function checkResult(where: string, result: unknown, shape: Shape): Tensor {
  if (result instanceof Tensor && result.dtype === 'f32' && sameShape(result.shape, shape) && result.value?.kind === 'host') return result;
  const got = result instanceof Tensor ? result.toString() : typeof result;
  throw new ArgumentError(
    `${where}: the initializer gave ${got} for a parameter of shape ${formatShape(shape)}; it must return an f32 tensor of that shape made from values`,
  );
}
