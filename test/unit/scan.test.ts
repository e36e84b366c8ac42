// Tests of scans, sorting and picking along an axis beyond the tables: zeros in products, equal elements, NaN, odd sizes, dtypes, errors,
// plans.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { Dtype, HostArray } from '../../src/core/dtype.ts';
import { contiguousView } from '../../src/core/shape.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { KernelPlan, Target } from '../../src/graph/op.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import '../../src/ops/methods.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { checkGradients, expectClose, f32, i32 } from './kernelChecks.ts';

const run = (t: Tensor): number[] => Array.from(interpret([t])[0]);
const input = (shape: number[], dtype: Dtype = 'f32'): Tensor => placeholder(shape, dtype, { position: 0 });

describe('running products over zeros', () => {
  const values = [2, 0, -1.5, 0, 3, 0.5];
  const options = [{}, { exclusive: true }, { reverse: true }, { exclusive: true, reverse: true }];

  test.each(options.map((option) => [JSON.stringify(option), option] as const))('gradients of both orders %s', (_, option) => {
    for (const zeros of [[1], [1, 3], [0], [5], []]) {
      const x = input([2, 3]);
      const data = Float64Array.from(values, (v, i) => (v === 0 && !zeros.includes(i) ? 0.7 : zeros.includes(i) ? 0 : v));
      const at = (tensor: Tensor, from: HostArray): number[] =>
        Array.from(interpret([tensor], { mode: 'f64', feeds: new Map([[x, from]]) })[0]);
      const weights = hostTensor({ shape: [6], dtype: 'f32' }, Float64Array.of(0.3, 1.1, -0.7, 0.9, 1.3, -0.4));
      const y = o.cumProd(x, option);
      expect(y.shape).toEqual([6]);
      const loss = o.sum(o.mul(o.add(y, o.square(y)), weights));
      const [first] = gradients(loss, [x]);
      const ofFirst = o.sum(o.mul(o.flatten(first), weights));
      const [second] = gradients(ofFirst, [x]);
      const third = o.sum(o.mul(o.flatten(second), weights));
      for (const [scalar, analytic] of [
        [loss, first],
        [ofFirst, second],
        [third, gradients(third, [x])[0]],
      ]) {
        const numeric = Array.from(data, (v, i) => {
          const moved = (by: number): number =>
            at(
              scalar,
              Float64Array.from(data, (w, j) => (i === j ? v + by : w)),
            )[0];
          return (moved(1e-5) - moved(-1e-5)) / 2e-5;
        });
        expectClose(at(analytic, data), numeric, 1e-7);
      }
    }
  });

  test('along an inner axis, and through the recurrence, to the second order', () => {
    for (const option of options) checkGradients((x) => o.cumProd(x, { axis: 1, ...option }), [[2, 4, 2]]);
    checkGradients((x, u) => o.mul(o.cumProd(x, { axis: 0 }), u), [[3], [3]]);
  });
});

test('scans of one item, of none, of flags, and of integers that wrap around', () => {
  for (const scan of [o.cumSum, o.cumProd]) {
    expect(run(scan(f32([1], [5])))).toEqual([5]);
    expect(scan(input([3, 0, 2]), { axis: 1 }).shape).toEqual([3, 0, 2]);
    expect(gradients(o.sum(scan(input([0]))), [input([0])])[0].shape).toEqual([0]);
    expect(run(scan(7))).toEqual([7]);
  }
  expect(run(o.cumSum(f32([3], [1, 2, 3]), { exclusive: true }))).toEqual([0, 1, 3]);
  expect(run(o.cumProd(f32([3], [2, 3, 4]), { exclusive: true, reverse: true }))).toEqual([12, 4, 1]);
  expect(o.cumSum(o.tensor([1, 0, 1], [3], 'bool')).dtype).toBe('i32');
  expect(run(o.cumSum(i32([2], [2147483647, 2])))).toEqual([2147483647, -2147483647]);
  expect(run(o.cumProd(i32([3], [65537, 65537, 3])))).toEqual([65537, 131073, 393219]);
  expect(run(o.cumSum(f32([3], [1, NaN, 2])))).toEqual([1, NaN, NaN]);
});

