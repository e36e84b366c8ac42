// Properties that the tables do not test: special values, dtypes, weak numbers, simplifications, views on the host, random numbers.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { Dtype } from '../../src/core/dtype.ts';
import { threefry } from '../../src/core/random.ts';
import { attributesKey } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import '../../src/ops/methods.ts';
import * as o from '../../src/ops/index.ts';
import { padInterior } from '../../src/ops/shape/pad.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import golden from '../golden/ops.json';
import { noteError, noteVectors } from '../support/findings.ts';
import { opRows } from '../tables/index.ts';
import { specialAngles, specialBinary, specialUnary } from '../tables/special.ts';

const run = (t: Tensor): number[] => Array.from(interpret([t])[0]);
const input = (shape: number[], dtype: Dtype = 'f32'): Tensor => placeholder(shape, dtype, { position: 0 });
const i32 = (...values: number[]): Tensor => o.tensor(values, [values.length], 'i32');
const u32 = (...values: number[]): Tensor => o.tensor(values, [values.length], 'u32');

describe('special values agree with PyTorch', () => {
  const special = o.tensor(golden.special.values.map(Number));
  const expected: Record<string, (number | string)[]> = golden.special.of;
  const compare = (name: string, y: Tensor): void => {
    const actual = run(o.cast(y, 'f32'));
    expected[name].map(Number).forEach((want, i) => {
      const error = Object.is(actual[i], want) || actual[i] === want ? 0 : Math.abs(actual[i] - want);
      const allowed = Number.isFinite(want) ? 1e-6 * Math.abs(want) : 0;
      noteError('special values', name, error, allowed);
      if (!(error <= allowed)) expect.fail(`${name}, element ${i}: ${actual[i]} instead of ${want}`);
    });
    noteVectors(1);
  };
  test.each(Object.keys({ ...specialUnary, ...specialAngles }))('%s', (name) =>
    compare(name, (specialUnary[name] ?? specialAngles[name])(special)),
  );
  test.each(Object.keys(specialBinary))('%s', (name) => compare(name, specialBinary[name](o.expandDims(special, 1), special)));
});

