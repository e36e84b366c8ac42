// vmap against the loop that it replaces: for every op with a batching rule, with every combination of mapped arguments, and combined with
// gradients.
import { describe, expect, test } from 'vitest';
import { type Axes, checkpoint, grad, hessian, jacobian, vmap } from '../../src/autodiff/index.ts';
import { type HostArray, isFloat } from '../../src/core/dtype.ts';
import { topological } from '../../src/graph/graph.ts';
import { definedOps } from '../../src/graph/op.ts';
import { type Tensor, apply } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { f64, numbers64, spread } from '../support/differences.ts';

const data = (x: Tensor): HostArray => interpret([x], { mode: 'f64' })[0];

/** fn on each row, the results stacked. */
function loop(fn: (...args: Tensor[]) => Tensor, args: readonly Tensor[], mapped: readonly boolean[]): Tensor {
  const size = args[mapped.indexOf(true)].shape[0];
  const rows = args.map((x, i) => (mapped[i] ? o.unstack(x) : undefined));
  return o.stack(Array.from({ length: size }, (_, row) => fn(...args.map((x, i) => rows[i]?.[row] ?? x))));
}

function expectSame(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.dtype).toBe(expected.dtype);
  const [a, b] = [data(actual), data(expected)];
  a.forEach((value: number, i: number) => {
    if (!(Math.abs(value - b[i]) <= 1e-12 * Math.max(1, Math.abs(b[i])))) expect.fail(`element ${i}: ${value} instead of ${b[i]}`);
  });
}

const places = (shape: readonly number[], rows: number, seed = 3): Tensor =>
  o.cast(o.mul(o.add(spread(shape, seed), 1), (rows + 0.6) / 2), 'i32');

type Case = [name: string, fn: (...args: Tensor[]) => Tensor, rows: (batch: readonly number[], seed: number) => Tensor[]];

const images = [2, 6, 5, 4];
const convolution = [
  (batch: readonly number[], seed: number): Tensor => spread([...batch, ...images], seed),
  (batch: readonly number[], seed: number): Tensor => spread([...batch, 3, 2, 2, 6], seed + 1),
];
const both: Case[2] = (batch, seed) => convolution.map((make) => make(batch, seed));
const conv = (x: Tensor, filter: Tensor): Tensor => o.conv2d(x, filter, { strides: [2, 1], padding: 'same', groups: 2 });
const matrices =
  (...shapes: number[][]): Case[2] =>
  (batch, seed) =>
    shapes.map((shape, i) => spread([...batch, ...shape], seed + i));
const table: Case[2] = (batch, seed) => [spread([...batch, 2, 4, 3], seed), places([...batch, 5, 2], 4, seed)];
const updates: Case[2] = (batch, seed) => [...table(batch, seed), spread([...batch, 2, 5, 2, 3], seed + 2)];
const scatter = (x: Tensor, indices: Tensor, u: Tensor): Tensor => o.scatterAdd(x, indices, u, { axis: 1 });

const cases: Case[] = [
  ['add', (a, b) => o.add(a, b), matrices([3, 4], [4])],
  ['where', (a, b) => o.where(o.greater(a, b), o.exp(a), o.mul(b, 2)), matrices([3, 4], [3, 1])],
  ['sum', (a) => o.sum(a, { axis: [0, -1], keepDims: true }), matrices([3, 4, 2])],
  ['max', (a) => o.max(a, { axis: 0 }), matrices([3, 4])],
  ['softmax', (a) => o.softmax(a, { axis: 0 }), matrices([3, 4])],
  ['argMax', (a) => o.argMax(a, { axis: 1 }), matrices([3, 4])],
  ['argMax of all', (a) => o.argMax(a), matrices([3, 4])],
  ['any', (a) => o.any(o.greater(a, 0.5), { axis: 0 }), matrices([3, 4])],
  ['reshape', (a) => o.reshape(a, [2, -1]), matrices([3, 4])],
  ['transpose', (a) => o.transpose(a), matrices([3, 4])],
  ['broadcastTo', (a) => o.broadcastTo(a, [5, 3, 4]), matrices([3, 1])],
  ['slice', (a) => o.slice(a, [2, 1], [0, 4], [-1, 2]), matrices([3, 4])],
  ['flip', (a) => o.flip(a), matrices([3, 4])],
  ['diagonal', (a) => o.diagonal(a), matrices([3, 4])],
  [
    'pad',
    (a) =>
      o.pad(
        a,
        [
          [1, 2],
          [0, 3],
        ],
        { value: 7 },
      ),
    matrices([3, 4]),
  ],
  [
    'pad, reflected',
    (a) =>
      o.pad(
        a,
        [
          [1, 2],
          [0, 3],
        ],
        { mode: 'reflect' },
      ),
    matrices([3, 4]),
  ],
  ['concat', (a, b) => o.concat([a, b, a], 1), matrices([3, 4], [3, 2])],
  ['stack', (a, b) => o.stack([a, b], -1), matrices([3, 4], [3, 4])],
  ['repeat and roll', (a) => o.roll(o.repeat(a, 2, 0), 1, 1), matrices([3, 4])],
  ['cast', (a) => o.cast(o.mul(a, 9), 'i32'), matrices([3])],
  ['power', (a) => o.pow(o.abs(a), 2.5), matrices([3])],
  ['matmul', (a, b) => o.matmul(a, b), matrices([3, 4], [4, 2])],
  ['matmul with transposes', (a, b) => o.matmul(a, b, { transposeA: true, transposeB: true }), matrices([4, 3], [2, 4])],
  ['matmul over batches', (a, b) => o.matmul(a, b), matrices([2, 3, 4], [2, 4, 2])],
  ['dot', (a, b) => o.dot(a, b), matrices([4], [4])],
  ['gather', (a, i) => o.gather(a, i, { axis: 1 }), table],
  ['embedding', (a, i) => o.embedding(o.reshape(a, [8, 3]), i), table],
  ['scatterAdd', scatter, updates],
  ['conv2d', conv, both],
  ['conv2d, pointwise', (x, f) => o.conv2d(x, o.reshape(f, [1, 1, 4, 18])), both],
  ['maxPool2d', (x) => o.maxPool2d(x, { padding: 'same' }), (batch, seed) => [spread([...batch, ...images], seed)]],
  ['dropout', (x) => o.dropout(x, { rate: 0.5, seed: 3 }), matrices([40])],
];

