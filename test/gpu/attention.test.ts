// The attention kernels on this device, each CPU and GPU alike one kernel: values and gradients against the composition in f64, at sizes around
// the tile of 64 and the step of 4, over views, with masks, spikes and repeated runs.
import { beforeAll, describe, expect, test } from 'vitest';
import { pullback } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, contiguousView, sizeOf } from '../../src/core/shape.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { flashAttention, flashOp } from '../../src/ops/attention/flash.ts';
import { type AttentionAttributes, composedAttention } from '../../src/ops/attention/scores.ts';
import '../../src/ops/methods.ts';
import { alias, broadcastTo, cast, scaledDotProductAttention, transpose, where } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteError, noteGradients } from '../support/findings.ts';
import { openPlanDevice } from '../support/planDevice.ts';
import { runPlan } from './runPlan.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});

const stream = RandomStream.fromSeed(5);
const leaf = (shape: Shape, spread = 1): Tensor =>
  alias(
    hostTensor(
      { shape, dtype: 'f32' },
      Float32Array.from({ length: sizeOf(shape) }, () => (stream.uniform() * 2 - 1) * spread),
    ),
  );

/** `floor` is the size of the terms that a small result cancels from. */
function expectClose(what: string, actual: HostArray, expected: HostArray, tolerance: number, floor = 1): void {
  const largest = Math.max(floor, ...Array.from(expected, Math.abs));
  expect(actual.length).toBe(expected.length);
  const errors = Array.from(actual, (value, i) => (Number.isFinite(value) ? Math.abs(value - expected[i]) : Infinity));
  noteError('attention', what, Math.max(...errors) / largest, tolerance);
  expect(Math.max(...errors) / largest, what).toBeLessThan(tolerance);
}

type Build = (q: Tensor, k: Tensor, v: Tensor, mask?: Tensor) => Tensor;

/** Result and gradients of one build, for the same cotangent. */
function outputsOf(build: Build, inputs: readonly Tensor[], cotangent: Tensor): Tensor[] {
  const y = build(inputs[0], inputs[1], inputs[2], inputs.at(3));
  return [y, ...pullback([y], [cotangent], [...inputs])];
}

interface Case {
  queries: number;
  keys: number;
  depth?: number;
  causal?: boolean;
  mask?: (shape: Shape) => Tensor;
  spread?: number;
  views?: boolean;
}

const cases: Record<string, Case> = {
  'one pair': { queries: 1, keys: 1 },
  'less than a tile': { queries: 3, keys: 5 },
  'around a tile': { queries: 63, keys: 65 },
  'whole tiles': { queries: 64, keys: 128 },
  causal: { queries: 67, keys: 67, causal: true },
  'causal, fewer keys than queries': { queries: 131, keys: 66, causal: true },
  'causal, more keys than queries': { queries: 5, keys: 131, causal: true },
  'a hidden key in two': { queries: 7, keys: 67, mask: ([, , , keys]) => where(leaf([keys]).greater(0), 0, -3e38) },
  'a float mask for each row': { queries: 66, keys: 9, mask: ([batch, , queries, keys]) => leaf([batch, 1, queries, keys]) },
  'scores of ten thousand': { queries: 9, keys: 70, spread: 100 },
  'views of [batch, time, heads, depth]': { queries: 65, keys: 10, views: true },
  'deeper, causal': { queries: 70, keys: 70, depth: 20, causal: true },
};

