// Memory that is known before the first step, and programs that are refused because of it. A refusal takes no memory.
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { valueAndGrad } from '../../src/autodiff/index.ts';
import { compile, engineFor, lastProgram, memory, setDevice, trace } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { layers } from '../../src/nn/index.ts';
import { matmul, mean, mul, ones, relu, square, sub, sum, tensor } from '../../src/ops/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';
import { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import '../../src/train/names.ts';
import { quiet } from '../support/models.ts';
import { isWasm } from '../support/planDevice.ts';

/** Begins the messages of refusals. */
const name = isWasm ? 'wasm' : 'webgpu';

beforeEach(() => setDevice('webgpu'));
afterAll(() => setDevice('webgpu'));

const filled = (...shape: number[]): Tensor => tensor(new Float32Array(shape.reduce((a, b) => a * b)).fill(0.01), shape);

const train = (p: { w: Tensor; v: Tensor }, x: Tensor): [{ w: Tensor; v: Tensor }, Tensor] => {
  const [loss, g] = valueAndGrad((p: { w: Tensor; v: Tensor }) => mean(square(matmul(relu(matmul(x, p.w)), p.v))))(p);
  return [{ w: sub(p.w, mul(g.w, 0.1)), v: sub(p.v, mul(g.v, 0.1)) }, loss];
};

/** Nothing was sent to the device, and no memory taken there. */
async function expectUntouched<T>(run: () => Promise<T>): Promise<T> {
  const { runtime } = await engineFor('webgpu');
  const { bytes, buffers } = memory();
  const { compilations } = runtime;
  if (!(runtime instanceof WebGpuRuntime)) {
    const result = await run();
    expect(runtime.compilations).toBe(compilations);
    expect(memory()).toMatchObject({ bytes, buffers });
    return result;
  }
  const submit = vi.spyOn(runtime.context.device.queue, 'submit');
  const build = vi.spyOn(runtime.context.device, 'createComputePipelineAsync');
  try {
    return await run();
  } finally {
    expect([submit.mock.calls.length, build.mock.calls.length]).toEqual([0, 0]);
    expect(memory()).toMatchObject({ bytes, buffers });
    submit.mockRestore();
    build.mockRestore();
  }
}

test('a compiled function reports its memory before its first call, which then compiles nothing again', async () => {
  const step = compile(train, { donate: [0] });
  const p = { w: filled(300, 40), v: filled(40, 7) };
  const x = filled(64, 300);
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  trace('kernels');
  const plan = await expectUntouched(() => step.plan(p, x));
  await step(p, x);
  trace('off');
  expect(log.mock.calls.filter(([text]) => String(text).startsWith('--- train: kernels'))).toHaveLength(1);
  log.mockRestore();

  const program = lastProgram()!;
  expect(plan.refusal).toBe(undefined);
  expect(plan.peakBytes).toBe(program.peakBytes);
  expect(plan.scratchBytes).toBe(program.arenas.reduce((a, b) => a + b, 0));
  expect(plan.argumentBytes).toBe(4 * (300 * 40 + 40 * 7 + 64 * 300));
  expect(plan.resultBytes).toBe(4); // the loss: the parameters take the place of the old ones
  expect(plan.argumentBytes + plan.resultBytes + plan.scratchBytes).toBe(plan.peakBytes);
  expect(plan.largest[0]).toEqual({ name: 'argument [1]', shape: [64, 300], dtype: 'f32', bytes: 76_800 });
  expect(plan.largest[1]).toEqual({ name: 'argument [0].w', shape: [300, 40], dtype: 'f32', bytes: 48_000 });
  // On WebAssembly the third one is the right factor in panels.
  expect(plan.largest[2].bytes).toBe(4 * (isWasm ? 300 * 40 : 64 * 40));
  expect(plan.largest[2].name).toContain('matmul');
});

test('a program beyond maxBytes is refused before anything happened, with its largest tensors; a larger limit lets it run', async () => {
  const double = compile((w: Tensor) => [mul(w, 2), sum(w)], { donate: [0], name: 'double' });
  const w = filled(1000);
  await setDevice('webgpu', { maxBytes: 4003 });
  const { peakBytes } = await double.plan(w);
  await expectUntouched(() =>
    expect(double(w)).rejects.toThrow(
      `${name}: double takes ${peakBytes} bytes at its peak, but maxBytes allows 4003; use a smaller batch or model, or a larger maxBytes (the whole would take ${peakBytes} bytes; its largest tensors: argument [0] f32[1000] (4000 bytes), `,
    ),
  );
  expect((await w.data())[999]).toBeCloseTo(0.01); // it was not taken over
  await setDevice('webgpu', { maxBytes: peakBytes });
  const [doubled] = await double(w);
  expect((await doubled.data())[999]).toBeCloseTo(0.02);
});

const classifier = (): Model => {
  const model = sequential([layers.dense({ units: 50, activation: 'relu', inputShape: [30] }), layers.dense({ units: 3 })]);
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError', seed: 1 });
  return model;
};

test('a model reports the memory that fit will take', async () => {
  const model = classifier();
  const x = ones([90, 30]);
  const y = ones([90, 3]);
  const plan = await model.memoryPlan(x, y, { batchSize: 45 });
  expect(plan.largest.map(({ name }) => name)).toContain('argument [0].trainable.dense_1.kernel');
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  trace('kernels');
  await model.fit(x, y, { ...quiet, batchSize: 45 });
  trace('off');
  const told = log.mock.calls.map(([text]) => String(text)).filter((text) => text.startsWith('--- trainStep: kernels'));
  log.mockRestore();
  // Planned again with the weights on the device, compiled never again: the plan's program is the one that runs.
  expect(told).toEqual([]);
  const larger = await model.memoryPlan(x, y, { batchSize: 90 });
  expect(larger.peakBytes).toBeGreaterThan(plan.peakBytes + 45 * (30 + 50 + 3) * 4);
});

test('a batch beyond the limit is refused with the largest one that fits, which then trains', async () => {
  const x = ones([90, 30]);
  const y = ones([90, 3]);
  const model = classifier();
  const { peakBytes: limit } = await model.memoryPlan(x, y, { batchSize: 37 });
  const { peakBytes } = await model.memoryPlan(x, y, { batchSize: 90 });
  await setDevice('webgpu', { maxBytes: limit });
  expect((await model.memoryPlan(x, y, { batchSize: 90 })).refusal).toContain(`takes ${peakBytes} bytes at its peak`);
  const before = await (await model.getWeights())[0].data();
  const error = await model.fit(x, y, { ...quiet, batchSize: 90 }).then(
    () => undefined,
    ({ message }: Error) => message,
  );
  expect(error).toMatch(`${name}: trainStep takes ${peakBytes} bytes at its peak, but maxBytes allows ${limit}`);
  const fitting = Number(/; the largest batch that fits is (\d+)$/.exec(error!)![1]);
  // Memory is allocated in units of 256 bytes.
  expect(fitting).toBeGreaterThanOrEqual(37);
  expect((await model.memoryPlan(x, y, { batchSize: fitting + 1 })).refusal).toBeDefined();
  expect(await (await model.getWeights())[0].data()).toEqual(before);
  const { history } = await model.fit(x, y, { ...quiet, batchSize: fitting });
  expect(history.loss[0]).toBeGreaterThan(0);
  await setDevice('webgpu', { maxBytes: 1000 });
  await expect(classifier().fit(x, y, quiet)).rejects.toThrow('; not even a batch of 1 fits: the model itself is too large');
});
