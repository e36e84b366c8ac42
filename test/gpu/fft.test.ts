// Fourier transforms of many lengths on the GPU against the sums of the definition.
import { beforeAll, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import * as o from '../../src/ops/index.ts';
import { noteError } from '../support/findings.ts';
import { asTensor, lengths, signalOf, slowTransform, transformError } from '../tables/fft.ts';

let ahead: HostArray[];
let back: HostArray[];

beforeAll(async () => {
  await setDevice('webgpu');
  const signals = lengths.map((n) => asTensor(signalOf(n)));
  ahead = await readAll(signals.map((x) => o.fft(x)));
  back = await readAll(signals.map((x) => o.ifft(o.fft(x))));
});

test.each(lengths.map((n, i) => [n, i] as const))('length %i', (n, i) => {
  const signal = signalOf(n);
  const errors = [transformError(ahead[i], slowTransform(signal, n)), transformError(back[i], Float64Array.from(signal))];
  noteError('fft', `length ${n}`, Math.max(...errors), 2e-6);
  expect(Math.max(...errors)).toBeLessThanOrEqual(2e-6);
});

test('along an inner axis, with a scale fused after it', async () => {
  const x = asTensor(signalOf(120));
  const turned = o.transpose(x, [1, 0, 2]);
  const [actual, expected] = await readAll([o.transpose(o.fft(turned, { axis: 0, norm: 'ortho' }), [1, 0, 2]), o.fft(x)]);
  const scaled = Float64Array.from(expected, (value) => value / Math.sqrt(120));
  expect(transformError(actual, scaled)).toBeLessThanOrEqual(1e-6);
});
