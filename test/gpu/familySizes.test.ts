// Rows, reductions and attention at 1, 2, and around the edges of every chunk and tile, by the kernels of the device's class.
import { beforeAll, describe, test } from 'vitest';
import { gradients, pullback } from '../../src/autodiff/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { flashAttention } from '../../src/ops/attention/flash.ts';
import { argMax, layerNorm, logSoftmax, max, mean, mul, neg, oneHot, rmsNorm, softmax, sum, where } from '../../src/ops/index.ts';
import { combinations, pairwise, sizesAround } from '../support/pairwise.ts';
import { type Item, compareItems, even, leaf, places, spiky } from './compareItems.ts';

beforeAll(async () => {
  await setDevice('webgpu', { tuning: false });
});

/** 32 is the shortest row that a workgroup takes, 64 its lanes. */
const lengths = [...new Set([32, 64, 1024].flatMap(sizesAround))];

describe('rows', () => {
  const crossentropy = (x: Tensor, labels: Tensor): Tensor =>
    neg(sum(where(oneHot(labels, x.shape[1], 'bool'), logSoftmax(x), 0), { axis: -1 }));

  test.each(lengths)('softmax, norms and cross-entropy of rows of %i', { timeout: 300_000 }, async (length) => {
    const items = [1, 2, 63, 64, 65, 67].flatMap((rows): Item[] => {
      const shape = [rows, length];
      const x = leaf(shape, even(shape));
      const gamma = leaf([length], even([length]));
      const loss = crossentropy(x, leaf([rows], places([rows], length)));
      // Two are equal but for the sign of the error: an epsilon keeps their norm from magnifying it.
      const normal = layerNorm(x, { gamma, epsilon: 1e-2 });
      const outputs = {
        softmax: softmax(x),
        logSoftmax: logSoftmax(x),
        layerNorm: normal,
        rmsNorm: rmsNorm(x, { gamma, epsilon: 1e-2 }),
        'cross-entropy': loss,
        'gradient of cross-entropy': gradients(sum(loss), [x])[0],
        'gradient of layerNorm': gradients(sum(mul(normal, x)), [x])[0],
        'sum of softmax': sum(softmax(x, { axis: 0 }), { axis: 0 }),
      };
      // Sums of as many terms as a row or a column has, after functions accurate to 32 units in the last place.
      return Object.entries(outputs).map(([name, y]) => ({ what: `${name} ${rows}x${length}`, y, units: rows + length + 40 }));
    });
    await compareItems('rows at all sizes', items);
  });
});

describe('reductions', () => {
  const reduced = (shape: number[], axis: number | number[] | undefined): Item[] => {
    const data = spiky(shape);
    const x = leaf(shape, data);
    const sizes = leaf(shape, data.map(Math.abs));
    const length = x.size / sum(x, { axis }).size;
    const what = `${shape.join('x')} along ${JSON.stringify(axis) ?? 'all'}`;
    const place = typeof axis === 'number' ? [{ what: `argMax ${what}`, y: argMax(x, { axis }), units: 0 }] : [];
    return [
      { what: `sum ${what}`, y: sum(x, { axis }), terms: sum(sizes, { axis }), units: length },
      { what: `mean ${what}`, y: mean(x, { axis }), terms: mean(sizes, { axis }), units: length + 2 },
      { what: `max ${what}`, y: max(x, { axis }), units: 0 },
      ...place,
    ];
  };

  test('rows, columns and all of a matrix: every combination', { timeout: 300_000 }, async () => {
    for (const rows of sizesAround(64)) {
      const items = combinations(sizesAround(64), [0, 1, undefined] as const).flatMap(([columns, axis]) => reduced([rows, columns], axis));
      await compareItems('reductions at all sizes', items);
    }
  });

  // Pairs: three axes in all combinations are 216 shapes, each reduced in seven ways.
  test('three axes: every pair of sizes and axes', { timeout: 300_000 }, async () => {
    const axes = [0, 1, 2, [0, 1], [1, 2], [0, 2], undefined] as const;
    const sizes = sizesAround(64);
    const items = pairwise(sizes, sizes, sizes, axes).flatMap(([a, b, c, axis]) =>
      reduced([a, b, c], axis as number | number[] | undefined),
    );
    await compareItems('reductions at all sizes', items);
  });

  test('lengths around the chunks that a reduction is cut into', { timeout: 300_000 }, async () => {
    for (const length of [1023, 1024, 1025, 2047, 2048, 2049, 2053, 4095, 4096, 4097, 65_537]) {
      await compareItems('reductions at all sizes', [...reduced([length, 1], 0), ...reduced([length, 2], 0), ...reduced([3, length], 1)]);
    }
  });
});

describe('attention', () => {
  /** Result and gradients for one cotangent. */
  const attend = (queries: number, keys: number, depth: number, causal: boolean, masked: boolean): Item[] => {
    const of = (time: number): Tensor => leaf([1, 2, time, depth], even([1, 2, time, depth]));
    const inputs = [of(queries), of(keys), of(keys)];
    const shape = [1, 2, queries, keys];
    const mask = masked ? [leaf(shape, even(shape))] : [];
    const y = flashAttention(inputs[0], inputs[1], inputs[2], mask.at(0), { causal, masked, scale: depth ** -0.5 });
    const what = `${queries} queries, ${keys} keys, depth ${depth}${causal ? ', causal' : ''}${masked ? ', masked' : ''}`;
    const outputs = [y, ...pullback([y], [of(queries)], inputs)];
    // Sums over keys or queries of products of sums over the depth, after an exponential accurate to 32 units.
    return outputs.map((y, i) => ({ what: `${['result', 'dq', 'dk', 'dv'][i]}: ${what}`, y, units: queries + keys + depth + 60 }));
  };

  test('all combinations of queries and keys around a tile, forward and backward', { timeout: 600_000 }, async () => {
    for (const queries of sizesAround(64))
      await compareItems(
        'attention at all sizes',
        sizesAround(64).flatMap((keys) => attend(queries, keys, 8, false, false)),
      );
  });

  // Pairs only, because each depth, mask and causality has another kernel text.
  test('every pair of sizes, depth, mask and causality', { timeout: 600_000 }, async () => {
    const flags = [false, true];
    const items = pairwise(sizesAround(64), sizesAround(64), [4, 8], flags, flags).flatMap((row) => attend(...row));
    await compareItems('attention at all sizes', items);
  });
});
