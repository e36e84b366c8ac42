// Fourier transforms of many lengths on the CPU against the sums of the definition, and Bluestein's gradient and batching.
import { expect, test } from 'vitest';
import { gradients, vmap } from '../../src/autodiff/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { asTensor, lengths, signalOf, slowTransform, transformError } from '../tables/fft.ts';

test.each(lengths)('length %i', (n) => {
  const signal = signalOf(n);
  const [ahead, back] = interpret([o.fft(asTensor(signal)), o.ifft(o.fft(asTensor(signal)))]);
  expect(transformError(ahead, slowTransform(signal, n))).toBeLessThanOrEqual(1e-6);
  expect(transformError(back, Float64Array.from(signal))).toBeLessThanOrEqual(1e-6);
});

test.each([17, 24])('the gradient at length %i is the transform in the other direction', (n) => {
  const [x, g] = [asTensor(signalOf(n)), o.alias(o.flip(asTensor(signalOf(n)), [0, 1]))];
  const [slope] = gradients(o.sum(o.mul(o.fft(x), g)), [x]);
  const [actual, expected] = interpret([slope, o.ifft(g, { norm: 'forward' })], { mode: 'f64' });
  expect(transformError(actual, Float64Array.from(expected))).toBeLessThanOrEqual(1e-6);
});

test('vmap of a length with a large prime factor is the transform of all rows', () => {
  const x = asTensor(signalOf(19));
  const [mapped, whole] = interpret([vmap((row: Tensor) => o.fft(row))(x), o.fft(x)]);
  expect(Array.from(mapped)).toEqual(Array.from(whole));
});

test('real transforms of a prime length come back', () => {
  const x = o.slice(asTensor(signalOf(101)), [0, 0, 0], [undefined, undefined, 1]);
  const line = o.squeeze(x, -1);
  const [back, given] = interpret([o.irfft(o.rfft(line), { n: 101 }), line]);
  expect(transformError(back, Float64Array.from(given))).toBeLessThanOrEqual(1e-6);
});
