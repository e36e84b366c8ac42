// The guard zones: stores beyond a result are reported, at any distance, and correct kernels are not.
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { TensorType } from '../../src/graph/op.ts';
import { defineOp } from '../../src/graph/op.ts';
import { apply } from '../../src/graph/tensor.ts';
import { add, tensor } from '../../src/ops/index.ts';
import { type OpenDevice, openDevice } from '../../src/runtime/webgpu/device.ts';
import { takeGuardReport } from '../../src/runtime/guardReport.ts';
import { engineWith } from '../support/devices.ts';
import { runPlan } from './runPlan.ts';
import { webgpuOnly } from '../support/planDevice.ts';

webgpuOnly('these are zones of GPU buffers; unit/wasmGuards.test.ts has the others');

let opened: OpenDevice;
beforeAll(async () => {
  opened = await openDevice();
});
afterAll(() => opened.device.destroy());

test('the adapter has the disguise of this run', () => {
  if (inject('plan') === 'gpu') expect(opened.target.processor).toBe('gpu');
  const subgroups = inject('subgroups');
  if (subgroups) expect(opened.target.subgroupSize).toBe(subgroups === 'none' ? undefined : Number(subgroups));
});

/** Copies its input, and stores a number at another place of the result. */
const copying = (place: string): string => `struct Params { size: u32, wild: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read_write> copy: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.size) { copy[id.x] = source[id.x]; }
  if (id.x == 0u) { copy[${place}] = 7.0; }
}`;

const plan = (size: number, place: string, wild: number) => ({
  temporaries: [],
  dispatches: [
    {
      name: 'copying',
      source: copying(place),
      operands: [{ kind: 'input', index: 0 } as const, { kind: 'output', index: 0 } as const],
      params: [size, wild],
      workgroups: [1, 1, 1] as const,
    },
  ],
});

const f32 = (...shape: number[]): TensorType => ({ shape, dtype: 'f32' });
const run = (shape: number[], place: string, wild: number): Promise<unknown> => {
  const size = shape.reduce((a, b) => a * b);
  const data = Float32Array.from({ length: size }, (_, i) => i);
  return runPlan(opened.device, plan(size, place, wild), [{ dtype: 'f32', data }], [f32(...shape)]);
};

test('a store inside of the result is none of their business', async () => {
  await run([3, 7], 'params.wild', 20);
  expect(await takeGuardReport()).toEqual({ checked: 1, violations: [] });
});

test.each([
  ['one beyond the end', [3, 7], 'params.wild', 21, 'element 21 is overwritten, the last is 20'],
  ['a row beyond the end', [3, 7], 'params.wild', 27, 'element 27 is overwritten, the last is 20'],
  ['in what fills a short result to 16 bytes', [1], 'params.wild', 3, 'element 3 is overwritten, the last is 0'],
  // Stores beyond the zone, or before the start, go to the last word of the binding: with a zone of 256 words, or in a binding of 16 bytes.
  ['far beyond the end', [4, 8], 'params.wild', 1e6, 'element 287 is overwritten, the last is 31'],
  ['before the start', [4, 8], '0u - params.wild', 1, 'element 287 is overwritten, the last is 31'],
] as const)('%s', async (_, shape, place, wild, told) => {
  await run([...shape], place, wild);
  const { checked, violations } = await takeGuardReport();
  expect(checked).toBe(1);
  expect(violations).toEqual([expect.stringContaining(`copying: 'copying' writes beyond output 0 f32[${shape.join()}]: ${told}`)]);
});

/** Wrong only if the position is beyond the end. */
const copyingOp = defineOp<{ wild: number }>({
  name: 'copyAndStore',
  infer: ([x]) => [x],
  vjp: 'nondifferentiable',
  reference: ({ inputs: [x] }) => [x.data],
  lowering: { kind: 'kernel', epilogue: false, plan: ({ inputs: [x], attributes }) => plan(x.shape[0], 'params.wild', attributes.wild) },
});

test('in a program: the dispatch, the buffer and the element are named, and neighbours in the arena are not blamed', async () => {
  const { engine, runtime } = await engineWith({});
  for (const wild of [4, 5, 40]) {
    const x = add(tensor([1, 2, 3, 4, 5]), 1);
    const y = add(apply(copyingOp, [x], { wild }), 1);
    await engine.read([y]);
    const { checked, violations } = await takeGuardReport();
    expect(checked).toBeGreaterThan(1);
    const told = `evaluate: 'copyAndStore (copying)' writes beyond copy f32[5]: element ${wild} is overwritten, the last is 4`;
    expect(violations).toEqual(wild < 5 ? [] : [told]);
  }
  runtime.dispose();
});
