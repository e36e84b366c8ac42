// The chooser: kernels that do the same work, timed on the device; what was chosen is remembered, and changes no bit.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type CompiledFunction, Engine, compile, lastProgram, readAll } from '../../src/engine/index.ts';
import type { Target } from '../../src/graph/op.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { relu } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import type { TuningOptions } from '../../src/runtime/webgpu/device.ts';
import { identify } from '../../src/runtime/webgpu/tuning/choices.ts';
import { values } from '../support/graphs.ts';
import { twofold, wayOf } from '../support/twofold.ts';

const opened: WebGpuRuntime[] = [];

async function open(tuning: boolean | TuningOptions, target: Partial<Target> = {}): Promise<{ engine: Engine; runtime: WebGpuRuntime }> {
  const runtime = await WebGpuRuntime.open({ tuning });
  Object.assign(runtime, { target: { ...runtime.target, ...target } });
  opened.push(runtime);
  return { engine: new Engine(runtime), runtime };
}

beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined));
afterEach(() => {
  vi.restoreAllMocks();
  for (const runtime of opened.splice(0)) runtime.dispose();
});

const filled = (...shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return hostTensor({ shape, dtype: 'f32' }, Float32Array.from(values(size, size)));
};

/** A store that no other test has met: the path of a file in Node, a database in a page. */
function freshStore(): string {
  const name = `ombre-test-${crypto.randomUUID()}`;
  const { process } = globalThis as { process?: NodeJS.Process };
  return process?.versions?.node ? `${process.getBuiltinModule('node:os').tmpdir()}/${name}/kernels.json` : name;
}

const ways = (): string[] => lastProgram()!.dispatches.map(({ wgsl }) => wayOf(wgsl));

type Doubling = CompiledFunction<(x: Tensor) => Tensor>;
const doubling = (engine: Engine, ...of: string[]): Doubling => compile((x: Tensor) => twofold(x, of), { engine });

async function expectDoubled(engine: Engine, step: Doubling, x: Tensor): Promise<void> {
  const [given, result] = await readAll([x, await step(x)], { engine });
  expect([...result]).toEqual(Array.from(given, (value) => 2 * value));
}

test('the fastest kernel is found between the steps, not during the first', async () => {
  const { engine, runtime } = await open({ store: false });
  const create = vi.spyOn(runtime.device, 'createComputePipelineAsync');
  const step = doubling(engine, 'slow', 'fast');
  const x = filled(1000);
  await expectDoubled(engine, step, x);
  expect(create).toHaveBeenCalledTimes(1);
  expect(await engine.tuned()).toEqual([]);
  expect(ways()).toEqual(['slow']);
  await expectDoubled(engine, step, x);
  const [tuned, ...others] = await engine.tuned();
  expect(others).toEqual([]);
  expect(tuned).toMatchObject({ kernel: 'twofold (twofold_slow)', bucket: '1024', chosen: 'twofold (twofold_fast)' });
  expect(Object.keys(tuned.milliseconds)).toContain('twofold (twofold_slow)');
  expect(Object.values(tuned.milliseconds).every((time) => time >= 0 && time < 1000)).toBe(true);
  await expectDoubled(engine, step, x);
  expect(ways()).toEqual(['fast']);
});

