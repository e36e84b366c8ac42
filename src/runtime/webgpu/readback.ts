// Reads values back to the host: one copy and one map for many values.
import { type HostArray, storedBytes } from '../../core/dtype.ts';
import { DeviceError } from '../../core/errors.ts';
import { HostValue } from '../../graph/tensor.ts';
import type { TypedValue } from '../runtime.ts';
import type { GpuContext } from './context.ts';
import { GpuValue } from './memory.ts';
import { awaitDevice } from './prompting.ts';
import { readHost } from '../hostElements.ts';
import { bufferUsage, mapForReading } from './usage.ts';

export class Readback {
  private readonly context: GpuContext;
  /** Unused staging buffers by size. */
  private readonly staging = new Map<number, GPUBuffer[]>();

  constructor(context: GpuContext) {
    this.context = context;
  }

  /** Reads values with one copy and one map, or as few as the largest buffer allows. */
  async read(values: readonly TypedValue[]): Promise<HostArray[]> {
    if (this.context.isBroken) await this.context.requireAlive();
    const parts: TypedValue[][] = [];
    let left = 0;
    for (const value of values) {
      const bytes = bytesRead(value);
      if (parts.length > 0 && bytes <= left) parts[parts.length - 1].push(value);
      else {
        parts.push([value]);
        left = this.context.pool.maxBytes;
      }
      left -= bytes;
    }
    // All copies are submitted before the first await, so later runs cannot change the values.
    return (await Promise.all(parts.map((part) => this.readTogether(part)))).flat();
  }

  private async readTogether(values: readonly TypedValue[]): Promise<HostArray[]> {
    let bytes = 0;
    const offsets = values.map((value) => {
      const offset = bytes;
      bytes += bytesRead(value);
      return offset;
    });
    const mapped = bytes > 0 ? await this.copyOut(values, offsets, bytes) : new ArrayBuffer(0);
    return values.map(({ value, type }, i) => (value instanceof HostValue ? value.data.slice() : readHost(mapped, offsets[i], type)));
  }

  private async copyOut(values: readonly TypedValue[], offsets: readonly number[], bytes: number): Promise<ArrayBuffer> {
    const { device, pool } = this.context;
    const size = pool.sizeFor(bytes);
    const staging = this.staging.get(size)?.pop() ?? pool.create(size, bufferUsage.readback);
    const encoder = device.createCommandEncoder({ label: 'read' });
    values.forEach(({ value, type }, i) => {
      const length = storedBytes(type);
      if (value instanceof GpuValue && length > 0)
        encoder.copyBufferToBuffer(value.range.buffer, value.range.offset, staging, offsets[i], length);
    });
    device.queue.submit([encoder.finish()]);
    try {
      await awaitDevice(device, staging.mapAsync(mapForReading, 0, bytes));
    } catch (error) {
      // A lost device rejects the map first and reports the loss a moment later.
      await this.context.awaitLoss();
      this.context.assertAlive();
      throw new DeviceError(`webgpu: reading values back failed: ${String(error)}`);
    }
    const copy = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    this.staging.set(size, [...(this.staging.get(size) ?? []), staging]);
    await this.context.requireAlive();
    return copy;
  }
}

/** Bytes that a value takes in a staging buffer. A multiple of 8, so that any typed array may begin there. */
const bytesRead = ({ value, type }: TypedValue): number => (value instanceof GpuValue ? Math.ceil(storedBytes(type) / 8) * 8 : 0);
