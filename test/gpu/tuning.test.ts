// Autotuning: kernels with equal results are timed on the device. The choice is stored and changes no bit.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type CompiledFunction, Engine, compile, lastProgram, readAll } from '../../src/engine/index.ts';
import { valueAndGrad } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import type { Target } from '../../src/graph/op.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { add, matmul, mean, mul, relu, square, sub } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import type { TuningOptions } from '../../src/runtime/runtime.ts';
import { Stopwatch } from '../../src/runtime/webgpu/stopwatch.ts';
import { identify } from '../../src/runtime/webgpu/tuning/choices.ts';
import { bufferUsage } from '../../src/runtime/webgpu/usage.ts';
import { debug } from '../../src/runtime/debug.ts';
import { families } from '../support/families.ts';
import { values } from '../support/graphs.ts';
import { variantsOf } from '../support/variants.ts';
import { twofold, wayOf } from '../support/twofold.ts';
import { webgpuOnly } from '../support/planDevice.ts';

webgpuOnly('it does not time kernels');

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
  const create = vi.spyOn(runtime.context.device, 'createComputePipelineAsync');
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

test('a loop of steps finds it without a call of tuned()', async () => {
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

test('a kernel that does not compile is not chosen, and causes no error', async () => {
  const { engine } = await open({ store: false });
  const step = doubling(engine, 'slow', 'broken', 'fast');
  const x = filled(1000);
  for (let i = 0; i < 2; i++) await expectDoubled(engine, step, x);
  const [{ chosen, milliseconds }] = await engine.tuned();
  expect(chosen).toContain('fast');
  expect(Object.keys(milliseconds).join()).not.toContain('broken');
  expect(console.warn).not.toHaveBeenCalled();
});

test('a kernel whose launch the device refuses is no choice, and the device stays whole', async () => {
  const { engine } = await open({ store: false });
  const step = doubling(engine, 'slow', 'wide', 'fast');
  const x = filled(1000);
  for (let i = 0; i < 2; i++) await expectDoubled(engine, step, x);
  const [{ chosen, milliseconds }] = await engine.tuned();
  expect(chosen).toContain('fast');
  expect(Object.keys(milliseconds).join()).not.toContain('wide');
  await expectDoubled(engine, step, x);
});

test.each(['timestamps', 'waiting'])('a device that is lost during a trial, by %s: nothing is chosen for good', async (clock) => {
  const store = freshStore();
  const { engine, runtime } = await open(false);
  if (clock === 'waiting') Object.defineProperty(runtime.context.device, 'features', { value: new Set() });
  await runtime.configure({ maxBytes: undefined, tuning: { store } });
  const step = doubling(engine, 'slow', 'fast');
  const x = filled(1000);
  await expectDoubled(engine, step, x);
  const { choices, results } = runtime.tuner!;
  const [dispatch] = lastProgram()!.dispatches;
  const submit = runtime.context.device.queue.submit.bind(runtime.context.device.queue);
  await expectDoubled(engine, step, x);
  await runtime.tuner!.prepared();
  let submits = 0;
  vi.spyOn(runtime.context.device.queue, 'submit').mockImplementation((commands) => {
    submit(commands);
    if (++submits === 2) runtime.context.device.destroy(); // with the default of the device
  });
  await expect(engine.tuned()).rejects.toThrow('the device was lost');
  expect(submits).toBeGreaterThanOrEqual(2);
  expect(results).toEqual([]);
  expect(choices.get(choices.keyOf(dispatch)!)).toBeUndefined();
  await expect(step(x)).rejects.toThrow('the device was lost');
});

test('a choice is stored: another device of the same kind uses it and times nothing', async () => {
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
  }, 20_000); // a choice is written while the steps continue
  const known = doubling(second.engine, 'slow', 'fast');
  for (let i = 0; i < 3; i++) await expectDoubled(second.engine, known, x);
  expect(await second.engine.tuned()).toEqual([]);

  const elsewhere = await open({ store: freshStore() });
  await expectDoubled(elsewhere.engine, doubling(elsewhere.engine, 'slow', 'fast'), x);
  expect(ways()).toEqual(['slow']);
});

test('switched off during tuned(): resolves to the trials so far', async () => {
  const { engine, runtime } = await open({ store: false });
  const step = doubling(engine, 'slow', 'fast');
  for (let i = 0; i < 2; i++) await expectDoubled(engine, step, filled(1000));
  const waiting = engine.tuned();
  await runtime.configure({ maxBytes: undefined, tuning: false });
  expect((await waiting).length).toBeLessThanOrEqual(1);
  expect(await engine.tuned()).toEqual([]);
});

