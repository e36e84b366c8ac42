// Rows of reductions, of ops that move elements, of kernels, and of tensors made from nothing.
import * as o from '../../src/ops/index.ts';
import { type OpRow, f, row, w } from './row.ts';

const cube = f([2, 3, 5]);
const exact = { gpu: 'exact' } as const;
const flat = { gpu: 'exact', gradient: 'none' } as const;
/** Sums of n terms of size at most t: n * 2^-23 * n * t. */
const terms = (n: number, t: number): Pick<OpRow, 'gpu'> => ({ gpu: { ulp: 0, absolute: n * n * t * 2 ** -23 } });

export const reductionRows: readonly OpRow[] = [
  row('sum', [cube], (x) => o.sum(x), terms(30, 2)),
  row('sum axis', [cube], (x) => o.sum(x, { axis: 1 }), terms(3, 2)),
  row('sum axes kept', [cube], (x) => o.sum(x, { axis: [0, -1], keepDims: true }), terms(10, 2)),
  row('sum nothing', [f([0, 3])], (x) => o.sum(x, { axis: 0 }), exact),
  row('mean', [cube], (x) => o.mean(x), terms(30, 0.1)),
  row('mean axis', [cube], (x) => o.mean(x, { axis: -1 }), terms(5, 0.5)),
  row('prod', [f([7], 0.5, 1.5)], (x) => o.prod(x), { gpu: { ulp: 16 } }),
  row('prod axis', [cube], (x) => o.prod(x, { axis: 2 }), { gpu: { ulp: 16 } }),
  row('max', [cube], (x) => o.max(x), exact),
  row('max axis', [cube], (x) => o.max(x, { axis: 1 }), exact),
  row('min', [cube], (x) => o.min(x), exact),
  row('min axes', [cube], (x) => o.min(x, { axis: [0, 2] }), exact),
  row('any', [w([3, 5], 0, 2)], (x) => o.any(x, { axis: 1 }), flat),
  row('all', [w([3, 2], 0, 2)], (x) => o.all(x, { axis: 1 }), flat),
  row('argMax', [cube], (x) => o.argMax(x), flat),
  row('argMax axis', [cube], (x) => o.argMax(x, { axis: 1 }), flat),
  row('argMin', [cube], (x) => o.argMin(x, { axis: 2, keepDims: true }), flat),
  row('variance', [cube], (x) => o.variance(x, { axis: [0, 1] }), terms(6, 3)),
  row('variance sample', [cube], (x) => o.variance(x, { axis: 2, correction: 1 }), terms(5, 3)),
  row('std', [cube], (x) => o.std(x, { axis: 1 }), terms(3, 3)),
  row('norm', [cube], (x) => o.norm(x), terms(30, 1)),
  row('norm one', [cube], (x) => o.norm(x, { ord: 1, axis: 1 }), terms(3, 2)),
  row('norm three', [cube], (x) => o.norm(x, { ord: 3, axis: 2 }), terms(5, 2)),
  row('norm largest', [cube], (x) => o.norm(x, { ord: Infinity, axis: 2 }), exact),
  row('logSumExp', [f([3, 5], -9, 9)], (x) => o.logSumExp(x, { axis: 1 }), { gpu: { ulp: 4, absolute: 1e-6 } }),
  row('logSumExp all', [f([3, 5], -900, 900)], (x) => o.logSumExp(x), { gpu: { ulp: 4 } }),
];

