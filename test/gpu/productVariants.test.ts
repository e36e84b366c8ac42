// Every kernel that a device may choose among for one product: the same bits as the one it takes by itself, and that one within the reference's bound.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, type StridedView, contiguousView, sizeOf } from '../../src/core/shape.ts';
import { gradients } from '../../src/autodiff/index.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { KernelPlan, Target, TensorType } from '../../src/graph/op.ts';
import type { Node } from '../../src/graph/tensor.ts';
import { conv2d, conv3d, sum } from '../../src/ops/index.ts';
import { matmulOp } from '../../src/ops/matmul.ts';
import { planMatmul } from '../../src/ops/matmul/plan.ts';
import { type OpenDevice, openDevice } from '../../src/runtime/webgpu/device.ts';
import { noteError } from '../support/findings.ts';
import { variantsOf } from '../support/variants.ts';
import { runPlan } from './runPlan.ts';

let opened: OpenDevice;
beforeAll(async () => {
  opened = await openDevice();
});
afterAll(() => opened.device.destroy());

const targets: Readonly<Record<string, () => Target>> = {
  direct: () => ({ ...opened.target, processor: 'cpu' }),
  tiled: () => ({ ...opened.target, processor: 'gpu' }),
};

const stream = RandomStream.fromSeed(7);
/** Mostly small numbers with a spike now and then, so that a lost or doubled term shows. */
const spiky = (): number => (stream.uniform() < 0.02 ? 100 : 1) * (stream.uniform() * 2 - 1);

const bitsOf = (values: HostArray): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);

interface Case {
  readonly op: Node['op'];
  readonly attributes: object;
  /** The operands as the op sees them, and as they lie in memory. */
  readonly inputs: readonly TensorType[];
  readonly views: readonly StridedView[];
  readonly output: TensorType;
}

/**
 * Runs the product with the kernel that a target takes by itself and with those of its alternatives that `picked` keeps, and gives back the names of
 * all that ran.
 */
async function check(
  { op, attributes, inputs, views, output }: Case,
  target: Target,
  picked: (name: string) => boolean,
): Promise<string[]> {
  if (op.lowering.kind !== 'kernel') throw new Error(`${op.name} is no kernel`);
  const plan = op.lowering.plan({ inputs, views, outputs: [output], attributes, target });
  const data = inputs.map(({ shape }) => Float32Array.from({ length: sizeOf(shape) }, spiky));
  const run = async ({ dispatches, temporaries }: KernelPlan): Promise<HostArray> => {
    const stored = data.map((values, i) => ({ dtype: inputs[i].dtype, data: values }));
    return (await runPlan(opened.device, { dispatches, temporaries }, stored, [output]))[0];
  };
  const [main, ...rest] = plan.dispatches;
  const own = await run(plan);
  const variants = variantsOf(main.alternatives).filter(({ name }) => picked(name));
  for (const variant of variants) {
    const other = await run({ ...plan, dispatches: [{ ...main, ...variant }, ...rest] });
    const [wanted, found] = [own, other].map(bitsOf);
    const place = wanted.findIndex((bits, i) => bits !== found[i]);
    if (place >= 0) expect.fail(`${main.name} gives ${own[place]} at ${place}, ${variant.name} ${other[place]}`);
  }
  const names = [main.name, ...variants.map(({ name }) => name)];
  if (output.dtype === 'f16') return names; // that one of them is right is for tests of half precision
  const seen = data.map((values, i) => stridedCopy(values, views[i]));
  const reference = (map: (x: number) => number): HostArray =>
    op.reference({
      inputs: inputs.map((type, i) => ({ ...type, data: Float64Array.from(seen[i], map) })),
      outputs: [output],
      attributes,
      allocate: (_, size) => new Float64Array(size),
    })[0];
  const [expected, terms, counts] = [(x: number) => x, Math.abs, () => 1].map(reference);
  own.forEach((value, i) => {
    const bound = Math.max(1, counts[i]) * 2 ** -23 * terms[i];
    noteError('products', main.name, Math.abs(value - expected[i]), bound);
    if (!(Math.abs(value - expected[i]) <= bound)) expect.fail(`${main.name}: element ${i} is ${value}, expected ${expected[i]}`);
  });
  return names;
}

/** Row-major copy of a matrix, or of a batch of them, that lies transposed. */
const stridedCopy = (values: Float32Array, { shape, strides }: StridedView): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, (_, position) => {
    let at = 0;
    for (let axis = shape.length - 1, rest = position; axis >= 0; rest = Math.floor(rest / shape[axis]), axis--) {
      at += (rest % shape[axis]) * strides[axis];
    }
    return values[at];
  });

function product(m: number, k: number, n: number, transposed = '', batch: readonly number[] = [], dtype: 'f32' | 'f16' = 'f32'): Case {
  const view = (rows: number, columns: number, isTransposed: boolean): StridedView => {
    const own = contiguousView([...batch, rows, columns]);
    return isTransposed ? { ...own, strides: [...own.strides.slice(0, -2), 1, rows] } : own;
  };
  const views = [view(m, k, transposed.includes('a')), view(k, n, transposed.includes('b'))];
  const inputs = views.map(({ shape }) => ({ shape, dtype }));
  return { op: matmulOp, attributes: {}, inputs, views, output: { shape: [...batch, m, n], dtype } };
}

