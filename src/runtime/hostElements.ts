// Elements on the host, and as kernels read them: bool is stored as u32, f16 as packed halves, everything else as it is.
import type { Dtype, HostArray } from '../core/dtype.ts';
import { DeviceError } from '../core/errors.ts';
import { formatShape, sizeOf } from '../core/shape.ts';
import type { TensorType } from '../graph/op.ts';

/** The bytes of host elements as kernels read them. @throws DeviceError if their number is not that of the type. */
export function bytesOf(device: string, data: HostArray, { shape, dtype }: TensorType): Uint8Array<ArrayBuffer> {
  if (data.length !== sizeOf(shape))
    throw new DeviceError(`${device}: ${data.length} elements for a tensor of shape ${formatShape(shape)}`);
  const stored = storedElements(data, dtype);
  return new Uint8Array(stored.buffer as ArrayBuffer, stored.byteOffset, stored.byteLength);
}

/** Elements as kernels read them. */
export function storedElements(data: HostArray, dtype: Dtype): Exclude<HostArray, Float64Array> | Uint16Array {
  if (dtype === 'bool') return Uint32Array.from(data);
  if (dtype === 'f16') return toHalves(data);
  return data instanceof Float64Array ? Float32Array.from(data) : data;
}

/** Packs numbers as half-precision bits, padded to whole words. */
function toHalves(data: HostArray): Uint16Array {
  const out = new Uint16Array(Math.ceil(data.length / 2) * 2);
  const view = new DataView(new ArrayBuffer(4));
  for (let i = 0; i < data.length; i++) {
    // The value is one that half precision holds exactly (it was rounded when it was made), so the bits need only be moved.
    view.setFloat32(0, data[i]);
    const bits = view.getUint32(0);
    const sign = (bits >>> 16) & 0x8000;
    const exponent = (bits >>> 23) & 0xff;
    const mantissa = bits & 0x7fffff;
    if (exponent === 0xff) out[i] = sign | 0x7c00 | (mantissa ? 0x200 : 0);
    else if (exponent >= 113) out[i] = sign | ((exponent - 112) << 10) | (mantissa >>> 13);
    else out[i] = exponent < 103 ? sign : sign | ((mantissa | 0x800000) >>> (126 - exponent));
  }
  return out;
}

/** Half-precision bits as numbers. */
function fromHalves(bits: Uint16Array, count: number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const exponent = (bits[i] >>> 10) & 0x1f;
    const mantissa = bits[i] & 0x3ff;
    const sign = bits[i] & 0x8000 ? -1 : 1;
    if (exponent === 31) out[i] = mantissa ? NaN : sign * Infinity;
    else out[i] = sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
  }
  return out;
}

/** Elements from the bytes of a buffer; the result owns its memory. */
export function readHost(bytes: ArrayBuffer, offset: number, { shape, dtype }: TensorType): HostArray {
  const size = sizeOf(shape);
  switch (dtype) {
    case 'f32':
      return new Float32Array(bytes, offset, size).slice();
    case 'i32':
      return new Int32Array(bytes, offset, size).slice();
    case 'u32':
      return new Uint32Array(bytes, offset, size).slice();
    case 'bool':
      return Uint8Array.from(new Uint32Array(bytes, offset, size));
    case 'f16':
      return fromHalves(new Uint16Array(bytes, offset, size), size);
    default:
      return dtype satisfies never;
  }
}
