// Rows of Fourier transforms, their bad input, and signals of many lengths.
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { type ErrorRow, bad, input } from './errorRow.ts';
import { type OpRow, f, row } from './row.ts';

/** Sums of up to 143 numbers of size 2. */
const near = { gpu: { ulp: 0, absolute: 3e-5 } } as const;

export const fftRows: readonly OpRow[] = [
  ...[8, 1, 2, 3, 4, 15, 28].map((n) => row(n === 8 ? 'fft' : `fft ${n}`, [f([2, n, 2])], (x) => o.fft(x), near)),
  row('fft 143', [f([2, 143, 2])], (x) => o.fft(x), { ...near, gradient: 'none' }),
  row('fft axis', [f([6, 3, 2])], (x) => o.fft(x, { axis: 0 }), near),
  row('fft ortho', [f([2, 6, 2])], (x) => o.fft(x, { norm: 'ortho' }), near),
  row('fft forward', [f([2, 6, 2])], (x) => o.fft(x, { norm: 'forward' }), near),
  row('fft cut', [f([2, 6, 2])], (x) => o.fft(x, { n: 4 }), near),
  row('fft filled', [f([2, 3, 2])], (x) => o.fft(x, { n: 5 }), near),
  row('ifft', [f([2, 6, 2])], (x) => o.ifft(x), near),
  row('ifft axis ortho', [f([5, 3, 2])], (x) => o.ifft(x, { axis: 0, norm: 'ortho' }), near),
  row('ifft forward', [f([7, 2])], (x) => o.ifft(x, { norm: 'forward' }), near),
  row('rfft', [f([2, 6])], (x) => o.rfft(x), near),
  row('rfft odd', [f([3, 7])], (x) => o.rfft(x), near),
  row('rfft axis', [f([4, 3])], (x) => o.rfft(x, { axis: 0, norm: 'ortho' }), near),
  row('rfft filled', [f([2, 3])], (x) => o.rfft(x, { n: 8 }), near),
  row('irfft', [f([2, 4, 2])], (x) => o.irfft(x), near),
  row('irfft odd', [f([2, 4, 2])], (x) => o.irfft(x, { n: 7 }), near),
  row('irfft axis', [f([5, 3, 2])], (x) => o.irfft(x, { axis: 0, norm: 'forward' }), near),
  row('irfft filled', [f([3, 2])], (x) => o.irfft(x, { n: 10 }), near),
  row('irfft one', [f([3, 2])], (x) => o.irfft(x, { n: 1 }), near),
];

const x = input([2, 3]);
const pairs = input([4, 2]);

export const fftErrors: readonly ErrorRow[] = [
  ...(['fft', 'ifft', 'irfft'] as const).flatMap((op) => [
    bad(op, 'size', () => o[op](x), 'x is [2,3]; its last axis must hold (real, imaginary), stack them or use rfft'),
    bad(op, 'rank', () => o[op](input([])), 'x is []; its last axis must hold (real, imaginary)'),
    bad(op, 'axis', () => o[op](input([2])), 'axis -1 is outside a tensor of rank 0'),
    bad(op, 'empty', () => o[op](input([0, 2])), 'axis 0 of [0,2] makes a transform of no elements; check for empty input first'),
    bad(op, 'option', () => o[op](pairs, { norm: 'unitary' as never }), "norm is the text \"unitary\"; it must be 'backward', 'ortho' or 'forward'"), // prettier-ignore
    bad(op, 'option', () => o[op](pairs, { n: 0 }), 'n is the number 0; it must be a whole number from 1 on'),
  ]),
  bad('irfft', 'empty', () => o.irfft(input([1, 2])), 'axis 0 of [1,2] makes a transform of no elements'),
  bad('rfft', 'empty', () => o.rfft(input([3, 0])), 'axis 1 of [3,0] makes a transform of no elements; check for empty input first'),
  bad('rfft', 'option', () => o.rfft(x, { n: 2.5 }), 'n is the number 2.5; it must be a whole number from 1 on'),
];

/** Powers of two, products of small primes, and lengths with large prime factors, which Bluestein's algorithm takes. */
export const lengths = [16, 17, 34, 64, 97, 210, 243, 512, 1000, 1001, 1009, 1024];

/** A signal without symmetries, [2, n, 2] between -1 and 1. */
export function signalOf(n: number): Float32Array {
  return Float32Array.from({ length: 4 * n }, (_, i) => 2 * (((i + 1) * 0.6180339887498949 + ((i * i) % 17) / 17) % 1) - 1);
}

export const asTensor = (signal: Float32Array): Tensor => o.alias(hostTensor({ shape: [2, signal.length / 4, 2], dtype: 'f32' }, signal));

/** The sums of the definition, in f64. */
export function slowTransform(signal: ArrayLike<number>, n: number): Float64Array {
  const out = new Float64Array(4 * n);
  const roots = Array.from({ length: n }, (_, k) => [Math.cos((2 * Math.PI * k) / n), -Math.sin((2 * Math.PI * k) / n)]);
  for (let line = 0; line < 2; line++) {
    for (let k = 0; k < n; k++) {
      const at = 2 * (line * n + k);
      for (let j = 0; j < n; j++) {
        const [c, s] = roots[(j * k) % n];
        const [real, imaginary] = [signal[2 * (line * n + j)], signal[2 * (line * n + j) + 1]];
        out[at] += real * c - imaginary * s;
        out[at + 1] += real * s + imaginary * c;
      }
    }
  }
  return out;
}

/** The largest error, relative to the root of the mean square of the expected numbers. */
export function transformError(actual: ArrayLike<number>, expected: Float64Array): number {
  const size = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length);
  return expected.reduce((worst, value, i) => Math.max(worst, Number.isNaN(actual[i]) ? Infinity : Math.abs(value - actual[i])), 0) / size;
}