/** The three directions of a convolution. */
function directions(convolve: typeof conv2d | typeof conv3d, x: Shape, filter: Shape): Case[] {
  const inputs = [x, filter].map((shape, position) => placeholder(shape, 'f32', { position }));
  const y = convolve(inputs[0], inputs[1], { padding: 'same' });
  return topological([y, ...gradients(sum(y), inputs)])
    .filter(({ op }) => op.name.startsWith('conv'))
    .map(({ op, attributes, inputs, types: [output] }) => ({
      op,
      attributes,
      inputs,
      views: inputs.map(({ shape }) => contiguousView(shape)),
      output,
    }));
}

const all = (): boolean => true;
const none = (): boolean => false;
/** Tiled pipelines take seconds to build on a CPU: where the layout is not what differs, the tiles that differ most. */
const some = (name: string): boolean => !name.includes('_tiled_') || /32x64x16|64x64x16_8x8/.test(name);

describe.each(Object.keys(targets))('%s', (family) => {
  test('matrices in every layout, by four', { timeout: 300_000 }, async () => {
    const names = await check(product(516, 24, 520), targets[family](), all);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(family === 'tiled' ? 7 : 1);
    await check(product(516, 24, 520, 'ab'), targets[family](), some);
    await check(product(516, 24, 520, 'a'), targets[family](), some);
    await check(product(516, 24, 520, 'b'), targets[family](), some);
  });

  test('ragged matrices, batches, a long k', { timeout: 300_000 }, async () => {
    for (const one of [product(513, 37, 511), product(130, 12, 257, '', [2, 3]), product(67, 5001, 45)]) {
      expect((await check(one, targets[family](), some)).length).toBeGreaterThan(1);
    }
  });

  test('half precision', { timeout: 300_000 }, async ({ skip }) => {
    if (!opened.target.shaderF16) skip('this adapter has no shader-f16');
    for (const one of [product(516, 24, 520, '', [], 'f16'), product(513, 37, 511, 'ab', [], 'f16')]) {
      expect((await check(one, targets[family](), some)).length).toBeGreaterThan(1);
    }
  });

  test('few rows or columns, a short k', { timeout: 300_000 }, async () => {
    const shapes: [m: number, k: number, n: number, transposed: string][] = [
      [1, 260, 1028, ''], [1, 261, 1030, ''], [2, 260, 1030, 'b'], [4, 260, 512, 'a'],
      [700, 260, 1, ''], [515, 128, 8, 'a'], [7, 70, 130, ''], [132, 1, 129, 'ab'], [129, 3, 72, ''],
    ]; // prettier-ignore
    for (const [m, k, n, transposed] of shapes) await check(product(m, k, n, transposed), targets[family](), m === 1 ? some : none);
    await check(product(1, 96, 68, '', [5]), targets[family](), none);
    await check(product(2, 9000, 132), targets[family](), none);
    await check(product(60, 261, 44), targets[family](), none);
  });

  test('an infinity in the last k stays one, and what lies behind it is in no sum', { timeout: 300_000 }, async () => {
    for (const transposed of ['', 'ab']) {
      const { views, output, inputs } = product(12, 5, 12, transposed, [2]);
      const plan = planMatmul({ inputs, views, outputs: [output], attributes: {}, target: targets[family]() });
      const data = [120, 120].map((size) => Float32Array.from({ length: size }, () => 1));
      // The last element of the first b, and a NaN behind it, as behind the first row of the first a
      data[1][59] = Infinity;
      data[1][60] = data[0][5] = NaN;
      const stored = data.map((values) => ({ dtype: 'f32' as const, data: values }));
      const [values] = await runPlan(opened.device, plan, stored, [output]);
      const [expected] = matmulOp.reference({
        inputs: inputs.map((type, i) => ({ ...type, data: stridedCopy(data[i], views[i]) })),
        outputs: [output],
        attributes: {},
        allocate: (_, size) => new Float32Array(size),
      });
      expect(expected.filter(Number.isNaN).length).toBe(24);
      expect(values).toEqual(expected);
    }
  });

  test('convolution in all three directions', { timeout: 300_000 }, async () => {
    for (const one of directions(conv2d, [5, 24, 20, 8], [3, 3, 8, 132])) {
      expect((await check(one, targets[family](), some)).length, one.op.name).toBeGreaterThan(1);
    }
    if (family === 'tiled') return;
    for (const one of directions(conv2d, [2, 13, 11, 3], [3, 2, 3, 5])) await check(one, targets[family](), all);
    for (const one of directions(conv3d, [2, 5, 7, 6, 4], [2, 3, 3, 4, 8])) await check(one, targets[family](), all);
  });
});