describe('dtypes', () => {
  const f32 = input([2]);
  const f16 = input([2], 'f16');
  const whole = input([2], 'i32');
  const bool = input([2], 'bool');
  test.each<[string, Tensor, Dtype]>([
    ['i32 + f32', o.add(whole, f32), 'f32'],
    ['f16 + f32', o.add(f16, f32), 'f32'],
    ['bool + i32', o.add(bool, whole), 'i32'],
    ['bool + bool', o.add(bool, bool), 'i32'],
    ['i32 + 1', o.add(whole, 1), 'i32'],
    ['i32 + 0.5', o.add(whole, 0.5), 'f32'],
    ['f16 + 0.5', o.add(f16, 0.5), 'f16'],
    ['bool + 1', o.add(bool, 1), 'i32'],
    ['1 + 1', o.add(1, 1), 'f32'],
    ['i32 / i32', o.div(whole, whole), 'f32'],
    ['exp i32', o.exp(whole), 'f32'],
    ['exp f16', o.exp(f16), 'f16'],
    ['sum bool', o.sum(bool), 'i32'],
    ['sum u32', o.sum(input([2], 'u32')), 'u32'],
    ['mean i32', o.mean(whole), 'f32'],
    ['max i32', o.max(whole), 'i32'],
    ['argMax', o.argMax(f32), 'i32'],
    ['floor i32', o.floor(whole), 'i32'],
    ['floorDiv i32', o.floorDiv(whole, 2), 'i32'],
    ['pow i32 2', o.pow(whole, 2), 'i32'],
    ['pow i32 -1', o.pow(whole, -1), 'f32'],
    ['less', o.less(whole, 0.5), 'bool'],
    ['where', o.where(bool, whole, 0.5), 'f32'],
    ['where bool, 2', o.where(bool, bool, 2), 'i32'],
    ['bool == 2', o.equal(bool, 2).node!.inputs[0], 'i32'],
    ['triL bool', o.triL(input([2, 2], 'bool')), 'bool'],
    ['arange', o.arange(3), 'i32'],
    ['arange step', o.arange(0, 1, 0.5), 'f32'],
    ['concat', o.concat([bool, whole, f32]), 'f32'],
  ])('%s', (_, y, dtype) => expect(y.dtype).toBe(dtype));

  test('gradients of f16 are f16, for each op', () => {
    const wrong = opRows
      .filter(({ gradient }) => gradient !== 'none')
      .flatMap(({ name, inputs, call }) => {
        const halves = inputs.map(({ shape, dtype }) => placeholder(shape, dtype === 'f32' ? 'f16' : dtype, { position: 0 }));
        const y = call(...halves);
        const found = gradients(y, halves.filter(({ dtype }) => dtype === 'f16')); // prettier-ignore
        return found.flatMap(({ dtype }, i) => (dtype === 'f16' ? [] : [`${name}, input ${i}: ${dtype}`]));
      });
    expect(wrong).toEqual([]);
  });

  test('integers are exact and wrap, division by zero gives 0', () => {
    expect(run(o.mul(i32(65537, -3), i32(65537, 2147483647)))).toEqual([131073, -2147483645]);
    expect(run(o.mul(u32(4294967295), u32(4294967295)))).toEqual([1]);
    expect(run(o.floorDiv(i32(-7, 7, 5), i32(2, -2, 0)))).toEqual([-4, -4, 0]);
    expect(run(o.mod(i32(-7, 7, 5), i32(2, -2, 0)))).toEqual([1, -1, 0]);
    expect(run(o.pow(i32(-2, 3, 0, -1), i32(3, 21, 0, -3)))).toEqual([-8, 1870418611, 1, -1]);
    expect(run(o.neg(u32(1)))).toEqual([4294967295]);
    expect(run(o.prod(i32(65536, 65537)))).toEqual([65536]);
  });

  test('casts truncate, clamp and turn NaN into 0', () => {
    const x = o.tensor([2.9, -2.9, NaN, Infinity, -Infinity, 3e9, -0]);
    expect(run(o.cast(x, 'i32'))).toEqual([2, -2, 0, 2147483647, -2147483648, 2147483647, 0]);
    expect(run(o.cast(x, 'u32'))).toEqual([2, 0, 0, 4294967295, 0, 3000000000, 0]);
    expect(run(o.cast(x, 'bool'))).toEqual([1, 1, 1, 1, 1, 1, 0]);
    expect(run(o.cast(o.tensor([1 / 3, 70000]), 'f16'))).toEqual([Math.fround(0.333251953125), Infinity]);
  });

  test('floored remainder and quotient of floats belong together', () => {
    expect(run(o.mod(o.tensor([6, -6, 5.5, 1]), o.tensor([0.1, 4, -2, 0]))).map((x) => Math.round(x * 1e4))).toEqual([
      1000,
      20000,
      -5000,
      NaN,
    ]);
    expect(run(o.floorDiv(o.tensor([6, -6, 5.5, 1]), o.tensor([0.1, 4, -2, 0])))).toEqual([59, -2, -3, Infinity]);
  });
});

