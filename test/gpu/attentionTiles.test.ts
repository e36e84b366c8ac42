// The tiled attention kernels for GPUs, against the composition in f64: values and gradients. Sizes are around the 64 rows and the 32
// columns of a tile.
import { beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { pullback } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { defaultEngine, readAll, setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { flashAttention } from '../../src/ops/attention/flash.ts';
import { type AttentionAttributes, composedAttention } from '../../src/ops/attention/scores.ts';
import '../../src/ops/methods.ts';
import { alias, broadcastTo, transpose, where } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { noteError, noteGradients } from '../support/findings.ts';

/** Software takes many seconds to build one of these kernels. */
const isDisguised = inject('plan') === 'gpu';
const isFull = inject('gpuGraphs') >= 300;
const shortList = ['primes, causal'];

let isForGpu = false;
beforeAll(async () => {
  await setDevice('webgpu');
  isForGpu = ((await defaultEngine()).runtime as WebGpuRuntime).target.processor === 'gpu';
});

beforeEach(({ skip, task }) => {
  if (!isForGpu) skip('this adapter has other kernels for attention; the gpu-plan stage runs these');
  if (isDisguised && !isFull && !shortList.includes(task.name))
    skip('software builds the kernel for a minute; test:full and GPUs run all cases');
});

const stream = RandomStream.fromSeed(7);
const leaf = (shape: Shape, spread = 1): Tensor =>
  alias(
    hostTensor(
      { shape, dtype: 'f32' },
      Float32Array.from({ length: sizeOf(shape) }, () => (stream.uniform() * 2 - 1) * spread),
    ),
  );

interface Case {
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
  readonly causal?: boolean;
  /** Makes a mask from the shape of the scores. */
  readonly mask?: (shape: Shape) => Tensor;
  readonly spread?: number;
  readonly views?: boolean;
}

/** Result and gradients of one build, for the same cotangent. */
function outputsOf(build: (...inputs: readonly Tensor[]) => Tensor, inputs: readonly Tensor[], cotangent: Tensor): Tensor[] {
  const y = build(...inputs);
  return [y, ...pullback([y], [cotangent], [...inputs])];
}

/** Largest error relative to the largest expected value, at least 1 for the result and for gradients of terms of size spread². */
function errorOf(actual: HostArray, expected: HostArray, floor: number): number {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(floor, ...Array.from(expected, Math.abs));
  return Math.max(0, ...Array.from(actual, (value, i) => (Number.isFinite(value) ? Math.abs(value - expected[i]) : Infinity))) / largest;
}

async function check(what: string, { queries, keys, depth, causal = false, mask, spread = 1, views = false }: Case): Promise<void> {
  const [batch, heads] = [1, 2];
  const scores = [batch, heads, queries, keys];
  const input = (time: number): Tensor => leaf(views ? [batch, time, heads, depth] : [batch, heads, time, depth], spread);
  const inputs = [input(queries), input(keys), input(keys), ...(mask ? [mask(scores)] : [])];
  const attributes: AttentionAttributes = { causal, masked: mask !== undefined, scale: depth ** -0.5 };
  const build =
    (attend: typeof flashAttention, own: AttentionAttributes) =>
    (...[q, k, v, m]: readonly (Tensor | undefined)[]): Tensor => {
      const [a, b, c] = [q!, k!, v!].map((t) => (views ? transpose(t, [0, 2, 1, 3]) : t));
      return attend(a, b, c, m && broadcastTo(m, scores), own);
    };
  const cotangent = leaf([batch, heads, queries, depth]);
  const expected = interpret(outputsOf(build(composedAttention, attributes), inputs, cotangent), { mode: 'f64' });
  const actual = await readAll(outputsOf(build(flashAttention, attributes), inputs, cotangent));
  ['result', 'dq', 'dk', 'dv', 'dmask'].slice(0, actual.length).forEach((name, i) => {
    const tolerance = spread > 1 ? 5e-3 : i === 0 ? 4e-6 : 2e-5;
    const error = errorOf(actual[i], expected[i], i === 0 ? 1 : spread ** 2);
    noteError('attention', `${what}: ${name}`, error, tolerance);
    expect(error, `${what}: ${name}`).toBeLessThan(tolerance);
  });
  noteGradients(actual.length - 1);
}

const hideHalf = ([, , , keys]: Shape): Tensor => where(leaf([keys]).greater(0), 0, -3e38);

const cases: Readonly<Record<string, Case>> = {
  'one pair': { queries: 1, keys: 1, depth: 32 },
  'two queries, 31 keys': { queries: 2, keys: 31, depth: 16 },
  'one tile': { queries: 64, keys: 32, depth: 64 },
  'two tiles, causal': { queries: 128, keys: 128, depth: 64, causal: true },
  'one more than a tile': { queries: 65, keys: 33, depth: 64 },
  'one less than a tile, causal': { queries: 63, keys: 63, depth: 64, causal: true },
  'primes, causal': { queries: 97, keys: 97, depth: 32, causal: true },
  'causal, fewer keys than queries': { queries: 131, keys: 37, depth: 32, causal: true },
  'causal, more keys than queries': { queries: 5, keys: 131, depth: 32, causal: true },
  'two slices of the depth': { queries: 67, keys: 41, depth: 128, causal: true },
  'a depth that no slice divides': { queries: 33, keys: 65, depth: 20 },
  'two slices, the second of 9 quads': { queries: 33, keys: 35, depth: 100 },
  'a hidden key in two': { queries: 7, keys: 67, depth: 64, mask: hideHalf },
  'rows without keys': {
    ...{ queries: 66, keys: 66, depth: 16, causal: true },
    mask: ([batch, heads, queries]) => where(leaf([batch, heads, queries, 1]).greater(0), 0, -3e38),
  },
  'a float mask for each row': { queries: 66, keys: 39, depth: 64, mask: (shape) => leaf(shape) },
  'scores of ten thousand': { queries: 9, keys: 70, depth: 16, spread: 60 },
  'views of [batch, time, heads, depth]': { queries: 65, keys: 34, depth: 64, views: true },
};

describe('one tile and many', () => {
  test.each(Object.entries(cases))('%s', { timeout: 300_000 }, async (name, one) => check(name, one));
});

test('all lengths around a tile', { timeout: 600_000 }, async () => {
  const lengths = [1, 2, 31, 32, 33, 63, 64, 65];
  for (const [i, queries] of lengths.entries()) {
    for (const step of [0, 1, 3]) {
      const keys = lengths[(i + step) % lengths.length];
      await check(`${queries} queries, ${keys} keys`, { queries, keys, depth: 16, causal: i % 2 === 0 });
    }
  }
});
