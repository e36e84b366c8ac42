// The first step: pipelines are built asynchronously, in parallel and each only once, and the page stays responsive.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Engine, compile } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, matmul, relu, softmax, tanh, tensor } from '../../src/ops/index.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { engineWith } from '../support/devices.ts';
import { tracedStep } from '../support/trainingSteps.ts';
import { isWasm } from '../support/planDevice.ts';

const noPipelines = 'WebAssembly: it has no pipelines';

let engine: Engine;
let runtime: WebGpuRuntime;
beforeEach(async () => {
  ({ engine, runtime } = await engineWith({}));
});
afterEach(() => runtime.dispose());

const filled = ([rows, columns = 1]: readonly number[]): Tensor => tensor(new Float32Array(rows * columns).fill(1), [rows, columns]);
const forward = (x: Tensor, w: Tensor): Tensor => softmax(matmul(relu(matmul(x, w)), w));

test('pipelines: all asynchronous, and requested before the first is ready', async ({ skip }) => {
  if (isWasm) skip(noPipelines);
  const synchronous = vi.spyOn(runtime.context.device, 'createComputePipeline');
  const create = runtime.context.device.createComputePipelineAsync.bind(runtime.context.device);
  const events: string[] = [];
  vi.spyOn(runtime.context.device, 'createComputePipelineAsync').mockImplementation(async (descriptor) => {
    events.push('asked');
    const pipeline = await create(descriptor);
    events.push('there');
    return pipeline;
  });
  await compile(forward, { engine })(filled([12, 12]), filled([12, 12]));
  const count = events.length / 2;
  expect(count).toBeGreaterThanOrEqual(3);
  expect(events).toEqual([...Array<string>(count).fill('asked'), ...Array<string>(count).fill('there')]);
  expect(synchronous).not.toHaveBeenCalled();
});

test('equal kernels have one pipeline: within a program, in other programs, and while it is still being built', async ({ skip }) => {
  if (isWasm) skip(noPipelines);
  const create = vi.spyOn(runtime.context.device, 'createComputePipelineAsync');
  const module = vi.spyOn(runtime.context.device, 'createShaderModule');
  const [x, w] = [filled([12, 12]), filled([12, 12])];
  await Promise.all([compile(forward, { engine, name: 'one' })(x, w), compile(forward, { engine, name: 'other' })(x, w)]);
  const built = create.mock.calls.length;
  const texts = new Set(module.mock.calls.map(([{ code }]) => code.replace(/\/\/[^\n]*/g, '')));
  expect(built).toBe(texts.size);
  // Another batch and another function around the same kernels: nothing to build. (Which kernel a product takes depends on its shape.)
  const rows = (x: Tensor): Tensor => softmax(tanh(x));
  await compile(rows, { engine })(x);
  const builtForRows = create.mock.calls.length;
  expect(builtForRows).toBeGreaterThan(built);
  await compile((x: Tensor) => rows(x), { engine })(filled([40, 12]));
  expect(create.mock.calls.length).toBe(builtForRows);
});

test('kernels are compiled once for each text, in all programs', async () => {
  const [x, w] = [filled([12, 12]), filled([12, 12])];
  await Promise.all([compile(forward, { engine, name: 'one' })(x, w), compile(forward, { engine, name: 'other' })(x, w)]);
  const built = engine.runtime.compilations;
  expect(built).toBeGreaterThanOrEqual(2);
  await compile(forward, { engine, name: 'third' })(x, w);
  expect(engine.runtime.compilations).toBe(built);
});

test('a kernel that failed is built again at the next request', async ({ skip }) => {
  if (isWasm) skip(noPipelines);
  const create = runtime.context.device.createComputePipelineAsync.bind(runtime.context.device);
  const fault = vi.spyOn(runtime.context.device, 'createComputePipelineAsync').mockRejectedValue(new Error('the driver is busy'));
  const step = compile((x: Tensor) => add(x, 2), { engine });
  await expect(step(filled([3]))).rejects.toThrow(/^add: the kernel does not compile\nError: the driver is busy/);
  fault.mockImplementation(create);
  expect(await (await step(filled([3]))).data()).toEqual(Float32Array.of(3, 3, 3));
});

test('while a thousand nodes are compiled the event loop turns', async () => {
  const { graph, donations } = tracedStep('gpt');
  // Each turn of the event loop, however it comes about: a message to oneself.
  const { port1, port2 } = new MessageChannel();
  let turns = 0;
  port1.onmessage = (): void => {
    turns++;
    port2.postMessage(undefined);
  };
  port2.postMessage(undefined);
  const { peakBytes } = await engine.runtime.prepare(graph, 'step', donations).plan();
  port1.close();
  port2.close();
  expect(peakBytes).toBeGreaterThan(0);
  expect(turns).toBeGreaterThanOrEqual(2);
});
