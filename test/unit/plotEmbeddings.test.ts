// Principal components and t-SNE against scikit-learn, and paths of optimizers.
import { beforeAll, describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { add, mul } from '../../src/ops/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type Surface, pca, surfacePaths, tsne } from '../../src/plots/index.ts';
import { jointProbabilities, squaredDistances } from '../../src/plots/neighbourProbabilities.ts';
import '../../src/train/names.ts';
import { golden } from '../support/plotModels.ts';

beforeAll(() => setDevice('cpu'));

const digits = { data: Float32Array.from(golden.digits, (letter) => (letter.charCodeAt(0) - 97) / 16), shape: [120, 64] };

describe('pca', () => {
  test.each(golden.pca)('is that of scikit-learn', async ({ x, variances, shares, components, points }) => {
    const found = await pca(x, { components: 3 });
    found.variances.forEach((value, i) => expect(value).toBeCloseTo(variances[i], 5));
    found.shares.forEach((value, i) => expect(value).toBeCloseTo(shares[i], 6));
    found.components.forEach((axis, i) => {
      // The sign of an axis is free.
      const sign = Math.sign(axis.reduce((sum, value, k) => sum + value * components[i][k], 0));
      axis.forEach((value, k) => expect(value).toBeCloseTo(sign * components[i][k], 5));
      found.points.forEach((point, n) => expect(point[i]).toBeCloseTo(sign * points[n][i], 4));
      expect(Math.max(...axis)).toBe(Math.max(...axis.map(Math.abs)));
    });
  });

  test('refuses more components than features', async () => {
    await expect(pca([[1, 2], [3, 4], [5, 7]], { components: 3 })).rejects.toThrow('at most 2 components; components is 3'); // prettier-ignore
  });
});

describe('tsne', () => {
  test('reaches the divergence of scikit-learn on digits', async () => {
    const { perplexity, steps, divergence } = golden.tsne;
    const result = await tsne(digits, { perplexity, steps });
    expect(result.points).toHaveLength(120);
    expect(result.divergence).toBeLessThanOrEqual(divergence * 1.01);
  });

  test('the probabilities have the perplexity and sum to 1', () => {
    const distances = squaredDistances(digits.data.subarray(0, 640), 10, 64);
    const joint = jointProbabilities(distances, 10, 4);
    expect(joint.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(joint[1]).toBe(joint[10]);
    expect(joint[0]).toBe(0);
    // Equal distances have equal probabilities, at every scale.
    const equal = jointProbabilities(Float64Array.of(0, 1e8, 1e8, 1e8, 0, 1e8, 1e8, 1e8, 0), 3, 1.5);
    expect(equal[1]).toBeCloseTo(1 / 6, 12);
  });

  test('random starts depend on the seed only', async () => {
    const options = { perplexity: 5, steps: 20, start: 'random' } as const;
    const draw = async (seed: number) =>
      (await tsne({ data: digits.data.subarray(0, 640 * 2), shape: [20, 64] }, { ...options, seed })).points;
    const first = await draw(1);
    expect(await draw(1)).toEqual(first);
    expect(await draw(2)).not.toEqual(first);
  });

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'a perplexity of all samples',
      () => tsne([[1], [2]], { perplexity: 2 }),
      'tsne: perplexity is 2, but x has 2 samples; give a smaller one',
    ],
    ['NaN', () => tsne([[1], [NaN], [2]], { perplexity: 1 }), 'tsne: x holds NaN in sample 1; give finite numbers'],
    ['four dimensions', () => tsne([[1], [2]], { dimensions: 4 as never }), 'plots.tsne: dimensions is 4; it must be 2 or 3'],
  ])('refuses %s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });
});

describe('surfacePaths', () => {
  test.each(['rosenbrock', 'beale', 'himmelblau', 'rastrigin', 'saddle'] as const)('the minima of %s are minima', async (surface) => {
    const { minima, value } = await surfacePaths({ surface, steps: 1, optimizers: {} });
    const least = Math.min(...value.flat());
    for (const start of minima) {
      const { paths } = await surfacePaths({
        surface,
        start,
        steps: 1,
        resolution: 1,
        optimizers: { still: optimizers.sgd({ learningRate: 1e-6 }) },
      });
      expect(paths.still.value[0]).toBeCloseTo(0, 4);
      expect(Math.hypot(paths.still.x[1] - start[0], paths.still.y[1] - start[1])).toBeLessThan(1e-4);
    }
    expect(least).toBeGreaterThan(surface === 'saddle' ? -4.001 : -1e-6);
  });

  test('follows an optimizer: gradient descent on x² + 2y²', async () => {
    const surface: Surface = {
      value: (x, y) => add(mul(x, x), mul(2, mul(y, y))),
      x: [-1, 1],
      y: [-2, 2],
      start: [1, 1],
      minima: [[0, 0]],
    };
    const { paths, x, y, value } = await surfacePaths({
      surface,
      steps: 2,
      resolution: 3,
      optimizers: { sgd: optimizers.sgd({ learningRate: 0.1 }) },
    });
    expect([x, y]).toEqual([[-1, 0, 1], [-2, 0, 2]]); // prettier-ignore
    expect(value).toEqual([[9, 8, 9], [1, 0, 1], [9, 8, 9]]); // prettier-ignore
    [1, 0.8, 0.64].forEach((at, i) => expect(paths.sgd.x[i]).toBeCloseTo(at, 6));
    [1, 0.6, 0.36].forEach((at, i) => expect(paths.sgd.y[i]).toBeCloseTo(at, 6));
    expect(paths.sgd.value[2]).toBeCloseTo(0.64 ** 2 + 2 * 0.36 ** 2, 6);
  });

  test('takes optimizers that look at a second point', async () => {
    const { paths } = await surfacePaths({ surface: 'beale', steps: 3, optimizers: { sam: optimizers.sam({ optimizer: optimizers.sgd({ learningRate: 0.01 }), rho: 0.05 }) } }); // prettier-ignore
    expect(paths.sam.value[3]).toBeLessThan(paths.sam.value[0]);
  });

  test('refuses what is no optimizer, and an unknown surface', async () => {
    await expect(surfacePaths({ surface: 'beale', optimizers: { adam: 'adam' as never } })).rejects.toThrow(
      'surfacePaths: optimizers.adam is no optimizer',
    );
    await expect(surfacePaths({ surface: 'beales' as never })).rejects.toThrow("plots.surfacePaths: surface is 'beales'; it must be");
  });
});
