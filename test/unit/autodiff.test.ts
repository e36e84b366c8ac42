// grad, valueAndGrad and gradients: trees, argnums, repeated and captured tensors, higher orders, refusals.
import { describe, expect, test } from 'vitest';
import { grad, gradients, valueAndGrad } from '../../src/autodiff/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  argMax,
  cast,
  div,
  exp,
  matmul,
  mean,
  mul,
  relu,
  scalar,
  sin,
  square,
  stopGradient,
  sub,
  sum,
  tensor,
} from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';

const numbers = (x: Tensor): number[] => [...interpret([x])[0]];
const misspelt: object = { argnum: 0 };
const cube = (x: Tensor): Tensor => mul(mul(x, x), x);

describe('grad', () => {
  test('of a polynomial, and of its gradient', () => {
    const first = grad(cube);
    const second = grad((x: Tensor) => first(x));
    const third = grad((x: Tensor) => second(x));
    expect([first, second, third].map((f) => numbers(f(scalar(2)))[0])).toEqual([12, 12, 6]);
  });

  test('gives a tree like the argument', () => {
    const tree = { a: tensor([1, 2]), deep: [tensor([3])], label: 'kept out' };
    const gradient = grad((t: typeof tree) => sum(add(square(t.a), mul(t.deep[0], 5))))(tree);
    expect(numbers(gradient.a)).toEqual([2, 4]);
    expect(numbers(gradient.deep[0])).toEqual([10]); // broadcast to both elements of a
    expect(gradient.label).toBeUndefined();
  });

  test('argnums: a number gives a tree, an array an array, even of one', () => {
    const f = (a: Tensor, b: Tensor): Tensor => sum(mul(a, b));
    const [a, b] = [tensor([1, 2]), tensor([3, 4])];
    expect(numbers(grad(f, { argnums: 1 })(a, b))).toEqual([1, 2]);
    const one = grad(f, { argnums: [1] })(a, b);
    expect(one.map(numbers)).toEqual([[1, 2]]);
    expect(grad(f, { argnums: [0, 1] })(a, b).map(numbers)).toEqual([
      [3, 4],
      [1, 2],
    ]);
  });

  test('f(x, x) and a captured x stay apart from the argument', () => {
    const x = tensor([2, 3]);
    expect(numbers(grad((a: Tensor, b: Tensor) => sum(mul(a, square(b))))(x, x))).toEqual([4, 9]);
    expect(numbers(grad((a: Tensor) => sum(mul(a, x)))(x))).toEqual([2, 3]);
  });

  test('zeros if no gradient reaches an input, and for stopGradient', () => {
    const x = tensor([1, 2]);
    expect(numbers(grad((a: Tensor) => sum(mul(stopGradient(a), 3)))(x))).toEqual([0, 0]);
    expect(numbers(grad((a: Tensor) => sum(mul(stopGradient(a), a)))(x))).toEqual([1, 2]);
    expect(numbers(grad((_: Tensor) => scalar(3))(x))).toEqual([0, 0]);
  });

  test('a tensor used in many places sums its gradients', () => {
    const x = tensor([0.5, -1]);
    const gradient = grad((a: Tensor) => sum(add(add(sin(a), square(a)), mul(a, 3))))(x);
    numbers(gradient).forEach((g, i) => expect(g).toBeCloseTo(Math.cos([0.5, -1][i]) + 2 * [0.5, -1][i] + 3, 6));
  });

  test('an integer outside of the path has no effect', () => {
    const x = tensor([1, 5, 2]);
    const gradient = grad((a: Tensor) => sum(mul(a, cast(argMax(a), 'f32'))))(x);
    expect(numbers(gradient)).toEqual([1, 1, 1]);
  });
});

test('valueAndGrad with aux', () => {
  const x = tensor([[1, -2]]);
  const [[loss, hidden], gradient] = valueAndGrad(
    (w: Tensor): [Tensor, Tensor] => {
      const h = relu(matmul(x, w));
      return [mean(h), h];
    },
    { hasAux: true },
  )(tensor([[3], [1]]));
  expect([numbers(loss), numbers(hidden), numbers(gradient)]).toEqual([[1], [1], [1, -2]]);
});

test('gradients with respect to an intermediate', () => {
  const x = tensor([1, 2]);
  const h = exp(x);
  const [toH, toX] = gradients(sum(square(h)), [h, x]);
  expect(numbers(toH)[1]).toBeCloseTo(2 * Math.exp(2), 5);
  expect(numbers(toX)[1]).toBeCloseTo(2 * Math.exp(4), 3);
});

describe('refusals name the rule and the fix', () => {
  const x = tensor([1, 2]);
  const refused: [string, () => unknown, string][] = [
    ['a vector result', () => grad((a: Tensor) => square(a))(x), 'must return a float scalar, got f32[2]; reduce it with sum() or mean()'],
    ['integers', () => grad((a: Tensor) => sum(a))(tensor([1, 2], [2], 'i32')), 'argument 0 is i32[2]; only floats have gradients'],
    ['a missing argument', () => grad((a: Tensor) => sum(a), { argnums: 3 })(x), 'argnums 3 names no tensor argument'],
    ['no tensor', () => grad((_: Tensor) => 3 as unknown as Tensor)(x), 'must return a tensor'],
    ['an option that does not exist', () => grad((a: Tensor) => sum(a), misspelt), "unknown option 'argnum'; it takes argnums"],
  ];
  for (const [name, call, text] of refused) test(name, () => expect(call).toThrow(text));
});

test('a gradient of a quotient against the formula', () => {
  const f = (a: Tensor, b: Tensor): Tensor => sum(div(sub(a, b), add(a, b)));
  const [da, db] = grad(f, { argnums: [0, 1] })(scalar(3), scalar(1));
  expect(numbers(da)[0]).toBeCloseTo((2 * 1) / 16, 6);
  expect(numbers(db)[0]).toBeCloseTo((-2 * 3) / 16, 6);
});