/** A store that contains data of another program. */
async function foreignStore(): Promise<string> {
  const name = freshStore();
  const { process } = globalThis as { process?: NodeJS.Process };
  if (process?.versions?.node) {
    const { mkdir, writeFile } = process.getBuiltinModule('node:fs/promises');
    await mkdir(process.getBuiltinModule('node:path').dirname(name));
    await writeFile(name, '{"mine":');
    return name;
  }
  await new Promise<void>((resolve) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = (): void => void opening.result.createObjectStore('mine');
    opening.onsuccess = (): void => {
      opening.result.close();
      resolve();
    };
  });
  return name;
}

test('a store of another program does not delay a device', { timeout: 20_000 }, async () => {
  const { engine } = await open({ store: await foreignStore() });
  const step = doubling(engine, 'slow', 'fast');
  const x = filled(1000);
  for (let i = 0; i < 2; i++) await expectDoubled(engine, step, x);
  expect(await engine.tuned()).toHaveLength(1);
  await expectDoubled(engine, step, x);
  expect(ways()).toEqual(['fast']);
});

test('a stored choice that no longer compiles: the default kernel runs', async () => {
  const store = freshStore();
  const { engine, runtime } = await open({ store });
  const { choices } = runtime.tuner!;
  const step = doubling(engine, 'slow', 'broken');
  const x = filled(1000);
  await expectDoubled(engine, step, x);
  const [dispatch] = lastProgram()!.dispatches;
  const [broken] = variantsOf(dispatch.alternatives);
  choices.set(choices.keyOf(dispatch)!, identify(broken));
  await expectDoubled(engine, doubling(engine, 'slow', 'broken'), x);
  expect(ways()).toEqual(['slow']);
  expect(console.warn).not.toHaveBeenCalled();
});

test('timing keeps no memory, and does not time operands that are too large', async () => {
  const { engine, runtime } = await open({ store: false });
  const step = doubling(engine, 'slow', 'fast');
  const x = filled(5000);
  for (let i = 0; i < 3; i++) (await step(x)).dispose();
  const before = engine.memory();
  expect(await engine.tuned()).toHaveLength(1);
  expect(engine.memory().bytes).toBe(before.bytes);
  expect(engine.memory().buffers).toBe(before.buffers);

  const uniforms = new Set<GPUBuffer>();
  const create = runtime.context.pool.create.bind(runtime.context.pool);
  const refuse = vi.spyOn(runtime.context.pool, 'create').mockImplementation((size, usage) => {
    if (usage === bufferUsage.timedOperands) throw new RangeError('no memory');
    const buffer = create(size, usage);
    if (usage === bufferUsage.timedUniforms) uniforms.add(buffer);
    return buffer;
  });
  const destroy = runtime.context.pool.destroy.bind(runtime.context.pool);
  vi.spyOn(runtime.context.pool, 'destroy').mockImplementation((buffer) => {
    uniforms.delete(buffer);
    destroy(buffer);
  });
  const other = doubling(engine, 'slow', 'fast');
  const y = filled(300);
  for (let i = 0; i < 2; i++) await expectDoubled(engine, other, y);
  expect(await engine.tuned()).toHaveLength(1);
  expect(refuse).toHaveBeenCalled();
  expect(uniforms.size).toBe(0); // the program's own share a buffer of another usage
  await expectDoubled(engine, other, y);
  expect(ways()).toEqual(['slow']);
});

test('without timestamps the host waits for each: the same choice', async () => {
  const { engine, runtime } = await open({ store: false });
  Object.defineProperty(runtime.context.device, 'features', { value: new Set() });
  await runtime.configure({ maxBytes: undefined, tuning: { store: false } });
  const step = doubling(engine, 'slow', 'fast');
  const x = filled(20_000);
  for (let i = 0; i < 2; i++) await expectDoubled(engine, step, x);
  expect((await engine.tuned())[0].chosen).toContain('fast');
});

test('samples shorter than the step of the clock do not mark it as broken; a clock that returns only zeros is', async () => {
  const { runtime } = await open(false);
  const { device } = runtime.context;
  const stopwatch = new Stopwatch(device);
  const ofTimestamps = device.features.has('timestamp-query') ? 2 : 10;
  for (let i = 0; i < 20; i++) await stopwatch.time([() => undefined]);
  expect(stopwatch.sampleTime).toBe(ofTimestamps);
  vi.spyOn(GPUCommandEncoder.prototype, 'resolveQuerySet').mockImplementation(() => undefined);
  expect(await stopwatch.time([() => undefined])).toHaveLength(1);
  expect(stopwatch.sampleTime).toBe(10);
});

