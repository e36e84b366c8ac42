// Scans, sorts and scatters of awkward lengths on this device, in the variants for both classes of device, against the op's own reference, and
// bit for bit the same when run again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { type Dtype, type HostArray, allocate } from '../../src/core/dtype.ts';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, contiguousView, sizeOf } from '../../src/core/shape.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Node, Tensor } from '../../src/graph/tensor.ts';
import { argSort, cumProd, cumSum, gather, mul, sin, sort, sum, takeAlongAxis, topK } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { families } from '../support/families.ts';
import { noteError } from '../support/findings.ts';
import { type OpenPlanDevice, openPlanDevice, isWasm } from '../support/planDevice.ts';
import { runPlan } from './runPlan.ts';

let opened: OpenPlanDevice;
beforeAll(async () => {
  opened = await openPlanDevice();
});
afterAll(() => opened.close());

const stream = RandomStream.fromSeed(11);
const tested = new Set([
  'cumSum',
  'cumProd',
  'linearRecurrence',
  'argSort',
  'takeAlongAxis',
  'scatterAlongAxis',
  'scatterDistinct',
  'scatterSum',
]);

async function checkNode(node: Node, feeds: Map<Tensor, HostArray>, target: Target): Promise<void> {
  const { lowering } = node.op;
  if (lowering.kind !== 'kernel' || !tested.has(node.op.name)) return;
  const inputs = interpret(node.inputs, { feeds });
  const plan = lowering.plan({
    inputs: node.inputs,
    views: node.inputs.map(({ shape }) => contiguousView(shape)),
    outputs: node.types,
    attributes: node.attributes,
    target,
  });
  expect(plan.dispatches.every(({ workgroups }) => Math.max(...workgroups) <= 65535)).toBe(true);
  const operands = node.inputs.map(({ dtype }, i) => ({ dtype, data: inputs[i] }));
  const [actual] = await runPlan(opened.device, plan, operands, node.types);
  const [again] = await runPlan(opened.device, plan, operands, node.types);
  expect(again.every((value, i) => Object.is(value, actual[i]))).toBe(true);

  const isFloat = (dtype: Dtype): boolean => dtype === 'f32' || dtype === 'f16';
  const of = (map: (x: number) => number): HostArray =>
    node.op.reference({
      inputs: node.inputs.map(({ shape, dtype }, i) => ({
        shape,
        dtype,
        data: isFloat(dtype) ? Float64Array.from(inputs[i], map) : inputs[i],
      })),
      outputs: node.types,
      attributes: node.attributes,
      allocate: (dtype, size) => allocate(dtype, size, 'f64'),
    })[0];
  const expected = of((x) => x);
  const magnitudes = of(Math.abs);
  // Sums and products of n terms: n * 2^-23 * sum|terms|; half precision rounds the result once more.
  const exact = /argSort|takeAlong|Distinct/.test(node.op.name) || !isFloat(node.types[0].dtype);
  const unit = node.types[0].dtype === 'f16' ? 2 ** -11 : 0;
  const factor = exact ? 0 : unit + 2 * Math.max(...node.inputs.map(({ shape }) => Math.max(1, ...shape))) * 2 ** -23;
  let worst = '';
  actual.forEach((value, i) => {
    const error = Object.is(value, expected[i]) ? 0 : Math.abs(value - expected[i]);
    const allowed = factor * Math.abs(magnitudes[i]);
    noteError('scans', plan.dispatches[0].name, error, allowed);
    if (!(error <= allowed)) worst ||= `element ${i} is ${value}, expected ${expected[i]}`;
  });
  const shapes = JSON.stringify(node.inputs.map(({ shape }) => shape));
  expect(worst, `${node.op.name} ${shapes} ${node.inputs[0].dtype} for a ${target.processor}`).toBe('');
}

/** Checks every kernel tested here in fn's graph and, on request, in the graph of its gradient. */
async function check(
  x: Tensor,
  data: HostArray,
  fn: (x: Tensor) => Tensor,
  backward = false,
  more?: Map<Tensor, HostArray>,
): Promise<void> {
  const y = fn(x);
  const outputs = backward ? gradients(sum(mul(sin(y), y)), [x]) : [y];
  const feeds = new Map([...(more ?? []), [x, data] as const]);
  for (const processor of families) {
    for (const node of topological(outputs)) await checkNode(node, feeds, { ...opened.target, processor });
  }
}

const input = (shape: Shape, dtype: Dtype = 'f32'): Tensor => placeholder(shape, dtype, { position: 0 });
const draw = (shape: Shape, dtype: Dtype, value: () => number): HostArray => {
  const data = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = value();
  return data;
};

