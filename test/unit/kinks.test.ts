// Kinks, infinite slopes and limits on the CPU, in f32 as a user gets it; and that every op with a gradient has a row or a reason for none.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { definedOps } from '../../src/graph/op.ts';
import { topological } from '../../src/graph/graph.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteGradients, noteVectors } from '../support/findings.ts';
import { functions } from '../support/opAnatomy.ts';
import { complaintsAboutKink, goldenKinks, kinkCases, kinkGraph, tensorsOf } from '../support/kinks.ts';
import { kinkReasons } from '../tables/kinkReasons.ts';
import { numbersOf } from '../tables/kinks.ts';

test.each(kinkCases.map((kink) => [kink.name, kink] as const))('%s', (_, kink) => {
  const graph = kinkGraph(kink);
  const results = interpret(tensorsOf(graph));
  expect(complaintsAboutKink(kink, graph, results)).toEqual([]);
  noteVectors(1 + graph.gradients.length);
  noteGradients(graph.gradients.length + graph.zeros.length);
});

test('the rows of PyTorch and of the table are the same', () => {
  expect(kinkCases.map(({ name }) => name).sort()).toEqual(Object.keys(goldenKinks).sort());
});

test('every op with a gradient has a row at its kinks, or a reason for none', () => {
  const tested = new Set(kinkCases.map(({ name }) => name.split(' ')[0]));
  const sloped = functions.filter(({ slope }) => slope.kind === 'gradient').map(({ name }) => name);
  const missing = sloped.filter((name) => !tested.has(name) && !(name in kinkReasons));
  expect(missing, 'add a row to scripts/golden/kinks.py and test/tables/kinks.ts, or a reason to test/tables/kinkReasons.ts').toEqual([]);
  expect(Object.keys(kinkReasons).filter((name) => !sloped.includes(name) || (tested.has(name) && name !== 'where'))).toEqual([]);
  expect([...tested].filter((name) => !sloped.includes(name))).toEqual([]);
});

test('a difference from PyTorch has a reason and is one', () => {
  for (const { name, golden, row } of kinkCases) {
    if (!row.differs) continue;
    expect(row.differs.reason.length, name).toBeGreaterThan(10);
    const { value, gradients } = row.differs;
    expect([value ?? numbersOf(golden.value), ...(gradients ?? golden.gradients.map(numbersOf))], name).not.toEqual(
      [golden.value, ...golden.gradients].map(numbersOf),
    );
  }
});

const f32 = (shape: readonly number[], data: readonly number[]): Tensor =>
  o.alias(hostTensor({ shape, dtype: 'f32' }, Float32Array.from(data)));
const indices = (data: readonly number[], shape: readonly number[]): Tensor => o.tensor([...data], shape, 'i32');

