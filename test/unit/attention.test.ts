// The attention kernels' reference against the composition, which says what attention means: values, gradients, gradients of gradients.
import { describe, expect, test } from 'vitest';
import { gradients, pullback } from '../../src/autodiff/index.ts';
import { expandStepwise } from '../../src/compiler/expand.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { complete } from '../../src/compiler/pass.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import type { Shape } from '../../src/core/shape.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { flashAttention } from '../../src/ops/attention/flash.ts';
import { type AttentionAttributes, composedAttention } from '../../src/ops/attention/scores.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { gpuTarget, softwareTarget } from '../support/graphs.ts';
import { checkGradients, expectClose, random, valuesOf } from './kernelChecks.ts';

const input = (shape: Shape, dtype: 'f32' | 'i32' | 'f16' = 'f32'): Tensor => placeholder(shape, dtype, { position: 0 });
const attend = o.scaledDotProductAttention;

const cases: { name: string; queries: number; keys: number; causal?: boolean; masked?: boolean }[] = [
  { name: 'plain', queries: 3, keys: 5 },
  { name: 'causal', queries: 5, keys: 5, causal: true },
  { name: 'causal, fewer keys', queries: 5, keys: 2, causal: true },
  { name: 'masked', queries: 4, keys: 3, masked: true },
  { name: 'causal and masked', queries: 3, keys: 3, causal: true, masked: true },
  { name: 'one pair', queries: 1, keys: 1 },
];

describe.each(cases)('the kernels mean the composition: $name', ({ queries, keys, causal = false, masked = false }) => {
  const attributes: AttentionAttributes = { causal, masked, scale: 0.7 };
  const shapes: Shape[] = [[2, 1, queries, 4], [2, 1, keys, 4], [2, 1, keys, 4], ...(masked ? [[2, 1, queries, keys]] : [])]; // prettier-ignore
  const flash = (q: Tensor, k: Tensor, v: Tensor, mask?: Tensor): Tensor => flashAttention(q, k, v, mask, attributes);

  test('values', () => {
    const [q, k, v, mask] = shapes.map(random);
    expectClose(valuesOf(flash(q, k, v, mask)), valuesOf(composedAttention(q, k, v, mask, attributes)), 1e-12);
  });

  test('first and second gradients', () => checkGradients(flash, shapes));
});

