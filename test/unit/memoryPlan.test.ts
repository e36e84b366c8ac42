// The memory plan, compared with the lower bound of all plans: the maximum of the bytes of intermediates alive at the same time.
import { beforeAll, describe, expect, test } from 'vitest';
import { type Program, compileGraph, printProgram } from '../../src/compiler/index.ts';
import { compile, setDevice } from '../../src/engine/index.ts';
import { matmul, ones, relu } from '../../src/ops/index.ts';
import { refusalOf } from '../../src/runtime/limits.ts';
import { gpuTarget, graphOf, softwareTarget } from '../support/graphs.ts';
import { trainingStepNames, tracedStep } from '../support/trainingSteps.ts';

const align = (bytes: number): number => Math.ceil(bytes / 256) * 256;

/** Read from the finished program. A scratch slot is alive from the first to the last dispatch that binds it, results to the end. */
function livenessBound({ slots, dispatches, outputs }: Program): number {
  const lives = slots.map(() => ({ first: Infinity, last: -1 }));
  dispatches.forEach(({ bindings }, i) => {
    for (const { slot } of bindings) {
      lives[slot].first = Math.min(lives[slot].first, i);
      lives[slot].last = i;
    }
  });
  for (const { slot } of outputs) if (slot >= 0) lives[slot].last = dispatches.length;
  const alive = dispatches.map((_, i) =>
    slots.reduce((sum, slot, s) => sum + (slot.kind === 'scratch' && lives[s].first <= i && i <= lives[s].last ? align(slot.bytes) : 0), 0),
  );
  return Math.max(0, ...alive);
}

describe.each([
  ['software', softwareTarget],
  ['GPU', gpuTarget],
])('scratch of a training step on a %s adapter', (_, target) => {
  test.each(trainingStepNames)('%s: within 1.15x of the bytes alive at the same time, in few arenas', (name) => {
    const { graph, donations } = tracedStep(name);
    const program = compileGraph(graph, { name, target, donations });
    const bound = livenessBound(program);
    const scratch = program.arenas.reduce((a, b) => a + b, 0);
    expect(scratch, printProgram(program).split('\n')[0]).toBeGreaterThanOrEqual(bound);
    expect(scratch / bound).toBeLessThanOrEqual(1.15);
    // All programs of a device share the arenas: many of different sizes would add up.
    expect(program.arenas.length).toBeLessThanOrEqual(6);
  });
});

describe('what a device refuses', () => {
  const graph = graphOf([{ shape: [64, 32] }, { shape: [32, 96] }], (x, w) => [relu(matmul(x, w))]);
  const program = compileGraph(graph, { name: 'forward', target: softwareTarget });
  const roomy = { device: 'webgpu' as const, maxBindingBytes: 2 ** 20, maxBufferBytes: 2 ** 20, maxBytes: undefined };
  const tensors =
    "its largest tensors: 'matmul + relu' f32[64,96] (24576 bytes), input 1 f32[32,96] (12288 bytes), input 0 f32[64,32] (8192 bytes))";
  const whole = `(the whole would take ${12288 + 8192 + 2 * 24576} bytes; ${tensors}`;

  test('a tensor beyond a binding, a buffer beyond the largest, a whole beyond the budget: each by its limit', () => {
    expect(refusalOf(program, roomy)).toBe(undefined);
    expect(refusalOf(program, { ...roomy, maxBindingBytes: 24575 })).toBe(
      "webgpu: forward: 'matmul + relu (matmul_direct)' writes a tensor f32[64,96] of 24576 bytes, but this device binds at most 24575 bytes at once (maxStorageBufferBindingSize); use a smaller batch, or split the tensor and join the results " +
        whole.replace("'matmul + relu'", "'matmul + relu (matmul_direct)'"),
    );
    expect(refusalOf(program, { ...roomy, maxBufferBytes: 24575 })).toContain(
      'webgpu: forward needs a buffer of 24576 bytes, but this device makes buffers of at most 24575 bytes (maxBufferSize); use a smaller batch or model (the whole',
    );
    expect(refusalOf(program, { ...roomy, maxBytes: program.peakBytes - 1 })).toContain(
      `webgpu: forward takes ${program.peakBytes} bytes at its peak, but maxBytes allows ${program.peakBytes - 1}; use a smaller batch`,
    );
    expect(refusalOf(program, { device: 'webgpu', maxBindingBytes: 24576, maxBufferBytes: 24576, maxBytes: program.peakBytes })).toBe(
      undefined,
    );
  });
});

describe('on the CPU', () => {
  beforeAll(() => setDevice('cpu'));

  test('there is no plan', async () => {
    await expect(compile(relu).plan(ones([2]))).rejects.toThrow("plan: memory is planned on a GPU only; call setDevice('webgpu') first");
  });

  test.each([0, -1, NaN, '1 GB'])('maxBytes %s is refused', async (maxBytes) => {
    await expect(setDevice('cpu', { maxBytes: maxBytes as number })).rejects.toThrow(
      /^setDevice: maxBytes is .*; it must be a positive number of bytes$/,
    );
  });
});