test('without a word from anybody a loop of steps finds it, too', async () => {
  const { engine } = await open({ store: false });
  const step = doubling(engine, 'slow', 'fast');
  const x = filled(1000);
  for (let i = 0; i < 200 && (i < 2 || ways()[0] === 'slow'); i++) {
    await expectDoubled(engine, step, x);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(ways()).toEqual(['fast']);
});

test('the kernel it was compiled with stays where it is the fastest', async () => {
  const { engine } = await open({ store: false });
  const step = doubling(engine, 'fast', 'slow');
  const x = filled(1000);
  for (let i = 0; i < 2; i++) await expectDoubled(engine, step, x);
  const [{ kernel, chosen }] = await engine.tuned();
  expect(chosen).toBe(kernel);
  await expectDoubled(engine, step, x);
  expect(ways()).toEqual(['fast']);
});

test('one choice serves every program and every place of its sizes, each with its own operands', async () => {
  const { engine } = await open({ store: false });
  const x = filled(1000);
  const early = compile((x: Tensor) => twofold(relu(twofold(x, ['slow', 'fast'])), ['slow', 'fast']).mul(3), { engine });
  const [once] = await readAll([await early(x)], { engine });
  await early(x);
  expect(await engine.tuned()).toHaveLength(2); // the second has another epilogue
  const [again] = await readAll([await early(x)], { engine });
  expect(ways()).toEqual(['fast', 'fast']);
  expect(again).toEqual(once);

  const later = doubling(engine, 'slow', 'fast');
  const y = filled(600); // the same range of sizes
  const plain = doubling(engine, 'slow', 'fast');
  for (let i = 0; i < 2; i++) await expectDoubled(engine, plain, x);
  await engine.tuned();
  await expectDoubled(engine, later, y);
  expect(ways()).toEqual(['fast']);
  expect(lastProgram()!.dispatches[0].params[0]).toBe(600);
});

test('a kernel that does not compile here is no choice, and nobody hears of it', async () => {
  const { engine } = await open({ store: false });
  const step = doubling(engine, 'slow', 'broken', 'fast');
  const x = filled(1000);
  for (let i = 0; i < 2; i++) await expectDoubled(engine, step, x);
  const [{ chosen, milliseconds }] = await engine.tuned();
  expect(chosen).toContain('fast');
  expect(Object.keys(milliseconds).join()).not.toContain('broken');
  expect(console.warn).not.toHaveBeenCalled();
});

test('what was chosen is remembered: another device of the kind begins with it and times nothing', async () => {
  const store = freshStore();
  const first = await open({ store });
  const step = doubling(first.engine, 'slow', 'fast');
  const x = filled(1000);
  for (let i = 0; i < 2; i++) await expectDoubled(first.engine, step, x);
  expect(await first.engine.tuned()).toHaveLength(1);

  const second = await vi.waitFor(async () => {
    const fresh = await open({ store });
    await expectDoubled(fresh.engine, doubling(fresh.engine, 'slow', 'fast'), x);
    expect(ways()).toEqual(['fast']); // from its first step on
    return fresh;
  });
  const known = doubling(second.engine, 'slow', 'fast');
  for (let i = 0; i < 3; i++) await expectDoubled(second.engine, known, x);
  expect(await second.engine.tuned()).toEqual([]);

  const elsewhere = await open({ store: freshStore() });
  await expectDoubled(elsewhere.engine, doubling(elsewhere.engine, 'slow', 'fast'), x);
  expect(ways()).toEqual(['slow']);
});

test('a remembered kernel that no longer compiles: the one it was compiled with runs', async () => {
  const store = freshStore();
  const { engine, runtime } = await open({ store });
  const { choices } = runtime.tuner!;
  const step = doubling(engine, 'slow', 'broken');
  const x = filled(1000);
  await expectDoubled(engine, step, x);
  const [dispatch] = lastProgram()!.dispatches;
  const [broken] = dispatch.alternatives!.variants();
  choices.set(choices.keyOf(dispatch)!, identify(broken));
  await expectDoubled(engine, doubling(engine, 'slow', 'broken'), x);
  expect(ways()).toEqual(['slow']);
  expect(console.warn).not.toHaveBeenCalled();
});

test('timing leaves no memory behind, and an operand that is too large is left alone', async () => {
  const { engine, runtime } = await open({ store: false });
  const step = doubling(engine, 'slow', 'fast');
  const x = filled(5000);
  for (let i = 0; i < 3; i++) (await step(x)).dispose();
  const before = engine.memory();
  expect(await engine.tuned()).toHaveLength(1);
  expect(engine.memory().bytes).toBe(before.bytes);
  expect(engine.memory().buffers).toBe(before.buffers);

  const create = runtime.pool.create.bind(runtime.pool);
  const refuse = vi.spyOn(runtime.pool, 'create').mockImplementation((size, usage) => {
    if (usage === 0x80) throw new RangeError('no memory');
    return create(size, usage);
  });
  const other = doubling(engine, 'slow', 'fast');
  const y = filled(300);
  for (let i = 0; i < 2; i++) await expectDoubled(engine, other, y);
  expect(await engine.tuned()).toHaveLength(1);
  expect(refuse).toHaveBeenCalled();
  await expectDoubled(engine, other, y);
  expect(ways()).toEqual(['slow']);
});

test('without timestamps the host waits for each: the same choice', async () => {
  const { engine, runtime } = await open({ store: false });
  Object.defineProperty(runtime.device, 'features', { value: new Set() });
  await runtime.setTuning({ store: false });
  const step = doubling(engine, 'slow', 'fast');
  const x = filled(20_000);
  for (let i = 0; i < 2; i++) await expectDoubled(engine, step, x);
  expect((await engine.tuned())[0].chosen).toContain('fast');
});

test('a device implemented on a CPU is not tuned unless that is asked for', async () => {
  const runtime = await WebGpuRuntime.open();
  opened.push(runtime);
  expect(runtime.tuner === undefined).toBe(runtime.target.processor === 'cpu');
  await runtime.setTuning(true);
  expect(runtime.tuner).toBeDefined();
  await runtime.setTuning(false);
  expect(runtime.tuner).toBeUndefined();
});
