// Random numbers against their exact distributions, with fixed seeds; edges; keys of traces and models.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { keyFromSeed, threefry } from '../../src/core/random.ts';
import { compile, setDevice } from '../../src/engine/index.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { input } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import * as o from '../../src/ops/index.ts';
import { positiveUniform, standardGumbel } from '../../src/ops/create/exponentials.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { layers } from '../../src/index.ts';
import { createModel, sequential } from '../../src/train/index.ts';
import { betaBelow, chiSquared, gammaBelow, kolmogorov } from '../support/distributions.ts';

const { random } = o;
const run = (t: Tensor): number[] => Array.from(interpret([t])[0]);
const n = 20000;
/** One sample of a hundred is above it; the seeds are fixed. */
const usual = 1.63;

const standardized = (values: readonly number[], mean: number, variance: number): readonly [number, number] => {
  const own = values.reduce((a, b) => a + b) / values.length;
  const ownVariance = values.reduce((a, b) => a + (b - own) ** 2, 0) / values.length;
  return [(own - mean) / Math.sqrt(variance / values.length), ownVariance / variance];
};

function expectMoments(values: readonly number[], mean: number, variance: number, relative = 0.1): void {
  const [z, ratio] = standardized(values, mean, variance);
  expect(Math.abs(z)).toBeLessThan(3);
  expect(Math.abs(ratio - 1)).toBeLessThan(relative);
}

describe('distributions', () => {
  test('distribution functions of the tests', () => {
    // Of SciPy: gamma(0.5).cdf(0.3), gamma(1e4).cdf(10050), beta(2, 5).cdf(0.3), beta(0.2, 0.2).cdf(0.9)
    expect(gammaBelow(0.5, 0.3)).toBeCloseTo(0.5614219739190003, 12);
    expect(gammaBelow(1e4, 10050)).toBeCloseTo(0.6923424407025657, 9);
    expect(betaBelow(2, 5, 0.3)).toBeCloseTo(0.579825, 12);
    expect(betaBelow(0.2, 0.2, 0.9)).toBeCloseTo(0.663310221569943, 12);
  });

  test('exponential', () => {
    const x = run(random.exponential([n], { scale: 2, seed: 1 }));
    expect(kolmogorov(x, (v) => -Math.expm1(-v / 2))).toBeLessThan(usual);
    expectMoments(x, 2, 4);
  });

  test('gumbel', () => {
    const x = run(random.gumbel([n], { loc: 3, scale: 0.5, seed: 2 }));
    expect(kolmogorov(x, (v) => Math.exp(-Math.exp(-(v - 3) / 0.5)))).toBeLessThan(usual);
    expectMoments(x, 3 + 0.5 * 0.5772156649, (0.25 * Math.PI ** 2) / 6);
  });

  test.each([0.01, 0.1, 0.7, 1, 1.5, 4, 100, 1e4])('gamma of concentration %s, as number and as tensor', (a) => {
    const x = run(random.gamma([n], { concentration: a, scale: 2, seed: 3 }));
    // Below 1e-37 numbers of small concentrations are rounded to 0.
    expect(kolmogorov(x, (v) => gammaBelow(a, v / 2), 1e-37)).toBeLessThan(usual);
    expectMoments(x, 2 * a, 4 * a, a < 0.1 ? 0.4 : 0.1);
    expect(x.every((v) => v >= 0)).toBe(true);
    const few = run(random.gamma([500], { concentration: o.full([500], a), scale: 2, seed: 3 }));
    few.forEach((v, i) => expect(Math.abs(v - x[i])).toBeLessThanOrEqual(1e-5 * x[i]));
  });

  test('gamma of a concentration for each element', () => {
    const rows = [0.05, 1, 30];
    const x = run(random.gamma([3, n / 2], { concentration: o.tensor(rows, [3, 1]), seed: 4 }));
    rows.forEach((a, i) => expect(kolmogorov(x.slice((i * n) / 2, ((i + 1) * n) / 2), (v) => gammaBelow(a, v), 1e-37)).toBeLessThan(usual));
  });

  test.each([
    [0.2, 0.2],
    [2, 5],
    [1, 1],
    [300, 0.5],
    [1e4, 1e4],
  ])('beta of %s and %s', (a, b) => {
    const x = run(random.beta([n], { alpha: a, beta: b, seed: 5 }));
    // f32 has few numbers just below 1.
    expect(kolmogorov(x, (v) => betaBelow(a, b, v), 1e-37, 1 - 2 ** -12)).toBeLessThan(usual);
    expectMoments(x, a / (a + b), (a * b) / ((a + b) ** 2 * (a + b + 1)));
  });

  test('categorical', () => {
    const p = [0.5, 0, 0.3, 0.15, 0.05];
    // Near 1e7 the noise would be rounded to whole numbers.
    const large = [1e7, -Infinity, 1e7 + 1, 1e7 + 2, 1e7 - 1];
    const sum = large.reduce((total, v) => total + Math.exp(v - 1e7), 0);
    const cases: [Tensor, number[]][] = [
      [random.categorical(o.tensor(p.map(Math.log)), { shape: [n], seed: 6 }), p],
      [random.categorical(o.tensor(large), { numSamples: n, seed: 7 }), large.map((v) => Math.exp(v - 1e7) / sum)],
    ];
    for (const [drawn, probabilities] of cases) {
      const x = run(drawn);
      const counts = p.map((_, i) => x.filter((k) => k === i).length);
      expect(counts[1]).toBe(0);
      expect(chiSquared(counts, probabilities)).toBeLessThan(2.5);
    }
  });

  test('randint', () => {
    const dice = run(random.randint([n], { min: -2, max: 4, seed: 8 }));
    expect(chiSquared([-2, -1, 0, 1, 2, 3].map((k) => dice.filter((v) => v === k).length), new Array<number>(6).fill(1 / 6))).toBeLessThan(2.5); // prettier-ignore
    const wide = run(random.randint([n], { min: -1e9, max: 2e9, seed: 9 }));
    expect(kolmogorov(wide, (v) => (v + 1e9) / 3e9)).toBeLessThan(usual);
  });

  test('candidates and draws are independent', () => {
    const x = run(random.beta([n], { alpha: 2, beta: 2, seed: 10 }));
    const y = run(random.gamma([n], { concentration: 0.5, seed: 10 }));
    const correlation = (a: readonly number[], b: readonly number[]): number => {
      const mean = (v: readonly number[]): number => v.reduce((s, t) => s + t) / v.length;
      const [ma, mb] = [mean(a), mean(b)];
      const cross = (u: readonly number[], mu: number, v: readonly number[], mv: number): number => u.reduce((s, t, i) => s + (t - mu) * (v[i] - mv), 0); // prettier-ignore
      return cross(a, ma, b, mb) / Math.sqrt(cross(a, ma, a, ma) * cross(b, mb, b, mb));
    };
    expect(Math.abs(correlation(x.slice(1), x.slice(0, -1)))).toBeLessThan(0.025);
    expect(Math.abs(correlation(y.slice(1), y.slice(0, -1)))).toBeLessThan(0.025);
  });
});

