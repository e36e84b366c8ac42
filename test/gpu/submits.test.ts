// Steps cut into many submits, and dispatches cut into parts of their grids, give the bits of one submit.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { Shape } from '../../src/core/shape.ts';
import { type Engine, compile, readAll } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import {
  add,
  alias,
  argMax,
  cholesky,
  concat,
  conv2d,
  cumSum,
  depthwiseConv2d,
  fft,
  gather,
  layerNorm,
  matmul,
  maxPool2d,
  mul,
  pad,
  resize,
  scalar,
  scaledDotProductAttention,
  softmax,
  sort,
  square,
  sub,
  sum,
  tanh,
  transpose,
} from '../../src/ops/index.ts';
import { debug } from '../../src/runtime/debug.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { engineWith } from '../support/devices.ts';
import { values } from '../support/graphs.ts';
import { webgpuOnly } from '../support/planDevice.ts';
import { inputValues, isSmooth, largeInputTypes, outputsOf, recipe } from '../support/randomGraphs.ts';

interface Opened {
  readonly engine: Engine;
  readonly runtime: WebGpuRuntime;
}
let whole: Opened;
/** Submits of few operations. The second one has short rows of workgroups, so that grids have two dimensions. */
let cut: readonly Opened[];

beforeAll(async () => {
  whole = await engineWith({});
  debug.submitOperations = 20_000;
  cut = [await engineWith({}), await engineWith({ maxWorkgroupsPerDimension: 5 })];
  debug.submitOperations = undefined;
});
afterAll(() => [whole, ...cut].forEach(({ runtime }) => runtime.dispose()));

webgpuOnly('a run is no submit, and workgroups are split between threads');

let seed = 0;
const x = (...shape: number[]): Tensor =>
  alias(
    hostTensor(
      { shape, dtype: 'f32' },
      values(
        shape.reduce((a, b) => a * b, 1),
        ++seed,
      ),
    ),
  );
const places = (shape: Shape, limit: number): Tensor =>
  hostTensor(
    { shape, dtype: 'i32' },
    Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i * 7919) % limit),
  );
/** A function with the gradients of all its arguments. */
const withGradients = (fn: (...args: Tensor[]) => Tensor, ...args: Tensor[]): Tensor[] => {
  const y = fn(...args);
  return [y, ...gradients(sum(square(y)), args)];
};

const cases: Readonly<Record<string, () => readonly Tensor[]>> = {
  'products with an epilogue': () => withGradients((a, b, c) => tanh(add(matmul(a, b), c)), x(150, 70), x(70, 260), x(260)),
  'products of odd sizes': () => withGradients((a, b) => matmul(a, b), x(3, 67, 33), x(3, 33, 131)),
  'a product with a long k': () => [matmul(x(40, 5000), x(5000, 36))],
  'a convolution': () => withGradients((a, f) => conv2d(a, f, { strides: 2 }), x(3, 21, 21, 8), x(3, 3, 8, 20)),
  'a depthwise convolution': () => withGradients((a, f) => depthwiseConv2d(a, f), x(3, 30, 20, 6), x(3, 3, 6, 2)),
  pooling: () => withGradients((a) => maxPool2d(a), x(4, 30, 30, 8)),
  attention: () =>
    withGradients((q, k, v) => scaledDotProductAttention(q, k, v, { isCausal: true }), ...[1, 2, 3].map(() => x(1, 2, 140, 8))),
  'rows of one workgroup each': () => [...withGradients((a) => softmax(a), x(20, 300)), ...withGradients((a) => layerNorm(a), x(70, 40))],
  'sums along and over rows': () => [sum(x(900, 130), { axis: 0 }), sum(x(130, 900), { axis: 1 }), sum(x(700, 100)), argMax(x(300, 90))],
  'elementwise chains': () => [tanh(mul(x(300, 301), x(301))), sub(transpose(x(257, 300)), 1)],
  'large elementwise chains': () => [mul(tanh(x(400, 400)), x(400, 400))],
  'gather and scatter': () => [
    ...withGradients((a) => gather(a, places([90, 12], 50)), x(50, 36)),
    ...withGradients((a) => gather(a, places([3000], 50)), x(50, 8)),
  ],
  'copies that rearrange': () => [
    concat([x(70, 30), x(70, 50)], 1),
    pad(x(50, 60), [
      [2, 3],
      [1, 4],
    ]),
  ],
  'sort and scan': () => [sort(x(20, 700)), cumSum(x(90, 800), { axis: 1 })],
  'resampling and transforms': () => [resize(x(2, 20, 30, 4), { size: [41, 33], method: 'linear' }), fft(x(40, 128, 2))],
  factorizations: () => [
    cholesky(
      add(
        mul(x(80, 5, 5), 0.1),
        mul(
          4,
          hostTensor(
            { shape: [5, 5], dtype: 'f32' },
            Float32Array.from({ length: 25 }, (_, i) => +(i % 6 === 0)),
          ),
        ),
      ),
    ),
  ],
};

