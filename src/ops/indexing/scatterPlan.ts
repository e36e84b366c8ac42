// Merges updates into rows on the GPU in a fixed order, without atomics. Indices are sorted (few by counting, many by merging). Then every
// element of the result takes the updates of its row, one after the other.
import type { KernelDispatch, KernelPlan, Operand, Target, TensorType } from '../../graph/op.ts';
import { gridOf, runOf } from '../../graph/workgroups.ts';
import ranksSource from '../../../shaders/scatterRanks.wgsl?raw';
import reduceSource from '../../../shaders/scatterReduce.wgsl?raw';
import startsSource from '../../../shaders/scatterStarts.wgsl?raw';
import sumSource from '../../../shaders/scatterSum.wgsl?raw';
import { type KernelFile, computeType, fillKernel, storageType } from '../../wgsl/index.ts';
import { planSort, temporariesOf } from '../sort/sortPlan.ts';

const ranksKernel: KernelFile = { name: 'scatterRanks', text: ranksSource };
const startsKernel: KernelFile = { name: 'scatterStarts', text: startsSource };
const sumKernel: KernelFile = { name: 'scatterSum', text: sumSource };
const reduceKernel: KernelFile = { name: 'scatterReduce', text: reduceSource };

/** Number of comparisons that cost less than the dispatches of a sort. */
const maxComparisons = 2 ** 19;

export interface ScatterGeometry {
  /** The result is [outer, rows, inner], the updates are [outer, count, inner]. */
  readonly outer: number;
  readonly rows: number;
  readonly count: number;
  readonly inner: number;
  /** Whether each of the outer * inner lines has its own indices. Otherwise all lines share them. */
  readonly ownIndices: boolean;
}

/** Effect of an update on its element. The numbers are the kernel's codes. */
const reduceModes = { replace: 0, multiply: 1, min: 2, max: 3 } as const;
export type ReduceMode = keyof typeof reduceModes;

interface Links {
  readonly dispatches: readonly KernelDispatch[];
  readonly temporaries: readonly TensorType[];
  /** Starts and order of each line, see scatterRanks.wgsl. */
  readonly links: Operand;
  /** Stride of the lines' links; 0 if all lines share one. */
  readonly lineStride: number;
}

/** Finds the updates of each row at the indices (input 1), in their order. */
export function planLinks({ outer, rows, count, inner, ownIndices }: ScatterGeometry, indices: TensorType, target: Target): Links {
  const { temporaries, temporary } = temporariesOf('u32');
  // Starts and order of all lines share one buffer, because the last dispatch may bind at most as many buffers as the op has inputs.
  const lineStride = rows + 1 + count;
  const sorted = ownIndices ? { outer, inner } : { outer: 1, inner: 1 };
  const lines = sorted.outer * sorted.inner;
  const links = temporary([lines, lineStride]);
  const dispatches: KernelDispatch[] = [];
  const keys = { kind: 'input', index: 1 } as const;
  if (lines * lineStride * count <= maxComparisons) {
    dispatches.push({
      name: 'scatter_ranks',
      ...fillKernel(ranksKernel, {
        aliases: { Index: storageType(indices.dtype) },
        params: { size: lines * lineStride, rows, count, inner: sorted.inner },
      }),
      operands: [keys, links],
      workgroups: gridOf(Math.ceil((lines * lineStride) / 64), target),
    });
  } else {
    const order = { operand: links, inner: 1, lineStride, offset: rows + 1 };
    const sort = planSort({ keys, dtype: indices.dtype, ...sorted, length: count, descending: false, order, target, temporary });
    const starts = lines * (rows + 1);
    dispatches.push(...sort.dispatches, {
      name: 'scatter_starts',
      // bias: the key of row 0, as sortBlocks.wgsl computes it.
      ...fillKernel(startsKernel, { params: { size: starts, rows, count, bias: indices.dtype === 'i32' ? 2 ** 31 : 0 } }),
      operands: [sort.sortedKeys, links],
      workgroups: gridOf(Math.ceil(starts / 64), target),
    });
  }
  return { dispatches, temporaries, links, lineStride: ownIndices ? lineStride : 0 };
}

/** The sum of the updates (input 0) of each row at the indices (input 1). */
export function planScatter(geometry: ScatterGeometry, indices: TensorType, result: TensorType, target: Target): KernelPlan {
  const { outer, rows, count, inner } = geometry;
  const { dispatches, temporaries, links, lineStride } = planLinks(geometry, indices, target);
  const size = outer * rows * inner;
  const run = runOf(size, target);
  const sum: KernelDispatch = {
    name: 'scatter_sum',
    ...fillKernel(sumKernel, {
      aliases: { Element: storageType(result.dtype), Value: computeType(result.dtype) },
      params: { size, run, rows, count, inner, lineStride },
    }),
    operands: [{ kind: 'input', index: 0 }, links, { kind: 'output', index: 0 }],
    workgroups: gridOf(Math.ceil(size / (run * 64)), target),
  };
  return { dispatches: [...dispatches, sum], temporaries };
}

/** Merges the updates (input 2) into the rows of x (input 0) at the indices (input 1). */
export function planScatterReduce(
  geometry: ScatterGeometry,
  mode: ReduceMode,
  indices: TensorType,
  result: TensorType,
  target: Target,
): KernelPlan {
  const { outer, rows, count, inner } = geometry;
  const { dispatches, temporaries, links, lineStride } = planLinks(geometry, indices, target);
  const size = outer * rows * inner;
  const run = runOf(size, target);
  const value = computeType(result.dtype);
  const reduce: KernelDispatch = {
    name: `scatter_${mode}`,
    ...fillKernel(reduceKernel, {
      constants: { mode: reduceModes[mode], isFloat: value === 'f32' },
      aliases: { Element: storageType(result.dtype), Value: value },
      params: { size, run, rows, count, inner, lineStride },
    }),
    operands: [{ kind: 'input', index: 0 }, { kind: 'input', index: 2 }, links, { kind: 'output', index: 0 }],
    workgroups: gridOf(Math.ceil(size / (run * 64)), target),
  };
  return { dispatches: [...dispatches, reduce], temporaries };
}
