// The launch that gathers elements of an axis by index, for gather and takeAlongAxis.
import { sizeOf } from '../../core/shape.ts';
import type { KernelContext, KernelPlan } from '../../graph/op.ts';
import { gridOf, lanesFor, runOf } from '../../graph/workgroups.ts';
import gatherSource from '../../../shaders/gather.wgsl?raw';
import { type KernelFile, computeType, fillKernel, ofLanes, storageType } from '../../wgsl/index.ts';

const gatherKernel: KernelFile = { name: 'gather', text: gatherSource };

export interface Pick {
  readonly name: string;
  /** Sizes of the axis in x and in the result, and of the axes after it. */
  readonly rows: number;
  readonly count: number;
  readonly inner: number;
  /** Whether every element of the result has its own index. Otherwise the indices [count] apply to every line. */
  readonly ownIndices: boolean;
}

/** x [outer, rows, inner], indices [count] or [outer, count, inner] -> [outer, count, inner] */
export function planGather(
  { inputs: [x, indices], outputs: [y], target }: KernelContext<object>,
  { name, rows, count, inner, ownIndices }: Pick,
): KernelPlan {
  const lanes = ownIndices ? 1 : lanesFor(sizeOf(y.shape), target, [inner]);
  const size = sizeOf(y.shape) / lanes;
  const run = runOf(size, target);
  const { aliases, blocks } = ofLanes(gatherKernel, lanes, storageType(x.dtype), computeType(x.dtype));
  return {
    dispatches: [
      {
        name,
        ...fillKernel(gatherKernel, {
          constants: { ownIndices },
          aliases: { ...aliases, Index: storageType(indices.dtype) },
          blocks,
          params: { size, run, rows, count, inner: inner / lanes },
        }),
        operands: [
          { kind: 'input', index: 0 },
          { kind: 'input', index: 1 },
          { kind: 'output', index: 0 },
        ],
        workgroups: gridOf(Math.ceil(size / (run * 64)), target),
      },
    ],
    temporaries: [],
  };
}
