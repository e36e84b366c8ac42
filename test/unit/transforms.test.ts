// vjp, jvp, jacobian, hessian, checkpoint and customGradient: against differences in f64, closed forms and one another.
import { describe, expect, test } from 'vitest';
import { checkpoint, customGradient, grad, gradients, hessian, jacobian, jvp, vjp, vmap } from '../../src/autodiff/index.ts';
import { compileGraph, printProgram } from '../../src/compiler/index.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { printGraph } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  argMax,
  clip,
  dropout,
  exp,
  gather,
  matmul,
  max,
  mul,
  neg,
  ones,
  relu,
  reshape,
  scalar,
  setSeed,
  sin,
  softmax,
  square,
  stopGradient,
  sub,
  sum,
  tanh,
  tensor,
} from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { simulate } from '../support/simulate.ts';
import { differences, f64, numbers64, spread } from '../support/differences.ts';
import { graphOf, gpuTarget, softwareTarget, values } from '../support/graphs.ts';

function expectClose(actual: readonly number[], expected: readonly number[], bound = 1e-7): void {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  actual.forEach((value, i) => {
    if (!(Math.abs(value - expected[i]) <= bound * scale)) expect.fail(`element ${i}: ${value} instead of ${expected[i]}`);
  });
}

const indices = tensor([2, 0, 2, 1], [4], 'i32');
const functions: [string, (x: Tensor) => Tensor][] = [
  ['elementwise', (x) => tanh(mul(x, sin(x)))],
  ['softmax', (x) => softmax(x)],
  ['product', (x) => matmul(x, reshape(square(x), [4, 3]))],
  ['rows by index', (x) => gather(exp(x), indices)],
  ['extrema', (x) => max(x, { axis: 1 })],
  ['a scalar', (x) => sum(square(x))],
];

describe.each(functions)('%s', (_, fn) => {
  const x = spread([3, 4], 5);
  const expected = differences(fn, x);

  test('jvp', () => {
    const dx = spread([3, 4], 9);
    const direction = numbers64(dx);
    const [y, dy] = jvp(fn, [x], [dx]);
    expectClose(numbers64(y), numbers64(fn(x)));
    expectClose(
      numbers64(dy),
      expected.map((row) => row.reduce((total, slope, j) => total + slope * direction[j], 0)),
    );
  });

  test('vjp', () => {
    const [y, pull] = vjp(fn, x);
    const g = spread(y.shape, 3);
    const weights = numbers64(g);
    expectClose(
      numbers64(pull(g)[0]),
      expected[0].map((__, j) => expected.reduce((total, row, i) => total + row[j] * weights[i], 0)),
    );
  });

  test('jacobian', () => {
    const j = jacobian(fn)(x);
    expect(j.shape).toEqual([...fn(x).shape, 3, 4]);
    expectClose(numbers64(j), expected.flat());
  });

  test('hessian', () => {
    const total = (t: Tensor): Tensor => sum(square(fn(t)));
    const h = hessian(total)(x);
    expect(h.shape).toEqual([3, 4, 3, 4]);
    expectClose(numbers64(h), differences(grad(total), x).flat(), 1e-6);
  });

  test('checkpoint', () => {
    const loss = (f: typeof fn) => (t: Tensor) => sum(square(f(t)));
    expect(numbers64(checkpoint(fn)(x))).toEqual(numbers64(fn(x)));
    expect(numbers64(grad(loss(checkpoint(fn)))(x))).toEqual(numbers64(grad(loss(fn))(x)));
    expectClose(numbers64(hessian(loss(checkpoint(fn)))(x)), numbers64(hessian(loss(fn))(x)), 1e-12);
  });
});