describe('order', () => {
  const wild = f32([8], [3, NaN, -0, Infinity, 0, -Infinity, NaN, 3]);

  test('equals stay in their order and NaN comes last, in both directions', () => {
    expect(run(o.argSort(wild))).toEqual([5, 2, 4, 0, 7, 3, 1, 6]);
    expect(run(o.argSort(wild, { descending: true }))).toEqual([3, 0, 7, 2, 4, 5, 1, 6]);
    expect(run(o.sort(wild))).toEqual([-Infinity, -0, 0, 3, 3, Infinity, NaN, NaN]);
    expect(run(o.topK(wild, 3)[0])).toEqual([Infinity, 3, 3]);
    expect(run(o.topK(wild, 3)[1])).toEqual([3, 0, 7]);
  });

  test('every dtype, methods, no elements', () => {
    expect(run(o.sort(o.tensor([4294967295, 0, 7], [3], 'u32')))).toEqual([0, 7, 4294967295]);
    expect(run(o.sort(i32([3], [1, -2147483648, -1]), { descending: true }))).toEqual([1, -1, -2147483648]);
    expect(run(o.argSort(o.tensor([1, 0, 1, 0], [4], 'bool')))).toEqual([1, 3, 0, 2]);
    expect(o.sort(input([2], 'f16')).dtype).toBe('f16');
    expect(o.argSort(input([2, 0])).shape).toEqual([2, 0]);
    const [values, indices] = f32([3], [1, 3, 2]).topK(2);
    expect([run(values), run(indices), indices.dtype]).toEqual([[3, 2], [1, 2], 'i32']);
    expect(o.topK(input([3, 4]), 0)[0].shape).toEqual([3, 0]);
    expect(run(f32([2, 2], [4, 1, 2, 3]).sort({ axis: 0 }))).toEqual([2, 1, 4, 3]);
  });

  test('first and second gradients', () => {
    checkGradients((x) => o.sort(x, { axis: 0, descending: true }), [[5, 2]]);
    checkGradients((x) => o.topK(x, 2)[0], [[2, 5]]);
    const rows = o.alias(i32([2, 4], [0, 2, 2, 0, 1, 1, 1, 9]));
    checkGradients((x) => o.takeAlongAxis(x, rows), [[2, 3]]);
    checkGradients((x) => o.takeAlongAxis(x, rows, { axis: 0 }), [[3, 1]]);
    checkGradients((x) => o.takeAlongAxis(x, i32([1, 4], [0, 2, 2, 0])), [[2, 3]]);
  });
});

test('computed indices outside the axis are moved to its nearest end', () => {
  const x = f32([1, 3], [1, 2, 3]);
  expect(run(o.takeAlongAxis(x, o.alias(i32([1, 3], [-4, 1, 99]))))).toEqual([1, 2, 3]);
  expect(o.takeAlongAxis(input([2, 0]), input([2, 0], 'i32')).shape).toEqual([2, 0]);
});

describe('says what is wrong', () => {
  const x = input([3, 5]);
  const cases: [string, () => unknown, string][] = [
    ['axis of a scan', () => o.cumSum(x, { axis: 2 }), 'cumSum: axis 2 is outside a tensor of rank 2; use -2 to 1'],
    ['axis of a product', () => o.cumProd(x, { axis: -3 }), 'cumProd: axis -3 is outside a tensor of rank 2; use -2 to 1'],
    // @ts-expect-error: a misspelt option
    ['option', () => o.cumSum(x, { reversed: true }), "cumSum: unknown option 'reversed'; it takes axis, exclusive, reverse"],
    // @ts-expect-error: no tensor
    ['operand', () => o.cumProd([1, 2]), 'cumProd: operand 0 is an array; operands are tensors or numbers: wrap arrays in tensor([...])'],
    ['axis of a sort', () => o.sort(x, { axis: 2 }), 'sort: axis 2 is outside a tensor of rank 2; use -2 to 1'],
    ['rank of a sort', () => o.sort(input([])), 'sort: takes at least one axis, got []; reshape(x, [1]) first'],
    ['rank of an order', () => o.argSort(input([])), 'argSort: takes at least one axis, got []; reshape(x, [1]) first'],
    // @ts-expect-error: a misspelt option
    ['option of a sort', () => o.argSort(x, { reverse: true }), "argSort: unknown option 'reverse'; it takes axis, descending"],
    ['size', () => o.topK(x, 6), 'topK: k is 6, axis 1 of [3,5] has 5 elements; use a whole number from 0 to 5'],
    ['fraction', () => o.topK(x, 1.5, { axis: 0 }), 'topK: k is 1.5, axis 0 of [3,5] has 3 elements; use a whole number from 0 to 3'],
    ['rank of topK', () => o.topK(input([]), 1), 'topK: takes at least one axis, got []; reshape(x, [1]) first'],
    [
      'rank of indices',
      () => o.takeAlongAxis(x, input([3], 'i32')),
      'takeAlongAxis: x is [3,5], indices are [3]; ranks must be equal, reshape the indices',
    ],
    ['other axes', () => o.takeAlongAxis(x, input([2, 5], 'i32')), 'takeAlongAxis: shapes [3,1] and [2,1] do not broadcast'],
    [
      'axis',
      () => o.takeAlongAxis(x, input([3, 5], 'i32'), { axis: 5 }),
      'takeAlongAxis: axis 5 is outside a tensor of rank 2; use -2 to 1',
    ],
    [
      'dtype of indices',
      () => o.takeAlongAxis(x, input([3, 5])),
      "takeAlongAxis: indices are f32; whole numbers are needed, use cast(indices, 'i32')",
    ],
    [
      'empty axis',
      () => o.takeAlongAxis(input([3, 0]), input([3, 1], 'i32')),
      'takeAlongAxis: axis 1 of [3,0] is empty, there is nothing to take',
    ],
  ];
  test.each(cases)('%s', (_, call, message) => expect(call).toThrow(message));
});