describe('an infinite value times a masked element has gradients of 0', () => {
  const along = { axis: 1 } as const;
  const image = (x: Tensor): Tensor => o.reshape(x, [1, 2, 2, 1]);
  /** Ops that move, add or reduce log p for p [2, 2]. The kernel ops that pass infinities on are named after the colon. */
  const movers: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    'concat: concat': (x) => o.concat([x, o.neg(x)], 1),
    'pad: pad': (x) => o.pad(x, [[0, 0], [1, 0]]), // prettier-ignore
    'gather: gather': (x) => o.gather(x, indices([1, 0, 1], [3])),
    'scatterAdd: scatterSum': (x) => o.scatterAdd(o.zeros([3, 2]), indices([2, 0], [2]), x),
    'takeAlongAxis: takeAlongAxis': (x) => o.takeAlongAxis(x, indices([1, 1, 0, 0], [2, 2]), along),
    'scatterAlongAxis: scatterAlongAxis': (x) =>
      o.scatterAlongAxis(o.zeros([3, 2]), indices([1, 1, 2, 0], [2, 2]), x, { axis: 0, mode: 'add' }),
    'scatterAlongAxis max: scatterReduce': (x) =>
      o.scatterAlongAxis(o.zeros([3, 2]), indices([1, 1, 2, 0], [2, 2]), o.neg(x), { axis: 0, mode: 'max' }),
    'scatterAlongAxis multiply: scatterReduce': (x) =>
      o.scatterAlongAxis(o.ones([3, 2]), indices([1, 1, 2, 0], [2, 2]), x, { axis: 0, mode: 'multiply' }),
    'sort: takeAlongAxis': (x) => o.sort(x),
    'maxPool2d: maxPool2d': (x) => o.maxPool2d(image(o.neg(x)), { poolSize: 2 }),
    'avgPool2d: avgPool2d': (x) => o.avgPool2d(image(x), { poolSize: 2 }),
    'resize: resample': (x) => o.resize(image(x), { size: [3, 3] }),
    'cumSum: cumSum': (x) => o.cumSum(x, along),
    slice: (x) => o.slice(x, [0, 0], [1, 2]),
    flip: (x) => o.flip(x, 0),
    tile: (x) => o.tile(x, [1, 2]),
    repeat: (x) => o.repeat(x, 2, 1),
    roll: (x) => o.roll(x, 1, 1),
    transpose: (x) => o.transpose(x),
    where: (x) => o.where(o.greater(f32([2, 2], [1, 1, 1, 1]), 0), x, 0),
    sum: (x) => o.sum(x, along),
    mean: (x) => o.mean(x, along),
    max: (x) => o.max(o.neg(x), along),
    min: (x) => o.min(x, along),
    prod: (x) => o.prod(x, along),
    norm: (x) => o.norm(x, along),
    logSumExp: (x) => o.logSumExp(o.neg(x), along),
    variance: (x) => o.variance(x, along),
  };
  /** Kernels after which nothing counts as infinite, and kernels that only gradients of others use. */
  const others =
    /^(matmul|attention|fourierTransform|solve|triangularSolve|cholesky|determinant|cofactors|logDeterminant|cumProd|linearRecurrence|recurrence|weightedDot|(depthwiseC|c)onv)/;
  const ofGradients = ['scatterDistinct', 'maxPool2dScatter', 'maxPool2dGather', 'avgPool2dSpread', 'weightedGather', 'weightedScatter'];

  test.each(Object.entries(movers))('%s', (_, call) => {
    const p = f32([2, 2], [0, 0, 2, 0]);
    const moved = call(o.log(p));
    const a = f32(moved.shape, new Array<number>(moved.size).fill(1));
    // An element is on, so that the mask is no constant: none of it counts here.
    const mask = o.greater(o.mul(a, 0), 1);
    const loss = o.sum(o.where(mask, o.mul(a, moved), 0));
    const [value, da, dp] = interpret([moved, ...gradients(loss, [a, p])]);
    expect([...value].some((x) => !Number.isFinite(x))).toBe(true);
    expect([...da].map(Math.abs)).toEqual(new Array<number>(a.size).fill(0));
    expect([...dp].map(Math.abs)).toEqual([0, 0, 0, 0]);
  });

  test('every kernel with a gradient passes infinities on, and is tested, or is on the list of others', () => {
    const kernels = [...definedOps().values()].filter(({ lowering, vjp }) => lowering.kind === 'kernel' && vjp !== 'nondifferentiable');
    const tested = Object.keys(movers).map((name) => name.split(': ')[1]);
    expect(kernels.filter(({ passesInfinities, name }) => !passesInfinities !== others.test(name)).map(({ name }) => name)).toEqual([]);
    expect(kernels.filter(({ name }) => !others.test(name) && !tested.includes(name) && !ofGradients.includes(name))).toEqual([]);
  });
});

describe('a masked power that overflows has a gradient of 0', () => {
  test.each([2, 2.5, 3, 4, 6, 7, -3])('x^%s', (exponent) => {
    const x = f32([3], [1e30, exponent < 0 ? 0 : -1e30, 1.5]);
    const powers = (t: Tensor): Tensor => o.sum(o.where(o.less(o.abs(o.sub(t, 1.5)), 1), o.pow(t, exponent), 0));
    const first = gradients(powers(x), [x])[0];
    const [g, h] = interpret([first, ...gradients(o.sum(first), [x])]);
    expect([...g.slice(0, 2), ...h.slice(0, 2)].map(Math.abs)).toEqual([0, 0, 0, 0]);
    expect(g[2]).toBeCloseTo(exponent * 1.5 ** (exponent - 1), 3);
  });

  test('gelu, square and relu pay no test for 0', () => {
    for (const call of [o.gelu, o.square, o.relu, (x: Tensor) => o.pow(o.clip(x, -9, 9), 5)] as ((x: Tensor) => Tensor)[]) {
      const x = f32([2], [1, 2]);
      const names = topological(gradients(o.sum(call(x)), [x])).map(({ op }) => op.name);
      expect(names.filter((name) => name.includes('Zero'))).toEqual([]);
    }
    const x = f32([2], [1, 2]);
    expect(topological(gradients(o.sum(o.pow(x, 3)), [x])).map(({ op }) => op.name)).toContain('productOrZero');
  });
});