export const shapeRows: readonly OpRow[] = [
  row('reshape', [cube], (x) => o.reshape(x, [5, -1]), exact),
  row('reshape of transpose', [cube], (x) => o.reshape(o.transpose(x), [15, 2]), exact),
  row('flatten', [cube], o.flatten, exact),
  row('transpose', [cube], (x) => o.transpose(x), exact),
  row('transpose permutation', [cube], (x) => o.transpose(x, [1, -1, 0]), exact),
  row('expandDims', [f([3, 5])], (x) => o.expandDims(x, -1), exact),
  row('squeeze', [f([1, 3, 1])], (x) => o.squeeze(x), exact),
  row('broadcastTo', [f([3, 1])], (x) => o.broadcastTo(x, [2, 3, 5]), exact),
  row('diagonal', [cube], (x) => o.diagonal(x), exact),
  row('diagonal tall', [f([5, 3])], (x) => o.diagonal(x), exact),
  row('slice', [f([5, 7])], (x) => o.slice(x, [1, 2], [4]), exact),
  row('slice strided', [f([5, 7])], (x) => o.slice(x, [0, 1], [5, -1], [2, 3]), exact),
  row('slice backwards', [f([5, 7])], (x) => o.slice(x, [-1, 1], [undefined, undefined], [-2, 1]), exact),
  row('slice empty', [f([5, 7])], (x) => o.slice(x, [2], [2]), exact),
  row('flip', [cube], (x) => o.flip(x), exact),
  row('flip axis', [cube], (x) => o.flip(x, 1), exact),
  row('concat', [f([2, 3]), f([4, 3]), f([1, 3])], (...x) => o.concat(x, 0), exact),
  row(
    'concat of many',
    Array.from({ length: 9 }, (_, i) => f([3, (i * 2) % 5, 2])),
    (...x) => o.concat(x, 1),
    exact,
  ),
  row('concat inner', [cube, f([2, 1, 5]), f([2, 2, 5])], (...x) => o.concat(x, 1), exact),
  row('concat empty', [f([2, 0]), f([2, 3])], (...x) => o.concat(x, 1), exact),
  row('stack', [f([2, 3]), f([2, 3])], (...x) => o.stack(x, -1), exact),
  row('split', [f([6, 5])], (x) => o.split(x, 3, 0)[1], exact),
  row('split sizes', [f([3, 7])], (x) => o.split(x, [2, 4, 1], 1)[1], exact),
  row('unstack', [f([3, 4])], (x) => o.unstack(x, 1)[2], exact),
  row('pad', [f([3, 5])], (x) => o.pad(x, [[1, 2], [0, 3]], { value: 1.5 }), exact), // prettier-ignore
  row('pad inner', [cube], (x) => o.pad(x, [[0, 0], [2, 1], [0, 0]]), exact), // prettier-ignore
  row('pad bool', [w([3, 5], 0, 2)], (x) => o.pad(o.cast(x, 'bool'), [[1, 2], [0, 3]], { value: 1 }), flat), // prettier-ignore
  row('concat bool', [w([3], 0, 2), w([2], 0, 2)], (...x) => o.concat(x.map((t) => o.cast(t, 'bool'))), flat),
  row('pad reflect', [f([1, 4, 5])], (x) => o.pad(x, [[0, 0], [0, 0], [3, 2]], { mode: 'reflect' }), exact), // prettier-ignore
  row('pad edge', [f([1, 4, 5])], (x) => o.pad(x, [[0, 0], [0, 0], [2, 1]], { mode: 'edge' }), exact), // prettier-ignore
  row('tile', [f([2, 3])], (x) => o.tile(x, [2, 1, 2]), exact),
  row('repeat', [f([2, 3])], (x) => o.repeat(x, 3, 1), exact),
  row('repeat all', [f([2, 3])], (x) => o.repeat(x, 2), exact),
  row('roll', [cube], (x) => o.roll(x, 2, 1), exact),
  row('roll all', [cube], (x) => o.roll(x, -4), exact),
  row('roll axes', [cube], (x) => o.roll(x, [1, -2], [0, 2]), exact),
  row('triL', [f([4, 5])], (x) => o.triL(x), exact),
  row('triU', [f([4, 5])], (x) => o.triU(x, { k: 1 }), exact),
];

