// One product or convolution with every kernel that a device may choose for it. All have the same bits as the default one, and that one is
// within the reference's bound.
import { expect } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, type StridedView, contiguousView, sizeOf } from '../../src/core/shape.ts';
import { gradients } from '../../src/autodiff/index.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { KernelPlan, Target, TensorType } from '../../src/graph/op.ts';
import type { Node } from '../../src/graph/tensor.ts';
import type { Conv2dOptions } from '../../src/ops/conv/conv2d.ts';
import type { Conv3dOptions } from '../../src/ops/conv/conv3d.ts';
import { type conv2d, type conv3d, sum } from '../../src/ops/index.ts';
import { matmulOp } from '../../src/ops/matmul/matmul.ts';
import { packedOp } from '../../src/ops/matmul/packed.ts';
import { noteError } from '../support/findings.ts';
import { variantsOf } from '../support/variants.ts';
import type { PlanDevice } from '../support/planDevice.ts';
import { runPlan } from './runPlan.ts';

const stream = RandomStream.fromSeed(7);
/** Mostly small numbers with a spike now and then, so that a lost or doubled term shows. */
const spiky = (): number => (stream.uniform() < 0.02 ? 100 : 1) * (stream.uniform() * 2 - 1);

/** Four numbers from -127 to 127 as packedMatmul reads them. */
const word = (): number => [0, 1, 2, 3].reduce((bits, i) => bits + (1 + Math.floor(stream.uniform() * 255)) * 2 ** (8 * i), 0);
const eachByte = (bits: number, map: (x: number) => number): number =>
  [0, 1, 2, 3].reduce((sum, i) => sum + (map(((bits >>> (8 * i)) & 255) - 128) + 128) * 2 ** (8 * i), 0);

const bitsOf = (values: HostArray): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);

export interface Case {
  readonly op: Node['op'];
  readonly attributes: object;
  /** The operands as the op gets them, and as they are in memory. */
  readonly inputs: readonly TensorType[];
  readonly views: readonly StridedView[];
  readonly output: TensorType;
}

/**
 * Runs the product with the default kernel of a target and with those of its alternatives that `picked` keeps. Returns the names of all
 * that ran.
 */
export async function checkProduct(
  device: PlanDevice,
  { op, attributes, inputs, views, output }: Case,
  target: Target,
  picked: (name: string) => boolean,
): Promise<string[]> {
  if (op.lowering.kind !== 'kernel') throw new Error(`${op.name} is no kernel`);
  const plan = op.lowering.plan({ inputs, views, outputs: [output], attributes, target });
  const data = inputs.map(({ shape, dtype }) =>
    Float64Array.from({ length: sizeOf(shape) }, dtype === 'u32' ? word : () => Math.fround(spiky())),
  );
  const run = async ({ dispatches, temporaries }: KernelPlan): Promise<HostArray> => {
    const stored = data.map((values, i) => ({ dtype: inputs[i].dtype, data: values }));
    return (await runPlan(device, { dispatches, temporaries }, stored, [output]))[0];
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
      inputs: inputs.map((type, i) => ({
        ...type,
        data: Float64Array.from(seen[i], (x) => (type.dtype === 'u32' ? eachByte(x, map) : map(x))),
      })),
      outputs: [output],
      attributes,
      allocate: (_, size) => new Float64Array(size),
    })[0];
  const what = `${main.name} ${inputs.map(({ shape }) => shape.join('x')).join(' * ')}`;
  const [expected, terms, counts] = [(x: number) => x, Math.abs, () => 1].map(reference);
  own.forEach((value, i) => {
    const bound = Math.max(1, counts[i]) * 2 ** -23 * terms[i];
    noteError('products', what, Math.abs(value - expected[i]), bound);
    if (!(Math.abs(value - expected[i]) <= bound)) expect.fail(`${what}: element ${i} is ${value}, expected ${expected[i]}`);
  });
  return names;
}

/** Row-major copy of a matrix, or of a batch of them, that is stored transposed. */
export const stridedCopy = (values: Float32Array | Float64Array, { shape, strides }: StridedView): Float64Array =>
  Float64Array.from({ length: sizeOf(shape) }, (_, position) => {
    let at = 0;
    for (let axis = shape.length - 1, rest = position; axis >= 0; rest = Math.floor(rest / shape[axis]), axis--) {
      at += (rest % shape[axis]) * strides[axis];
    }
    return values[at];
  });

export function product(
  m: number,
  k: number,
  n: number,
  transposed = '',
  batch: readonly number[] = [],
  dtype: 'f32' | 'f16' = 'f32',
): Case {
  const view = (rows: number, columns: number, isTransposed: boolean): StridedView => {
    const own = contiguousView([...batch, rows, columns]);
    return isTransposed ? { ...own, strides: [...own.strides.slice(0, -2), 1, rows] } : own;
  };
  const views = [view(m, k, transposed.includes('a')), view(k, n, transposed.includes('b'))];
  const inputs = views.map(({ shape }) => ({ shape, dtype }));
  return { op: matmulOp, attributes: {}, inputs, views, output: { shape: [...batch, m, n], dtype } };
}

/** A product with packed columns. `isTransposed` is of the first operand. */
export function packedProduct(m: number, k: number, n: number, isTransposed = false, dtype: 'f32' | 'f16' = 'f32'): Case {
  const own = contiguousView([m, k]);
  const shape = [k, Math.ceil(n / 4)];
  return {
    op: packedOp as Case['op'],
    attributes: { columns: n },
    inputs: [
      { shape: own.shape, dtype },
      { shape, dtype: 'u32' },
    ],
    views: [isTransposed ? { ...own, strides: [1, m] } : own, contiguousView(shape)],
    output: { shape: [m, n], dtype },
  };
}

/** The three directions of a convolution. */
export function directions(
  convolve: typeof conv2d | typeof conv3d,
  x: Shape,
  filter: Shape,
  options: Conv2dOptions & Conv3dOptions = { padding: 'same' },
): Case[] {
  const inputs = [x, filter].map((shape, position) => placeholder(shape, 'f32', { position }));
  const y = convolve(inputs[0], inputs[1], options);
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
