// Closed graphs for compiler tests, made from a function over placeholders, and targets like those of adapters.
import type { Dtype } from '../../src/core/dtype.ts';
import type { Shape } from '../../src/core/shape.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Tensor } from '../../src/graph/tensor.ts';

export const softwareTarget: Target = {
  processor: 'cpu',
  subgroupSize: undefined,
  shaderF16: false,
  maxStorageBuffers: 10,
  maxWorkgroupsPerDimension: 65535,
  maxBindingBytes: 2 ** 27,
};

export const gpuTarget: Target = { ...softwareTarget, processor: 'gpu', shaderF16: true };

export interface InputType {
  shape: Shape;
  dtype?: Dtype;
  scalar?: boolean;
}

/** Returns the graph of fn over placeholders of these types. */
export function graphOf(types: readonly InputType[], fn: (...inputs: Tensor[]) => readonly Tensor[]): Graph {
  const inputs = types.map(({ shape, dtype = 'f32', scalar = false }, position) => placeholder(shape, dtype, { position, scalar }));
  return { inputs, outputs: fn(...inputs) };
}

/** Deterministic values in [-1, 1), some of them equal. */
export function values(size: number, seed = 1): Float32Array {
  let state = (seed * 2654435761) >>> 0;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.round((state / 2 ** 31 - 1) * 64) / 64;
  });
}
