// Scans, sorts, gathers, scatters, pads, concatenations and random numbers at 1, 2, and around the edges of every block and chunk, by the kernels of
// the device's class.
import { beforeAll, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import type { Shape } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  argSort,
  concat,
  cumProd,
  cumSum,
  gather,
  pad,
  random,
  scatterAdd,
  slice,
  sort,
  takeAlongAxis,
  topK,
  transpose,
} from '../../src/ops/index.ts';
import { combinations, pairwise, sizesAround } from '../support/pairwise.ts';
import { type Item, compareItems, even, leaf, places, spiky } from './compareItems.ts';

beforeAll(async () => {
  await setDevice('webgpu', { tuning: false });
});

const flags = [false, true];
const around = (...tiles: number[]): number[] => [...new Set(tiles.flatMap(sizesAround))].sort((a, b) => a - b);

// Pairs: 15 lengths with every place of the axis, direction and mode are 720 scans.
test('scans: every pair of lines, length, stride and direction', { timeout: 300_000 }, async () => {
  // 32 is the chunk of a GPU, 128 the longest line that is not cut, 1,024 the length from which the chunks are cut again.
  const rows = pairwise([1, 2, 65], around(32, 128, 1024), [1, 2, 3], flags, flags);
  const items = rows.flatMap(([outer, length, inner, exclusive, reverse]): Item[] => {
    const shape = [outer, length, inner];
    const data = spiky(shape);
    const options = { axis: 1, exclusive, reverse };
    const what = `${shape.join('x')}${exclusive ? ', exclusive' : ''}${reverse ? ', reverse' : ''}`;
    const factors = even(shape).map((x) => 1 + x / length);
    return [
      { what: `cumSum ${what}`, y: cumSum(leaf(shape, data), options), terms: cumSum(leaf(shape, data.map(Math.abs)), options), units: 2 * length },
      { what: `cumProd ${what}`, y: cumProd(leaf(shape, factors), options), units: 2 * length },
    ];
  }); // prettier-ignore
  await compareItems('scans at all sizes', items);
});

test('sorts: every combination of lines and length', { timeout: 300_000 }, async () => {
  // 16 is the block that one invocation sorts.
  const items = combinations([1, 2, 3], around(16, 32, 128), [1, 2]).flatMap(([outer, length, inner]): Item[] => {
    const shape = [outer, length, inner];
    // Some are equal: the first of them comes first.
    const x = leaf(shape, even(shape).map((v) => Math.round(v * 20) / 20)); // prettier-ignore
    const what = shape.join('x');
    return [
      { what: `sort ${what}`, y: sort(x, { axis: 1 }), units: 0 },
      { what: `argSort ${what}`, y: argSort(x, { axis: 1, descending: true }), units: 0 },
      ...(inner === 1 ? [{ what: `topK ${what}`, y: topK(x, Math.ceil(length / 2), { axis: 1 })[0], units: 0 }] : []),
    ];
  });
  await compareItems('sorts at all sizes', items);
});

// Pairs: rows, places and strides in all combinations are 252 of each op.
test('gathers and scatters: every pair of rows, places and stride', { timeout: 300_000 }, async () => {
  const items = pairwise(sizesAround(64), [...sizesAround(64), 4099], [1, 2, 4, 5, 17]).flatMap(([rows, count, inner]): Item[] => {
    const x = leaf([rows, inner], spiky([rows, inner]));
    const at = leaf([count], places([count], rows));
    const updates = spiky([count, inner]);
    const scattered = (from: Tensor, data: Float32Array): Tensor => scatterAdd(from, at, leaf([count, inner], data), { axis: 0 });
    const what = `${count} of ${rows} rows of ${inner}`;
    const own = leaf([rows, count], even([rows, count]));
    const places2 = leaf([rows, inner], places([rows, inner], count));
    const zero = leaf([rows, inner], new Float32Array(rows * inner));
    return [
      { what: `gather ${what}`, y: gather(x, at, { axis: 0 }), units: 0 },
      {
        what: `scatterAdd ${what}`,
        y: scattered(zero, updates),
        terms: scattered(zero, updates.map(Math.abs)),
        units: count + 1,
      },
      { what: `takeAlongAxis ${what}`, y: takeAlongAxis(own, places2, { axis: 1 }), units: 0 },
    ];
  });
  await compareItems('gathers and scatters at all sizes', items);
});

test('pads, concatenations, slices and transposes: every combination of rows and columns', { timeout: 300_000 }, async () => {
  const items = combinations(sizesAround(64), sizesAround(64)).flatMap(([rows, columns]): Item[] => {
    const shape: Shape = [rows, columns];
    const x = leaf(shape, spiky(shape));
    const other = leaf([rows, 3], spiky([rows, 3]));
    const modes = ['constant', 'reflect', 'edge'] as const;
    const widths: [number, number][] = [[0, Math.min(2, rows - 1)], [Math.min(3, columns - 1), 0]]; // prettier-ignore
    const what = shape.join('x');
    return [
      ...modes.map((mode) => ({ what: `pad ${mode} ${what}`, y: pad(x, widths, { mode }), units: 0 })),
      { what: `concat of columns ${what}`, y: concat([x, other, x], 1), units: 0 },
      { what: `concat of rows ${what}`, y: concat([x, x], 0), units: 0 },
      { what: `slice ${what}`, y: slice(x, [rows - 1, 0], [rows, columns]), units: 0 },
      { what: `transpose ${what}`, y: transpose(x), units: 0 },
    ];
  });
  await compareItems('copies at all sizes', items);
});

test('random numbers of every size: the bits of the CPU', { timeout: 300_000 }, async () => {
  const items = combinations(around(64, 256), [1, 3]).flatMap(([rows, columns], seed): Item[] => [
    { what: `uniform ${rows}x${columns}`, y: random.uniform([rows, columns], { seed }), units: 0 },
    { what: `bernoulli ${rows}x${columns}`, y: random.bernoulli([rows, columns], { seed, p: 0.3 }), units: 0 },
    { what: `normal ${rows}x${columns}`, y: random.normal([rows, columns], { seed }), units: 128 },
  ]);
  await compareItems('random numbers at all sizes', items);
});