describe('plans', () => {
  const limits = { shaderF16: true, maxStorageBuffers: 8, maxWorkgroupsPerDimension: 65535, maxBindingBytes: 2 ** 27, subgroupSize: 4 };
  const targets: Target[] = [
    { processor: 'cpu', ...limits },
    { processor: 'gpu', ...limits },
  ];
  const planOf = ({ node }: Tensor, target: Target): KernelPlan => {
    if (node?.op.lowering.kind !== 'kernel') throw new Error('not a kernel');
    const views = node.inputs.map(({ shape }) => contiguousView(shape));
    return node.op.lowering.plan({ inputs: node.inputs, views, outputs: node.types, attributes: node.attributes, target });
  };
  const namesOf = (y: Tensor, target: Target): string[] => planOf(y, target).dispatches.map(({ name }) => name);

  test('short lines are scanned in one go, long ones in levels; two texts in all', () => {
    for (const target of targets) {
      expect(namesOf(o.cumSum(input([9, 100]), { axis: 1 }), target)).toEqual(['scan']);
      const { dispatches } = planOf(o.cumSum(input([70_001])), target);
      expect(dispatches.length).toBeGreaterThanOrEqual(3);
      expect(new Set(dispatches.map(({ source }) => source)).size).toBe(2);
    }
    expect(namesOf(o.cumSum(input([70_001])), targets[0])).toEqual(['scan_totals', 'scan', 'scan']);
  });

  test('a sort has one pass for each doubling, with two texts for any size', () => {
    for (const target of targets) {
      expect(namesOf(o.argSort(input([16])), target)).toEqual(['sort_blocks']);
      expect(namesOf(o.argSort(input([17])), target)).toEqual(['sort_blocks', 'sort_merge']);
      const { dispatches, temporaries } = planOf(o.argSort(input([70_001])), target);
      expect(dispatches.length).toBe(14);
      expect(new Set(dispatches.map(({ source }) => source)).size).toBe(2);
      expect(temporaries.length).toBe(5);
      for (const { operands } of dispatches) {
        const written = operands.slice(-2).map((operand) => JSON.stringify(operand));
        for (const read of operands.slice(0, -2)) expect(written).not.toContain(JSON.stringify(read));
      }
    }
  });

  test('few indices are ranked by counting, many are sorted: the work grows with their number, not its square', () => {
    const gradient = (count: number): Tensor => {
      const table = input([50, 4]);
      const rows = placeholder([count], 'i32', { position: 1 });
      return gradients(o.sum(o.square(o.gather(table, rows))), [table])[0];
    };
    for (const target of targets) {
      expect(namesOf(gradient(100), target)).toEqual(['scatter_ranks', 'scatter_sum']);
      const names = namesOf(gradient(10_000), target);
      expect([names[0], ...names.slice(-2)]).toEqual(['sort_blocks', 'scatter_starts', 'scatter_sum']);
      expect(names.length).toBe(1 + 10 + 2);
    }
  });
});
