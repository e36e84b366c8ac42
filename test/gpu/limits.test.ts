// Elementwise ops on the GPU at special values, any angle, huge exponents and large quotients, against PyTorch; kernels with six calls of each function
// and a chain of 5,000 nodes, against the CPU. All are built here: what takes a driver minutes runs into the time limit.
import { beforeAll, describe, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { compile, readAll, setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { alias, cast, cos, tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteError, noteVectors } from '../support/findings.ts';
import { sixfold, sixfoldRows } from '../support/sixfold.ts';
import { complaintAbout, limitCases, tensorsOf } from '../tables/limits.ts';
import { valuesOf } from '../tables/row.ts';
import '../../src/ops/methods.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});

describe('at the limits', () => {
  let gpu: HostArray[];
  beforeAll(async () => {
    gpu = await readAll(limitCases.map((limit) => cast(limit.call(...tensorsOf(limit).map(alias)), 'f32')));
  });

  test.each(limitCases.map((limit, i) => [limit.name, limit, i] as const))('%s', (_, limit, i) => {
    expect(complaintAbout(limit, gpu[i], true)).toBeUndefined();
    noteVectors(1);
  });
});

describe('six calls in a kernel', () => {
  const results = sixfoldRows.map(([, row]) =>
    sixfold(
      row,
      row.inputs.map((spec, k) => alias(hostTensor({ shape: spec.shape, dtype: 'f32' }, valuesOf(spec, k, 'f32')))),
    ),
  );
  const expected = results.map((y) => interpret([y])[0]);
  let gpu: HostArray[];
  beforeAll(async () => {
    gpu = await readAll(results);
  });

  test.each(sixfoldRows.map(([name], i) => [name, i] as const))('%s', (name, i) => {
    const largest = Math.max(1, ...Array.from(expected[i], Math.abs).filter(Number.isFinite));
    expected[i].forEach((want: number, k: number) => {
      const error = Object.is(gpu[i][k], want) || gpu[i][k] === want ? 0 : Math.abs(gpu[i][k] - want);
      noteError('six calls', name, error, 1e-5 * largest);
      if (!(error <= 1e-5 * largest)) expect.fail(`element ${k}: ${gpu[i][k]} instead of ${want}`);
    });
  });
});

test('a chain of 5,000 nodes', async () => {
  const chain = compile((x: Tensor) => {
    let y = x;
    for (let i = 0; i < 2500; i++) y = cos(y).add(0.01);
    return y;
  });
  const start = [1, -0.3, 40];
  const want = start.map((x) => {
    let y = x;
    for (let i = 0; i < 2500; i++) y = Math.cos(y) + 0.01;
    return y;
  });
  const got = await (await chain(tensor(start))).data();
  want.forEach((y, i) => expect(Math.abs(got[i] - y)).toBeLessThan(1e-6));
});
