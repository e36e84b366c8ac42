// Matrix products, gather and scatter on the CPU: references against naive loops, gradients against differences, and what bad input says.
import { describe, expect, test } from 'vitest';
import type { Shape } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { alias, dot, embedding, gather, matmul, outer, reshape, scatterAdd, transpose } from '../../src/ops/index.ts';
import { checkGradients, dataOf, expectClose, f32, i32, indices, random, valuesOf } from './kernelChecks.ts';

describe('matmul', () => {
  const naive = (
    a: Tensor,
    b: Tensor,
    m: number,
    k: number,
    n: number,
    at: { a(i: number, p: number): number; b(p: number, j: number): number },
  ): number[] => {
    const x = valuesOf(a);
    const y = valuesOf(b);
    return Array.from({ length: m * n }, (_, e) => {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += x[at.a(Math.floor(e / n), p)] * y[at.b(p, e % n)];
      return sum;
    });
  };

  test.each([
    [1, 1, 1],
    [2, 4, 4],
    [3, 5, 7],
    [5, 1, 3],
    [9, 16, 6],
    [2, 0, 3],
  ])('%i x %i x %i in all transpose combinations', (m, k, n) => {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const a = random(transposeA ? [k, m] : [m, k]);
        const b = random(transposeB ? [n, k] : [k, n]);
        const c = matmul(a, b, { transposeA, transposeB });
        expect(c.shape).toEqual([m, n]);
        const expected = naive(a, b, m, k, n, {
          a: (i, p) => (transposeA ? p * m + i : i * k + p),
          b: (p, j) => (transposeB ? j * k + p : p * n + j),
        });
        expectClose(valuesOf(c), expected);
      }
    }
  });

  test('batch axes broadcast, vectors lose their axis, as in NumPy', () => {
    const shapes: [Shape, Shape, Shape][] = [
      [
        [2, 3, 4],
        [4, 5],
        [2, 3, 5],
      ],
      [
        [3, 4],
        [2, 4, 5],
        [2, 3, 5],
      ],
      [
        [2, 1, 3, 4],
        [6, 4, 5],
        [2, 6, 3, 5],
      ],
      [[4], [4], []],
      [[4], [4, 5], [5]],
      [[2, 3, 4], [4], [2, 3]],
      [[4], [2, 4, 5], [2, 5]],
    ];
    for (const [a, b, c] of shapes) expect(matmul(random(a), random(b)).shape).toEqual(c);
    const a = random([2, 1, 3, 4]);
    const b = random([6, 4, 5]);
    const c = valuesOf(matmul(a, b));
    let e = 0;
    for (const [p, q, i, j] of indices([2, 6, 3, 5])) {
      let expected = 0;
      for (let k = 0; k < 4; k++) expected += dataOf(a)[(p * 3 + i) * 4 + k] * dataOf(b)[(q * 4 + k) * 5 + j];
      expect(c[e++]).toBeCloseTo(expected, 9);
    }
    expect(valuesOf(dot(f32([3], [1, 2, 3]), f32([3], [4, 5, 6])))).toEqual([32]);
    expect(valuesOf(outer(f32([2], [1, 2]), f32([3], [3, 4, 5])))).toEqual([3, 4, 5, 6, 8, 10]);
  });

  test('first and second gradients', () => {
    checkGradients(
      (a, b) => matmul(a, b),
      [
        [2, 3],
        [3, 4],
      ],
    );
    checkGradients(
      (a, b) => matmul(a, b, { transposeA: true, transposeB: true }),
      [
        [2, 3],
        [4, 2],
      ],
      1,
    );
    checkGradients(
      (a, b) => matmul(a, b),
      [
        [2, 2, 3],
        [3, 2],
      ],
      1,
    );
    checkGradients((a, b) => matmul(a, b), [[3], [2, 3, 2]], 1);
    checkGradients((a, b) => outer(a, b), [[3], [2]], 1);
  });

  test('says what is wrong', () => {
    expect(() => matmul(random([32, 784]), random([785, 128]))).toThrow(
      'matmul: inner sizes differ: [32,784] x [785,128]; transpose one operand or reshape',
    );
    expect(() => matmul(random([2, 3]), random([2, 4]), { transposeA: true, transposeB: true })).toThrow(
      'inner sizes differ: [2,3] x [2,4]',
    );
    expect(() => matmul(random([]), random([3]))).toThrow('matmul: takes vectors and matrices, got [] x [3]');
    expect(() => matmul(random([2, 3, 4]), random([3, 4, 5]))).toThrow('matmul: shapes [2] and [3] do not broadcast');
    expect(() => matmul(i32([1, 1], [1]), i32([1, 1], [1]))).toThrow("matmul: takes floats, got i32 x i32; use cast(x, 'f32')");
    // @ts-expect-error: a misspelt option
    expect(() => matmul(random([2, 3]), random([4, 3]), { transposeb: true })).toThrow(
      "matmul: unknown option 'transposeb'; it takes transposeA, transposeB",
    );
    expect(() => outer(random([2, 2]), random([2]))).toThrow('outer: takes two vectors, got [2,2] and [2]');
  });
});

