// Ops fused after a product or a pooling, stored four at a time or one by one. Results are compared bit by bit with the epilogue computed
// on the CPU from the device's own product. These epilogues have no sum after a product, so a driver cannot contract them.
import { beforeAll, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { defaultEngine, setDevice } from '../../src/engine/index.ts';
import type { Target } from '../../src/graph/op.ts';
import { HostValue, type Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  arange,
  conv2d,
  greater,
  matmul,
  maxPool2d,
  maximum,
  mul,
  neg,
  relu,
  reshape,
  slice,
  sub,
  sum,
  transpose,
  where,
} from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { graphOf, values } from '../support/graphs.ts';
import { isWasm } from '../support/planDevice.ts';

let runtime: WebGpuRuntime;
beforeAll(async () => {
  await setDevice('webgpu');
  runtime = (await defaultEngine()).runtime as WebGpuRuntime;
});

const withSubgroups: Partial<Target> = { processor: 'cpu' };
const withoutSubgroups: Partial<Target> = { processor: 'cpu', subgroupSize: undefined };
const asGpu: Partial<Target> = { processor: 'gpu' };

type Fn = (...inputs: Tensor[]) => readonly Tensor[];

interface Case {
  /** The product of the first two inputs. */
  readonly product: (a: Tensor, b: Tensor) => Tensor;
  /** From the product and the other inputs. */
  readonly epilogue: Fn;
  readonly shapes: readonly Shape[];
  /** Input whose memory the first output takes. */
  readonly donated?: number;
}

/** Runs the program of a graph on the device; says how it stored. */
async function run(types: readonly Shape[], fn: Fn, data: readonly Float32Array[], target: Partial<Target>, donated?: number) {
  const graph = graphOf(
    types.map((shape) => ({ shape })),
    fn,
  );
  const donations = donated === undefined ? [] : [{ input: donated, output: 0 }];
  const program = compileGraph(graph, { name: 'epilogue', target: { ...runtime.target, ...target }, donations });
  const executable = await runtime.load(program);
  const results = await executable.run(data.map((d) => new HostValue(d.slice())));
  const read = await runtime.read(graph.outputs.map((type, i) => ({ type, value: results[i] })));
  return { read, program, shapes: graph.outputs.map(({ shape }) => shape) };
}

async function check({ product, epilogue, shapes, donated }: Case, target: Partial<Target>): Promise<string> {
  const data = shapes.map((shape, i) => values(sizeOf(shape), i + 1));
  const { read, program } = await run(shapes, (a, b, ...rest) => epilogue(product(a, b), ...rest), data, target, donated);
  const plain = await run(shapes.slice(0, 2), (a, b) => [product(a, b)], data.slice(0, 2), target);
  const [made] = plain.read;
  const rest = graphOf(
    [plain.shapes[0], ...shapes.slice(2)].map((shape) => ({ shape })),
    epilogue,
  );
  const feeds = new Map(rest.inputs.map((input, i) => [input, i === 0 ? made : data[i + 1]]));
  // The larger of 0 and -0 is either.
  const unsigned = (data: HostArray): number[] => Array.from(data, (x) => x + 0);
  interpret(rest.outputs, { feeds }).forEach((expected, i) => expect(unsigned(read[i]), `output ${i}`).toEqual(unsigned(expected)));
  return program.dispatches.map(({ wgsl }) => wgsl).join('\n');
}

/** Whether results are stored by four. */
const byQuad = (wgsl: string): boolean => /fn store4[^}]*index \/ 4u\]/.test(wgsl);

/** Less than a tile, whole tiles, more than tiles, columns that are no multiple of four, no rows, no sums. One kind of access: texts are slow to build. */
const sizes: readonly (readonly [m: number, k: number, n: number])[] = [
  [3, 4, 8],
  [8, 8, 32],
  [33, 4, 68],
  [7, 4, 9],
  [0, 4, 8],
  [8, 0, 32],
];