test('a device implemented on a CPU is tuned on request only', async () => {
  const { tuning } = debug;
  debug.tuning = undefined;
  const runtime = await WebGpuRuntime.open();
  opened.push(runtime);
  debug.tuning = tuning;
  expect(runtime.tuner === undefined).toBe(runtime.target.processor === 'cpu');
  await runtime.configure({ maxBytes: undefined, tuning: true });
  expect(runtime.tuner).toBeDefined();
  await runtime.configure({ maxBytes: undefined, tuning: false });
  expect(runtime.tuner).toBeUndefined();
});

interface Net extends Readonly<Record<string, Tensor>> {
  readonly first: Tensor;
  readonly second: Tensor;
}

const step = ({ first, second }: Net, x: Tensor, y: Tensor): [Net, Tensor] => {
  const loss = (p: Net): Tensor => mean(square(sub(add(matmul(relu(matmul(x, p.first)), p.second), 0.1), y)));
  const [value, g] = valueAndGrad(loss)({ first, second });
  return [{ first: first.sub(mul(g.first, 0.01)), second: second.sub(mul(g.second, 0.01)) }, value];
};

test.each(families)('with any choice for the products of a %s, training gives the same bits', async (processor) => {
  let chosen = 0;
  /** `choose` gives the number of the kernel to take for the nth product, 0 being the one it is compiled with. */
  const train = async (choose: (count: number, n: number) => number): Promise<readonly HostArray[]> => {
    const { engine, runtime } = await open({ store: false }, { processor });
    let products = 0;
    vi.spyOn(runtime.tuner!.choices, 'preferred').mockImplementation((dispatch) => {
      if (!dispatch.alternatives) return undefined;
      const variants = variantsOf(dispatch.alternatives);
      const number = choose(variants.length + 1, products++);
      if (number === 0) return undefined;
      chosen++;
      return { ...dispatch, ...variants[number - 1] };
    });
    const compiled = compile(step, { engine });
    let net: Net = { first: filled(40, 24), second: filled(24, 12) };
    let loss: Tensor | undefined;
    for (let i = 0; i < 3; i++) [net, loss] = await compiled(net, filled(20, 40), filled(20, 12));
    return readAll([net.first, net.second, loss!], { engine });
  };
  const expected = await train(() => 0);
  expect(expected.every((data) => data.every(Number.isFinite))).toBe(true);
  for (const shift of [1, 2]) expect(await train((count, n) => 1 + ((n + shift) % (count - 1)))).toEqual(expected);
  expect(chosen).toBeGreaterThanOrEqual(10);
});

test('with any choice, between steps that donate memory and in a profile, training gives the same bits', async () => {
  // Times of chance: every product is given a kernel of chance.
  let next = 1;
  const chance = (): number => 1 + (next = (next * 48271) % 2147483647) / 2147483647;
  vi.spyOn(Stopwatch.prototype, 'time').mockImplementation((samples) => Promise.resolve(samples.map(chance)));
  const train = async (tuning: false | TuningOptions): Promise<readonly HostArray[]> => {
    const { engine } = await open(tuning);
    const compiled = compile(step, { engine, donate: [0] });
    const losses: Tensor[] = [];
    const results: HostArray[] = [];
    for (const rows of [20, 27]) {
      let net: Net = { first: filled(40, 24), second: filled(24, 12) };
      const once = async (): Promise<void> => {
        const [trained, loss] = await compiled(net, filled(rows, 40), filled(rows, 12));
        net = trained;
        losses.push(loss);
      };
      for (let i = 0; i < 3; i++) await once();
      const chosen = engine.tuned(); // while the steps continue
      await once();
      for (const timestamps of [true, false]) await engine.profile(once, { timestamps });
      await chosen;
      for (let i = 0; i < 3; i++) await once();
      results.push(...(await readAll([net.first, net.second], { engine })));
    }
    if (tuning) {
      const tuned = await engine.tuned();
      expect(tuned.length).toBeGreaterThanOrEqual(5);
      expect(tuned.filter(({ kernel, chosen }) => kernel !== chosen).length).toBeGreaterThanOrEqual(3);
    }
    return [...results, ...(await readAll(losses, { engine }))];
  };
  const expected = await train(false);
  expect(expected.every((data) => data.every(Number.isFinite))).toBe(true);
  expect(await train({ store: false })).toEqual(expected);
});
