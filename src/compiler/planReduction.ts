// The plan of a single reduction: its dispatches and their chunks, by shape and processor.
import { sizeOf } from '../core/shape.ts';
import type { Target } from '../graph/op.ts';
import type { Node } from '../graph/tensor.ts';

/** One dispatch of a reduction: `chunks` results for each output, from `length` items. A chunk has `chunk` items. */
export interface ReductionPass {
  /**
   * Serial: one invocation for each result. Quads: serial with loads of four neighbours. Columns: serial for GPUs, with four loads in flight.
   * Workgroup: one workgroup for each result.
   */
  readonly family: 'serial' | 'quads' | 'columns' | 'workgroup';
  readonly length: number;
  readonly chunk: number;
  readonly chunks: number;
}

/** Chunks of a reduction. They depend on shape and processor only, so the order of summation is fixed. */
export interface ReductionPlan {
  readonly outputs: number;
  /** One, or two with partial results of shape [chunks, outputs] between them. */
  readonly passes: readonly ReductionPass[];
}

/**
 * Number of results that keeps all cores busy, and minimum length of a chunk. A large GPU hides memory latency with 131,072 invocations.
 */
const chunkings = {
  cpu: { wanted: 128, shortest: 2048 },
  gpu: { wanted: 131072, shortest: 32 },
  // At least 16 items for each of 64 invocations.
  workgroups: { wanted: 8192, shortest: 1024 },
};

/** Number of invocations in a workgroup that reduces a chunk. */
export const lanesOf = ({ chunk }: ReductionPass): number => (chunk >= 2048 ? 256 : 64);

export function planReduction(node: Node, target: Target): ReductionPlan {
  const { lowering } = node.op;
  if (lowering.kind !== 'reduction') throw new Error(`${node.op.name} is no reduction`);
  const shape = node.inputs[0].shape;
  const axes = lowering.axes(node.attributes);
  const length = axes.reduce((n, axis) => n * shape[axis], 1);
  const outputs = sizeOf(shape.filter((_, axis) => !axes.includes(axis)));
  const onGpu = target.processor === 'gpu';
  const alongRows = isTrailing(axes, shape.length);
  const inQuads = !onGpu && alongRows && !lowering.tracksIndex && length % 4 === 0 && length > 0;
  const family = onGpu && axes.includes(shape.length - 1) && length >= 64 ? 'workgroup' : onGpu ? 'columns' : inQuads ? 'quads' : 'serial';
  const { wanted, shortest } = chunkings[family === 'workgroup' ? 'workgroups' : target.processor];
  // Without workgroups, one invocation of the second pass adds all chunks of a result. At most √length chunks keep that pass short and
  // limit rounding.
  const most = Math.min(
    Math.ceil(wanted / Math.max(1, outputs)),
    Math.floor(length / shortest),
    onGpu ? Infinity : Math.ceil(Math.sqrt(length)),
  );
  const unit = inQuads ? 4 : 1;
  const chunk = Math.ceil(length / Math.max(1, most) / unit) * unit;
  const chunks = length === 0 ? 1 : Math.ceil(length / chunk);
  const first = { family, length, chunk, chunks } as const;
  if (chunks === 1) return { outputs, passes: [first] };
  return {
    outputs,
    passes: [first, { family: onGpu ? (chunks >= 64 ? 'workgroup' : 'columns') : 'serial', length: chunks, chunk: chunks, chunks: 1 }],
  };
}

/** Whether the reduced axes are the last ones. The items of an output are then adjacent in memory. */
const isTrailing = (axes: readonly number[], rank: number): boolean => axes.every((axis) => axis >= rank - axes.length);