const flags = (count: number): boolean[][] =>
  Array.from({ length: 2 ** count - 1 }, (_, bits) => Array.from({ length: count }, (__, i) => ((bits + 1) & (1 << i)) > 0));

describe.each(cases)('%s', (_, fn, make) => {
  const size = 3;
  const [all, one] = [make([size], 11), make([], 23)];
  test.each(flags(one.length).map((mapped) => [mapped.map((m) => (m ? 0 : null)), mapped] as const))('axes %j', (axes, mapped) => {
    const args = one.map((x, i) => (mapped[i] ? all[i] : x));
    expectSame(vmap(fn, axes)(...args), loop(fn, args, mapped));
    const floats = args.flatMap((x, i) => (isFloat(x.dtype) ? [i] : []));
    if (!isFloat(fn(...one).dtype)) return;
    // A gradient for each row, and the gradient of all rows.
    const slopes = grad((...t: Tensor[]) => o.sum(o.sin(fn(...t))), { argnums: floats });
    floats.forEach((__, k) =>
      expectSame(
        vmap((...t: Tensor[]) => slopes(...t)[k], axes)(...args),
        loop((...t) => slopes(...t)[k], args, mapped),
      ),
    );
    const [batched, looped] = [vmap(fn, axes), (...t: Tensor[]) => loop(fn, t, mapped)].map((f) =>
      grad((...t: Tensor[]) => o.sum(o.sin(f(...t))), { argnums: floats })(...args),
    );
    floats.forEach((__, k) => expectSame(batched[k], looped[k]));
  });

  test('no rows', () => {
    const result = vmap(fn)(...make([0], 1));
    expect(result.shape).toEqual([0, ...fn(...one).shape]);
    expect(data(result)).toHaveLength(0);
  });
});

test('reductions, views and the kernels of models have rules', () => {
  const names =
    'sum max argMax any reshape transpose broadcastTo slice diagonal alias stopGradient pad concat gather scatterSum matmul ' +
    'conv2d conv2dInputGradient conv2dFilterGradient maxPool2d maxPool2dScatter maxPool2dGather region regionResult recompute';
  expect(names.split(' ').filter((name) => !definedOps().get(name)?.batch)).toEqual([]);
});

test('random bits of each row are those of a single row, by their rule and row by row', () => {
  const key = o.cast(o.mul(spread([3, 2], 5, 0, 1), 1000), 'u32');
  const bits = topological([o.random.uniform([4], { seed: 1 })]).find(({ op }) => op.name === 'randomBits')!;
  // Without its rule it is an op whose elements depend on their position.
  for (const op of [bits.op, { ...bits.op, batch: undefined }]) {
    const draw = (k: Tensor): Tensor => {
      const words = [0, 1].map((i) => o.broadcastTo(o.slice(k, [i], [i + 1]), [4]));
      return o.cast(apply(op, words, bits.attributes), 'f32');
    };
    expectSame(vmap(draw)(key), loop(draw, [key], [true]));
  }
});

