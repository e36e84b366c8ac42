// Kernels as whole numbers of 8 bits, for inference: w is about scale q, q from -127 to 127. Elements that share a scale have one absolute
// maximum, as in Keras. Four numbers are packed into one u32, along the last axis; the first is in the low byte, and 128 is added to each.
import { sizeOf } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { abs, cast, clip, div, equal, matmul, max, mul, reshape, round, where as choose } from '../ops/index.ts';
import { packBytes, packedMatmul, unpackBytes } from '../ops/matmul/packed.ts';
import type { TensorRecord, Variables } from './layer.ts';

/** Kernels that can be packed, with the axes whose elements share a scale. */
export type ScaleAxes = Readonly<Record<string, readonly number[]>>;

const namePacked = (name: string): string => `${name}Int8`;
/** Name of the scale of a packed kernel. */
export const nameScale = (name: string): string => `${name}Scale`;

/** Whether a path of variables() is that of a packed kernel. */
export const isPackedPath = (path: string): boolean => path.endsWith(namePacked(''));

/** A kernel packed: u32 [..., ceil(last / 4)], and its scale with sizes of 1 for the shared axes. */
export function packKernel(kernel: Tensor, axes: readonly number[]): { readonly packed: Tensor; readonly scale: Tensor } {
  const largest = max(abs(kernel), { axis: axes, keepDims: true });
  const scale = choose(equal(largest, 0), 1, div(largest, 127));
  return { packed: packBytes(clip(round(div(kernel, scale)), -127, 127)), scale };
}

/**
 * x [..., in] times a packed kernel, flattened to [in, out]; undefined if the parameters have it as floats. In f32 the product unpacks the
 * numbers in its loads, and its sums are multiplied by the scales.
 */
export function packedProduct(x: Tensor, parameters: Readonly<Record<string, Tensor | undefined>>, name: string): Tensor | undefined {
  const { [namePacked(name)]: packed, [nameScale(name)]: scale } = parameters;
  if (parameters[name] || !packed || !scale) return undefined;
  const rows = x.shape[x.rank - 1];
  const [columns, last] = [scale.size, scale.shape[scale.rank - 1]];
  const words = Math.ceil(columns / 4);
  // Words must not end in the middle of a row of the flattened kernel.
  if (x.dtype !== 'f32' || packed.size !== rows * words) {
    return matmul(x, cast(reshape(mul(unpackBytes(packed, last), scale), [rows, columns]), x.dtype));
  }
  const leading = x.shape.slice(0, -1);
  const y = packedMatmul(reshape(x, [sizeOf(leading), rows]), reshape(packed, [rows, words]), columns);
  return mul(reshape(y, [...leading, columns]), reshape(scale, [columns]));
}

/** The variables with packed kernels, which are state. */
export function packedVariables({ parameters, state }: Variables, axes: ScaleAxes): Variables {
  const kept: Record<string, Tensor> = {};
  const packed: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (!Object.hasOwn(axes, name)) {
      kept[name] = value;
      continue;
    }
    const made = packKernel(value, axes[name]);
    Object.assign(packed, { [namePacked(name)]: made.packed, [nameScale(name)]: made.scale });
  }
  return { parameters: kept, state: { ...packed, ...state } };
}

/** Sizes of the last axes of kernels, by name. */
export type LastSizes = Readonly<Record<string, number>>;

/** Parameters of a layer with its kernels unpacked. A kernel that is given in the place of the layer's own is used as it is. */
export function unpackedParameters({ parameters, state }: Variables, last: LastSizes, separate: boolean): Variables {
  const values: Record<string, Tensor> = { ...parameters };
  const rest: Record<string, Tensor> = { ...state };
  for (const [name, size] of Object.entries(last)) {
    const { [namePacked(name)]: packed, [nameScale(name)]: scale } = state;
    delete rest[namePacked(name)];
    delete rest[nameScale(name)];
    if (Object.hasOwn(parameters, name)) continue;
    if (separate) Object.assign(values, { [namePacked(name)]: packed, [nameScale(name)]: scale });
    else values[name] = mul(unpackBytes(packed, size), scale);
  }
  return { parameters: values, state: rest };
}

export const lastSizes = (parameters: TensorRecord, axes: ScaleAxes): LastSizes =>
  Object.fromEntries(
    Object.keys(axes).flatMap((name) => (name in parameters ? [[name, parameters[name].shape[parameters[name].rank - 1]]] : [])),
  );
