// Profiles of a step: on the GPU of this stack by both clocks, and on the CPU.
import { beforeAll, describe, expect, inject, test } from 'vitest';
import {
  type Profile,
  compile,
  deviceInfo,
  layers,
  lastProgram,
  matmul,
  memory,
  profile,
  random,
  relu,
  sequential,
  setDevice,
  tanh,
  tensor,
  zeros,
} from '../../src/index.ts';
import { evaluate } from '../../src/engine/index.ts';
import { isWasm, openPlanDevice } from '../support/planDevice.ts';

beforeAll(() => setDevice('webgpu'));

const steps = 5;

/** A perceptron's training steps; the first of them, which compiles, is not in the profile. */
async function trained(timestamps: boolean): Promise<Profile> {
  const model = sequential([
    layers.dense({ units: 256, activation: 'relu', inputShape: [256], name: 'hidden' }),
    layers.dense({ units: 4, activation: 'softmax', name: 'digits' }),
  ]);
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  const x = await random.uniform([128, 256]).data();
  const y = Int32Array.from({ length: 128 }, (_, i) => i % 4);
  const step = (): Promise<unknown> => model.trainOnBatch(tensor(x, [128, 256]), tensor(y, [128]));
  await step();
  return profile(
    async () => {
      for (let i = 0; i < steps; i++) await step();
    },
    { timestamps },
  );
}

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
const hasTimestamps = (): boolean => deviceInfo().features.includes('timestamp-query');
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function checkSums({ kernels, milliseconds, dispatches, wallMilliseconds }: Profile): void {
  expect(sum(kernels.map((kernel) => kernel.milliseconds))).toBeCloseTo(milliseconds, 6);
  expect(sum(kernels.map((kernel) => kernel.share))).toBeCloseTo(1, 6);
  expect(sum(kernels.map((kernel) => kernel.count))).toBe(dispatches);
  expect(milliseconds).toBeGreaterThan(0);
  // A kernel cannot take longer than the whole. A coarse clock may add one step.
  expect(milliseconds).toBeLessThan(wallMilliseconds + 1);
  const times = kernels.map((kernel) => kernel.milliseconds);
  expect(times).toEqual(times.toSorted((a, b) => b - a));
}

describe.each([
  // A browser without timestamps takes the other clock, and says why.
  {
    timestamps: true,
    clock: 'timestamps',
    note: /^By the (GPU's timestamps|host's clock, because this device has no timestamps \(feature timestamp-query\))/,
  },
  { timestamps: false, clock: 'waiting', note: /^By the host's clock, because timestamps were switched off: .* empty submit/ },
])('a training step by $clock', ({ timestamps, clock, note }) => {
  let result: Profile;
  beforeAll(async () => {
    result = await trained(timestamps);
  });

  test('names every kernel after its layer and ops', () => {
    expect(result.kernels.map(({ scope }) => scope.split('/')[0])).toEqual(expect.arrayContaining(['hidden', 'digits', 'adam']));
    const forward = result.kernels.find(({ name }) => /matmul \+ add \+ relu/.test(name))!;
    expect(forward.ops).toEqual(['matmul', 'add', 'relu']);
    expect(forward.scope).toBe('hidden');
    expect(forward.count).toBe(steps);
    expect(forward.name.startsWith(`${forward.scope}: `)).toBe(true);
    for (const { ops, count } of result.kernels) {
      expect(ops.length).toBeGreaterThan(0);
      expect(count % steps).toBe(0);
    }
  });

  test('its sums add up', () => checkSums(result));

  test('counts submits, dispatches and bytes', async () => {
    const x = await evaluate(random.uniform([64, 64]));
    const step = compile((a: typeof x) => tanh(relu(matmul(a, a))));
    await step(x);
    const two = await profile(
      async () => {
        await step(x);
        await step(x);
      },
      { timestamps },
    );
    const { dispatches, peakBytes } = lastProgram()!;
    expect(two).toMatchObject({
      submits: 2,
      dispatches: 2 * dispatches.length,
      bytes: peakBytes,
      clock: isWasm ? 'host' : hasTimestamps() ? clock : 'waiting',
    });
  });

  test('prints as a table, and says by which clock', () => {
    expect(result.note).toMatch(isWasm ? /^By the host's clock, kernel by kernel/ : note);
    const lines = String(result).split('\n');
    expect(lines[0]).toMatch(/^\d+ dispatches of \d+ kernels in \d+ submits, \d+\.\d MB: \d+\.\d\d ms of \d+\.\d\d ms$/);
    expect(lines).toHaveLength(2 + result.kernels.length + 1);
    expect(lines[2]).toMatch(/^ *\d+\.\d % +\d+\.\d{3} +\d+ {2}\S/);
    expect(lines.at(-1)).toBe(result.note);
    // Plain data: it may go to another thread.
    expect(structuredClone({ ...result }).kernels).toEqual(result.kernels);
  });

  test('computes the same as without a profile, and keeps no buffer', async () => {
    const x = await evaluate(random.normal([96, 96], { seed: 3 }));
    const step = compile((a: typeof x) => tanh(matmul(a, a)));
    const plain = await (await step(x)).data();
    await step(await evaluate(zeros([96, 96]))); // what memory holds is another result now
    const before = memory().buffers;
    let profiled: ArrayLike<number> = [];
    await profile(async () => (profiled = await (await step(x)).data()), { timestamps });
    expect(Array.from(profiled)).toEqual(Array.from(plain));
    expect(memory().buffers).toBeLessThanOrEqual(before + 1);
  });
});

test('both clocks find the same kernel the longest', async () => {
  // A product of many terms for each element beside one tanh. A large GPU needs a large product: each host measurement takes 50 us or more.
  const device = await openPlanDevice();
  device.close();
  const { target } = device;
  // A software adapter that is disguised as a GPU takes minutes for that.
  const size = target.processor === 'gpu' && inject('plan') !== 'gpu' ? 4096 : 512;
  const x = await evaluate(random.uniform([size, size]));
  const step = compile((a: typeof x) => relu(matmul(a, tanh(a))));
  await step(x);
  const run = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) await step(x);
  };
  const [first, second] = [await profile(run), await profile(run, { timestamps: false })];
  expect(first.kernels[0].ops).toContain('matmul');
  expect(second.kernels[0].name).toBe(first.kernels[0].name);
});

