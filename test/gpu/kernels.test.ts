// Every variant of the kernel families on this device against the op's own reference, at awkward sizes. The bound comes from the reference
// itself: with all operands replaced by their absolute values it gives sum|terms|, with ones the number of terms.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, type StridedView, contiguousView, isContiguous, sizeOf } from '../../src/core/shape.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Node, Tensor } from '../../src/graph/tensor.ts';
import { conv2d, embedding, gather, matmul, maxPool2d, mul, scatterAdd, sin, sum } from '../../src/ops/index.ts';
import { libraryFor } from '../../src/wgsl/index.ts';
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

/** All variants. Kernels for GPUs are correct on a CPU too, only slow, and vice versa. */
const variants: Readonly<Record<string, (own: Target) => Target | undefined>> = {
  'CPU, subgroups': (own) => (own.subgroupSize !== undefined ? { ...own, processor: 'cpu' } : undefined),
  'CPU, no subgroups': (own) => ({ ...own, processor: 'cpu', subgroupSize: undefined }),
  GPU: (own) => ({ ...own, processor: 'gpu' }),
};
const tested = Object.keys(variants).filter((name) => families.includes(name === 'GPU' ? 'gpu' : 'cpu'));
const noSubgroups = 'this adapter has no subgroups, or more than one size of them';

const stream = RandomStream.fromSeed(3);
/** Mostly small numbers with a spike now and then, so that a lost or doubled term shows. */
const spiky = (): number => (stream.uniform() < 0.02 ? 100 : 1) * (stream.uniform() * 2 - 1);

/** An operand as its kernel gets it: the tensor that owns the memory, and the view of it. */
function sourceOf(tensor: Tensor, accepts: (view: StridedView) => boolean): { base: Tensor; view: StridedView } {
  const own = { base: tensor, view: contiguousView(tensor.shape) };
  const lowering = tensor.node?.op.lowering;
  if (lowering?.kind !== 'view') return own;
  const inner = sourceOf(tensor.node!.inputs[0], () => true);
  const view = lowering.view(inner.view, tensor.node!.attributes, tensor.node!.types[0]);
  return view && (accepts(view) || (isContiguous(view) && view.offset === 0)) ? { base: inner.base, view } : own;
}

type Feeds = Map<Tensor, HostArray>;

async function checkNode(node: Node, feeds: Feeds, target: Target): Promise<void> {
  const { lowering } = node.op;
  if (lowering.kind !== 'kernel') return;
  const operands = node.inputs.map((input, i) => sourceOf(input, (view) => lowering.acceptsView?.(i, view) ?? false));
  const plan = lowering.plan({
    inputs: node.inputs,
    views: operands.map(({ view }) => view),
    outputs: node.types,
    attributes: node.attributes,
    target,
  });
  const bases = interpret(
    operands.map(({ base }) => base),
    { feeds },
  );
  const actual = await runPlan(
    opened.device,
    plan,
    bases.map((data, i) => ({ dtype: operands[i].base.dtype, data })),
    node.types,
  );
  const inputs = interpret(node.inputs, { feeds });
  const reference = (map: (x: number, input: number) => number): readonly HostArray[] =>
    node.op.reference({
      inputs: node.inputs.map(({ shape, dtype }, i) => ({
        shape,
        dtype,
        data: Float64Array.from(inputs[i], (x) => (isIndex(dtype) ? x : map(x, i))),
      })),
      outputs: node.types,
      attributes: node.attributes,
      allocate: (_, size) => new Float64Array(size),
    });
  const isIndex = (dtype: string): boolean => dtype === 'i32' || dtype === 'u32';
  const expected = reference((x) => x);
  const terms = reference(Math.abs);
  const counts = reference(() => 1);
  actual.forEach((values, output) => {
    let worst = '';
    const unit = node.types[output].dtype === 'f16' ? 2 ** -10 : 2 ** -23;
    values.forEach((value, i) => {
      const bound = node.op.name === 'maxPool2d' ? 0 : Math.max(1, counts[output][i]) * unit * Math.abs(terms[output][i]);
      const difference = Object.is(value, expected[output][i]) ? 0 : Math.abs(value - expected[output][i]);
      noteError('kernels', plan.dispatches[0].name, difference, bound);
      if (!(difference <= bound)) worst ||= `element ${i} is ${value}, expected ${expected[output][i]}`;
    });
    expect(worst, `${node.op.name} (${plan.dispatches[0].name}) output ${output} ${JSON.stringify(node.types[output].shape)}`).toBe('');
  });
}

