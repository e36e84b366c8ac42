// Kernels under vmap on the GPU, against the CPU in f64: values, and a gradient for each row. test/unit/vmapOps.test.ts compares every op with
// the loop that vmap replaces; here it is the shapes that the rules make which the kernels have to bear.
import { beforeAll, expect, test } from 'vitest';
import { grad, vmap } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { type InputSpec, f, valuesOf, w } from '../tables/row.ts';

type Case = readonly [name: string, inputs: readonly InputSpec[], fn: (...inputs: Tensor[]) => Tensor];

const rows = 3;
const long = f([1, 1, 520, 4]);
const cases: readonly Case[] = [
  ['conv1d', [f([2, 9, 4]), f([3, 2, 6])], (x, k) => o.conv1d(x, k, { groups: 2 })],
  ['conv3d', [f([1, 4, 5, 4, 2]), f([2, 2, 3, 2, 3])], (x, k) => o.conv3d(x, k, { padding: 'same', strides: [1, 2, 1] })],
  ['depthwiseConv2d', [f([2, 6, 5, 3]), f([3, 2, 3, 2])], (x, k) => o.depthwiseConv2d(x, k, { padding: 'same' })],
  ['conv2dTranspose', [f([1, 4, 3, 2]), f([3, 3, 5, 2])], (x, k) => o.conv2dTranspose(x, k, { strides: 2 })],
  ['avgPool2d', [f([2, 7, 5, 3])], (x) => o.avgPool2d(x, { poolSize: 3, strides: 2, padding: 'same' })],
  ['maxPool3d', [f([1, 4, 5, 4, 2])], (x) => o.maxPool3d(x, { padding: 'same' })],
  ['cumSum', [f([4, 37])], (x) => o.cumSum(x, { axis: 1, exclusive: true })],
  ['cumProd', [f([5, 4], 0.5, 1.5)], (x) => o.cumProd(x, { axis: 0 })],
  ['sort', [f([4, 9])], (x) => o.sort(x, { axis: 0, descending: true })],
  ['topK', [f([3, 11])], (x) => o.topK(x, 4)[0]],
  ['takeAlongAxis', [f([5, 4]), w([7, 4], 0, 5)], (x, i) => o.takeAlongAxis(x, i, { axis: 0 })],
  ['attention', [long, long, long], (q, k, v) => o.scaledDotProductAttention(q, k, v, { isCausal: true })],
];

const inputsOf = (specs: readonly InputSpec[]): Tensor[] =>
  specs.map((spec, k) => {
    const shape = [rows, ...spec.shape];
    return o.alias(hostTensor({ shape, dtype: spec.dtype }, valuesOf({ ...spec, shape }, k, 'f32')));
  });

const results = cases.map(([, specs, fn]) => {
  const floats = specs.flatMap(({ dtype }, i) => (dtype === 'f32' ? [i] : []));
  const slopes = grad((...t: Tensor[]) => o.sum(o.sin(fn(...t))), { argnums: floats });
  return [vmap(fn)(...inputsOf(specs)), ...vmap((...t: Tensor[]) => slopes(...t))(...inputsOf(specs))];
});
// Before the evaluation, which makes leaves of them.
const expected = results.map((tensors) => interpret(tensors, { mode: 'f64' }));
let found: HostArray[];

beforeAll(async () => {
  await setDevice('webgpu');
  found = await readAll(results.flat());
});

test.each(cases.map(([name], i) => [name, i] as const))('%s', (_, at) => {
  const start = results.slice(0, at).flat().length;
  expected[at].forEach((wanted, k) => {
    const actual = found[start + k];
    expect(actual.length).toBe(wanted.length);
    const largest = Math.max(0, ...Array.from(wanted, Math.abs));
    expect(largest).toBeGreaterThan(0);
    const errors = Array.from(wanted, (value, i) => Math.abs(value - actual[i]));
    expect(Math.max(0, ...errors)).toBeLessThanOrEqual(1e-4 * largest);
  });
});