describe('values of tensors', () => {
  test('tensor() finds shape and dtype, and copies', () => {
    const bytes = Float32Array.of(1, 2);
    const t = o.tensor(bytes);
    bytes[0] = 9;
    expect(run(t)).toEqual([1, 2]);
    const types = [
      o.tensor([[true, false]]),
      o.tensor(new Uint8Array(3)),
      o.tensor(new Uint32Array(3)),
      o.tensor(new Float64Array(3)),
      o.tensor([]),
    ];
    expect(types.map((x) => `${x.dtype}[${x.shape.join()}]`)).toEqual(['bool[1,2]', 'i32[3]', 'u32[3]', 'f32[3]', 'f32[0]']);
    expect(o.tensor([1, 2, 3, 4], [2, 2]).shape).toEqual([2, 2]);
    // Typed arrays are copied as a whole only if no element changes.
    expect(run(o.tensor(Float64Array.of(0.1, -3)))).toEqual([Math.fround(0.1), -3]);
    expect(run(o.tensor(Uint8Array.of(0, 255)))).toEqual([0, 255]);
    expect(run(o.tensor(Float32Array.of(-1.5, 2e9), [2], 'i32'))).toEqual([-1, 2e9]);
    expect(run(o.tensor(Int32Array.of(1, 7), [2], 'u32'))).toEqual([1, 7]);
    expect(run(o.tensor(Uint8Array.of(0, 5), [2], 'bool'))).toEqual([0, 1]);
  });

  test('reshape and slices of rows of host tensors are windows onto the same array', () => {
    const x = o.tensor(
      Float32Array.from({ length: 12 }, (_, i) => i),
      [4, 3],
    );
    const rows = o.slice(x, [1], [3]);
    const reshaped = o.reshape(rows, [3, 2]);
    expect([rows.node, reshaped.node, o.unstack(x)[3].node]).toEqual([undefined, undefined, undefined]);
    expect(run(reshaped)).toEqual([3, 4, 5, 6, 7, 8]);
    const buffers = [x, reshaped].map((t) => (t.value?.kind === 'host' ? t.value.data.buffer : undefined));
    expect(buffers[0]).toBe(buffers[1]);
    expect(o.slice(x, [0, 1]).node).toBeDefined();
    expect(run(o.slice(x, [9]))).toEqual([]);
  });

  test('reductions: a NaN gives NaN, ties share the gradient, products with zeros have one', () => {
    const x = o.tensor([[1, NaN, 3], [-Infinity, -Infinity, -Infinity]]); // prettier-ignore
    expect(run(o.max(x, { axis: 1 }))).toEqual([NaN, -Infinity]);
    expect(run(o.min(x, { axis: 1 }))).toEqual([NaN, -Infinity]);
    expect(run(o.argMax(x, { axis: 1 }))).toEqual([1, 0]);
    expect(run(o.logSumExp(x, { axis: 1 }))).toEqual([NaN, -Infinity]);
    const tied = o.tensor([2, 5, 5]);
    expect(run(gradients(o.max(tied), [tied])[0])).toEqual([0, 0.5, 0.5]);
    expect(run(gradients(o.maximum(tied, o.tensor([2, 1, 9])), [tied])[0])).toEqual([0.5, 1, 0]);
    // An alias, because views of a tensor on the host are separate tensors without a gradient.
    const zeros = o.alias(o.tensor([0, 2, 3]));
    const first = gradients(o.prod(zeros), [zeros])[0];
    expect(run(first)).toEqual([6, 0, 0]);
    expect(run(gradients(o.slice(first, [1], [2]), [zeros])[0])).toEqual([3, 0, 0]);
    const origin = o.tensor([0, 0]);
    expect(run(gradients(o.norm(origin), [origin])[0])).toEqual([0, 0]);
    expect(run(o.max(o.tensor([[true, false]]), { axis: 1 }))).toEqual([1]);
  });

  test('infinities on the branch not taken do not reach a gradient', () => {
    const x = o.tensor([1000, -1]);
    expect(run(gradients(o.elu(x), [x])[0])).toEqual([1, Math.fround(Math.exp(-1))]);
    expect(run(gradients(o.relu(o.tensor([0])), [x])[0])).toEqual([0, 0]);
    const zero = o.tensor([0]);
    expect(run(gradients(o.pow(zero, o.tensor([0])), [zero])[0])).toEqual([0]);
    expect(run(gradients(o.relu(zero), [zero])[0])).toEqual([0]);
  });

  test('padding between elements is undone by a strided slice', () => {
    const x = o.tensor([[1, 2], [3, 4]]); // prettier-ignore
    const padded = padInterior(x, [[1, 0, 1], [0, 1, 2]], -1); // prettier-ignore
    expect(padded.shape).toEqual([4, 5]);
    expect(run(o.slice(padded, [1, 0], [], [2, 3]))).toEqual([1, 2, 3, 4]);
  });
});

