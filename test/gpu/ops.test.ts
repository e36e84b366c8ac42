// Every op of the tables on the GPU against the CPU in f64: values within the rows' bounds, gradients within 1e-4 of the largest one, and the
// special values that WGSL leaves open. Many rows are computed by one evaluation, so that their pipelines are built in parallel.
import { beforeAll, describe, expect, test } from 'vitest';
import { pullback } from '../../src/autodiff/index.ts';
import { type HostArray, isFloat } from '../../src/core/dtype.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { alias, cast, expandDims, tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import golden from '../golden/ops.json';
import { noteDifference, noteError, noteGradients, noteVectors } from '../support/findings.ts';
import { familyOf, goldenFamilyOf, opRows } from '../tables/index.ts';
import { type GpuBound, type OpRow, valuesOf } from '../tables/row.ts';
import { specialBinary, specialUnary } from '../tables/special.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});

/** The distance from one f32 to the next at x. */
const ulpAt = (x: number): number => 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(x)))) - 23);

function expectWithin(family: string, what: string, gpu: HostArray, cpu: HostArray, bound: GpuBound): void {
  expect(gpu.length).toBe(cpu.length);
  const { ulp, absolute = 0 } = bound === 'exact' ? { ulp: 0 } : bound;
  for (let i = 0; i < cpu.length; i++) {
    const want = Math.fround(cpu[i]);
    const error = Object.is(gpu[i], want) || gpu[i] === want ? 0 : Math.abs(gpu[i] - want);
    // Of infinity no distance is small: it is met or not.
    const allowed = Number.isFinite(want) ? Math.max(absolute, ulp * ulpAt(want)) : 0;
    noteError(family, what, error, allowed);
    if (!(error <= allowed)) expect.fail(`element ${i}: ${gpu[i]} instead of ${want}, ${error / ulpAt(want)} ULP apart`);
  }
}

/** Inputs on the host in f32, with an alias after each: host views would cut the path of the gradient. */
const inputsOf = (row: OpRow): Tensor[] =>
  row.inputs.map((spec, k) => alias(hostTensor({ shape: spec.shape, dtype: spec.dtype }, valuesOf(spec, k, 'f32'))));

/** A cotangent without symmetries that could hide an error. */
const cotangentOf = (y: Tensor): Tensor =>
  hostTensor({ shape: y.shape, dtype: 'f32' }, valuesOf({ shape: y.shape, low: 0.5, high: 1.5, dtype: 'f32' }, 5, 'f32'));

const batch = 24;
const batches = Array.from({ length: Math.ceil(opRows.length / batch) }, (_, i) => opRows.slice(i * batch, (i + 1) * batch));

describe.each(batches.map((rows, i) => [i, rows] as const))('rows, part %i', (_, rows) => {
  const values = rows.map((row) => row.call(...inputsOf(row)));
  const slopes = rows.map((row) => {
    if (row.gradient === 'none') return [];
    const inputs = inputsOf(row);
    const output = row.call(...inputs);
    return pullback(
      [output],
      [cotangentOf(output)],
      inputs.filter((x) => isFloat(x.dtype)),
    );
  });
  // Before the evaluation, which makes leaves of them.
  const cpuValues = interpret(values, { mode: 'f64' });
  const cpuSlopes = slopes.map((tensors) => interpret(tensors, { mode: 'f64' }));
  let gpuValues: HostArray[];
  let gpuSlopes: HostArray[];

  beforeAll(async () => {
    gpuValues = await readAll(values);
    gpuSlopes = await readAll(slopes.flat());
  });

  test.each(rows.map((row, i) => [row.name, row, i] as const))('%s', (name, row, i) => {
    const family = familyOf(row);
    expectWithin(family, name, gpuValues[i], cpuValues[i], row.gpu);
    noteDifference(goldenFamilyOf(row), name, gpuValues[i], cpuValues[i]);
    const start = slopes.slice(0, i).flat().length;
    cpuSlopes[i].forEach((cpu, k) => {
      const largest = Math.max(0, ...Array.from(cpu, Math.abs));
      expectWithin(family, `gradient of ${name}`, gpuSlopes[start + k], cpu, { ulp: 0, absolute: 1e-4 * largest });
    });
    noteGradients(cpuSlopes[i].length);
  });
});

describe('special values agree with PyTorch', () => {
  const special = tensor(golden.special.values.map(Number));
  const expected: Record<string, (number | string)[]> = golden.special.of;
  const results = new Map<string, Tensor>();
  for (const [name, call] of Object.entries(specialUnary)) results.set(name, cast(call(special), 'f32'));
  for (const [name, call] of Object.entries(specialBinary)) results.set(name, cast(call(expandDims(special, 1), special), 'f32'));
  let gpu: HostArray[];

  beforeAll(async () => {
    gpu = await readAll([...results.values()]);
  });

  test.each([...results.keys()].map((name, i) => [name, i] as const))('%s', (name, i) => {
    expected[name].map(Number).forEach((want, k) => {
      const actual = gpu[i][k];
      // GPUs may flush subnormal numbers to 0.
      const error = Object.is(actual, want) || actual === want ? 0 : Math.abs(actual - want);
      const allowed = Number.isFinite(want) ? Math.max(1.2e-38, 2e-6 * Math.abs(want)) : 0;
      noteError('special values', name, error, allowed);
      if (!(error <= allowed)) expect.fail(`element ${k}: ${actual} instead of ${want}`);
    });
    noteVectors(1);
  });
});
