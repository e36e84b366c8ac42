// Ops that add up their own results: gradients of what was used many times. Values against the plain sum of the terms, and what the graph holds.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { topological } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, concat, matmul, mul, sin, slice, split, sum, tensor, transpose } from '../../src/ops/index.ts';
import { padInterior } from '../../src/ops/shape/pad.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { values } from '../support/graphs.ts';

const count = (of: Tensor | readonly Tensor[], name: string): number =>
  topological(Array.isArray(of) ? of : [of as Tensor]).filter(({ op }) => op.name === name).length;
const numbers = (x: Tensor): number[] => [...interpret([x], { mode: 'f64' })[0]];
const filled = (shape: number[], seed: number): Tensor =>
  tensor(
    values(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
  );

const expectClose = (actual: Tensor, expected: Tensor): void => {
  const [a, b] = [numbers(actual), numbers(expected)];
  expect(a).toHaveLength(b.length);
  a.forEach((x, i) => expect(Math.abs(x - b[i])).toBeLessThan(1e-12));
};

describe('products', () => {
  const w = filled([6, 40], 1);
  const steps = [1, 2, 3, 4].map((seed) => filled([2, 6], seed));

  test('a weight used at many steps has one product for its gradient', () => {
    const [dw] = gradients(sum(steps.map((x) => sin(matmul(x, w))).reduce((a, b) => add(a, b))), [w]);
    expect(count(dw, 'matmul')).toBe(4 + 1); // forward, and one over all steps
    const terms = steps.map((x) => gradients(sum(sin(matmul(x, w))), [w])[0]);
    expectClose(
      dw,
      terms.reduce((a, b) => add(a, b)),
    );
  });

  test('steps that depend on one another', () => {
    const m = filled([6, 6], 5);
    const states = [steps[0]];
    for (const x of steps.slice(1, 3)) states.push(sin(add(matmul(states[states.length - 1], m), x)));
    const [dm, ...dStates] = gradients(sum(states[2]), [m, states[1], states[2]]);
    // By hand, one product a step: dM = Σ hᵀ (dh' cos(h M + x))
    const terms = [0, 1].map((t) => {
      const inner = add(matmul(states[t], m), steps[t + 1]);
      return matmul(transpose(states[t]), gradients(sum(mul(sin(inner), dStates[t])), [inner])[0]);
    });
    expectClose(dm, add(terms[0], terms[1]));
  });

  test('factors in either layout', () => {
    const left = filled([40, 6], 2);
    const f = (a: Tensor): Tensor => sum(steps.map((x) => sin(matmul(a, transpose(x)))).reduce((p, q) => add(p, q)));
    const [da] = gradients(f(left), [left]);
    const terms = steps.map((x) => gradients(sum(sin(matmul(left, transpose(x)))), [left])[0]);
    expectClose(
      da,
      terms.reduce((a, b) => add(a, b)),
    );
  });

  test('not if a copy of the factors moves more bytes than it saves', () => {
    const small = filled([6, 2], 1);
    const [dw] = gradients(sum(steps.map((x) => sin(matmul(x, small))).reduce((a, b) => add(a, b))), [small]);
    expect(count(dw, 'concat')).toBe(0);
    expect(count(dw, 'matmul')).toBe(8);
  });
});

describe('parts of a tensor', () => {
  const x = filled([4, 9], 3);
  const weighted = (parts: readonly Tensor[]): Tensor => sum(parts.map((part, i) => mul(sin(part), i + 1)).reduce((a, b) => add(a, b)));

  test('the gradient of a split is one concat, for any order of the parts', () => {
    const order = (parts: readonly Tensor[]): Tensor[] => [parts[0], parts[2], parts[1]];
    const [dx] = gradients(weighted(order(split(x, 3, 1))), [x]);
    expect([count(dx, 'concat'), count(dx, 'pad'), count(dx, 'add')]).toEqual([1, 0, count(weighted(split(x, 3, 1)), 'add') - 2]);
    const terms = order(split(x, 3, 1)).map((part, i) => gradients(sum(mul(sin(part), i + 1)), [x])[0]);
    expectClose(
      dx,
      terms.reduce((a, b) => add(a, b)),
    );
  });

  test.each([
    [
      'a gap stays zero',
      [
        [0, 2],
        [4, 6],
        [6, 9],
      ],
    ],
    [
      'overlaps are added',
      [
        [0, 5],
        [3, 8],
        [8, 9],
      ],
    ],
    [
      'one after the other, and twice',
      [
        [0, 3],
        [3, 6],
        [3, 6],
        [6, 9],
      ],
    ],
    [
      'the middle only',
      [
        [2, 4],
        [4, 5],
      ],
    ],
  ])('%s', (_, ranges) => {
    const part = ([from, to]: number[]): Tensor => slice(x, [0, from], [4, to]);
    const [dx] = gradients(
      sum(
        concat(
          ranges.map((range, i) => mul(sin(part(range)), i + 1)),
          1,
        ),
      ),
      [x],
    );
    const terms = ranges.map((range, i) => gradients(sum(mul(sin(part(range)), i + 1)), [x])[0]);
    expectClose(
      dx,
      terms.reduce((a, b) => add(a, b)),
    );
  });

  test('other paddings are unchanged: other values, other axes, gaps inside', () => {
    const small = filled([2, 2], 1);
    const { op } = padInterior(small, [[0, 0, 0], [0, 2, 0]], 0).node!; // prettier-ignore
    for (const [a, b] of [
      [padInterior(small, [[0, 0, 0], [0, 2, 0]], 1), padInterior(small, [[0, 0, 0], [2, 0, 0]], 0)],
      [padInterior(small, [[0, 2, 0], [0, 2, 0]], 0), padInterior(small, [[2, 0, 0], [2, 0, 0]], 0)],
      [padInterior(small, [[0, 0, 0], [0, 1, 1]], 0), padInterior(small, [[0, 0, 0], [1, 0, 1]], 0)],
    ]) expect(op.sum!([a, b])).toEqual([a, b]); // prettier-ignore
  });
});

test('more tensors than one kernel binds are joined in groups', () => {
  // A power of 7 and its neighbours. The logarithm of 343 is not exact.
  for (const n of [7, 8, 49, 50, 343, 344]) {
    const parts = Array.from({ length: n }, (_, i) => filled([2, (i % 3) + 1], i));
    const joined = concat(parts, 1);
    const rows = [0, 1].flatMap((row) => parts.flatMap((part) => numbers(slice(part, [row], [row + 1]))));
    expect(numbers(joined)).toEqual(rows);
    for (const { op, inputs } of topological([joined])) if (op.name === 'concat') expect(inputs.length).toBeLessThanOrEqual(7);
  }
});