describe('random numbers', () => {
  test('threefry gives the published answers', () => {
    // Published results of Random123 for Threefry-2x32 with 20 rounds.
    expect([threefry(0, 0, 0, 0, 0), threefry(0, 0, 0, 0, 1)]).toEqual([0x6b200159, 0x99ba4efe]);
    const ones = 0xffffffff;
    expect([threefry(ones, ones, ones, ones, 0), threefry(ones, ones, ones, ones, 1)]).toEqual([0x1cb996fc, 0xbb002be7]);
    expect([0, 1].map((lane) => threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, lane as 0 | 1))).toEqual([0xc4923a9c, 0x483df7a0]);
  });

  test('distributions have their moments', () => {
    const n = 20000;
    const moments = (t: Tensor): [number, number] => {
      const [mean] = run(o.mean(t));
      return [mean, run(o.std(t))[0]];
    };
    const near = (t: Tensor, mean: number, std: number): void => {
      const [m, s] = moments(t);
      expect(Math.abs(m - mean)).toBeLessThan(0.02);
      expect(Math.abs(s - std)).toBeLessThan(0.02);
    };
    near(o.random.uniform([n], { seed: 1 }), 0.5, Math.sqrt(1 / 12));
    near(o.random.normal([n], { seed: 2 }), 0, 1);
    near(o.random.truncatedNormal([n], { seed: 3 }), 0, 0.8796);
    near(o.cast(o.random.bernoulli([n], { seed: 4, p: 0.3 }), 'f32'), 0.3, Math.sqrt(0.21));
    const [least] = run(o.min(o.random.truncatedNormal([n], { seed: 3 })));
    expect(least).toBeGreaterThanOrEqual(-2);
    expect(run(o.random.permutation(100)).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test('setSeed repeats, calls differ', () => {
    o.setSeed(5);
    const a = run(o.random.uniform([4]));
    const b = run(o.random.uniform([4]));
    o.setSeed(5);
    expect(run(o.random.uniform([4]))).toEqual(a);
    expect(b).not.toEqual(a);
  });

  test('dropout keeps the expectation and passes through at rate 0', () => {
    const x = o.ones([20000]);
    const y = run(o.dropout(x, { rate: 0.25, seed: 9 }));
    expect(new Set(y)).toEqual(new Set([0, Math.fround(4 / 3)]));
    expect(Math.abs(y.reduce((a, b) => a + b) / y.length - 1)).toBeLessThan(0.02);
    expect(o.dropout(x, { rate: 0 })).toBe(x);
  });
});

describe('simplifications', () => {
  const x = input([2, 3]);
  const simplified = (y: Tensor): Tensor | undefined => y.node!.op.simplify?.(y.node!.inputs, y.node!.attributes);
  test.each<[string, Tensor, Tensor]>([
    ['x + 0', o.add(x, 0), x],
    ['0 + x', o.add(0, x), x],
    ['x - 0', o.sub(x, 0), x],
    ['x * 1', o.mul(x, 1), x],
    ['1 * x', o.mul(1, x), x],
    ['x / 1', o.div(x, 1), x],
    ['x + zeros', o.add(x, o.zeros([3])), x],
    ['--x', o.neg(o.neg(x)), x],
    ['alias', o.alias(x), x],
    ['stopGradient', o.stopGradient(x), x],
    ['transpose twice', o.transpose(o.transpose(x)), x],
    ['reshape there and back', o.reshape(o.reshape(x, [6]), [2, 3]), x],
    ['where true', o.where(o.ones([2, 3], 'bool'), x, 0), x],
  ])('%s', (_, y, expected) => expect(simplified(y)).toBe(expected));

  test('x * 0 stays: 0 times NaN is NaN', () => expect(simplified(o.mul(x, 0))).toBeUndefined());

  test('views of views become one', () => {
    const y = simplified(o.broadcastTo(o.broadcastTo(input([3]), [2, 3]), [4, 2, 3]))!;
    expect(`${y.node!.op.name} ${attributesKey(y.node!.attributes)} of [${y.node!.inputs[0].shape.join()}]`).toBe(
      'broadcastTo {"shape":[4,2,3]} of [3]',
    );
  });

  test('numbers as exponents become the op that they mean', () => {
    const names = [2, 0.5, -1, -0.5, 3].map((p) => o.pow(x, p).node!.op.name);
    expect(names).toEqual(['square', 'sqrt', 'reciprocal', 'rsqrt', 'powScalar']);
    expect(o.pow(x, 1)).toBe(x);
  });
});

test('methods are the functions', () => {
  const x = o.tensor([[1, -2], [3, -4]]); // prettier-ignore
  expect(run(x.relu().add(1).mul(2).sum({ axis: 0 }))).toEqual([12, 4]);
  expect(run(x.matmul(x).transpose().reshape([4]).slice([1], [3]))).toEqual(
    run(o.slice(o.reshape(o.transpose(o.matmul(x, x)), [4]), [1], [3])),
  );
  expect(x.split(2, 1).map((part) => part.shape)).toEqual([[2, 1], [2, 1]]); // prettier-ignore
});

test('an op without a gradient stops it, and does not throw', () => {
  const x = input([2, 3]);
  expect(run(gradients(o.cast(o.argMax(x), 'f32'), [x])[0])).toEqual([0, 0, 0, 0, 0, 0]);
});