describe('gather and scatterAdd', () => {
  const x = f32([3, 2], [1, 2, 3, 4, 5, 6]);

  test('values along any axis; indices of any shape; computed ones outside are clamped', () => {
    expect(valuesOf(gather(x, i32([3], [2, 0, 2])))).toEqual([5, 6, 1, 2, 5, 6]);
    expect(gather(x, i32([2, 2], [0, 1, 2, 0])).shape).toEqual([2, 2, 2]);
    expect(valuesOf(gather(x, i32([], [1])))).toEqual([3, 4]);
    expect(valuesOf(gather(x, i32([3], [1, 1, 0]), { axis: -1 }))).toEqual([2, 2, 1, 4, 4, 3, 6, 6, 5]);
    expect(valuesOf(gather(x, alias(i32([2], [-5, 99]))))).toEqual([1, 2, 5, 6]);
    expect(valuesOf(gather(i32([2], [7, 8]), i32([1], [1])))).toEqual([8]);
    expect(valuesOf(embedding(x, i32([1, 2], [2, 1])))).toEqual([5, 6, 3, 4]);
  });

  test('sums into rows along any axis', () => {
    expect(valuesOf(scatterAdd(x, i32([3], [0, 2, 0]), f32([3, 2], [1, 1, 10, 10, 100, 100])))).toEqual([102, 103, 3, 4, 15, 16]);
    expect(valuesOf(scatterAdd(x, i32([2], [1, 1]), f32([3, 2], [1, 2, 3, 4, 5, 6]), { axis: 1 }))).toEqual([1, 5, 3, 11, 5, 17]);
    expect(valuesOf(scatterAdd(i32([2], [1, 2]), i32([3], [1, 1, 0]), i32([], [5])))).toEqual([6, 12]);
  });

  test('first and second gradients', () => {
    const rows = i32([2, 2], [2, 0, 2, 1]);
    checkGradients((t) => gather(t, rows), [[3, 2]]);
    checkGradients((t) => gather(t, rows, { axis: 1 }), [[2, 3]]);
    checkGradients(
      (t, u) => scatterAdd(t, rows, u, { axis: 1 }),
      [
        [2, 3],
        [2, 2, 2],
      ],
    );
  });

  test('says what is wrong', () => {
    expect(() => gather(x, f32([1], [0]))).toThrow("gather: indices are f32; whole numbers are needed, use cast(indices, 'i32')");
    expect(() => gather(x, i32([1], [0]), { axis: 2 })).toThrow('gather: axis 2 is outside a tensor of rank 2; use -2 to 1');
    expect(() => gather(f32([0, 2], []), i32([1], [0]))).toThrow('gather: axis 0 of [0,2] is empty, there is nothing to take');
    expect(() => embedding(f32([3], [1, 2, 3]), i32([1], [0]))).toThrow('embedding: table is [3]; it must be [rows, features]');
    expect(() => scatterAdd(x, i32([2], [0, 1]), f32([3], [1, 2, 3]))).toThrow('[3]');
  });
});

test('views before the product are read without a copy', () => {
  // A transpose of the last axes and a head split reach the reference as copies; the result must not depend on it.
  const a = random([2, 3, 4]);
  const heads = transpose(reshape(a, [2, 3, 2, 2]), [0, 2, 1, 3]);
  const scores = matmul(heads, heads, { transposeB: true });
  expect(scores.shape).toEqual([2, 2, 3, 3]);
  const data = dataOf(a);
  const values = valuesOf(scores);
  let e = 0;
  for (const [b, h, i, j] of indices([2, 2, 3, 3])) {
    let expected = 0;
    for (let d = 0; d < 2; d++) expected += data[(b * 3 + i) * 4 + h * 2 + d] * data[(b * 3 + j) * 4 + h * 2 + d];
    expect(values[e++]).toBeCloseTo(expected, 9);
  }
});
