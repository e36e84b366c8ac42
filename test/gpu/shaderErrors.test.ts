// Kernels that do not compile: the error, and the portable kernels that replace them. A changed device causes the fault.
import { type MockInstance, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ShaderError } from '../../src/core/errors.ts';
import { type Engine, compile, lastProgram, readAll } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, matmul, mul, softmax, sum, tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { engineWith } from '../support/devices.ts';
import { values } from '../support/graphs.ts';
import { webgpuOnly } from '../support/planDevice.ts';

webgpuOnly('the errors are those of the compiler of WebGPU; unit/wasmErrors.test.ts has the others');

let engine: Engine;
let runtime: WebGpuRuntime;
let warn: MockInstance<typeof console.warn>;
/** Texts that reached the device. */
let seen: string[];

/** A device whose WGSL compiler rejects the texts that the pattern matches. */
async function open(refused: RegExp, processor: 'cpu' | 'gpu', subgroupSize?: number): Promise<() => void> {
  ({ engine, runtime } = await engineWith({ processor, subgroupSize }));
  const { device } = runtime.context;
  const create = device.createShaderModule.bind(device);
  const fault = vi.spyOn(device, 'createShaderModule').mockImplementation((descriptor) => {
    seen.push(descriptor.code);
    return create({ ...descriptor, code: descriptor.code.replace(refused, 'unheardOf(') });
  });
  return () => fault.mockRestore();
}

beforeEach(() => {
  seen = [];
  warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  warn.mockRestore();
  runtime.dispose();
});

const filled = (seed: number, ...shape: number[]): Tensor =>
  tensor(
    values(
      shape.reduce((a, b) => a * b),
      seed,
    ),
    shape,
  );

async function expectRight(y: Tensor): Promise<void> {
  const [expected] = interpret([y]);
  const [actual] = await readAll([y], { engine });
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
}

test('subgroups that the device reports but does not have: products without them, and one warning line', async () => {
  await open(/subgroupBroadcast\(/g, 'cpu', 8);
  await expectRight(add(matmul(filled(1, 32, 40), filled(2, 40, 64)), 1));
  await expectRight(matmul(filled(1, 64, 24), filled(2, 24, 32)));
  expect(seen.filter((text) => text.includes('subgroupBroadcast'))).not.toHaveLength(0);
  expect(lastProgram()!.dispatches.some(({ wgsl }) => wgsl.includes('subgroupBroadcast'))).toBe(false);
  expect(warn).toHaveBeenCalledTimes(1);
  const [line] = warn.mock.calls[0] as string[];
  expect(line).toMatch(
    /^ombre: 'matmul \+ add \(\w+\)' does not compile on this device \(.*\); programs with such kernels use portable ones instead$/,
  );
});

test('barriers that the device does not compile: kernels without workgroup memory', async () => {
  await open(/workgroupBarrier\(/g, 'gpu');
  await expectRight(softmax(filled(3, 70, 200)));
  expect(seen.some((text) => text.includes('workgroupBarrier'))).toBe(true);
  expect(lastProgram()!.dispatches.some(({ wgsl }) => wgsl.includes('workgroupBarrier'))).toBe(false);
  expect(warn).toHaveBeenCalledTimes(1);
});

test('the plan is that of the program that runs', async () => {
  await open(/workgroupBarrier\(/g, 'gpu');
  const total = compile((x: Tensor) => sum(x), { engine });
  const x = filled(9, 300_000);
  const { peakBytes } = await total.plan(x);
  await total(x);
  const program = lastProgram()!;
  expect((await total.plan(x)).peakBytes).toBe(program.peakBytes);
  expect(program.peakBytes).not.toBe(peakBytes); // barriers add up in other portions
});

test('if nothing compiles, the error has the kernel, the messages of the compiler, and the text with line numbers; nothing is cached', async () => {
  const repair = await open(/@compute/g, 'gpu');
  const scale = compile((w: Tensor) => mul(w, 3), { donate: [0], name: 'scale', engine });
  const w = filled(4, 5);
  const error: unknown = await scale(w).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ShaderError);
  const { message, kernel, wgsl } = error as ShaderError;
  expect(kernel).toBe('mul');
  expect(wgsl).toContain('@compute');
  expect(message).toMatch(/^mul: the kernel does not compile\nerror in line \d+: /);
  const lines = wgsl.split('\n');
  const main = lines.findIndex((line) => line.includes('@compute'));
  expect(message.split('\n')).toContain(`${String(main + 1).padStart(4)}  ${lines[main]}`);
  expect(warn).not.toHaveBeenCalled(); // nothing took its place

  repair();
  expect(await (await scale(w)).data()).toEqual(values(5, 4).map((x) => x * 3)); // not taken over by the failed call
});
