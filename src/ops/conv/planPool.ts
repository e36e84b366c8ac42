// How the GPU pools: one dispatch, of a kernel behind the head that all pooling kernels share.
import { type Shape, sizeOf } from '../../core/shape.ts';
import type { KernelPlan, Operand, Target, TensorType } from '../../graph/op.ts';
import headSource from '../../../shaders/pooling.wgsl?raw';
import { gridOf, retype, runOf, storageType } from '../kernelSource.ts';
import type { Pair, Window2d } from './geometry.ts';

export interface PoolAttributes extends Window2d {
  /** [height, width] of a window. */
  readonly window: Pair;
}

/** Shapes of what is pooled and of what comes out, whichever of them the kernel writes. */
export interface Pooling {
  readonly images: Shape;
  readonly pooled: Shape;
  readonly attributes: PoolAttributes;
}

const workgroupSize = 64;

/** A kernel that writes elements of `result`, a run of neighbours each invocation. */
export function planPool(
  name: string,
  source: string,
  operands: readonly Operand[],
  { images, pooled, attributes: { strides, padding, window } }: Pooling,
  result: TensorType,
  target: Target,
): KernelPlan {
  const size = sizeOf(result.shape);
  const run = runOf(size, target, result.shape[3]);
  const workgroups = gridOf(Math.ceil(size / (run * workgroupSize)), target);
  const [, height, width, channels] = images;
  const params = [
    ...[size, workgroups[0], height, width, pooled[1], pooled[2], channels],
    ...[...window, ...strides, padding[0][0], padding[1][0], run],
  ];
  const whole = retype(`${headSource}\n${source}`, { Element: storageType(result.dtype) });
  return { dispatches: [{ name, source: whole, operands, params, workgroups }], temporaries: [] };
}

const input = (index: number): Operand => ({ kind: 'input', index });
const output = (index: number): Operand => ({ kind: 'output', index });

/** What pooling kernels read and write. */
export const poolOperands = {
  oneToOne: [input(0), output(0)],
  oneToTwo: [input(0), output(0), output(1)],
  twoToOne: [input(0), input(1), output(0)],
};
