// The kernel of a layer inside a wrapper that replaces it, and the kernel as a matrix.
import { ArgumentError } from '../../../core/errors.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { reshape, transpose } from '../../../ops/index.ts';
import type { Layer, TensorRecord } from '../../layer.ts';

export interface WrappedKernel {
  /** Name of the parameter: `kernel`, or `embeddings`. */
  readonly name: string;
  readonly kernel: Tensor;
}

/** @throws ArgumentError for a layer whose parameters have neither name. */
export function wrappedKernel(where: string, { kind }: Layer, parameters: TensorRecord): WrappedKernel {
  const name = ['kernel', 'embeddings'].find((one) => Object.hasOwn(parameters, one));
  if (name !== undefined) return { name, kernel: parameters[name] };
  const names = Object.keys(parameters).join(', ') || 'none';
  throw new ArgumentError(
    `${where}: layer '${kind}' has the parameters ${names}; it needs one called kernel or embeddings, as layers.dense({ units: 64 }) has`,
  );
}

/** The kernel as a matrix [rows, outputs]. The last axis has the outputs; depthwise kernels have two such axes, transposed ones the axis before. */
export function kernelMatrix({ kind }: Layer, kernel: Tensor): Tensor {
  const { rank, shape } = kernel;
  if (kind.startsWith('depthwise')) return reshape(kernel, [-1, shape[rank - 2] * shape[rank - 1]]);
  const axes = shape.map((_, axis) => axis);
  const ordered = kind.endsWith('Transpose') ? transpose(kernel, [...axes.slice(0, -2), rank - 1, rank - 2]) : kernel;
  return reshape(ordered, [-1, ordered.shape[rank - 1]]);
}