describe('trees', () => {
  const a = f64([1, 2]);
  const b = f64([3]);
  interface Pair {
    a: Tensor;
    b: Tensor;
  }
  const fn = ({ a: p, b: q }: Pair): { product: Tensor; parts: Tensor[] } => ({ product: mul(p, q), parts: [square(p)] });

  test('vjp takes cotangents like the value and gives one tree for each argument', () => {
    const [y, pull] = vjp(fn, { a, b });
    expect(numbers64(y.product)).toEqual([3, 6]);
    const [gradient] = pull({ product: f64([1, 10]), parts: [f64([1, 1])] });
    expect(numbers64(gradient.a)).toEqual([3 + 2, 30 + 4]);
    expect(numbers64(gradient.b)).toEqual([1 + 20]);
  });

  test('jvp gives tangents like the value', () => {
    const [, dy] = jvp(fn, [{ a, b }], [{ a: f64([1, 0]), b: f64([2]) }]);
    expect(numbers64(dy.product)).toEqual([3 + 2, 4]);
    expect(numbers64(dy.parts[0])).toEqual([2, 0]);
  });

  test('jacobian: the value outside, the argument inside; argnums as in grad', () => {
    const j = jacobian(fn)({ a, b });
    expect(numbers64(j.product.a)).toEqual([3, 0, 0, 3]);
    expect(j.product.b.shape).toEqual([2, 1]);
    expect(numbers64(j.parts[0].b)).toEqual([0, 0]);
    const both = jacobian((p: Tensor, q: Tensor) => mul(p, q), { argnums: [1, 0] })(a, b);
    expect(both.map(numbers64)).toEqual([
      [1, 2],
      [3, 0, 0, 3],
    ]);
  });

  test('hessian', () => {
    const h = hessian(({ a: p, b: q }: Pair) => sum(mul(square(p), q)))({ a, b });
    expect(numbers64(h.a.a)).toEqual([6, 0, 0, 6]);
    expect(numbers64(h.a.b)).toEqual([2, 4]);
    expect(numbers64(h.b.a)).toEqual([2, 4]);
    expect(numbers64(h.b.b)).toEqual([0]);
  });

  test('grad with argnums out of order', () => {
    const [db, da] = grad((p: Tensor, q: Tensor) => sum(mul(p, q)), { argnums: [1, 0] })(a, f64([5, 7]));
    expect([numbers64(db), numbers64(da)]).toEqual([
      [1, 2],
      [5, 7],
    ]);
  });
});

describe('checkpoint', () => {
  const width = 16;
  const layers = 8;
  const types = [{ shape: [256, width] }, ...Array.from({ length: layers }, () => ({ shape: [width, width] }))];
  type Block = (h: Tensor, w: Tensor) => Tensor;
  const block: Block = (h, w) => tanh(add(matmul(tanh(matmul(relu(matmul(h, w)), w)), w), mul(h, sin(h))));
  const step =
    (use: Block) =>
    (x: Tensor, ...weights: Tensor[]): Tensor[] => {
      const y = weights.reduce(use, x);
      return [sum(square(y)), ...gradients(sum(square(y)), weights)];
    };

  test.each([
    ['software', softwareTarget],
    ['gpu', gpuTarget],
  ])('less memory, the same bits (%s)', (_, target) => {
    const compiled = [block, checkpoint(block)].map((use) => {
      const graph = graphOf(types, step(use));
      return compileGraph(graph, { name: 'step', target });
    });
    const [stored, recomputed] = compiled.map(({ arenas }) => arenas.reduce((total, bytes) => total + bytes, 0));
    expect(recomputed).toBeLessThan(0.6 * stored);
    expect(compiled[1].peakBytes).toBeLessThan(compiled[0].peakBytes);
    const products = compiled.map(({ dispatches }) => dispatches.filter(({ ops }) => ops.includes('matmul')).length);
    expect(products[1]).toBeGreaterThan(products[0]);
    const data = types.map(({ shape }, i) => values(sizeOf(shape), i + 1));
    const [a, b] = compiled.map((program) => simulate(program, data));
    b.forEach((result, i) => expect([...result], printProgram(compiled[1])).toEqual([...a[i]]));
  });

  test('a checkpoint within a checkpoint', () => {
    const pair = checkpoint((x: Tensor, v: Tensor, w: Tensor) => checkpoint(block)(checkpoint(block)(x, v), w));
    const nested = (x: Tensor, ...weights: Tensor[]): Tensor[] => {
      let y = x;
      for (let i = 0; i < layers; i += 2) y = pair(y, weights[i], weights[i + 1]);
      return [sum(square(y)), ...gradients(sum(square(y)), weights)];
    };
    const [plain, deep] = [step(block), nested].map((fn) => compileGraph(graphOf(types, fn), { name: 'step', target: gpuTarget }));
    expect(deep.peakBytes).toBeLessThan(plain.peakBytes);
    const data = types.map(({ shape }, i) => values(sizeOf(shape), i + 1));
    const [a, b] = [plain, deep].map((program) => simulate(program, data));
    b.forEach((result, i) => expect([...result]).toEqual([...a[i]]));
  });

  test('captured tensors get their gradients, random draws are drawn once', () => {
    const w = f64([2, 3]);
    const x = f64([1, -1]);
    const gradient = grad((v: Tensor) => sum(checkpoint((t: Tensor) => mul(square(t), v))(x)))(w);
    expect(numbers64(gradient)).toEqual([1, 1]);
    setSeed(3);
    const noisy = checkpoint((t: Tensor) => dropout(square(t), { rate: 0.5 }));
    const many = spread([200], 4);
    const [y, pull] = vjp(noisy, many);
    const slopes = numbers64(pull(ones([200]))[0]);
    const at = numbers64(many);
    numbers64(y).forEach((value, i) => expect(slopes[i]).toBeCloseTo(value === 0 ? 0 : 4 * at[i], 12));
  });

  test('several results, integers among them', () => {
    const both = checkpoint((t: Tensor) => ({ a: sin(t), place: argMax(t), b: square(t) }));
    const x = f64([0.5, 2]);
    expect(numbers64(both(x).place)).toEqual([1]);
    expectClose(
      numbers64(grad((t: Tensor) => sum(mul(both(t).a, both(t).b)))(x)),
      numbers64(grad((t: Tensor) => sum(mul(sin(t), square(t))))(x)),
    );
    expect(numbers64(grad((t: Tensor) => sum(both(t).b))(x))).toEqual([1, 4]);
  });

  test('has no effect without differentiation', () => {
    const plain = graphOf([{ shape: [4] }], (x) => [sin(square(x))]);
    const marked = graphOf([{ shape: [4] }], (x) => [checkpoint((t: Tensor) => sin(square(t)))(x)]);
    const names = [plain, marked].map((graph) => compileGraph(graph, { name: 'f', target: gpuTarget }).dispatches.map(({ ops }) => ops));
    expect(names[1], printGraph(marked)).toEqual(names[0]);
  });
});