const bits = (data: ArrayLike<number>): Uint32Array => new Uint32Array(Float32Array.from(data).buffer);

async function expectEqualBits(make: () => readonly Tensor[], minSubmits = 2): Promise<void> {
  const first = seed;
  const expected = await readAll(make(), { engine: whole.engine });
  for (const { engine, runtime } of cut) {
    seed = first;
    const submits = vi.spyOn(runtime.context.device.queue, 'submit');
    const actual = await readAll(make(), { engine });
    const count = submits.mock.calls.length;
    submits.mockRestore();
    actual.forEach((data, i) => expect(bits(data), `output ${i}`).toEqual(bits(expected[i])));
    expect(count).toBeGreaterThan(minSubmits); // one is the readback
  }
}

/** Software adapters build kernels with barriers slowly, and each case builds its kernels for three devices. */
const timeout = 600_000;

test.each(Object.entries(cases))(
  '%s',
  async (_, make) => {
    await expectEqualBits(make);
  },
  timeout,
);

// The smooth makers have no half precision, which some adapters lack.
const recipes = fc
  .sample(recipe, { numRuns: 8, seed: 20261128 })
  .map((made) => ({ ...made, steps: made.steps.filter(([maker]) => isSmooth(maker)) }));

test.each(recipes.map((made, i) => [i + 1, made] as const))('random graph %i', async (_, made) => {
  const inputs = (): Tensor[] =>
    inputValues(largeInputTypes).map((data, i) => {
      const { shape, dtype = 'f32' } = largeInputTypes[i];
      return alias(typeof data === 'number' ? scalar(data) : hostTensor({ shape, dtype }, data));
    });
  await expectEqualBits(() => outputsOf(made, inputs()), 1); // some graphs have one short kernel
});

/** A least-squares step with donated weights. */
function step(w: Tensor, x: Tensor, y: Tensor): [Tensor, Tensor] {
  const loss = sum(square(sub(matmul(x, w), y)));
  const [gradient] = gradients(loss, [w]);
  return [sub(w, mul(gradient, 1e-5)), loss];
}

async function weightsAfter(engine: Engine, steps: number): Promise<Uint32Array> {
  const run = compile(step, { donate: [0], engine });
  seed = 1000;
  let w = x(30, 20);
  const [data, target] = [x(200, 30), x(200, 20)];
  for (let i = 0; i < steps; i++) [w] = await run(w, data, target);
  const [found] = await engine.read([w]);
  return bits(found);
}

test('steps with donated weights', { timeout }, async () => {
  const expected = await weightsAfter(whole.engine, 4);
  for (const { engine } of cut) expect(await weightsAfter(engine, 4)).toEqual(expected);
});

test('a step within the limit is one submit', async () => {
  const run = compile(step, { engine: whole.engine });
  const [w, data, target] = [x(30, 20), x(200, 30), x(200, 20)];
  await run(w, data, target);
  const submits = vi.spyOn(whole.runtime.context.device.queue, 'submit');
  await run(w, data, target);
  expect(submits).toHaveBeenCalledTimes(1);
  submits.mockRestore();
});

test('an error while a cut step is encoded submits nothing', async () => {
  const [{ engine, runtime }] = cut;
  const run = compile(step, { engine });
  const [w, data, target] = [x(30, 20), x(200, 30), x(200, 20)];
  await run(w, data, target);
  const { device } = runtime.context;
  const submits = vi.spyOn(device.queue, 'submit');
  const create = device.createCommandEncoder.bind(device);
  let made = 0;
  const encoders = vi.spyOn(device, 'createCommandEncoder').mockImplementation((descriptor) => {
    if (++made === 3) throw new Error('no encoder');
    return create(descriptor);
  });
  await expect(run(w, data, target)).rejects.toThrow('no encoder');
  encoders.mockRestore();
  expect(submits).not.toHaveBeenCalled();
  submits.mockRestore();
  expect(await run(w, data, target)).toHaveLength(2);
});

test('a profile counts each dispatch once, with the time of all its parts', async () => {
  for (const timestamps of [true, false]) {
    const counts = await Promise.all(
      [whole, cut[0]].map(async ({ engine }) => {
        const run = compile(step, { engine });
        const [w, data, target] = [x(30, 20), x(200, 30), x(200, 20)];
        await run(w, data, target);
        const { kernels } = await engine.profile(() => run(w, data, target), { timestamps });
        expect(kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBeGreaterThan(0);
        return kernels.reduce((sum, { count }) => sum + count, 0);
      }),
    );
    expect(counts[1]).toBe(counts[0]);
  }
});
