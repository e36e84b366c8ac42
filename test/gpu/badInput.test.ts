// Bad input on a device: indices that only the device has, and tensors of another device.
import { beforeAll, expect, test } from 'vitest';
import { grad } from '../../src/autodiff/index.ts';
import { DeviceError } from '../../src/core/errors.ts';
import { compile, evaluate, readAll, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { isWasm } from '../support/planDevice.ts';

beforeAll(() => setDevice('webgpu'));

const table = (): Tensor => o.alias(o.tensor(Array.from({ length: 15 }, (_, i) => i + 1), [5, 3])); // prettier-ignore

/** Indices on both sides of 0 … 4 that the host cannot check, because a kernel computes them. */
const signed = (count: number): Tensor => o.add(o.tensor(Array.from({ length: count }, (_, i) => (i * 7) % 23 - 9), [count], 'i32'), 0); // prettier-ignore
/** Beyond the axis, and beyond what i32 holds. */
const unsigned = (): Tensor => o.add(o.tensor([0, 4, 5, 2147483648, 4294967295], [5], 'u32'), 0);

const cases: readonly (readonly [string, () => Tensor])[] = [
  ['gather', () => o.gather(table(), signed(23))],
  ['gather, u32', () => o.gather(table(), unsigned())],
  ['embedding', () => o.embedding(table(), signed(23))],
  ['takeAlongAxis', () => o.takeAlongAxis(table(), o.reshape(signed(24), [8, 3]), { axis: 0 })],
  ['takeAlongAxis, u32', () => o.takeAlongAxis(table(), o.reshape(unsigned(), [5, 1]))],
  ['scatterAdd', () => o.scatterAdd(table(), signed(23), o.ones([23, 3]))],
  ['scatterAdd, u32', () => o.scatterAdd(table(), unsigned(), o.ones([5, 3]))],
  ['scatterAdd, sorted', () => o.scatterAdd(table(), signed(700), o.ones([700, 3]))],
  ['scatterAdd, sorted, u32', () => o.scatterAdd(table(), o.tile(unsigned(), [140]), o.ones([700, 3]))],
  ['oneHot', () => o.oneHot(signed(23), 5)],
  ['oneHot, u32', () => o.oneHot(unsigned(), 5)],
  ['gradient of gather', () => grad((t: Tensor) => o.sum(o.square(o.gather(t, signed(23)))))(table())],
  ['gradient of takeAlongAxis', () => grad((t: Tensor) => o.sum(o.square(o.takeAlongAxis(t, o.reshape(signed(25), [5, 5])))))(table())],
];

test('indices outside the axis mean the same on the GPU as on the CPU', async () => {
  const built = cases.map(([, make]) => make());
  // Before the evaluation, which makes leaves of them.
  const expected = interpret(built);
  const found = await readAll(built);
  cases.forEach(([name], i) => expect([name, ...found[i]]).toEqual([name, ...expected[i]]));
});

test('a tensor on a GPU is refused on other devices by name, and stays usable; one evaluated on the CPU is accepted everywhere', async () => {
  const there = await evaluate(o.mul(o.tensor([3, 4]), 2));
  await setDevice('cpu');
  const here = await evaluate(o.add(o.tensor([1, 2]), 1));
  const name = isWasm ? 'wasm' : 'webgpu';
  const refusal = `a tensor f32[2] is on ${name}, but this runs on cpu; read it with data() and make a new one with tensor()`;
  const refused: readonly (readonly [string, () => Promise<unknown>])[] = [
    [`sub: ${refusal}`, () => o.sub(here, there).data()],
    [`sum: ${refusal}`, () => evaluate(o.sum(there))],
    [`reshape: ${refusal}`, () => o.matmul(o.tensor([[1], [2]]), o.reshape(there, [1, 2])).data()],
    [refusal, () => compile((x: Tensor) => o.add(x, 1))(there)],
    [refusal, () => compile((x: Tensor) => o.add(x, there))(here)],
  ];
  for (const [message, act] of refused) {
    const error: unknown = await act().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DeviceError);
    expect((error as Error).message.startsWith(message)).toBe(true);
  }
  expect(Array.from(await o.add(here, o.tensor(await there.data())).data())).toEqual([8, 11]);
  await setDevice('webgpu');
  expect(Array.from(await o.add(there, here).data())).toEqual([8, 11]);
});

test('flags are refused after WebGPU is open, unless they are those that it was opened with', async () => {
  await expect(setDevice('webgpu', { dawnFlags: ['enable-dawn-features=allow_unsafe_apis'] })).rejects.toThrow(
    'setDevice: dawnFlags count only before WebGPU is first used; it is open with []; call setDevice earlier',
  );
  await setDevice('webgpu', { dawnFlags: [] });
});