describe.each(Object.entries(cases))('%s', (name, { queries, keys, depth = 8, causal = false, mask, spread = 1, views = false }) => {
  test('values and gradients', async () => {
    const [batch, heads] = [2, 3];
    const shape = [batch, heads, queries, keys];
    const input = (time: number): Tensor => (views ? leaf([batch, time, heads, depth], spread) : leaf([batch, heads, time, depth], spread));
    const inputs = [input(queries), input(keys), input(keys), ...(mask ? [mask(shape)] : [])];
    const attributes: AttentionAttributes = { causal, masked: mask !== undefined, scale: depth ** -0.5 };
    const over =
      (attend: (q: Tensor, k: Tensor, v: Tensor, m: Tensor | undefined, a: AttentionAttributes) => Tensor): Build =>
      (q, k, v, m) => {
        const [a, b, c] = [q, k, v].map((t) => (views ? transpose(t, [0, 2, 1, 3]) : t));
        return attend(a, b, c, m && broadcastTo(m, shape), attributes);
      };
    const cotangent = leaf([batch, heads, queries, depth]);
    const expected = interpret(outputsOf(over(composedAttention), inputs, cotangent), { mode: 'f64' });
    const outputs = outputsOf(over(flashAttention), inputs, cotangent);
    const again = outputsOf(over(flashAttention), inputs, cotangent);
    const actual = await readAll(outputs);
    // Scores of 1e4 are exact to 1e-3 in f32, and so are the weights.
    const tolerance = spread > 1 ? 5e-3 : 2e-5;
    ['result', 'dq', 'dk', 'dv', 'dmask'].slice(0, outputs.length).forEach((what, i) => {
      expectClose(`${name}: ${what}`, actual[i], expected[i], i === 0 && spread === 1 ? 4e-6 : tolerance, i === 0 ? 1 : spread ** 2);
    });
    noteGradients(outputs.length - 1);
    // No atomics: the same bits each time.
    const repeated = await readAll(again);
    repeated.forEach((data, i) => expect(bytes(data)).toEqual(bytes(actual[i])));
  });
});

const bytes = (data: HostArray): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

test('the public function uses the kernels from 512 x 512 on, pads the depth, and gives zeros if all keys are hidden', async () => {
  const length = 520;
  const inputs = [6, 6, 3].map((depth) => leaf([1, 1, length, depth]));
  const seen = cast(leaf([length, 1]).greater(0), 'bool');
  const build: Build = (q, k, v) => scaledDotProductAttention(q, k, v, { mask: seen, isCausal: true });
  const additive = where(seen, 0, -3e38);
  const attributes: AttentionAttributes = { causal: true, masked: true, scale: 6 ** -0.5 };
  const cotangent = leaf([1, 1, length, 3]);
  const expected = interpret(
    outputsOf((q, k, v) => composedAttention(q, k, v, additive, attributes), inputs, cotangent),
    { mode: 'f64' },
  );
  const actual = await readAll(outputsOf(build, inputs, cotangent));
  actual.forEach((data, i) => expectClose(`output ${i}`, data, expected[i], 2e-5));
});

test('the kernel of one row for GPUs, whose loops unroll, agrees with that for CPUs', async () => {
  const opened = await openPlanDevice();
  const { lowering } = flashOp;
  if (lowering.kind !== 'kernel') throw new Error('attention is no kernel');
  const shape = [2, 1, 67, 8];
  const inputs = [0, 1, 2].map(() => ({ shape, dtype: 'f32' as const }));
  const attributes: AttentionAttributes = { causal: true, masked: false, scale: 0.5 };
  const outputs = flashOp.infer(inputs, attributes);
  const values = inputs.map(() => Float32Array.from({ length: sizeOf(shape) }, () => stream.uniform() * 2 - 1));
  const views = inputs.map(() => contiguousView(shape));
  const operands = values.map((data) => ({ dtype: 'f32' as const, data }));
  const [gpu, cpu] = await Promise.all(
    (['gpu', 'cpu'] as const).map((processor) => {
      const plan = lowering.plan({ inputs, views, outputs, attributes, target: { ...opened.target, processor } });
      expect(/^ *const depth = quads;/m.test(plan.dispatches[0].source)).toBe(processor === 'gpu');
      return runPlan(opened.device, plan, operands, outputs);
    }),
  );
  opened.close();
  const q = values.map((data) => hostTensor({ shape, dtype: 'f32' }, data));
  const [expected] = interpret([composedAttention(q[0], q[1], q[2], undefined, attributes)], { mode: 'f64' });
  expectClose('result', gpu[0], expected, 4e-6);
  expectClose('both variants', gpu[0], cpu[0], 1e-6);
});