describe('axes and trees', () => {
  const x = f64([1, 2, 3, 4, 5, 6], [2, 3]);

  test('any axis in and out', () => {
    const total = vmap((column: Tensor) => o.sum(column), 1);
    expect(numbers64(total(x))).toEqual([5, 7, 9]);
    expect(numbers64(vmap((row: Tensor) => o.mul(row, 2), { outAxes: 1 })(x))).toEqual([2, 8, 4, 10, 6, 12]);
    expect(vmap((t: Tensor) => t, { inAxes: -1, outAxes: -2 })(f64([1, 2, 3, 4, 5, 6], [1, 2, 3])).shape).toEqual([1, 3, 2]);
  });

  test('trees of arguments and results; other leaves pass through', () => {
    const fn = ({ w, b }: { w: Tensor; b: Tensor }, row: Tensor, mode: string) => ({ y: o.add(o.mul(w, row), b), parts: [w], mode });
    const axes: { inAxes: Axes; outAxes: Axes } = { inAxes: [{ w: null, b: 0 }, 0, null], outAxes: { y: 1, parts: null, mode: null } };
    const { y, parts, mode } = vmap(fn, axes)({ w: f64([1, 10, 100]), b: f64([1, 2]) }, x, 'train');
    expect([y.shape, numbers64(y)]).toEqual([
      [3, 2],
      [2, 6, 21, 52, 301, 602],
    ]);
    expect([parts[0].shape, mode]).toEqual([[3], 'train']);
  });

  test('a result that does not depend on the rows is shown for each', () => {
    const y = vmap((_: Tensor) => f64([7, 8]))(x);
    expect([y.shape, numbers64(y)]).toEqual([
      [2, 2],
      [7, 8, 7, 8],
    ]);
  });

  test('vmap of vmap: all pairs', () => {
    const distances = vmap(
      vmap((a: Tensor, b: Tensor) => o.sum(o.square(o.sub(a, b))), [null, 0]),
      [0, null],
    );
    expect(numbers64(distances(x, x))).toEqual([0, 27, 27, 0]);
  });
});

describe('composed', () => {
  const x = spread([3, 4], 8);
  const f = (t: Tensor): Tensor => o.sum(o.mul(o.sin(t), o.square(t)));

  test('vmap of a Hessian, Hessian of a vmap', () => {
    expectSame(vmap(hessian(f))(x), loop(hessian(f), [x], [true]));
    expectSame(hessian((t: Tensor) => o.sum(vmap(f)(t)))(x), hessian(f)(x));
    expectSame(jacobian((t: Tensor) => vmap(f)(t))(x), jacobian((t: Tensor) => loop(f, [t], [true]))(x));
  });

  test('checkpoint under vmap and grad, in both orders', () => {
    const w = spread([4, 4], 2);
    const plain = (t: Tensor): Tensor => o.tanh(o.matmul(o.relu(o.matmul(t, w)), w));
    const marked = checkpoint(plain);
    const loss = (g: typeof plain) => (t: Tensor) => o.sum(o.square(g(t)));
    expectSame(vmap(grad(loss(marked)))(x), vmap(grad(loss(plain)))(x));
    expectSame(grad((t: Tensor) => o.sum(vmap(loss(marked))(t)))(x), grad((t: Tensor) => o.sum(vmap(loss(plain))(t)))(x));
    // A captured tensor is equal for every row, so its cotangents are summed.
    const weights = (use: (g: typeof plain) => typeof plain) =>
      grad((v: Tensor) => o.sum(vmap((row: Tensor) => loss(use((t) => o.tanh(o.matmul(t, v))))(row))(x)))(w);
    expectSame(
      weights(checkpoint),
      weights((g) => g),
    );
  });
});

describe('refusals name the rule and the fix', () => {
  const x = f64([1, 2, 3, 4, 5, 6], [2, 3]);
  const first = (a: Tensor): Tensor => a;
  const misspelt: object = { inAxis: 0 };
  const refused: [string, () => unknown, string][] = [
    ['axis out of range', () => vmap(first, 2)(x), 'vmap: axis 2 is outside argument 0, f32[2,3]; use -2 to 1, or null'],
    ['a scalar', () => vmap(first)(o.scalar(1)), 'a scalar has no axis: use null'],
    [
      'sizes',
      () => vmap((a: Tensor, b: Tensor) => o.add(a, b), [0, 1])(x, x),
      'vmap: sizes differ along the mapped axis: argument 0 has 2 (axis 0 of [2,3]), argument 1 has 3 (axis 1 of [2,3])',
    ],
    ['nothing mapped', () => vmap(first, null)(x), 'vmap: no argument is mapped'],
    ['count', () => vmap(first, [0, 0])(x), 'vmap: axes for 2 arguments, but the function was called with 1'],
    ['outAxes null', () => vmap(first, { outAxes: null })(x), 'vmap: result differs from row to row'],
    ['outAxes out of range', () => vmap(first, { outAxes: 3 })(x), 'vmap: axis 3 is outside result'],
    ['tree', () => vmap((t: { a: Tensor }) => t.a, [{ b: 0 }])({ a: x }), 'vmap: axes name [0].b, which argument 0 does not have'],
    ['form', () => vmap(first, [[0]])(x), 'vmap: axes [0] do not fit argument 0'],
    ['option', () => vmap(first, misspelt)(x), "vmap: unknown option 'inAxis'; it takes inAxes, outAxes"],
  ];
  test.each(refused)('%s', (_, call, text) => expect(call).toThrow(text));
});