describe('customGradient', () => {
  const x = f64([0.5, -3, 2]);
  const clipped = customGradient((t: Tensor) => ({ value: t, gradient: (g: Tensor) => clip(g, -1, 1) }));

  test('replaces the gradient, not the value', () => {
    expect(numbers64(clipped(x))).toEqual([0.5, -3, 2]);
    expect(numbers64(grad((t: Tensor) => sum(square(clipped(t))))(x))).toEqual([1, -1, 1]);
  });

  test('a pair, several arguments, a tree of results', () => {
    const fn = customGradient((p: Tensor, q: { w: Tensor }) => [
      { y: mul(p, q.w), z: [neg(p)] },
      (g: { y: Tensor; z: Tensor[] }) => [add(g.y, g.z[0]), { w: mul(g.y, 100) }],
    ]);
    const [dp, dq] = grad((p: Tensor, q: { w: Tensor }) => sum(add(fn(p, q).y, mul(fn(p, q).z[0], 2))), { argnums: [0, 1] })(x, {
      w: x,
    }) as [Tensor, { w: Tensor }];
    expect(numbers64(dp)).toEqual([3, 3, 3]);
    expect(numbers64(dq.w)).toEqual([100, 100, 100]);
  });

  test('undefined means zeros', () => {
    const fn = customGradient((p: Tensor, q: Tensor) => ({ value: mul(p, q), gradient: (g: Tensor) => [undefined, g] }));
    const [dp, dq] = grad((p: Tensor, q: Tensor) => sum(fn(p, q)), { argnums: [0, 1] })(x, x);
    expect([numbers64(dp), numbers64(dq)]).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
  });

  // sin with its true gradient: of every order, in every direction.
  const ownSin = customGradient((t: Tensor) => ({
    value: sin(t),
    gradient: (g: Tensor) => mul(g, sub(1, sub(1, sin(add(t, Math.PI / 2))))),
  }));

  test('has gradients in turn, and tangents', () => {
    const second = grad((t: Tensor) => sum(grad((s: Tensor) => sum(mul(s, ownSin(s))))(t)));
    const expected = grad((t: Tensor) => sum(grad((s: Tensor) => sum(mul(s, sin(s))))(t)));
    expectClose(numbers64(second(x)), numbers64(expected(x)));
    expectClose(numbers64(jvp(ownSin, [x], [x])[1]), numbers64(jvp((t: Tensor) => sin(t), [x], [x])[1]));
  });

  test('under vmap, and vmap of its gradient', () => {
    const rows = spread([3, 4], 2, -3, 3);
    expectClose(
      numbers64(grad((t: Tensor) => sum(vmap((r: Tensor) => square(clipped(r)))(t)))(rows)),
      numbers64(rows).map((v) => Math.max(-1, Math.min(1, 2 * v))),
    );
    const perRow = vmap(grad((r: Tensor) => sum(mul(r, ownSin(r)))));
    expectClose(
      numbers64(perRow(rows)),
      numbers64(rows).map((v) => Math.sin(v) + v * Math.cos(v)),
    );
    // The scale of a whole row's cotangent: not linear, so rows must not be mixed.
    const scaled = customGradient((r: Tensor) => ({ value: r, gradient: (g: Tensor) => mul(g, sum(square(g))) }));
    const two = f64([1, 1, 2, 2], [2, 2]);
    expect(numbers64(grad((t: Tensor) => sum(square(vmap(scaled)(t))))(two))).toEqual([16, 16, 128, 128]);
  });

  test('stops at stopGradient', () => {
    expect(numbers64(grad((t: Tensor) => sum(clipped(stopGradient(t))))(x))).toEqual([0, 0, 0]);
  });
});