test('a query without visible keys gives zeros, and has no gradient', () => {
  for (const length of [3, 600]) {
    const [q, k, v] = [length, length, length].map((t) => o.alias(random([1, 1, t, 4])));
    const seen = o.greater(o.reshape(o.arange(length), [length, 1]), 0);
    const y = attend(q, k, v, { mask: seen });
    const [gradient] = gradients(o.sum(o.square(y)), [q]);
    expect(valuesOf(y).slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(valuesOf(gradient).slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(valuesOf(y).every(Number.isFinite)).toBe(true);
    const hidden = attend(q, k, v, { mask: o.where(seen, 0, -Infinity) });
    expectClose(valuesOf(hidden), valuesOf(y), 1e-12);
  }
});

describe('the composition that a GPU stores scores for', () => {
  const attributes: AttentionAttributes = { causal: false, masked: false, scale: 0.7 };
  const [q, k, v, g] = [[2, 1, 5, 4], [2, 1, 3, 4], [2, 1, 3, 4], [2, 1, 5, 4]].map(random); // prettier-ignore

  /** Result and gradients, by the kernels' replacement and by composedAttention, in f64. */
  function both(inputs: readonly Tensor[], mask?: Tensor): [found: HostArray[], expected: HostArray[]] {
    const outputsOf = (attend: typeof flashAttention, own: AttentionAttributes): readonly Tensor[] => {
      const y = attend(inputs[0], inputs[1], inputs[2], mask, own);
      return [y, ...pullback([y], [g], [...inputs])];
    };
    const own = { ...attributes, masked: mask !== undefined };
    const kernels = outputsOf(flashAttention, { ...own, mayStore: true });
    const graph = complete(expandStepwise({ inputs: [], outputs: kernels }, gpuTarget));
    expect(topological(graph.outputs).some(({ op }) => op.name.startsWith('attention'))).toBe(false);
    return [interpret(graph.outputs, { mode: 'f64' }), interpret(outputsOf(composedAttention, own), { mode: 'f64' })];
  }

  test.each([
    ['all keys', undefined],
    ['a float mask', random([2, 1, 5, 3])],
    ['rows without keys', o.where(o.greater(random([2, 1, 5, 1]), 0), o.zeros([2, 1, 5, 3]), -3e38)],
  ])('%s', (_, mask) => {
    const [found, expected] = both([q, k, v].map(o.alias), mask && o.alias(mask));
    found.forEach((data, i) => expectClose(Array.from(data), Array.from(expected[i]), 1e-12));
  });

  test('NaN in a key reaches every result and gradient, as in the kernels', () => {
    const broken = o.where(o.greater(o.reshape(o.arange(24), [2, 1, 3, 4]), 3), k, NaN);
    const [found] = both([o.alias(q), o.alias(broken), o.alias(v)]);
    // The first head has the NaN; half of each result belongs to it.
    for (const data of found) expect(Array.from(data.slice(0, data.length / 2)).every(Number.isNaN)).toBe(true);
  });
});

describe('long sequences', () => {
  /** Result and gradients of attention of two heads. */
  const program = (length: number, target: Target, isCausal = true) => {
    const inputs = [0, 1, 2].map((position) => placeholder([1, 2, length, 6], 'f32', { position }));
    const y = attend(inputs[0], inputs[1], inputs[2], { isCausal });
    const outputs = [y, ...gradients(o.sum(o.square(y)), inputs)];
    return { outputs, program: compileGraph({ inputs, outputs }, { name: 'attention', target }) };
  };
  const kernels = ['attention', 'attentionKeyGradient', 'attentionQueryGradient'];
  const used = (length: number, target: Target, isCausal = false): string[] =>
    program(length, target, isCausal)
      .program.dispatches.flatMap(({ ops }) => ops)
      .filter((name) => kernels.includes(name))
      .sort();

  test('run as kernels, and no tensor of T x T is in the program, forward or backward', () => {
    const length = 1024;
    const { outputs, program: compiled } = program(length, softwareTarget);
    expect(topological(outputs).map((node) => node.op.name)).toEqual(expect.arrayContaining(kernels));
    const largest = Math.max(...topological(outputs).flatMap((node) => node.types.map((type) => type.shape.reduce((a, b) => a * b, 1))));
    expect(largest).toBeLessThan(length * length);
    expect(compiled.peakBytes).toBeLessThan(length * length * 4);
  });

  test('a GPU stores the scores of attention to all keys up to 256 MB and up to the size of a binding', () => {
    expect(used(1024, softwareTarget)).toEqual(kernels);
    expect(used(1024, gpuTarget, true)).toEqual(kernels);
    const target = { ...gpuTarget, maxBindingBytes: 2 ** 30 };
    // Two heads of 5,792² scores are 256 MB.
    expect(used(5792, target)).toEqual([]);
    expect(used(5793, target)).toEqual(kernels);
    expect(used(1024, { ...gpuTarget, maxBindingBytes: 2 ** 23 })).toEqual([]);
    expect(used(1024, { ...gpuTarget, maxBindingBytes: 2 ** 23 - 4 })).toEqual(kernels);
  });
});

test('a depth that is no multiple of 4, another depth of v, and half precision', () => {
  const [q, k, v] = [random([1, 1, 600, 6]), random([1, 1, 600, 6]), random([1, 1, 600, 3])];
  const y = attend(q, k, v);
  expect(y.shape).toEqual([1, 1, 600, 3]);
  const expected = composedAttention(q, k, v, undefined, { causal: false, masked: false, scale: 6 ** -0.5 });
  expectClose(valuesOf(y), valuesOf(expected), 1e-12);
  const half = input([1, 1, 4, 8], 'f16');
  expect(attend(half, half, half).dtype).toBe('f16');
  expect(attend(input([2, 3, 0, 4]), input([2, 3, 5, 4]), input([2, 3, 5, 4])).shape).toEqual([2, 3, 0, 4]);
});

test('says what is wrong', () => {
  const [q, k] = [input([2, 3, 5, 8]), input([2, 3, 7, 8])];
  const expectError = (call: () => unknown, text: string): void => expect(call).toThrow(`scaledDotProductAttention: ${text}`);
  expectError(() => attend(input([5, 8]), k, k), 'q [5,8], k [2,3,7,8], v [2,3,7,8]; all three are [batch, heads, time, depth]');
  expectError(() => attend(q, input([2, 1, 7, 8]), k), 'q [2,3,5,8], k [2,1,7,8], v [2,3,7,8]; batch and heads must be equal');
  expectError(() => attend(q, input([2, 3, 7, 4]), k), 'q [2,3,5,8], k [2,3,7,4], v [2,3,7,8]; q and k need the same depth');
  expectError(() => attend(q, k, input([2, 3, 6, 8])), 'q [2,3,5,8], k [2,3,7,8], v [2,3,6,8]; k and v need the same time');
  expectError(() => attend(q, input([2, 3, 0, 8]), input([2, 3, 0, 8])), 'q [2,3,5,8], k [2,3,0,8], v [2,3,0,8]; there must be a key');
  const whole = input([2, 3, 5, 8], 'i32');
  expectError(() => attend(whole, whole, whole), "takes floats, got i32, i32 and i32; use cast(x, 'f32')");
  expectError(() => attend(q, k, k, { mask: input([3, 7]) }), 'mask [3,7] does not broadcast to [batch, heads, queries, keys] = [2,3,5,7]');
  expectError(() => attend(q, k, k, { mask: input([5, 7], 'i32') }), 'mask is i32; use bool (true: attend)');
  expectError(() => attend(q, k, k, { scale: NaN }), 'scale is NaN; use a finite number');
  expectError(() => attend(q, k, undefined as unknown as Tensor), 'v is undefined; it must be a tensor: make one by tensor([...])');
  expectError(() => attend(q, k, k, { causal: true } as object), "unknown option 'causal'");
});
