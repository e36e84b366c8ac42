// The grid of a launch, and the number of elements of one invocation.
import type { Target } from './op.ts';

/**
 * Arranges workgroups in two dimensions if one is too short. The kernel computes workgroup.y * gridWidth + workgroup.x and returns if the
 * result is too large.
 */
export function gridOf(workgroups: number, target: Target): [gridWidth: number, height: number, depth: 1] {
  const rows = Math.max(1, Math.ceil(workgroups / target.maxWorkgroupsPerDimension));
  return [Math.ceil(workgroups / rows), rows, 1];
}

/** For CPU-implemented devices: maximum useful number of invocations, and minimum number of elements for one. */
const softwareInvocations = 4096;
const softwareRun = 16;

/**
 * Number of neighbouring elements that one invocation computes, out of `size`. 1 on a GPU, so that neighbours access neighbouring memory.
 * On a CPU-implemented device a run, in multiples of `unit`.
 */
export function runOf(size: number, target: Target, unit = 1): number {
  if (target.processor === 'gpu') return 1;
  return Math.ceil(Math.max(softwareRun, size / softwareInvocations) / Math.max(1, unit)) * Math.max(1, unit);
}

/**
 * Minimum number of elements for which an invocation of a GPU computes four neighbours as a vec4. With fewer elements, as many invocations as
 * possible hide the latency of memory.
 */
export const shortestForQuads = 65536;

/**
 * Number of neighbours that an element of a kernel for GPUs holds: four if there are many results, and if all these sizes are multiples of
 * four. The kernels of CPU-implemented devices do not use it.
 */
export const lanesFor = (size: number, target: Target, sizes: readonly number[]): 1 | 4 =>
  target.processor === 'gpu' && size >= shortestForQuads && sizes.every((n) => n % 4 === 0) ? 4 : 1;
