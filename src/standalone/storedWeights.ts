// Tensors with values that the programs of a module read: one file, and their places in buffers of the device.
import { type HostArray, storedBytes } from '../core/dtype.ts';
import type { TensorType } from '../graph/op.ts';
import type { Tensor } from '../graph/tensor.ts';
import { storedElements } from '../runtime/hostElements.ts';
import type { WeightData } from './moduleData.ts';

/** Bind offsets are multiples of it. */
const alignment = 256;
/** Bytes of the largest buffer that every device makes. A larger tensor has a buffer of its own. */
export const commonBufferBytes = 2 ** 28;
/** Constants up to this size are stored once if they are equal. Each program makes its own tensors of them. */
const sharedBytes = 4096;

export interface WeightFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly weights: readonly WeightData[];
  /** Bytes of each buffer. */
  readonly buffers: readonly number[];
}

export class StoredWeights {
  private readonly numbers = new Map<Tensor, number>();
  private readonly equal = new Map<string, number>();
  private readonly stored: Uint8Array[] = [];

  /** The number of a tensor. Its value is read at the first call. */
  async add(tensor: Tensor): Promise<number> {
    const known = this.numbers.get(tensor);
    if (known !== undefined) return known;
    const bytes = bytesOf(await tensor.data(), tensor);
    const key = bytes.length <= sharedBytes ? bytes.join() : undefined;
    const number = (key === undefined ? undefined : this.equal.get(key)) ?? this.stored.push(bytes) - 1;
    if (key !== undefined) this.equal.set(key, number);
    this.numbers.set(tensor, number);
    return number;
  }

  /** All tensors as one file. */
  file(): WeightFile {
    const bytes = new Uint8Array(this.stored.reduce((sum, { length }) => sum + length, 0));
    const buffers: number[] = [];
    let fileOffset = 0;
    const weights = this.stored.map((stored): WeightData => {
      bytes.set(stored, fileOffset);
      // Kernels bind at least 16 bytes.
      const size = Math.ceil(Math.max(16, stored.length) / alignment) * alignment;
      const last = buffers.length - 1;
      if (last < 0 || buffers[last] + size > commonBufferBytes) buffers.push(0);
      const buffer = buffers.length - 1;
      const offset = buffers[buffer];
      buffers[buffer] += size;
      fileOffset += stored.length;
      return [buffer, offset, fileOffset - stored.length, stored.length];
    });
    return { bytes, weights, buffers };
  }
}

function bytesOf(data: HostArray, type: TensorType): Uint8Array {
  const elements = storedElements(data, type.dtype);
  return new Uint8Array(elements.buffer, elements.byteOffset, storedBytes(type));
}
