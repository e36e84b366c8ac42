// Factorizations on the GPU at orders around those of workgroups, against the CPU in f64; many matrices at once.
import { beforeAll, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import { slice } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteError } from '../support/findings.ts';
import { matricesOf, ofMatrices, orders } from '../tables/linalg.ts';

const names = Object.keys(ofMatrices);
const built = orders.map((n) => names.map((name) => ofMatrices[name](matricesOf(3, n))));
// Before the evaluation, which makes leaves of them.
const wanted = built.map((tensors) => interpret(tensors, { mode: 'f64' }));
let found: HostArray[];

beforeAll(async () => {
  await setDevice('webgpu');
  found = await readAll(built.flat());
});

test.each(orders.map((n, i) => [n, i] as const))('order %i', (n, at) => {
  names.forEach((name, k) => {
    const [actual, expected] = [found[at * names.length + k], wanted[at][k]];
    expect(actual.length).toBe(expected.length);
    const largest = Math.max(...Array.from(expected, Math.abs));
    const worst = Math.max(...Array.from(expected, (value, i) => (Number.isNaN(actual[i]) ? Infinity : Math.abs(value - actual[i]))));
    const allowed = 1e-5 * Math.max(1, largest);
    noteError('linalg', `${name} of order ${n}`, worst, allowed);
    expect(worst, name).toBeLessThanOrEqual(allowed);
  });
});

test('a thousand matrices of order 64', async () => {
  const last = interpret([ofMatrices.inverse(slice(matricesOf(1000, 64), [997]))], { mode: 'f64' })[0];
  const [found] = await readAll([ofMatrices.inverse(matricesOf(1000, 64))]);
  const errors = Array.from(last, (value, i) => Math.abs(value - found[997 * 64 * 64 + i]));
  expect(Math.max(...errors)).toBeLessThanOrEqual(2e-5);
}, 60000);