test.each([1, 2, 3, 7, 65537, 1e9 + 7, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32])(
  'randint of %d numbers is the exact product of 64 bits',
  (count) => {
    const min = count <= 2 ** 31 ? 0 : -(2 ** 31);
    const [k0, k1] = keyFromSeed(11);
    const want = Array.from({ length: 200 }, (_, i) => {
      const bits = (BigInt(threefry(k0, k1, i, 0, 0)) << 32n) | BigInt(threefry(k0, k1, i, 0, 1));
      return min + Number((bits * BigInt(count)) >> 64n);
    });
    expect(run(random.randint([200], { min, max: min + count, seed: 11 }))).toEqual(want);
  },
);

describe('edges', () => {
  const word = (value: number) => (): Tensor => o.full([1], value, 'u32');

  test('the smallest and largest bits give finite numbers, and all are exact in f32', () => {
    const pair = (a: number, b: number) => (lane: 0 | 1) => o.full([1], lane ? b : a, 'u32');
    for (const a of [0, 255, 256, 0xfffff, 0x100000, 0x80000000, 0xfffffeff]) {
      const [x] = interpret([positiveUniform(pair(a, 0xffffffff))], { mode: 'f64' })[0];
      expect(x).toBe(Math.fround(x));
    }
    expect([run(positiveUniform(word(0))), run(positiveUniform(word(2 ** 32 - 1)))]).toEqual([[2 ** -36], [1 - 2 ** -24]]);
    const [largest, smallest] = [run(standardGumbel(word(0)))[0], run(standardGumbel(word(2 ** 32 - 1)))[0]];
    expect(largest).toBeCloseTo(36 * Math.LN2, 4);
    expect(smallest).toBeCloseTo(-Math.log(24 * Math.LN2), 4);
  });

  test('tiny and huge concentrations give 0, 1 or the mean, never NaN', () => {
    const tiny = 1e-37;
    expect(new Set(run(random.gamma([200], { concentration: tiny, seed: 1 })))).toEqual(new Set([0]));
    // Logarithms of both are below the range of f32.
    const ends = run(random.beta([n], { alpha: 1.2e-38, beta: 1.2e-38, seed: 1 }));
    expect(ends.some(Number.isNaN)).toBe(false);
    expect(run(random.gamma([200], { concentration: 1e30, seed: 1 })).every((x) => Math.abs(x / 1e30 - 1) < 1e-6)).toBe(true);
  });

  test('elements that are not above 0 give NaN', () => {
    const a = o.tensor([0, -1, NaN, 1]);
    expect(run(random.gamma([4], { concentration: a, seed: 1 })).map(Number.isNaN)).toEqual([true, true, true, false]);
    expect(run(random.beta([4], { alpha: 1, beta: a, seed: 1 })).map(Number.isNaN)).toEqual([true, true, true, false]);
  });

  test('empty and scalar shapes', () => {
    expect(random.gamma([0, 3], { concentration: 1 }).shape).toEqual([0, 3]);
    expect(run(random.gamma([0, 3], { concentration: 1 }))).toEqual([]);
    expect(run(random.beta([], { alpha: 1, beta: 1, seed: 1 }))).toHaveLength(1);
    expect(run(random.categorical(o.zeros([4]), { numSamples: 0 }))).toEqual([]);
    expect(random.categorical(o.zeros([2, 5, 3]), { axis: 1 }).shape).toEqual([2, 3]);
    expect(random.categorical(o.zeros([2, 5, 3]), { axis: -2, numSamples: 7 }).shape).toEqual([2, 7, 3]);
    expect(random.categorical(o.zeros([5]), { shape: [4, 6] }).shape).toEqual([4, 6]);
    expect(random.randint([2, 3], { max: 5 }).dtype).toBe('i32');
  });

  test('rows of one possible class give it', () => {
    const logits = o.tensor([[-Infinity, 3, -Infinity], [-Infinity, -Infinity, -1e30], [-Infinity, -Infinity, -Infinity]]); // prettier-ignore
    expect(new Set(run(random.categorical(logits, { shape: [100, 3], seed: 1 })).map((k, i) => `${i % 3}: ${k}`))).toEqual(
      new Set(['0: 1', '1: 2', '2: 0']),
    );
  });
});