test('the profile has the resolution of the timestamps, and the note says if it is coarse', async () => {
  const { kernels, resolution, note } = await trained(true);
  if (!hasTimestamps()) return expect(resolution).toBeUndefined();
  // 65.536 us in Chrome and in Dawn by default.
  expect(resolution).toBeGreaterThan(0);
  expect(resolution).toBeLessThan(0.2);
  expect(/steps of \d+\.\d us/.test(note)).toBe(resolution! >= 0.01);
  // Sums of whole steps, so their greatest common divisor is the step, or a small multiple of it by chance.
  const common = kernels.map(({ milliseconds }) => Math.round(milliseconds * 1e6)).reduce(divisor, 0);
  const steps = common / (resolution! * 1e6);
  expect(steps).toBeCloseTo(Math.round(steps), 3);
  expect(steps).toBeLessThan(64);
  const stepOf = note.match(/steps of ([\d.]+) us/);
  if (stepOf) expect(Number(stepOf[1])).toBeCloseTo(resolution! * 1000, 0);
});

test('a profile within a profile, what is no function and an unknown option are refused; an error of the function comes through', async () => {
  await profile(async () => {
    await expect(profile(async () => undefined)).rejects.toThrow('profile: another profile is being taken on this device; await it first');
  });
  await expect(
    profile(async () => {
      throw new Error('of its own');
    }),
  ).rejects.toThrow('of its own');
  await expect(profile(Promise.resolve() as never)).rejects.toThrow('profile: its argument is object; give it the function to run');
  await expect(profile(async () => undefined, { timestamp: true } as never)).rejects.toThrow(/profile: .*timestamp/);
  // And after all that it still works.
  const result = await profile(async () => evaluate(relu(random.uniform([4]))));
  expect(result.dispatches).toBeGreaterThan(0);
  expect(String(await profile(async () => undefined))).toMatch(/^0 dispatches of 0 kernels in 0 submits: 0\.00 ms of /);
});

test('on the CPU it has the time of each op', async () => {
  await setDevice('cpu');
  try {
    const result = await trained(true);
    expect(result.clock).toBe('host');
    expect(result.note).toMatch(/^By the host's clock, op by op/);
    expect(result.bytes).toBe(0);
    checkSums(result);
    const product = result.kernels.find(({ ops }) => ops[0] === 'matmul')!;
    expect(product.name).toMatch(/^(hidden|digits): matmul$/);
    expect(product.count % steps).toBe(0);
  } finally {
    await setDevice('webgpu');
  }
});