export const kernelRows: readonly OpRow[] = [
  row('matmul', [f([3, 5]), f([5, 4])], (a, b) => o.matmul(a, b), terms(5, 4)),
  row('matmul batched', [f([2, 1, 3, 5]), f([3, 5, 4])], (a, b) => o.matmul(a, b), terms(5, 4)),
  row('matmul transposed', [f([5, 3]), f([4, 5])], (a, b) => o.matmul(a, b, { transposeA: true, transposeB: true }), terms(5, 4)),
  row('matmul vector', [f([3, 5]), f([5])], (a, b) => o.matmul(a, b), terms(5, 4)),
  row('dot', [f([7]), f([7])], o.dot, terms(7, 4)),
  row('outer', [f([3]), f([4])], o.outer, { gpu: { ulp: 1 } }),
  row('conv2d', [f([2, 6, 5, 3]), f([3, 2, 3, 4])], (x, k) => o.conv2d(x, k), terms(18, 4)),
  row('conv2d strided same', [f([1, 7, 5, 2]), f([3, 3, 2, 3])], (x, k) => o.conv2d(x, k, { strides: 2, padding: 'same' }), terms(18, 4)),
  row('conv2d dilated', [f([1, 7, 6, 2]), f([2, 2, 2, 3])], (x, k) => o.conv2d(x, k, { dilations: 2 }), terms(8, 4)),
  row('conv2d groups', [f([1, 5, 5, 4]), f([3, 3, 2, 6])], (x, k) => o.conv2d(x, k, { groups: 2 }), terms(18, 4)),
  row('maxPool2d', [f([2, 6, 4, 3])], (x) => o.maxPool2d(x), exact),
  row('maxPool2d overlapping', [f([1, 7, 5, 2])], (x) => o.maxPool2d(x, { poolSize: 3, strides: 2 }), exact),
  row('gather', [f([5, 3]), w([4], 0, 5)], (x, i) => o.gather(x, i), exact),
  row('gather axis', [f([3, 5]), w([2, 2], 0, 5)], (x, i) => o.gather(x, i, { axis: 1 }), exact),
  row('embedding', [f([5, 3]), w([2, 4], 0, 5)], (x, i) => o.embedding(x, i), exact),
  row('scatterAdd', [f([5, 3]), w([7], 0, 5), f([7, 3])], (x, i, u) => o.scatterAdd(x, i, u), terms(4, 2)),
];

const known = (shape: readonly number[], value: readonly number[]): Pick<OpRow, 'gpu' | 'gradient' | 'expected'> => ({
  ...flat,
  expected: { shape, value },
});
const noisy = { gpu: { ulp: 16, absolute: 2e-6 }, random: true } as const;
const drawn = { gpu: 'exact', gradient: 'none', random: true } as const;