const epilogues: Readonly<Record<string, (m: number, n: number) => { others: readonly Shape[]; epilogue: Fn; donated?: number }>> = {
  'a row, a column and a scalar tensor': (m, n) => ({
    others: [[n], [m, 1], []],
    epilogue: (y, row, column, one) => [mul(relu(add(y, row)), maximum(column, one))],
  }),
  'two flat buffers, three results': (m, n) => ({
    others: [
      [m, n],
      [m, n],
    ],
    epilogue: (y, mask, other) => [maximum(y, other), where(greater(mask, 0), y, neg(other)), y],
  }),
  'in place': (m, n) => ({ others: [[m, n]], epilogue: (y, w) => [sub(w, y)], donated: 2 }),
  'a truth value kept': (m, n) => ({ others: [[m, n]], epilogue: (y, w) => [greater(y, w), maximum(y, w)] }),
  'a value of the place': (_, n) => ({ others: [], epilogue: (y) => [where(greater(arange(0, n), 2), y, neg(y))] }),
  'a transposed buffer': (m, n) => ({ others: [[n, m]], epilogue: (y, t) => [add(y, transpose(t))] }),
  'rows of a wider buffer': (m, n) => ({ others: [[m, n + 8]], epilogue: (y, wide) => [sub(y, slice(wide, [0, 4], [m, n + 4]))] }),
  'rows of an oddly wider buffer': (m, n) => ({ others: [[m, n + 6]], epilogue: (y, wide) => [sub(y, slice(wide, [0, 4], [m, n + 4]))] }),
  'a buffer read flat and by its first column': (m, n) => ({
    others: [[m, n]],
    epilogue: (y, x) => [sub(maximum(y, x), slice(x, [0, 0], [m, 1]))],
  }),
};

/** Operands that cannot be read four at a time. */
const strays = ['a transposed buffer', 'rows of an oddly wider buffer', 'a buffer read flat and by its first column'];

async function checkProducts(name: string, target: Partial<Target>): Promise<void> {
  for (const [m, k, n] of sizes) {
    const { others, epilogue, donated } = epilogues[name](m, n);
    const shapes = [[m, k], [k, n], ...others];
    const wgsl = await check({ product: (a, b) => matmul(a, b), epilogue, shapes, donated }, target);
    // 8 rows of 32 are whole tiles, which no product computes on its side.
    if (m === 8) expect(byQuad(wgsl)).toBe(!strays.includes(name));
    if (n % 4 !== 0) expect(byQuad(wgsl)).toBe(false);
  }
}

test.each(Object.keys(epilogues))('%s', (name) => checkProducts(name, withSubgroups));

test('without subgroups', () => checkProducts('two flat buffers, three results', withoutSubgroups));

test('after tiles and slices of a GPU', { timeout: 300_000 }, async ({ skip }) => {
  if (isWasm) skip('WebAssembly: it runs the kernels for CPUs');
  // No staging, tiles of 32 x 32, slices of k, tiles of 64 x 64
  const products = { direct: [36, 4, 68], tiled: [36, 20, 68], sliced: [3, 64, 12], large: [1025, 12, 1028] };
  for (const [kind, [m, k, n]] of Object.entries(products)) {
    for (const name of ['two flat buffers, three results', ...(kind === 'large' ? [] : ['a transposed buffer'])]) {
      const { others, epilogue } = epilogues[name](m, n);
      const wgsl = await check({ product: (a, b) => matmul(a, b), epilogue, shapes: [[m, k], [k, n], ...others] }, asGpu);
      expect(byQuad(wgsl)).toBe(!strays.includes(name));
      const mark = { direct: 'matmul_direct: 4 x 4', tiled: '@workgroup_size(8, 8)', sliced: 'partials', large: '@workgroup_size(16, 16)' }[
        kind
      ]!;
      expect(wgsl).toContain(mark);
    }
  }
});

test('after a convolution and after a sum of splits', async () => {
  const bias: Fn = (y, b) => [relu(add(y, b))];
  await check({ product: (x, f) => conv2d(x, f), epilogue: bias, shapes: [[2, 6, 7, 3], [3, 3, 3, 8], [8]] }, withSubgroups);
  await check({ product: (x, f) => conv2d(x, f), epilogue: bias, shapes: [[1, 5, 5, 4], [2, 2, 4, 6], [6]] }, withSubgroups);
  await check(
    { product: (x, f) => conv2d(x, f, { groups: 2 }), epilogue: bias, shapes: [[1, 5, 5, 4], [2, 2, 2, 12], [12]] },
    withSubgroups,
  );
  await check({ product: (a, b) => matmul(a, b), epilogue: bias, shapes: [[12, 8192], [8192, 8], [8]] }, withSubgroups);
  const flat: Fn = (y, b) => [reshape(add(y, b), [y.size])];
  await check({ product: (a, b) => matmul(a, b), epilogue: flat, shapes: [[3, 5, 8], [3, 8, 12], [12]] }, withSubgroups);
});

test('after the gradient of a pooling', async () => {
  const product = (x: Tensor, g: Tensor): Tensor => gradients(sum(mul(maxPool2d(x), g)), [x])[0];
  for (const channels of [4, 12, 3]) {
    const [image, half] = [
      [2, 6, 7, channels],
      [2, 3, 3, channels],
    ];
    const epilogue: Fn = (dx, mask, bias) => [where(greater(mask, 0), dx, neg(bias))];
    const wgsl = await check({ product, epilogue, shapes: [image, half, image, [channels]] }, withSubgroups);
    expect(byQuad(wgsl)).toBe(channels % 4 === 0);
  }
});