/** Checks every kernel in the graph of fn's result, and in the graph of its gradients. */
async function check(target: Target, shapes: readonly Shape[], fn: (...inputs: Tensor[]) => Tensor, backward = false): Promise<void> {
  const inputs = shapes.map((shape, position) => placeholder(shape, 'f32', { position }));
  const feeds: Feeds = new Map(inputs.map((x) => [x, Float32Array.from({ length: x.size }, spiky)]));
  const y = fn(...inputs);
  const outputs = backward ? gradients(sum(mul(sin(y), y)), inputs) : [y];
  for (const node of topological(outputs)) await checkNode(node, feeds, target);
}

const indices = (shape: Shape, rows: number): Tensor => {
  const result = placeholder(shape, 'i32', { position: 9 });
  indexFeeds.set(
    result,
    Int32Array.from({ length: sizeOf(shape) }, () => Math.floor(stream.uniform() * (rows + 2)) - 1),
  );
  return result;
};
const indexFeeds: Feeds = new Map();

describe.each(tested)('%s', (name) => {
  const target = (): Target | undefined => variants[name](opened.target);

  // Pipelines are what takes time here (a tiled one seconds on SwiftShader), so the sizes are chosen to share them.
  const products: { m: number; k: number; n: number; combinations?: 1 }[] = [
    { m: 1, k: 1, n: 1 },
    { m: 3, k: 5, n: 7 },
    { m: 33, k: 17, n: 65 },
    { m: 8, k: 16, n: 12 },
    { m: 64, k: 20, n: 64 },
    { m: 31, k: 128, n: 10, combinations: 1 },
    { m: 260, k: 12, n: 257, combinations: 1 },
    { m: 2, k: 5000, n: 3 },
    { m: 12, k: 8192, n: 8, combinations: 1 },
  ];
  test.for(products)('matmul $m x $k x $n', async ({ m, k, n, combinations = 4 }, { skip }) => {
    const to = target();
    if (!to) return skip(noSubgroups);
    for (let combination = 0; combination < combinations; combination++) {
      const transposeA = combination % 2 === 1;
      const transposeB = combination >= 2;
      const shapes = [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]];
      await check(to, shapes, (a, b) => matmul(a, b, { transposeA, transposeB }));
    }
  });

  test('matmul over batches: equal, broadcast, transposed, three batch axes', async ({ skip }) => {
    const to = target();
    if (!to) return skip(noSubgroups);
    await check(
      to,
      [
        [3, 5, 8],
        [3, 8, 9],
      ],
      (a, b) => matmul(a, b),
      true,
    );
    await check(
      to,
      [
        [2, 1, 4, 8],
        [3, 8, 12],
      ],
      (a, b) => matmul(a, b),
    );
    await check(
      to,
      [
        [2, 2, 3, 4, 8],
        [3, 12, 8],
      ],
      (a, b) => matmul(a, b, { transposeB: true }),
    );
    await check(
      to,
      [
        [5, 7, 3],
        [7, 4],
      ],
      (a, b) => matmul(a, b, { transposeA: true }),
    );
  });

  test('convolution in all three directions', async ({ skip }) => {
    const to = target();
    if (!to) return skip(noSubgroups);
    await check(
      to,
      [
        [2, 9, 11, 1],
        [3, 3, 1, 5],
      ],
      (x, f) => conv2d(x, f),
      true,
    );
    await check(
      to,
      [
        [2, 7, 6, 4],
        [3, 3, 4, 8],
      ],
      (x, f) => conv2d(x, f, { padding: 'same' }),
      true,
    );
    await check(
      to,
      [
        [1, 8, 9, 3],
        [2, 3, 3, 4],
      ],
      (x, f) => conv2d(x, f, { padding: 'same', strides: 2 }),
      true,
    );
    await check(
      to,
      [
        [2, 7, 8, 8],
        [3, 2, 4, 8],
      ],
      (x, f) =>
        conv2d(x, f, {
          groups: 2,
          dilations: [2, 1],
          strides: [1, 2],
          padding: [
            [1, 0],
            [0, 2],
          ],
        }),
      true,
    );
    await check(
      to,
      [
        [1, 5, 5, 3],
        [3, 3, 1, 6],
      ],
      (x, f) => conv2d(x, f, { groups: 3 }),
      true,
    );
  });

  test('a filter gradient over many pixels is split, and adds up', async ({ skip }) => {
    const to = target();
    if (!to) return skip(noSubgroups);
    await check(
      to,
      [
        [8, 28, 28, 1],
        [3, 3, 1, 4],
      ],
      (x, f) => conv2d(x, f),
      true,
    );
  });
});

