// Random numbers of this device against those of the CPU: integers are the same, others to rounding; also under vmap, whose positions wrap around.
import { beforeAll, expect, test } from 'vitest';
import { vmap } from '../../src/autodiff/index.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteDifference, noteError } from '../support/findings.ts';

beforeAll(() => setDevice('webgpu'));

const { random } = o;
const n = 4001;
/** From 0.01 to 1e4. */
const concentrations = (count = n): Tensor => o.tensor(Array.from({ length: count }, (_, i) => 10 ** ((6 * i) / count - 2)));
const logits = (): Tensor =>
  o.tensor(
    Array.from({ length: 4000 }, (_, i) => (i * 0.61803) % 7),
    [400, 10],
  );

const cases: Readonly<Record<string, () => Tensor>> = {
  exponential: () => random.exponential([n], { scale: 3, seed: 21 }),
  gumbel: () => random.gumbel([n], { seed: 21 }),
  gamma: () => random.gamma([n], { concentration: concentrations(), scale: 2, seed: 21 }),
  beta: () => random.beta([n], { alpha: concentrations(), beta: 3, seed: 21 }),
  'categorical rows': () => random.categorical(logits(), { seed: 21 }),
  'categorical samples': () => random.categorical(logits(), { axis: 0, numSamples: 300, seed: 21 }),
  randint: () => random.randint([n], { min: -5, max: 1e9, seed: 21 }),
  'randint wide': () => random.randint([n], { min: -(2 ** 31), max: 2 ** 31 - 1, seed: 21 }),
  'vmap of gamma': () => vmap((a: Tensor) => random.gamma([7], { concentration: a, seed: 21 }))(concentrations(300)),
  'vmap of categorical': () => vmap((row: Tensor) => random.categorical(row, { numSamples: 5, seed: 21 }))(logits()),
  'no elements': () => random.gamma([0, 3], { concentration: 0.5, seed: 21 }),
};

test.each(Object.entries(cases))('%s', async (name, make) => {
  const y = make();
  const [expected] = interpret([make()]);
  const [actual] = await readAll([y]);
  expect(actual).toHaveLength(expected.length);
  // A number of a small concentration is exp(log(u) / concentration). WGSL allows 2.5 units of rounding for the division, 3 for the logarithm;
  // exp turns the absolute error of its argument into a relative one.
  const isExact = y.dtype === 'i32';
  const absolute = name === 'gumbel' ? 1e-6 : 1e-37;
  noteDifference('random', name, actual, expected);
  expected.forEach((value: number, i: number) => {
    const error = Math.abs(actual[i] - value);
    const relative = 4e-6 + 5.5 * 2 ** -24 * Math.abs(Math.log(Math.abs(value) || 1));
    const allowed = isExact ? 0 : relative * Math.abs(value) + absolute;
    noteError('random', name, error, allowed);
    if (!(error <= allowed)) expect.fail(`element ${i}: ${actual[i]} instead of ${value}`);
  });
});
