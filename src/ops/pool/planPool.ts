// Pooling on the GPU: one dispatch of a kernel after the head that all pooling kernels share.
import { type Shape, sizeOf } from '../../core/shape.ts';
import type { KernelPlan, Operand, Target, TensorType } from '../../graph/op.ts';
import { gridOf, runOf, shortestForQuads } from '../../graph/workgroups.ts';
import headSource from '../../../shaders/poolingHead.wgsl?raw';
import { type KernelFile, fillKernel, ofLanes, storageType } from '../../wgsl/index.ts';
import type { Padding2d, Pair, Window2d } from '../conv/geometry.ts';

export interface PoolAttributes extends Window2d {
  /** [height, width] of a window. */
  readonly window: Pair;
  /** Distance outside each side of the image in which taps count for a mean, as zeros. @default 0 */
  readonly reach?: Padding2d;
}

/** Shapes of the pooling's input and output, whichever of them the kernel writes. */
export interface Pooling {
  readonly images: Shape;
  readonly pooled: Shape;
  readonly attributes: PoolAttributes;
  /** Whether the kernel's element may be a vec4 of channels. */
  readonly quads?: boolean;
}

/** A kernel after the head that all pooling kernels share. */
export const poolingKernel = (name: string, source: string): KernelFile => ({ name, text: `${headSource}\n${source}` });

const workgroupSize = 64;
/** Estimated operations of a tap of one element. */
const tapOperations = 8;
const nowhere: Padding2d = [[0, 0], [0, 0]]; // prettier-ignore

/** A kernel that writes elements of `result`, a run of neighbours per invocation. */
export function planPool(
  name: string,
  kernel: KernelFile,
  operands: readonly Operand[],
  { images, pooled, attributes: { strides, padding, dilations, window, reach = nowhere }, quads }: Pooling,
  result: TensorType,
  target: Target,
): KernelPlan {
  const isLarge = target.processor === 'cpu' || sizeOf(result.shape) >= shortestForQuads;
  const lanes = quads && isLarge && images[3] % 4 === 0 ? 4 : 1;
  const channels = images[3] / lanes;
  const size = sizeOf(result.shape) / lanes;
  const run = runOf(size, target, channels);
  const workgroups = gridOf(Math.ceil(size / (run * workgroupSize)), target);
  const [, height, width] = images;
  const [[padTop], [padLeft]] = padding;
  const [[reachTop, reachBottom], [reachLeft, reachRight]] = reach;
  const filled = fillKernel(kernel, {
    ...ofLanes(kernel, lanes, storageType(result.dtype)),
    constants: { dilated: dilations.some((n) => n > 1) },
    params: {
      ...{ size, gridWidth: workgroups[0], height, width, outHeight: pooled[1], outWidth: pooled[2], channels, run },
      ...{ windowHeight: window[0], windowWidth: window[1], strideY: strides[0], strideX: strides[1] },
      ...{ padTop, padLeft, dilationY: dilations[0], dilationX: dilations[1], reachTop, reachBottom, reachLeft, reachRight },
    },
  });
  const operations = tapOperations * window[0] * window[1] * sizeOf(result.shape);
  return { dispatches: [{ name, ...filled, operands, workgroups, operations }], temporaries: [] };
}

const input = (index: number): Operand => ({ kind: 'input', index });
const output = (index: number): Operand => ({ kind: 'output', index });

/** Operands of pooling kernels. */
export const poolOperands = {
  oneToOne: [input(0), output(0)],
  oneToTwo: [input(0), output(0), output(1)],
  twoToOne: [input(0), input(1), output(0)],
};
