// Sorting on the GPU: blocks by insertion sort, then merge passes. It needs no barriers and no atomics, so every device uses the same
// kernels.
import type { Dtype } from '../../core/dtype.ts';
import type { Shape } from '../../core/shape.ts';
import type { KernelDispatch, Operand, Target, TensorType } from '../../graph/op.ts';
import { gridOf } from '../../graph/workgroups.ts';
import blocksSource from '../../../shaders/sortBlocks.wgsl?raw';
import mergeSource from '../../../shaders/sortMerge.wgsl?raw';
import { type KernelFile, fillKernel } from '../../wgsl/index.ts';

const blocksKernel: KernelFile = { name: 'sortBlocks', text: blocksSource };
const mergeKernel: KernelFile = { name: 'sortMerge', text: mergeSource };

/** Number of elements that one invocation sorts by insertion. */
const blockLength = 16;

/** Code of the conversion from an element's bits to a key. */
const keyKinds: Readonly<Record<Dtype, number>> = { bool: 0, u32: 0, i32: 1, f16: 2, f32: 2 };

export interface SortPlan {
  /** Elements to sort, [outer, length, inner] along the middle axis. */
  readonly keys: Operand;
  readonly dtype: Dtype;
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly descending: boolean;
  /**
   * Destination of the positions in sorted order: item i of line l goes to offset + floor(l / inner) * lineStride + l % inner + i * inner.
   */
  readonly order: { readonly operand: Operand; readonly inner: number; readonly lineStride: number; readonly offset: number };
  readonly target: Target;
  /** Adds a u32 temporary to the plan. */
  readonly temporary: (shape: Shape) => Operand;
}

/** Collects the temporaries of a plan, of one dtype. */
export function temporariesOf(dtype: Dtype): { temporaries: TensorType[]; temporary: (shape: Shape) => Operand } {
  const temporaries: TensorType[] = [];
  return { temporaries, temporary: (shape) => ({ kind: 'temporary', index: temporaries.push({ shape, dtype }) - 1 }) };
}

/** Dispatches that sort, and the operand with the sorted keys [lines, length]. */
export function planSort(plan: SortPlan): { dispatches: KernelDispatch[]; sortedKeys: Operand } {
  const { length, inner, target, temporary } = plan;
  const lines = plan.outer * inner;
  const widths: number[] = [];
  for (let width = blockLength; width < length; width *= 2) widths.push(width);
  // Passes alternate between two pairs of buffers. The last one writes the order to its destination.
  const pairOf = (): { keys: Operand; order: Operand } => ({ keys: temporary([lines, length]), order: temporary([lines, length]) });
  const pairs = widths.length > 1 ? [pairOf(), pairOf()] : widths.length === 1 ? [pairOf()] : [];
  const placed = { inner: 1, lineStride: length, offset: 0 };
  const lastKeys = temporary([lines, length]);
  const destination = (pass: number) =>
    pass === widths.length ? { keys: lastKeys, ...plan.order, order: plan.order.operand } : { ...pairs[pass % 2], ...placed };

  const blocks = Math.ceil(length / blockLength);
  const first = destination(0);
  const f16 = plan.dtype === 'f16';
  const dispatches: KernelDispatch[] = [
    {
      name: 'sort_blocks',
      ...fillKernel(blocksKernel, {
        // Every other dtype has 32 bits, and the kernel reads these unchanged.
        aliases: f16 ? { Element: 'f16', Value: 'f32' } : {},
        params: {
          ...{ size: lines * blocks, length, inner, block: blockLength, blocks },
          ...{ kind: keyKinds[plan.dtype], descending: plan.descending },
          ...{ orderInner: first.inner, lineStride: first.lineStride, offset: first.offset },
        },
      }),
      operands: [plan.keys, first.keys, first.order],
      workgroups: gridOf(Math.ceil((lines * blocks) / 64), target),
    },
  ];
  widths.forEach((width, i) => {
    const from = destination(i);
    const to = destination(i + 1);
    const run = Math.min(2 * width, runOf(lines * length, target));
    const runs = Math.ceil(length / run);
    dispatches.push({
      name: 'sort_merge',
      ...fillKernel(mergeKernel, {
        params: {
          ...{ size: lines * runs, length, width, run, runs },
          ...{ orderInner: to.inner, lineStride: to.lineStride, offset: to.offset },
        },
      }),
      operands: [from.keys, from.order, to.keys, to.order],
      workgroups: gridOf(Math.ceil((lines * runs) / 64), target),
    });
  });
  return { dispatches, sortedKeys: lastKeys };
}

/**
 * Number of elements that one invocation merges, a power of two: few on a GPU. On a CPU-implemented device it leaves some thousand
 * invocations.
 */
function runOf(size: number, { processor }: Target): number {
  return processor === 'gpu' ? 8 : 2 ** Math.max(5, Math.ceil(Math.log2(size / 4096)));
}