test('a pullback may be used after its value was evaluated', () => {
  const x = f64([1, 2]);
  const [y, pull] = vjp((t: Tensor) => exp(square(t)), x);
  const value = interpret([y], { mode: 'f64' })[0];
  y.value = f64([...value]).value; // what an evaluation does to the handle
  y.node = undefined;
  expectClose(numbers64(pull(f64([1, 1]))[0]), [2 * Math.E, 4 * Math.exp(4)]);
});

describe('refusals name the rule and the fix', () => {
  const x = f64([1, 2]);
  const whole = tensor([1, 2], [2], 'i32');
  const fn = (t: Tensor): Tensor => square(t);
  const nothing = (_: Tensor): Tensor => 3 as unknown as Tensor;
  const refused: [string, () => unknown, string][] = [
    ['vjp: integers', () => vjp(fn, whole), 'vjp: argument 0 is i32[2]; only floats have gradients'],
    ['vjp: no tensor', () => vjp(nothing, x), 'vjp: the function must return a float tensor'],
    ['vjp: shape', () => vjp(fn, x)[1](f64([1])), 'vjp: cotangent is f32[1]; it must have the shape of f32[2]'],
    ['vjp: dtype', () => vjp(fn, x)[1](whole), 'vjp: cotangent is i32; it must be f32'],
    [
      'vjp: no cotangent',
      () => vjp(fn, x)[1](1 as unknown as Tensor),
      'vjp: cotangent is not a tensor; pass a tree with a tensor f32[2] there',
    ],
    ['jvp: no arrays', () => jvp(fn, x as unknown as [Tensor], [x]), 'jvp: takes an array of arguments and an array of as many tangents'],
    ['jvp: shape', () => jvp(fn, [x], [f64([1])]), 'jvp: tangent[0] is f32[1]; it must have the shape of f32[2]'],
    ['jvp: missing', () => jvp((t: { a: Tensor }) => fn(t.a), [{ a: x }], [{} as { a: Tensor }]), 'jvp: tangent[0].a is not a tensor'],
    ['jacobian: integers', () => jacobian((t: Tensor) => argMax(t))(x), 'jacobian: the function must return a float tensor'],
    ['jacobian: argnums', () => jacobian(fn, { argnums: 2 })(x), 'jacobian: argnums 2 names no tensor argument'],
    ['hessian: no scalar', () => hessian(fn)(x), 'must return a float scalar, got f32[2]; reduce it with sum() or mean()'],
    ['customGradient: result', () => customGradient((() => scalar(1)) as never)(), 'must return { value, gradient }'],
    [
      'customGradient: shape',
      () => customGradient((t: Tensor) => ({ value: t, gradient: () => scalar(1) }))(x),
      'gradient of argument [0] is f32[]',
    ],
    [
      'customGradient: count',
      () => customGradient((a: Tensor, b: Tensor) => ({ value: add(a, b), gradient: (g: Tensor) => g }))(x, x),
      'gradient must return an array of 2 trees',
    ],
  ];
  test.each(refused)('%s', (_, call, text) => expect(call).toThrow(text));
});