describe('scans', () => {
  test.each<[Shape, number]>([
    [[1], 0],
    [[127], 0],
    [[513], 0],
    [[70_001], 0],
    [[3, 1009, 2], 1],
    [[2, 33, 65], 1],
    [[5000, 3], 1],
  ])('%j along %i', async (shape, axis) => {
    const data = draw(shape, 'f32', () => stream.uniform() * 2 - 1);
    const options = { axis, exclusive: true, reverse: shape.length > 1 };
    await check(input(shape), data, (x) => cumSum(x, options), true);
    // Near 1, so that a product of many does not vanish, with a zero now and then.
    const factors = draw(shape, 'f32', () => (stream.uniform() < 1e-4 ? 0 : 1 + (stream.uniform() - 0.5) * 1e-3));
    await check(input(shape), factors, (x) => cumProd(x, options), true);
    await check(input(shape), factors, (x) => cumProd(x, { axis }));
    await check(
      input(shape, 'i32'),
      draw(shape, 'i32', () => Math.floor((stream.uniform() - 0.5) * 4e9)),
      (x) => cumSum(x, { axis }),
    );
    await check(
      input(shape, 'u32'),
      draw(shape, 'u32', () => Math.floor(stream.uniform() * 4e9)),
      (x) => cumProd(x, { axis }),
    );
  });
});

describe('products of factors that f32 holds with fewer bits, or not at all', () => {
  const long = (...factors: [number, number][]): number[] => {
    const values = new Array<number>(5000).fill(1);
    for (const [at, factor] of factors) values[at] = factor;
    return values;
  };
  test.each<[string, number[]]>([
    ['a subnormal first', [1e-39, 1e10, 1e5]],
    ['a subnormal amid large ones', [1e10, 1e-39, 1e10]],
    ['negative subnormals', [-1e-39, 1e30, -1e-42, 1e38, 1e5]],
    ['the least subnormal', [1.401298464324817e-45, 2 ** 126, -(2 ** 60)]],
    ['the largest subnormal and the least normal number', [1.1754942106924411e-38, 1e20, 1.1754943508222875e-38, 1e30]],
    ['products that are subnormal on the way', [1e-20, 1e-20, 1e10, 1e-30, 1e25]],
    ['products near both bounds', [2 ** -126, 2 ** 127, 1.5, 2 ** 126, 0.75]],
    ['products beyond both bounds', [1e30, 1e30, -1e-30, 1e-30, 1e-30, 1e-30, 1e30]],
    ['zeros of both signs', [1e-39, -0, 1e10]],
    ['an infinity', [1e-39, -Infinity, 1e-39]],
    ['infinity times 0', [Infinity, 0, 1e-39]],
    ['NaN', [1e-39, NaN, 1e-39]],
    ['many chunks', long([100, 1e-39], [2000, -3e-40], [3000, 1e30], [4900, 2e38])],
  ])('%s', async (what, factors) => {
    const { node } = cumProd(input([factors.length]));
    if (node?.op.lowering.kind !== 'kernel') throw new Error('a scan is a kernel');
    let product = 1;
    const expected = Float32Array.from(factors, (x) => (product *= Math.fround(x)));
    for (const processor of families) {
      const target = { ...opened.target, processor };
      const views = [contiguousView([factors.length])];
      const plan = node.op.lowering.plan({ inputs: node.inputs, views, outputs: node.types, attributes: node.attributes, target });
      const [actual] = await runPlan(opened.device, plan, [{ dtype: 'f32', data: Float32Array.from(factors) }], node.types);
      expected.forEach((want, i) => {
        // A device may take subnormal results for 0.
        const allowed = Math.abs(want) < 2 ** -126 ? 2 ** -126 : 2 ** -23 * Math.abs(want);
        const error = Object.is(actual[i], want) || actual[i] === want ? 0 : Math.abs(actual[i] - want);
        if (Number.isFinite(want)) noteError('scans', 'products far from 1', error, allowed);
        const isRight = Number.isFinite(want) ? error <= allowed : Object.is(actual[i], want);
        expect(isRight, `${what} for a ${processor}: item ${i} is ${actual[i]}, expected ${want}`).toBe(true);
      });
    }
  });
});

