// Transformations through compile on the GPU, against the CPU: one compiled function for each, trees in and trees out.
import { beforeAll, describe, expect, test } from 'vitest';
import { checkpoint, customGradient, grad, hessian, jacobian, jvp, valueAndGrad, vjp, vmap } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { Engine, compile, lastProgram, readAll, setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import {
  add,
  clip,
  conv2d,
  dropout,
  gather,
  logSoftmax,
  matmul,
  maxPool2d,
  mean,
  mul,
  neg,
  relu,
  setSeed,
  sin,
  softmax,
  square,
  sum,
  tanh,
  tensor,
} from '../../src/ops/index.ts';
import { CpuRuntime, interpret } from '../../src/runtime/cpu.ts';
import { noteError, noteGradients } from '../support/findings.ts';
import { values } from '../support/graphs.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});

const random = (shape: number[], seed: number): Tensor =>
  hostTensor(
    { shape, dtype: 'f32' },
    values(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
  );

/** Within 1e-4 of the largest value: these are gradients. */
function expectClose(what: string, gpu: HostArray, cpu: HostArray): void {
  expect(gpu.length).toBe(cpu.length);
  const largest = Math.max(0, ...Array.from(cpu, Math.abs));
  expect(largest).toBeGreaterThan(0);
  gpu.forEach((value: number, i: number) => {
    const error = Math.abs(value - cpu[i]);
    noteError('transformations', what, error, 1e-4 * largest);
    if (!(error <= 1e-4 * largest)) expect.fail(`element ${i}: ${value} instead of ${cpu[i]}`);
  });
  noteGradients(1);
}

const x = random([5, 6], 1);
const w = random([6, 4], 2);
const labels = tensor([1, 3, 0, 2, 2], [5], 'i32');
const loss = (v: Tensor, row: Tensor, label: Tensor): Tensor => neg(gather(logSoftmax(tanh(matmul(row, v))), label, { axis: -1 }));
const image = random([3, 2, 7, 6, 2], 3);
const filters = random([3, 3, 3, 2, 4], 4);
const block = (h: Tensor, v: Tensor): Tensor => tanh(add(matmul(relu(matmul(h, v)), v), mul(h, sin(h))));
const square6 = random([6, 6], 5);

const cases: [string, (...args: Tensor[]) => Tensor[], Tensor[]][] = [
  ['vjp', (a, b) => vjp((p: Tensor, q: Tensor) => softmax(matmul(p, q)), a, b)[1](matmul(a, b)), [x, w]],
  ['jvp', (a, b) => jvp((p: Tensor, q: Tensor) => softmax(matmul(p, q)), [a, b], [sin(a), square(b)]), [x, w]],
  ['jacobian', (a, b) => [jacobian((q: Tensor) => softmax(matmul(a, q)))(b)], [x, w]],
  ['hessian', (a, b) => [hessian((q: Tensor) => sum(mul(tanh(q), add(square(q), sum(a)))))(b)], [x, w]],
  ['a gradient for each example', (v, rows) => [vmap(grad(loss), [null, 0, 0])(v, rows, labels)], [w, x]],
  ['grad of vmap', (v, rows) => [grad((q: Tensor) => mean(vmap(loss, [null, 0, 0])(q, rows, labels)))(v)], [w, x]],
  [
    'convolutions with a filter for each row',
    (a, f) => {
      const one = (p: Tensor, q: Tensor): Tensor => sum(square(maxPool2d(conv2d(p, q, { padding: 'same' }))));
      return [vmap(grad(one, { argnums: 1 }))(a, f), vmap(grad(one), [0, null])(a, sum(f, { axis: 0 }))];
    },
    [image, filters],
  ],
  [
    'rows of tables by index',
    (t, u) => [
      vmap((p: Tensor, i: Tensor) => gather(square(p), i))(
        t,
        tensor(
          [
            [0, 2],
            [5, 5],
            [1, 0],
            [3, 3],
            [4, 2],
          ].flat(),
          [5, 2],
          'i32',
        ),
      ),
      u,
    ],
    [x, w],
  ],
  ['vmap of a checkpoint', (a, v) => [vmap(grad((h: Tensor) => sum(square(checkpoint(block)(h, v)))))(a)], [x, square6]],
  [
    'customGradient',
    (a) => {
      const clipped = customGradient((t: Tensor) => ({ value: sin(t), gradient: (g: Tensor) => clip(g, -0.5, 0.5) }));
      return [grad((t: Tensor) => sum(square(clipped(t))))(a), vmap(grad((t: Tensor) => sum(square(clipped(t)))))(a)];
    },
    [x],
  ],
];

describe('compiled', () => {
  test.each(cases)('%s', async (name, fn, args) => {
    const results = await compile(fn)(...args);
    const expected = interpret(fn(...args), { mode: 'f64' });
    for (let i = 0; i < results.length; i++) expectClose(name, await results[i].data(), expected[i]);
  });
});

// The bits differ: the recomputation runs in other kernels, in which a driver may round a * b + c once instead of twice. Another draw of
// the dropout would be off by tens of percent. The interpreter gives the same bits: test/unit/transforms.test.ts.
test('checkpoint takes less memory and gives the same gradient, dropout included', async () => {
  const layers = 5;
  const weights = Array.from({ length: layers }, (_, i) => random([16], i + 1));
  const input = random([512, 16], 9);
  const peaks: number[] = [];
  const results: HostArray[][] = [];
  const cpu = new Engine(new CpuRuntime());
  const noisy = (h: Tensor, v: Tensor): Tensor => dropout(softmax(tanh(mul(sin(h), v))), { rate: 0.25 });
  const run = async (use: typeof noisy, engine?: Engine): Promise<HostArray[]> => {
    setSeed(7);
    const loss = (data: Tensor) => (p: Tensor[]) => mean(square(p.reduce(use, data)));
    const step = compile((parameters: Tensor[], data: Tensor) => valueAndGrad(loss(data))(parameters), { engine });
    const [value, gradient] = await step(weights, input);
    return readAll([value, ...gradient], { engine });
  };
  for (const use of [noisy, checkpoint(noisy)]) {
    results.push(await run(use));
    peaks.push(lastProgram()!.peakBytes);
  }
  expect(peaks[1]).toBeLessThan(0.7 * peaks[0]);
  const expected = await run(noisy, cpu);
  for (const got of results) got.forEach((data, i) => expectClose('checkpoint', data, expected[i]));
});
