// Kernels as whole numbers of 8 bits, for inference: w is about scale q, q from -127 to 127. Elements that share a scale have one absolute
// maximum, as in Keras. Four numbers are packed into one u32, along the last axis; the first is in the low byte, and 128 is added to each.
import { ArgumentError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import { abs, add, bitwiseAnd, cast, clip, div, equal, expandDims, leftShift, max, mul, pad, reshape, rightShift, round, slice, sub, sum, where as choose } from '../ops/index.ts'; // prettier-ignore
import type { Layer, TensorRecord, Variables } from './layer.ts';
import { layersInside, requireIdle } from './lora.ts';

/** Kernels that can be packed, with the axes whose elements share a scale. */
export type ScaleAxes = Readonly<Record<string, readonly number[]>>;

const namePacked = (name: string): string => `${name}Int8`;
const nameScale = (name: string): string => `${name}Scale`;

/** Whether a path of variables() is that of a packed kernel. */
export const isPackedPath = (path: string): boolean => path.endsWith(namePacked(''));

const shifts = (): Tensor => hostTensor({ shape: [4], dtype: 'u32' }, Uint32Array.of(0, 8, 16, 24));

/** A kernel packed: u32 [..., ceil(last / 4)], and its scale with sizes of 1 for the shared axes. */
export function packKernel(kernel: Tensor, axes: readonly number[]): { readonly packed: Tensor; readonly scale: Tensor } {
  const largest = max(abs(kernel), { axis: axes, keepDims: true });
  const scale = choose(equal(largest, 0), 1, div(largest, 127));
  const whole = add(clip(round(div(kernel, scale)), -127, 127), 128);
  const { shape } = kernel;
  const last = shape[shape.length - 1];
  const words = Math.ceil(last / 4);
  const filled = pad(whole, shape.map((size, axis) => [0, axis === shape.length - 1 ? 4 * words - size : 0] as const)); // prettier-ignore
  const bytes = cast(reshape(filled, [...shape.slice(0, -1), words, 4]), 'u32');
  return { packed: sum(leftShift(bytes, shifts()), { axis: -1 }), scale };
}

/** The floats of packed numbers without their scale: [..., last]. */
export function unpacked(packed: Tensor, last: number): Tensor {
  const { shape } = packed;
  const bytes = bitwiseAnd(rightShift(expandDims(packed, -1), shifts()), 255);
  const flat = reshape(bytes, [...shape.slice(0, -1), 4 * shape[shape.length - 1]]);
  const cut = last === flat.shape[flat.rank - 1] ? flat : slice(flat, flat.shape.map(() => 0), [...shape.slice(0, -1), last]); // prettier-ignore
  return sub(cast(cut, 'f32'), 128);
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
    else values[name] = mul(unpacked(packed, size), scale);
  }
  return { parameters: values, state: rest };
}

export const lastSizes = (parameters: TensorRecord, axes: ScaleAxes): LastSizes =>
  Object.fromEntries(
    Object.keys(axes).flatMap((name) => (name in parameters ? [[name, parameters[name].shape[parameters[name].rank - 1]]] : [])),
  );

/** @throws ArgumentError, before anything changes, for another mode and for layers that cannot be packed now. */
export function quantize(root: Layer, mode: 'int8'): void {
  const where = `${root.name ?? root.kind}.quantize`;
  if ((mode as unknown) !== 'int8') throw new ArgumentError(`${where}: mode is ${shown(mode)}; it must be 'int8'`);
  const targets = layersInside(root).filter(({ layer }) => layer.scaleAxes);
  if (targets.length === 0) {
    throw new ArgumentError(`${where}: no kernel here can be quantized; dense, einsumDense, embedding and attention layers have some`);
  }
  for (const { path, layer } of targets) {
    const refuse = (rule: string): never => {
      throw new ArgumentError(`${where}: '${path}' ${rule}`);
    };
    if (layer.isQuantized) refuse('is quantized');
    if (layer.lora) refuse('has LoRA; call mergeLora() first');
    if (!layer.variables.value) refuse('has no weights; give the first layer an inputShape, or call fit or predict first');
  }
  requireIdle(where, targets);
  for (const { layer } of targets) layer.packKernels();
}
