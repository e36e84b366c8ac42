// Whole numbers beyond 2^31 are the nearest f32 or refused by name; none wraps around. Casts saturate.
import { beforeAll, describe, expect, test } from 'vitest';
import { type Dtype, nearestF32 } from '../../src/core/dtype.ts';
import { DataError, DtypeError } from '../../src/core/errors.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { defineLayer, layers } from '../../src/nn/index.ts';
import { add, arange, cast, clip, full, greater, maximum, pad, pow, scalar, tensor, where } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { type ArrayInput, type Model, type ModelInput, data, sequential } from '../../src/train/index.ts';
import { castRows } from '../support/castRows.ts';
import { quiet } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));

const f32 = Math.fround;
const big = (...values: bigint[]): BigInt64Array => BigInt64Array.from(values);

describe('making tensors', () => {
  const numbers = [3e9, 2 ** 32, 1.7e12];
  test.each<[string, () => Tensor, Dtype, number[]]>([
    ['an array', () => tensor(numbers), 'f32', numbers],
    ['nested arrays', () => tensor([[3e9], [-3e9]]), 'f32', [3e9, -3e9]],
    ['a Float64Array', () => tensor(Float64Array.from(numbers)), 'f32', numbers],
    ['a Uint32Array keeps u32', () => tensor(Uint32Array.of(3e9)), 'u32', [3e9]],
    ['a Uint32Array as f32', () => tensor(Uint32Array.of(4294967295), [1], 'f32'), 'f32', [4294967296]],
    ['a BigInt64Array within i32', () => tensor(big(-5n, 2147483647n)), 'i32', [-5, 2147483647]],
    ['a BigInt64Array', () => tensor(big(1n, -1700000000000n)), 'f32', [1, -1.7e12]],
    ['a BigUint64Array', () => tensor(BigUint64Array.of(2n ** 64n - 1n)), 'f32', [2 ** 64]],
    ['a BigUint64Array as u32', () => tensor(BigUint64Array.of(4294967295n), [1], 'u32'), 'u32', [4294967295]],
    ['edges of i32', () => tensor([-2147483648, 2147483647], [2], 'i32'), 'i32', [-2147483648, 2147483647]],
    ['fractions are truncated', () => tensor([2147483647.9, -1.5], [2], 'i32'), 'i32', [2147483647, -1]],
    ['scalar', () => scalar(3e9), 'f32', [3e9]],
    ['full', () => full([2], 3e9), 'f32', [3e9, 3e9]],
    ['full u32', () => full([1], 3e9, 'u32'), 'u32', [3e9]],
    ['arange beyond', () => arange(3e9, 3e9 + 1024, 512), 'f32', [3e9, 3e9 + 512]],
    ['arange up to the edge', () => arange(2147483646, 2147483648), 'i32', [2147483646, 2147483647]],
    ['arange over all of i32', () => arange(-2e9, 2e9 + 1, 2e9), 'i32', [-2e9, 0, 2e9]],
    ['arange by a step beyond i32', () => arange(-2e9, 2e9, 3e9), 'i32', [-2e9, 1e9]],
    ['arange down', () => arange(3, -2, -2), 'i32', [3, 1, -1]],
    ['arange u32', () => arange(3e9, 3e9 + 2, 1, 'u32'), 'u32', [3e9, 3e9 + 1]],
    ['arange u32 down', () => arange(3e9 + 2, 3e9, -1, 'u32'), 'u32', [3e9 + 2, 3e9 + 1]],
    ['arange of one', () => arange(0, 3e9, 4e9), 'i32', [0]],
    ['arange of none', () => arange(3e9, 0), 'f32', []],
    ['arange of fractions in i32', () => arange(0, 2, 0.5, 'i32'), 'i32', [0, 0, 1, 1]],
  ])('%s', async (_, make, dtype, want) => {
    const made = make();
    expect(made.dtype).toBe(dtype);
    expect(Array.from(await made.data())).toEqual(dtype === 'f32' ? want.map(f32) : want);
  });

  const i32 = '(-2147483648 to 2147483647)';
  const x = tensor([1, 2], [2], 'i32');
  test.each<[string, () => unknown, string]>([
    [
      'i32 of an array',
      () => tensor([1, 3e9], [2], 'i32'),
      `tensor: value 1 is 3000000000, which is not a value of i32 ${i32}; use dtype 'f32'`,
    ],
    [
      'i32 of a Float64Array',
      () => tensor(Float64Array.of(-3e9), [1], 'i32'),
      `tensor: value 0 is -3000000000, which is not a value of i32 ${i32}`,
    ],
    [
      'i32 of a Uint32Array',
      () => tensor(Uint32Array.of(3e9), [1], 'i32'),
      `tensor: value 0 is 3000000000, which is not a value of i32 ${i32}`,
    ],
    [
      'i32 of a BigInt64Array',
      () => tensor(big(3000000000n), [1], 'i32'),
      `tensor: value 0 is 3000000000, which is not a value of i32 ${i32}`,
    ],
    ['u32 of a negative', () => tensor([-1], [1], 'u32'), 'tensor: value 0 is -1, which is not a value of u32 (0 to 4294967295)'],
    [
      'u32 of an Int32Array',
      () => tensor(Int32Array.of(-1), [1], 'u32'),
      'tensor: value 0 is -1, which is not a value of u32 (0 to 4294967295)',
    ],
    ['NaN', () => tensor([NaN], [1], 'i32'), `tensor: value 0 is NaN, which is not a value of i32 ${i32}`],
    ['Infinity', () => tensor([[Infinity]], [1, 1], 'u32'), 'tensor: value 0 is Infinity, which is not a value of u32 (0 to 4294967295)'],
    ['scalar', () => scalar(3e9, 'i32'), `tensor: value 0 is 3000000000, which is not a value of i32 ${i32}`],
    ['full', () => full([2], 3e9, 'i32'), `full: value is 3000000000, which is not a value of i32 ${i32}; use dtype 'f32'`],
    ['full of NaN', () => full([2], NaN, 'i32'), `full: value is NaN, which is not a value of i32 ${i32}`],
    ['arange i32', () => arange(0, 4e9, 1e9, 'i32'), `arange: an element is 3000000000, which is not a value of i32 ${i32}`],
    ['arange u32', () => arange(1, -2, -1, 'u32'), 'arange: an element is -1, which is not a value of u32 (0 to 4294967295)'],
    ['pad', () => pad(x, [[1, 1]], { value: 3e9 }), `pad: value is 3000000000, which is not a value of i32 ${i32}; cast x to f32 first`],
    ['add', () => x.add(3e9), `add: 3000000000 is not a value of i32 ${i32}; cast the tensor to f32 first`],
    ['add to u32', () => add(tensor(Uint32Array.of(1)), -1), 'add: -1 is not a value of u32 (0 to 4294967295)'],
    ['greater', () => greater(x, 3e9), `greater: 3000000000 is not a value of i32 ${i32}`],
    ['maximum', () => maximum(3e9, x), `maximum: 3000000000 is not a value of i32 ${i32}`],
    ['clip', () => clip(x, 0, 3e9), `clip: 3000000000 is not a value of i32 ${i32}`],
    ['where', () => where(greater(x, 1), x, 3e9), `where: 3000000000 is not a value of i32 ${i32}`],
    ['pow', () => pow(x, 3e9), `pow: 3000000000 is not a value of i32 ${i32}`],
    [
      'bigint in an array',
      () => tensor([1n] as never),
      'tensor: value 0 is bigint; values are numbers or booleans: convert it with Number()',
    ],
  ])('error: %s', (_, act, message) => {
    expect(act).toThrow(message);
    if (!message.includes('bigint')) expect(act).toThrow(DtypeError);
  });

  test('numbers added to floats are floats', async () => {
    expect(await tensor([1]).add(3e9).array()).toEqual([3e9]);
  });

  test.each([
    [2n ** 53n + 1n, 2 ** 53],
    // Just above the middle of two f32: rounded to f64 first, it would be the middle, and go to the even one.
    [2n ** 60n + 2n ** 36n + 1n, 2 ** 60 + 2 ** 37],
    [2n ** 60n + 2n ** 36n, 2 ** 60],
    [2n ** 60n + 3n * 2n ** 36n - 1n, 2 ** 60 + 2 ** 37],
    [2n ** 60n + 3n * 2n ** 36n, 2 ** 60 + 2 ** 38],
    [2n ** 64n - 1n, 2 ** 64],
    [0n, 0],
  ])('the f32 nearest to %d', (x, want) => {
    expect(nearestF32(x)).toBe(want);
    expect(nearestF32(-x)).toBe(want === 0 ? 0 : -want);
  });
});