test('variants agree bit for bit: one order of summation', async ({ skip }) => {
  if (isWasm) skip('WebAssembly: it has one variant');
  const a = Float32Array.from({ length: 37 * 52 }, spiky);
  const b = Float32Array.from({ length: 52 * 44 }, spiky);
  const [x, y] = [placeholder([37, 52], 'f32', { position: 0 }), placeholder([52, 44], 'f32', { position: 1 })];
  const { op, types } = matmul(x, y).node!;
  const results: HostArray[] = [];
  for (const variant of Object.values(variants)) {
    const target = variant(opened.target);
    if (!target || op.lowering.kind !== 'kernel') continue;
    const plan = op.lowering.plan({
      inputs: [x, y],
      views: [x, y].map(({ shape }) => contiguousView(shape)),
      outputs: types,
      attributes: {},
      target,
    });
    const inputs = [a, b].map((data) => ({ dtype: 'f32' as const, data }));
    results.push(...(await runPlan(opened.device, plan, inputs, types)));
  }
  expect(results.length).toBeGreaterThan(1);
  for (const result of results.slice(1)) expect(result).toEqual(results[0]);
});

describe('one kernel for all devices', () => {
  test('max pooling: values, winners, scatter, gather', async () => {
    const twice = (x: Tensor): Tensor => gradients(sum(sin(maxPool2d(x, { poolSize: 3, strides: 2, padding: 'same' }))), [x])[0];
    // On any device: one element for each invocation, and a run of them.
    for (const processor of families) {
      const target = { ...opened.target, processor };
      await check(target, [[2, 6, 5, 3]], (x) => maxPool2d(x), true);
      await check(target, [[3, 11, 10, 5]], (x) => maxPool2d(x, { strides: 1 }), true);
      await check(target, [[1, 7, 8, 2]], (x) => maxPool2d(x, { poolSize: [3, 2], strides: 1 }), true);
      await check(target, [[2, 7, 5, 2]], twice, true);
      // Whole vec4s of channels
      await check(target, [[2, 7, 6, 4]], (x) => maxPool2d(x, { poolSize: 3, strides: 2, padding: 'same' }), true);
      await check(target, [[3, 5, 5, 12]], (x) => maxPool2d(x, { poolSize: [2, 3], strides: 1 }), true);
    }
  });

  test('a remainder is right however the driver rounds its quotients', async () => {
    const main = `struct Params { size: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> in: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
  if (i < params.size) { out[i] = floorMod(in[2 * i], in[2 * i + 1]); }
}`;
    // [a, b]: quotients that are whole, or one rounding away from it.
    const rows = [[49, 49], [49, 7], [-49, 7], [49, -7], [-50, -7], [55, 7], [0, 3], [48, 7], [-48, 7], [48, -7], [-48, -7]]; // prettier-ignore
    const operands = [{ kind: 'input', index: 0 } as const, { kind: 'output', index: 0 } as const];
    const dispatch = {
      name: 'mod',
      source: `${libraryFor(main)}\n${main}`,
      operands,
      params: [rows.length],
      workgroups: [1, 1, 1] as const,
    };
    const inputs = [{ dtype: 'f32' as const, data: Float32Array.from(rows.flat()) }];
    const types = [{ shape: [rows.length], dtype: 'f32' as const }];
    const [values] = await runPlan(opened.device, { dispatches: [dispatch], temporaries: [] }, inputs, types);
    expect(Array.from(values, (x) => x + 0)).toEqual([0, 0, 0, 0, -1, 6, 0, 6, 1, -1, -6]);
  });

  test('a NaN in a window is the result, and ties go to the first', async () => {
    for (const channels of [1, 4]) await checkTies(channels);
  });

  /** The same image in every channel. */
  async function checkTies(channels: number): Promise<void> {
    const spread = (numbers: readonly number[]): number[] => numbers.flatMap((x) => new Array<number>(channels).fill(x));
    const x = placeholder([1, 2, 6, channels], 'f32', { position: 0 });
    const y = maxPool2d(x);
    const { op, attributes, types } = y.node!;
    if (op.lowering.kind !== 'kernel') throw new Error('max pooling is a kernel');
    const plan = op.lowering.plan({
      inputs: [x],
      views: [contiguousView(x.shape)],
      outputs: types,
      attributes,
      target: { ...opened.target, processor: 'cpu' },
    });
    const data = Float32Array.from(spread([1, NaN, 4, 4, -2, -1, 2, 3, 4, 4, -1, -3]));
    const [values, winners] = await runPlan(opened.device, plan, [{ dtype: 'f32', data }], types);
    expect([Array.from(values), Array.from(winners)]).toEqual([spread([NaN, 4, -1]), spread([1, 0, 1])]);
  }

  test('gather and scatter along any axis, indices beyond the axis included', async () => {
    for (const [shape, axis, count] of [
      [[7], 0, [5]],
      [[13, 3], 0, [4, 6]],
      [[2, 5, 7], 1, [3]],
      [[3, 4], 1, []],
      [[300, 2], 0, [401]],
    ] as [Shape, number, Shape][]) {
      const rows = indices(count, shape[axis]);
      const x = placeholder(shape, 'f32', { position: 0 });
      const updates = placeholder([...shape.slice(0, axis), ...count, ...shape.slice(axis + 1)], 'f32', { position: 1 });
      const feeds: Feeds = new Map([
        ...indexFeeds,
        [x, Float32Array.from({ length: x.size }, spiky)],
        [updates, Float32Array.from({ length: updates.size }, spiky)],
      ]);
      const outputs = [gather(x, rows, { axis }), scatterAdd(x, rows, updates, { axis })];
      for (const node of topological(outputs)) await checkNode(node, feeds, opened.target);
    }
    const table = placeholder([9, 4], 'i32', { position: 0 });
    const tokens = indices([3, 2], 9);
    const feeds: Feeds = new Map([...indexFeeds, [table, Int32Array.from({ length: 36 }, (_, i) => i * 1e6)]]);
    for (const node of topological([embedding(table, tokens)])) await checkNode(node, feeds, opened.target);
  });

  test('half precision is stored as f16 and summed as f32', async ({ skip }) => {
    if (!opened.target.shaderF16) skip('this adapter has no shader-f16');
    const half = (shape: Shape, position: number): Tensor => placeholder(shape, 'f16', { position });
    const inputs = [half([9, 20], 0), half([20, 16], 1), half([1, 5, 5, 4], 2), half([3, 3, 4, 4], 3)];
    const feeds: Feeds = new Map(
      inputs.map((x) => [x, Float32Array.from({ length: x.size }, () => Math.round(stream.uniform() * 64 - 32) / 16)]),
    );
    const [a, b, x, f] = inputs;
    for (const target of families.map((processor) => ({ ...opened.target, processor }))) {
      for (const node of topological([matmul(a, b), conv2d(x, f), maxPool2d(x)])) await checkNode(node, feeds, target);
    }
  });
});
