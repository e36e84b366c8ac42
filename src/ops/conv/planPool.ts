// How the GPU pools: one dispatch, of a kernel behind the head that all pooling kernels share.
import { type Shape, sizeOf } from '../../core/shape.ts';
import type { KernelPlan, Operand, Target, TensorType } from '../../graph/op.ts';
import headSource from '../../../shaders/pooling.wgsl?raw';
import { fillBlock, gridOf, retype, runOf, storageType } from '../kernelSource.ts';
import type { Padding2d, Pair, Window2d } from './geometry.ts';

export interface PoolAttributes extends Window2d {
  /** [height, width] of a window. */
  readonly window: Pair;
  /** How far beyond each side of the image taps count for a mean, as zeros; nowhere by default. */
  readonly reach?: Padding2d;
}

/** Shapes of what is pooled and of what comes out, whichever of them the kernel writes. */
export interface Pooling {
  readonly images: Shape;
  readonly pooled: Shape;
  readonly attributes: PoolAttributes;
  /** Whether the kernel is written so that its element may be a vec4 of channels. */
  readonly quads?: boolean;
}

/** The aliases of a kernel whose element is a vec4 of channels. */
const quadAliases = { Value: 'vec4<f32>', Bits: 'vec4<u32>', Winner: 'vec4<i32>', Truth: 'vec4<bool>' };

const quadEpilogue = (binding: number): string => `@group(0) @binding(${binding}) var<storage, read_write> result: array<Element>;
fn store4(index: u32, value: vec4<f32>) { result[index / 4u] = Element(value); }`;

/** The kernel for elements that are a vec4 of channels; what it counts in elements, it stores at four times the place. */
export function inQuads(source: string, binding: number, type: string): string {
  const text = retype(source, { ...quadAliases, Element: `vec4<${type}>` });
  if (!text.includes('// epilogue\n')) return text;
  return fillBlock(
    fillBlock(text, 'epilogue', quadEpilogue(binding)),
    'put',
    'fn put(index: u32, value: vec4<f32>) { store4(index * 4u, value); }',
  );
}

const workgroupSize = 64;
const nowhere: Padding2d = [[0, 0], [0, 0]]; // prettier-ignore

/** A kernel that writes elements of `result`, a run of neighbours each invocation. */
export function planPool(
  name: string,
  source: string,
  operands: readonly Operand[],
  { images, pooled, attributes: { strides, padding, dilations, window, reach = nowhere }, quads }: Pooling,
  result: TensorType,
  target: Target,
): KernelPlan {
  // On a GPU one invocation an element, so that neighbours touch neighbouring memory.
  const lanes = quads && target.processor === 'cpu' && images[3] % 4 === 0 ? 4 : 1;
  const channels = images[3] / lanes;
  const size = sizeOf(result.shape) / lanes;
  const run = runOf(size, target, channels);
  const workgroups = gridOf(Math.ceil(size / (run * workgroupSize)), target);
  const [, height, width] = images;
  const params = [
    ...[size, workgroups[0], height, width, pooled[1], pooled[2], channels],
    ...[...window, ...strides, padding[0][0], padding[1][0], ...dilations, ...reach.flat(), run],
  ];
  const dilated = dilations.some((n) => n > 1);
  const whole = `${headSource.replace('const dilated = false;', `const dilated = ${dilated};`)}\n${source}`;
  const type = storageType(result.dtype);
  const text = lanes === 4 ? inQuads(whole, operands.length, type) : retype(whole, { Element: type });
  return { dispatches: [{ name, source: text, operands, params, workgroups }], temporaries: [] };
}

const input = (index: number): Operand => ({ kind: 'input', index });
const output = (index: number): Operand => ({ kind: 'output', index });

/** What pooling kernels read and write. */
export const poolOperands = {
  oneToOne: [input(0), output(0)],
  oneToTwo: [input(0), output(0), output(1)],
  twoToOne: [input(0), input(1), output(0)],
};