test('the concentration has a gradient of 0, and categorical draws are no function of the logits', () => {
  const a = placeholder([3], 'f32', { position: 0 });
  const [da] = gradients(o.sum(random.gamma([3], { concentration: a, seed: 1 })), [a]);
  expect(Array.from(interpret([da], { feeds: new Map([[a, Float32Array.of(0.5, 1, 2)]]) })[0])).toEqual([0, 0, 0]);
});

describe('keys', () => {
  test('a compiled function draws other numbers in each call, and repeats after setSeed', async () => {
    await setDevice('cpu');
    const draw = compile(() => [random.gamma([50], { concentration: 2 }), random.gamma([50], { concentration: 2 })]);
    const read = async (): Promise<number[][]> => Promise.all((await draw()).map(async (t) => Array.from(await t.data())));
    o.setSeed(3);
    const [[a, b], [c]] = [await read(), await read()];
    o.setSeed(3);
    expect((await read())[0]).toEqual(a);
    expect(new Set([...a, ...b, ...c]).size).toBe(150);
  });

  test('a compiled function without random numbers takes none, so reading logs of a fit changes no later number', async () => {
    await setDevice('cpu');
    const after = async (work: () => Promise<unknown>): Promise<number> => {
      o.setSeed(5);
      await work();
      return random.uniform([1]).item();
    };
    const double = compile((x: Tensor) => o.mul(x, 2));
    expect(await after(() => double(o.ones([2])).then((y) => y.data()))).toBe(await after(async () => undefined));
    const fit = (onBatchEnd?: () => void) => async () => {
      const model = sequential([layers.dense({ units: 1, inputShape: [1] })]);
      model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mae'] });
      await model.fit(o.ones([8, 1]), o.ones([8, 1]), { batchSize: 1, verbose: 0, callbacks: onBatchEnd ? [{ onBatchEnd }] : [] });
    };
    expect(await after(fit(() => undefined))).toBe(await after(fit()));
  });

  test('a model draws for the size of its batch', async () => {
    await setDevice('cpu');
    o.setSeed(1);
    const x = input({ shape: [n / 10] });
    const model = createModel({ inputs: x, outputs: o.mul(x, random.gamma(x.shape, { concentration: 1.5 })) });
    const y = Array.from(await (await model.predict(o.ones([10, n / 10]))).data());
    expect(y).toHaveLength(n);
    expect(kolmogorov(y, (v) => gammaBelow(1.5, v))).toBeLessThan(usual);
    expect(new Set(y).size).toBeGreaterThan(n * 0.99);
  });
});
