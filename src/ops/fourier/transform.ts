// The discrete Fourier transform of any length along an axis, without a factor 1 / n. Lengths with prime factors up to 13 use one
// primitive. Others use Bluestein's algorithm: a convolution, computed by transforms of power-of-two length.
import { sizeOf } from '../../core/shape.ts';
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply, hostTensor } from '../../graph/tensor.ts';
import { add, mul } from '../elementwise/arithmetic.ts';
import { shiftAxis } from '../batching/batching.ts';
import { concat } from '../shape/concat.ts';
import { zeros } from '../create/create.ts';
import { reshape } from '../shape/shape.ts';
import { flip, sliceAxis } from '../shape/slice.ts';
import { planTransform } from './plan.ts';
import { factorsOf, transform } from './reference.ts';

interface TransformAttributes {
  readonly axis: number;
  readonly inverse: boolean;
}

const geometryOf = (shape: readonly number[], axis: number) => ({
  outer: sizeOf(shape.slice(0, axis)),
  n: shape[axis],
  inner: sizeOf(shape.slice(axis + 1, -1)),
});

/** x f32 [..P, n, ..Q, 2] -> [..P, n, ..Q, 2] */
const transformOp: OpDefinition<TransformAttributes> = defineOp<TransformAttributes>({
  name: 'fourierTransform',
  infer: ([{ shape }]) => [{ shape, dtype: 'f32' }],
  batch: shiftAxis,
  // y = F x with a symmetric F:  dx is the conjugate F times dy, the transform in the other direction
  vjp: ({ cotangents: [g], attributes }) => [g && apply(transformOp, [g], { ...attributes, inverse: !attributes.inverse })],
  reference: ({ inputs: [x], attributes: { axis, inverse }, allocate }) => {
    const out = allocate('f32', x.data.length);
    out.set(transform(x.data, geometryOf(x.shape, axis), inverse));
    return [out];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x], attributes: { axis, inverse }, target }) => planTransform(geometryOf(x.shape, axis), inverse, target),
  },
});

/** Appends zeros to x along an axis. On CPU-implemented devices concat is many times as fast as pad. */
export const lengthened = (x: Tensor, axis: number, n: number): Tensor =>
  concat(
    [
      x,
      zeros(
        x.shape.map((size, i) => (i === axis ? n - size : size)),
        x.dtype,
      ),
    ],
    axis,
  );

/**
 * A table of complex numbers [n], as two tensors [n, 2]. A complex product with a is the sum of their products with a and with a's swapped
 * parts.
 */
interface Factors {
  readonly real: Tensor;
  readonly imaginary: Tensor;
}

function factorsFrom(table: Float64Array): Factors {
  const shape = [table.length / 2, 2];
  const made = (value: (i: number) => number): Tensor =>
    hostTensor(
      { shape, dtype: 'f32' },
      Float32Array.from(table, (_, i) => value(i)),
    );
  return {
    real: made((i) => table[i - (i % 2)]),
    imaginary: made((i) => (i % 2 ? table[i] : -table[i + 1])),
  };
}

/** x [..P, n, ..Q, 2] times one complex number per position along the axis. */
function times(x: Tensor, { real, imaginary }: Factors, axis: number): Tensor {
  const shape = x.shape.map((n, i) => (i === axis || i === x.rank - 1 ? n : 1));
  return add(mul(x, reshape(real, shape)), mul(flip(x, -1), reshape(imaginary, shape)));
}

interface Chirps {
  /** Length of the convolution: a power of two. */
  readonly long: number;
  /** e^(∓πi k²/n) for k = 0 … n - 1. */
  readonly chirp: Factors;
  /** Transform of the conjugate chirp, ordered for a cyclic convolution, divided by its length. */
  readonly spectrum: Factors;
}

/** Cache of the tables of recent lengths. Each table costs a transform on the host. */
const chirps = new Map<string, Chirps>();
const maxChirps = 8;

function chirpsOf(n: number, inverse: boolean): Chirps {
  const key = `${n} ${inverse}`;
  const known = chirps.get(key);
  if (known) return known;
  const long = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const chirp = new Float64Array(2 * n);
  const cyclic = new Float64Array(2 * long);
  const direction = inverse ? 1 : -1;
  for (let k = 0; k < n; k++) {
    // k² modulo 2n in integers keeps the angle's rounding error negligible. k² is exact below 2^26.
    const angle = (Math.PI * ((k * k) % (2 * n))) / n;
    const [c, s] = [Math.cos(angle), direction * Math.sin(angle)];
    chirp.set([c, s], 2 * k);
    for (const at of k === 0 ? [0] : [k, long - k]) cyclic.set([c, -s], 2 * at);
  }
  const spectrum = transform(cyclic, { outer: 1, n: long, inner: 1 }, false).map((value) => value / long);
  if (chirps.size >= maxChirps) chirps.delete([...chirps.keys()][0]);
  const made = { long, chirp: factorsFrom(chirp), spectrum: factorsFrom(spectrum) };
  chirps.set(key, made);
  return made;
}

/** Σ x[j] e^(∓2πi jk/n) for x f32 [..P, n, ..Q, 2] along an axis; `inverse` has the plus. */
export function fourier(x: Tensor, axis: number, inverse: boolean): Tensor {
  const n = x.shape[axis];
  if (n <= 1) return x;
  if (factorsOf(n)) return apply(transformOp, [x], { axis, inverse });
  // jk = (j² + k² - (k - j)²) / 2: a convolution with the chirp (L. Bluestein, "A linear filtering approach to the computation of discrete Fourier
  // transform", 1970)
  const { long, chirp, spectrum } = chirpsOf(n, inverse);
  const ahead = apply(transformOp, [lengthened(times(x, chirp, axis), axis, long)], { axis, inverse: false });
  const back = apply(transformOp, [times(ahead, spectrum, axis)], { axis, inverse: true });
  return times(sliceAxis(back, axis, 0, n), chirp, axis);
}