export const creationRows: readonly OpRow[] = [
  row('tensor', [], () => o.tensor([[1, 2], [3, 4]]), known([2, 2], [1, 2, 3, 4])), // prettier-ignore
  row('scalar', [], () => o.scalar(2.5), known([], [2.5])),
  row('zeros', [], () => o.zeros([2, 2]), known([2, 2], [0, 0, 0, 0])),
  row('ones', [], () => o.ones([3], 'i32'), known([3], [1, 1, 1])),
  row('full', [], () => o.full([2], 1.5), known([2], [1.5, 1.5])),
  row('zerosLike', [f([2])], o.zerosLike, known([2], [0, 0])),
  row('onesLike', [f([2])], o.onesLike, known([2], [1, 1])),
  row('linspace', [], () => o.linspace(-1, 2, 7), { gradient: 'none', gpu: { ulp: 4, absolute: 2e-7 } }),
  row('arange', [], () => o.arange(7), flat),
  row('arange step', [], () => o.arange(1, 2, 0.25), flat),
  row('arange down', [], () => o.arange(5, -3, -2), flat),
  row('eye', [], () => o.eye(3, 4), flat),
  row('oneHot', [w([2, 3], 0, 4)], (i) => o.oneHot(i, 4), flat),
  row('random uniform', [], () => o.random.uniform([37], { seed: 7 }), drawn),
  row('random uniform range', [], () => o.random.uniform([5, 7], { seed: 7, min: -1, max: 3 }), {
    ...drawn,
    gpu: { ulp: 2, absolute: 3e-7 },
  }),
  row('random normal', [], () => o.random.normal([37], { seed: 7 }), { ...drawn, gpu: { ulp: 8, absolute: 2e-6 } }),
  row('random truncatedNormal', [], () => o.random.truncatedNormal([37], { seed: 7 }), { ...drawn, gpu: { ulp: 8, absolute: 2e-6 } }),
  row('random bernoulli', [], () => o.random.bernoulli([37], { seed: 7, p: 0.3 }), drawn),
  row('random permutation', [], () => o.random.permutation(11, { seed: 7 }), drawn),
  row('random exponential', [], () => o.random.exponential([37], { seed: 7 }), { ...drawn, gpu: { ulp: 8, absolute: 1e-6 } }),
  row('random exponential scale', [f([5, 7], 0.1, 3)], (scale) => o.random.exponential(scale.shape, { scale, seed: 7 }), noisy),
  row('random gumbel', [], () => o.random.gumbel([37], { seed: 7 }), { ...drawn, gpu: { ulp: 8, absolute: 2e-6 } }),
  row(
    'random gumbel parameters',
    [f([5, 7]), f([5, 1], 0.1, 3)],
    (loc, scale) => o.random.gumbel(loc.shape, { loc, scale, seed: 7 }),
    noisy,
  ),
  row('random gamma', [], () => o.random.gamma([37], { concentration: 2.5, seed: 7 }), { ...drawn, gpu: { ulp: 32, absolute: 2e-6 } }),
  row('random gamma scale', [f([5, 7], 0.1, 3)], (scale) => o.random.gamma(scale.shape, { concentration: 0.6, scale, seed: 7 }), noisy),
  row('random gamma concentration', [f([5, 7], 0.05, 4)], (a) => o.random.gamma(a.shape, { concentration: a, seed: 7 }), {
    ...drawn,
    gpu: { ulp: 64, absolute: 2e-6 },
  }),
  row('random beta', [], () => o.random.beta([37], { alpha: 0.5, beta: 2, seed: 7 }), { ...drawn, gpu: { ulp: 32, absolute: 2e-6 } }),
  row(
    'random beta tensors',
    [f([5, 7], 0.05, 4), f([5, 1], 0.1, 9)],
    (alpha, beta) => o.random.beta(alpha.shape, { alpha, beta, seed: 7 }),
    {
      ...drawn,
      gpu: { ulp: 64, absolute: 2e-6 },
    },
  ),
  row('random categorical', [f([9, 5])], (x) => o.random.categorical(x, { seed: 7 }), drawn),
  row('random categorical samples', [f([4, 3])], (x) => o.random.categorical(x, { numSamples: 11, seed: 7 }), drawn),
  row('random categorical axis', [f([2, 4, 3])], (x) => o.random.categorical(x, { axis: 1, numSamples: 5, seed: 7 }), drawn),
  row('random categorical shape', [f([3])], (x) => o.random.categorical(x, { shape: [4, 6], seed: 7 }), drawn),
  row('random randint', [], () => o.random.randint([37], { min: -3, max: 8, seed: 7 }), drawn),
  // Compared in f32 here; test/gpu/distributions.test.ts compares every digit.
  row('random randint wide', [], () => o.random.randint([37], { min: -2000000000, max: 2000000011, seed: 7 }), {
    ...drawn,
    gpu: { ulp: 1 },
  }),
  row('dropout', [f([5, 7])], (x) => o.dropout(x, { rate: 0.4, seed: 7 }), { gpu: { ulp: 3 }, random: true }),
];