test.each(castRows)('cast %s', async (_, from, values, to, want) => {
  expect(Array.from(await cast(tensor(values, [values.length], from), to).data())).toEqual(want);
});

describe('data of a model', () => {
  const values = [3e9, 4294967296, 1.7e12];
  /** Gives its input back; the error against targets is mean |x - y|. */
  const identity = (): Model => {
    const model = sequential([layers.activation({ activation: 'linear', inputShape: [1] })]);
    model.compile({ optimizer: 'sgd', loss: 'meanAbsoluteError' });
    return model;
  };
  const column = values.map((v) => [v]);
  const u32 = { data: Uint32Array.of(1, 3e9, 4294967295), shape: [3, 1] };
  const i64 = { data: big(5n, 1700000000000n, -(2n ** 62n)), shape: [3, 1] };
  const u64 = { data: BigUint64Array.of(5n, 2n ** 63n, 7n), shape: [3, 1] };
  const f64 = { data: Float64Array.from(values), shape: [3, 1] };
  const rows: [string, ArrayInput, number[]][] = [
    ['nested arrays', column, values],
    ['one above 2^31 - 1 among small ones', [[1], [2147483648], [2]], [1, 2147483648, 2]],
    ['a Uint32Array', u32, [1, 3e9, 4294967296]],
    ['a u32 tensor', tensor(u32.data, [3, 1]), [1, 3e9, 4294967296]],
    ['a BigInt64Array', i64, [5, 1.7e12, -(2 ** 62)]],
    ['a BigUint64Array', u64, [5, 2 ** 63, 7]],
    ['a Float64Array', f64, values],
    ['a tensor', tensor(column), values],
  ];

  test.each(rows)('%s', async (_, given, want) => {
    const model = identity();
    const zeros = want.map(() => [0]);
    const mean = want.reduce((sum, v) => sum + Math.abs(v) / want.length, 0);
    expect((await model.predict(given).array()) as number[][]).toEqual(want.map((v) => [f32(v)]));
    expect((await model.evaluate(given, zeros)).loss / mean).toBeCloseTo(1, 5);
    expect((await model.evaluate(zeros, given)).loss / mean).toBeCloseTo(1, 5);
    expect((await model.trainOnBatch(zeros, given)).loss / mean).toBeCloseTo(1, 5);
    const { history } = await model.fit(zeros, given, { batchSize: 2, validationData: [zeros, given], ...quiet });
    expect(history.loss[0] / mean).toBeCloseTo(1, 5);
    expect(history.val_loss[0] / mean).toBeCloseTo(1, 5);
    for (const set of [data.fromArrays(zeros, given), data.fromArrays(given, zeros)]) {
      expect((await model.evaluate(set.shuffle(3).batch(2))).loss / mean).toBeCloseTo(1, 5);
    }
    expect((await model.evaluate([[1], [1], [1]], [[0], [0], [0]], { sampleWeight: given })).loss).toBeCloseTo(
      want.reduce((sum, v) => sum + v / 3, 0),
      -32,
    );
  });

  test.each<[string, (v: number) => ModelInput | number | bigint]>([
    ['numbers', (v) => v],
    ['arrays', (v) => [v]],
    ['Uint32Arrays', (v) => Uint32Array.of(v)],
    ['BigInt64Arrays', (v) => big(BigInt(v))],
    ['bigints', (v) => BigInt(v)],
    ['shaped BigUint64Arrays', (v) => ({ data: BigUint64Array.of(BigInt(v)), shape: [1] })],
  ])('generators of %s', async (_, wrap) => {
    const model = identity();
    const set = data.fromGenerator(function* () {
      for (const v of [1, 3e9, 2]) yield { x: [0], y: wrap(v) as ArrayInput };
    });
    expect((await model.evaluate(set.batch(2))).loss).toBeCloseTo(1e9 + 1, -3);
  });

  test('class labels of unsigned and big integers stay class labels', async () => {
    const model = sequential([layers.dense({ units: 3, inputShape: [1] })]);
    model.compile({ optimizer: 'sgd', loss: (targets, predictions) => predictions.sum({ axis: -1 }).add(targets.mul(targets.dtype === 'i32' ? 1 : NaN)) }); // prettier-ignore
    for (const labels of [Uint32Array.of(0, 2), big(0n, 2n), BigUint64Array.of(0n, 2n), [0, 2], Uint8Array.of(0, 2)]) {
      expect(Number.isFinite((await model.evaluate([[1], [2]], labels)).loss)).toBe(true);
    }
  });

  test.each<[string, (model: Model) => Promise<unknown>, string]>([
    [
      'beyond f32',
      (m) => m.evaluate([[1], [1e39]], [[0], [0]]),
      'evaluate: x holds 1e+39 at [1,0]; data must be finite numbers within f32 (up to 3.4e38): replace it or leave the sample out',
    ],
    ['targets beyond f32', (m) => m.fit([[1]], [[-1e300]], quiet), 'fit: y holds -1e+300 at [0,0]; data must be finite numbers within f32'],
    [
      'class weights beyond f32',
      (m) => m.fit([[1]], [[1]], { classWeight: { 1: 1e39 }, ...quiet }),
      'fit: the weight of y by classWeight holds Infinity at [0]',
    ],
    [
      'class weights of fractions',
      (m) => m.fit([[1], [2]], [[1], [3.0000001]], { classWeight: { 1: 2 }, ...quiet }),
      'fit: classWeight needs class indices, but y holds 3.0000001 at [1,0]; use sampleWeight',
    ],
    ['a bigint in an array', (m) => m.predict([[1n]] as never), 'predict: x[0][0] is a bigint; data are numbers'],
  ])('error: %s', async (_, act, message) => {
    await expect(act(identity())).rejects.toThrow(message);
  });

  test('a first layer that takes i32 refuses what is none', async () => {
    const layer = defineLayer({ kind: 'whole', options: { inputShape: [1] }, inputDtype: 'i32', outputDtype: 'i32', apply: (_, x) => x });
    const model = sequential([layer]);
    expect(await model.predict([[2147483647], [-1]]).array()).toEqual([[2147483647], [-1]]);
    expect(await model.predict({ data: Float32Array.of(7), shape: [1, 1] }).array()).toEqual([[7]]);
    for (const value of [3e9, -3e9, 1.5]) {
      for (const x of [[[1], [value]], { data: Float64Array.of(1, value), shape: [2, 1] }, tensor([[1], [value]])]) {
        const error = await model.predict(x).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(DataError);
        expect((error as Error).message).toBe(
          `predict: x holds ${value} at [1,0]; the model takes whole numbers from -2147483648 to 2147483647 (i32): ` +
            'correct the value, or let the first layer take floats',
        );
      }
    }
  });
});
