// Activations between thresholds: by name in layers, and edges that the tables do not say.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { layers } from '../../src/nn/index.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import '../../src/train/names.ts';

const run = (t: Tensor): number[] => Array.from(interpret([t])[0]);
const names = ['hardShrink', 'softShrink', 'threshold', 'squareplus', 'sparsePlus', 'sparseSigmoid', 'sparsemax', 'linear'] as const;

describe('by name', () => {
  const x = o.tensor([[-1.5, -0.4, 0], [0.3, 0.9, 2]]); // prettier-ignore
  test.each(names)('%s is accepted by layers and written as its name', (name) => {
    const layer = layers.activation({ activation: name });
    expect(run(layer.apply(x))).toEqual(run((o[name] as (x: Tensor) => Tensor)(x)));
    expect(layer.config.options).toMatchObject({ activation: name });
  });

  test('threshold without options is relu', () => expect(run(o.threshold(x))).toEqual(run(o.relu(x))));
});

test('squareplus keeps its digits for large x of either sign, wide bends and half precision', () => {
  const at = (x: number, b?: number): number => run(o.squareplus(o.tensor([x]), { b }))[0];
  expect([at(3e38), at(Infinity), at(-Infinity)]).toEqual([Math.fround(3e38), Infinity, 0]);
  expect(at(-3e38) * 3e38).toBeCloseTo(1, 5);
  expect(at(-1e6) * 1e6).toBeCloseTo(1, 5);
  expect(at(-3, 1e-8) / (1e-8 / 12)).toBeCloseTo(1, 5);
  expect(at(0, 1e30) / 5e14).toBeCloseTo(1, 5);
  const half = o.cast(o.tensor([-60000, -100, 100, 60000]), 'f16');
  expect(run(o.squareplus(half)).map((y, i) => y - [0, 0.01, 100, 60000][i]).every((error) => Math.abs(error) < 1e-3)).toBe(true); // prettier-ignore
});

describe('sparsemax', () => {
  const rows = [[0.3, 0.3, 0.3, 0.3], [5, 5, -1, 4.5], [1, 0, 0, -2], [1e8, 1e8, 0, -1e30], [-Infinity, 2, 2, -Infinity]]; // prettier-ignore
  /** Support and probabilities, by trying every size of the support. */
  const exact = (z: readonly number[]): number[] => {
    const sorted = z.filter(Number.isFinite).sort((a, b) => b - a);
    const tau = Math.max(...sorted.map((_, k) => (sorted.slice(0, k + 1).reduce((a, b) => a + b) - 1) / (k + 1)));
    return z.map((v) => Math.max(v - tau, 0));
  };

  test('is the projection, and its gradient takes the mean off the support, at ties, on any axis', () => {
    const g = [1, -2, 4, 8];
    for (const axis of [0, 1]) {
      const place = (t: Tensor): Tensor => (axis === 0 ? o.transpose(t) : t);
      const x = placeholder([rows.length, 4], 'f32', { position: 0 });
      const y = place(o.sparsemax(place(x), { axis }));
      const [dx] = gradients(o.sum(o.mul(y, o.tensor(g))), [x]);
      const feeds = new Map([[x, Float64Array.from(rows.flat())]]);
      const [found, slopes] = interpret([y, dx], { mode: 'f64', feeds });
      rows.forEach((row, i) => {
        const want = exact(row);
        const support = want.map((p) => Number(p > 0));
        const size = support.reduce((a, b) => a + b);
        const mean = g.reduce((total, value, k) => total + value * support[k], 0) / size;
        want.forEach((p, k) => {
          expect(found[i * 4 + k]).toBeCloseTo(p, 7);
          expect(slopes[i * 4 + k]).toBeCloseTo(support[k] * (g[k] - mean), 10);
        });
      });
    }
  });

  test('of one score is 1 with gradient 0; NaN and rows of -Infinity give NaN, as softmax does', () => {
    const x = placeholder([2, 1], 'f32', { position: 0 });
    const [p, dx] = interpret([o.sparsemax(x), ...gradients(o.sum(o.sparsemax(x)), [x])], {
      feeds: new Map([[x, Float32Array.of(-7, 3)]]),
    });
    expect([...p, ...dx].map(Math.abs)).toEqual([1, 1, 0, 0]);
    expect(run(o.sparsemax(o.tensor([[1, NaN], [-Infinity, -Infinity]])))).toEqual([NaN, NaN, NaN, NaN]); // prettier-ignore
  });

  test('counts in f32 where half precision could not', () => {
    const x = o.cast(o.mul(o.mod(o.arange(3000), 7), 1e-4), 'f16');
    const [p, want] = [run(o.sparsemax(x)), run(o.sparsemax(o.cast(x, 'f32')))];
    p.forEach((value, i) => expect(Math.abs(value - want[i])).toBeLessThanOrEqual(2 ** -11 * want[i] + 2 ** -25));
  });
});
