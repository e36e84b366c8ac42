// An error during the comparison of guard zones is a violation, unless the device was lost.
import { expect, test } from 'vitest';
import { takeGuardReport, zonesCompared } from '../../src/runtime/guardReport.ts';
import { Guards } from '../../src/runtime/webgpu/guards.ts';

const words = 4;

interface Behaviour {
  readonly map?: () => Promise<undefined>;
  readonly range?: (bytes: number) => ArrayBuffer;
  readonly lost?: Promise<unknown>;
}

/** Compares one zone, of a store of one f32, on a device that behaves like this. */
async function compareOn({ map, range, lost }: Behaviour): Promise<{ checked: number; violations: readonly string[] }> {
  let pattern = 0;
  const makeBuffer = ({ size }: { size: number }): object => ({
    size,
    mapAsync: map ?? (() => Promise.resolve(undefined)),
    getMappedRange: (_: number, bytes: number) => range?.(bytes) ?? new Uint32Array(bytes / 4).fill(pattern).buffer,
    unmap: () => undefined,
  });
  const device = {
    limits: { maxStorageBufferBindingSize: 2 ** 20 },
    lost: lost ?? new Promise(() => undefined),
    createBuffer: makeBuffer,
    queue: { writeBuffer: (_buffer: object, _offset: number, data: Uint32Array) => (pattern = data[0]) },
  } as unknown as GPUDevice;
  const encoder = { copyBufferToBuffer: () => undefined } as unknown as GPUCommandEncoder;
  const run = new Guards(device).run('program', 1);
  const buffer = makeBuffer({ size: 4 * words }) as unknown as GPUBuffer;
  const written = { role: 'out', type: { shape: [1], dtype: 'f32' }, binding: { buffer, offset: 0, size: 4 * words } } as const;
  run.before(encoder, 'kernel', [written]);
  run.after(encoder);
  run.check();
  return takeGuardReport();
}

const fault = (): Promise<undefined> => Promise.reject(new Error('its own'));

test('zones that hold their pattern are counted', async () => {
  const before = zonesCompared();
  expect(await compareOn({})).toEqual({ checked: 1, violations: [] });
  expect(zonesCompared() - before).toBe(1);
});

test('a zone that was overwritten is a violation', async () => {
  const { checked, violations } = await compareOn({ range: (bytes) => new ArrayBuffer(bytes) });
  expect(checked).toBe(1);
  expect(violations).toEqual([expect.stringContaining("program: 'kernel' writes beyond out f32[1]")]);
});

test.each<[string, Behaviour]>([
  ['a map that fails', { map: fault }],
  ['an error in the comparison', { range: () => { throw new Error('its own'); } }], // prettier-ignore
])('%s is a violation unless the device is lost', async (_, behaviour) => {
  expect(await compareOn(behaviour)).toEqual({
    checked: 0,
    violations: ['program: the guard zones were not compared: Error: its own'],
  });
});

test('a map that fails because the device is lost is none', async () => {
  const lost = new Promise((resolve) => setTimeout(resolve, 20));
  expect(await compareOn({ map: fault, lost })).toEqual({ checked: 0, violations: [] });
});
