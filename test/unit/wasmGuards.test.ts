// Guard zones of the WebAssembly runtime: a store after a result is a violation that names the dispatch, the buffer and the element.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Program } from '../../src/compiler/index.ts';
import { HostValue } from '../../src/graph/tensor.ts';
import { WasmRuntime } from '../../src/runtime/wasm/index.ts';
import { debug } from '../../src/runtime/debug.ts';
import { takeGuardReport } from '../../src/runtime/guardReport.ts';

const before = debug.guardBytes;
beforeAll(() => void (debug.guardBytes = 256));
afterAll(() => void (debug.guardBytes = before));

const size = 5;
const type = { shape: [size], dtype: 'f32' } as const;

/** A program that doubles five numbers and writes `extra` more, to an intermediate or in place of its input. */
function program(extra: number, spareBytes: number | undefined, inPlace = false): Program {
  const wgsl = `@group(0) @binding(1) var<storage> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(1) fn main() { for (var i = 0u; i < ${size + extra}u; i++) { out[i] = 2.0; } }`;
  return {
    name: 'double',
    slots: [
      { kind: 'input', position: 0, bytes: 20, type, label: 'x' },
      { kind: 'scratch', arena: 0, offset: 0, bytes: 20, type, spareBytes },
    ],
    dispatches: [
      {
        ...{ label: 'dense: mul', wgsl, scope: 'dense', ops: ['mul'], params: [], workgroups: [1, 1, 1], operations: 0 },
        bindings: [
          { role: 'x', slot: 0, access: 'read' },
          { role: 'out', slot: inPlace ? 0 : 1, access: 'read_write' },
        ],
      },
    ],
    outputs: [inPlace ? { type, slot: 0, offset: 0, inPlaceOf: 0 } : { type, slot: 1, offset: 0 }],
    arenas: [512],
    scalars: [],
    peakBytes: 512,
  };
}

async function reportOf(one: Program): Promise<{ checked: number; violations: readonly string[] }> {
  const runtime = await WasmRuntime.open();
  const [result] = await (await runtime.load(one)).run([new HostValue(new Float32Array(size))]);
  expect(Array.from((await runtime.read([{ value: result, type }]))[0])).toEqual([2, 2, 2, 2, 2]);
  return takeGuardReport();
}

test('a store within the result is none of their business', async () => {
  expect(await reportOf(program(0, 256))).toEqual({ checked: 1, violations: [] });
  expect(await reportOf(program(0, 256, true))).toEqual({ checked: 1, violations: [] });
});

test('a store after the result is a violation', async () => {
  const message = "double: 'dense: mul' writes beyond out f32[5]: element 5 is overwritten, the last is 4";
  expect(await reportOf(program(1, 256))).toEqual({ checked: 1, violations: [message] });
  expect(await reportOf(program(60, 256, true))).toEqual({ checked: 1, violations: [message] });
});

test('without guard zones nothing is compared, and blocks have no spare bytes', async () => {
  debug.guardBytes = 0;
  expect(await reportOf(program(1, undefined))).toEqual({ checked: 0, violations: [] });
  const runtime = await WasmRuntime.open();
  runtime.heap.take(64);
  expect(runtime.memory().bytes).toBe(64);
  debug.guardBytes = 256;
});