describe('sorts', () => {
  const wild = [NaN, Infinity, -Infinity, 0, -0, 3, 3, -3, 1e-30, -1e30];
  test.each<[Shape, number]>([
    [[1], 0],
    [[16], 0],
    [[17], 0],
    [[1009], 0],
    [[70_001], 0],
    [[3, 131, 2], 1],
    [[1025, 3], 1],
  ])('%j along %i', async (shape, axis) => {
    const mixed = draw(shape, 'f32', () =>
      stream.uniform() < 0.3 ? wild[Math.floor(stream.uniform() * wild.length)] : stream.uniform() - 0.5,
    );
    for (const descending of [false, true]) await check(input(shape), mixed, (x) => argSort(x, { axis, descending }));
    await check(
      input(shape),
      draw(shape, 'f32', () => stream.uniform()),
      (x) => sort(x, { axis }),
      true,
    );
    const half = (n: number): number => Math.ceil(n / 2);
    await check(
      input(shape),
      draw(shape, 'f32', () => stream.uniform()),
      (x) => topK(x, half(shape[axis]), { axis })[0],
      true,
    );
    await check(
      input(shape, 'i32'),
      draw(shape, 'i32', () => Math.floor((stream.uniform() - 0.5) * 4e9)),
      (x) => argSort(x, { axis }),
    );
    const few = draw(shape, 'u32', () => Math.floor(stream.uniform() * 5) * 1e9);
    await check(input(shape, 'u32'), few, (x) => argSort(x, { axis, descending: true }));
  });

  test('half precision', async ({ skip }) => {
    if (!opened.target.shaderF16) skip('this adapter has no shader-f16');
    const data = draw([3, 67], 'f16', () => Math.round(stream.uniform() * 64 - 32) / 16);
    await check(input([3, 67], 'f16'), data, (x) => sort(x));
    await check(input([3, 67], 'f16'), data, (x) => argSort(x, { descending: true }));
    await check(
      input([2000], 'f16'),
      draw([2000], 'f16', () => Math.round(stream.uniform() * 8) / 1024),
      (x) => cumSum(x),
    );
  });
});

describe('many indices', () => {
  const rowsOf = (shape: Shape, rows: number, dtype: Dtype = 'i32'): [Tensor, Map<Tensor, HostArray>] => {
    const indices = placeholder(shape, dtype, { position: 1 });
    // Some are outside.
    const data = draw(shape, dtype, () => Math.floor(stream.uniform() * (rows + 2)) - (dtype === 'i32' ? 1 : 0));
    return [indices, new Map([[indices, data]])];
  };

  test.each<[Shape, Shape, number]>([
    [[50, 3], [10_007], 0],
    [[3, 7, 5], [211, 13], 1],
    [[70_001], [5], 0],
    [[2000], [2000], 0],
  ])('gather from %j at %j along %i, and back', async (shape, count, axis) => {
    const x = input(shape);
    for (const dtype of ['i32', 'u32'] as const) {
      const [indices, feeds] = rowsOf(count, shape[axis], dtype);
      await check(
        x,
        draw(shape, 'f32', () => stream.uniform() - 0.5),
        (t) => gather(t, indices, { axis }),
        true,
        feeds,
      );
    }
  });

  test.each<[Shape, Shape, number]>([
    [[3, 5], [3, 7], 1],
    [[9, 6], [3001, 6], 0],
    [[2, 700, 3], [2, 400, 3], 1],
    [[4000, 3], [4000, 2], 1],
  ])('take from %j at %j along %i, and back', async (shape, count, axis) => {
    const [indices, feeds] = rowsOf(count, shape[axis]);
    await check(
      input(shape),
      draw(shape, 'f32', () => stream.uniform() - 0.5),
      (t) => takeAlongAxis(t, indices, { axis }),
      true,
      feeds,
    );
  });
});

test('more workgroups than one dimension holds', async ({ skip }) => {
  if (isWasm) skip('WebAssembly: its grid has no limit');
  const lines = 65536 * 64 + 5;
  const node = cumSum(input([lines, 2], 'i32'), { axis: 1 }).node!;
  if (node.op.lowering.kind !== 'kernel') throw new Error('a scan is a kernel');
  const target = { ...opened.target, processor: 'gpu' as const };
  const about = { inputs: node.inputs, views: [contiguousView([lines, 2])], outputs: node.types, attributes: node.attributes, target };
  const plan = node.op.lowering.plan(about);
  expect(plan.dispatches[0].workgroups[1]).toBe(2);
  const data = new Int32Array(2 * lines).map((_, i) => i);
  const [sums] = await runPlan(opened.device, plan, [{ dtype: 'i32', data }], node.types);
  let wrong = 0;
  for (let i = 0; i < lines; i++) wrong += Number(sums[2 * i] !== 2 * i) + Number(sums[2 * i + 1] !== 4 * i + 1);
  expect(wrong).toBe(0);
});
