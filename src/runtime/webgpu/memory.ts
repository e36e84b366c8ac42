// GPU memory: pooled buffers, the values that own them, and the scratch arenas that all programs of a device share. The user need not call
// dispose: when the garbage collector finds a value, its buffer goes back to the pool.
import { DeviceError } from '../../core/errors.ts';
import type { TensorType } from '../../graph/op.ts';
import { HeldValue } from '../heldValue.ts';
import type { MemoryInfo, ValueOwner } from '../runtime.ts';
import { debug } from '../debug.ts';
import { bufferUsage } from './usage.ts';

/** Rounds up to a size of pooled buffers: a power of two up to 64 KiB, above it a multiple of 1/16 of the next power of two. */
export function sizeClass(bytes: number): number {
  const power = 2 ** Math.ceil(Math.log2(Math.max(bytes, 256)));
  if (power <= 2 ** 16) return power;
  const step = power / 16;
  return Math.ceil(bytes / step) * step;
}

/** The memory of a value: a whole buffer, or a part of one. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  /** The buffer has other values too, so no kernel may bind it. */
  readonly isShared: boolean;
  /** Makes the memory free for other values. */
  release(): void;
  /** Like release(), but a whole buffer is destroyed: the device may have failed to create it. */
  discard(): void;
}

/** Unused bytes that the pool may keep, in addition to a quarter of the bytes in use. */
const idleAllowance = 64 * 2 ** 20;

export class BufferPool {
  private readonly free = new Map<number, GPUBuffer[]>();
  private idleBytes = 0;
  private usedBytes = 0;
  private peak = 0;
  private count = 0;
  private readonly unverified: { readonly size: number; readonly error: Promise<GPUError | null> }[] = [];
  private readonly device: GPUDevice;
  /** Bytes of the largest buffer that the device can create. */
  readonly maxBytes: number;

  constructor(device: GPUDevice) {
    this.device = device;
    this.maxBytes = device.limits.maxBufferSize;
  }

  /** Size of the buffer for this many bytes. Rounding up must not exceed the device's limit. */
  sizeFor(bytes: number): number {
    return Math.max(bytes, Math.min(sizeClass(bytes + debug.guardBytes), this.maxBytes));
  }

  acquire(bytes: number): GPUBuffer {
    const size = this.sizeFor(bytes);
    const waiting = this.free.get(size)?.pop();
    if (waiting) {
      this.idleBytes -= size;
      this.usedBytes += size;
      return waiting;
    }
    return this.create(size, bufferUsage.values);
  }

  /** A whole buffer for one value. */
  range(bytes: number): BufferRange {
    return this.wholeBuffer(this.acquire(bytes));
  }

  /** An acquired buffer as the memory of a value. */
  wholeBuffer(buffer: GPUBuffer): BufferRange {
    return { buffer, offset: 0, isShared: false, release: () => this.release(buffer), discard: () => this.destroy(buffer) };
  }

  release(buffer: GPUBuffer): void {
    this.usedBytes -= buffer.size;
    const list = this.free.get(buffer.size) ?? [];
    list.push(buffer);
    this.free.set(buffer.size, list);
    this.idleBytes += buffer.size;
    if (this.idleBytes > idleAllowance + this.usedBytes / 4) this.trim();
  }

  /** Creates a buffer outside of the pool, which counts in info(). End it with destroy(). verify() reports whether there was memory for it. */
  create(size: number, usage: number): GPUBuffer {
    if (size > this.maxBytes) {
      throw new DeviceError(
        `webgpu: a buffer of ${size} bytes is beyond the device's limit of ${this.maxBytes} (maxBufferSize); use a smaller batch or model`,
      );
    }
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({ size, usage });
    // A lost device may reject; device.lost reports that.
    this.unverified.push({ size, error: this.device.popErrorScope().catch(() => null) });
    this.count++;
    this.usedBytes += size;
    this.peak = Math.max(this.peak, this.usedBytes + this.idleBytes);
    return buffer;
  }

  get hasUnverified(): boolean {
    return this.unverified.length > 0;
  }

  /** @throws DeviceError when the device had no memory for a buffer created since the last call. */
  async verify(what: string): Promise<void> {
    const created = this.unverified.splice(0);
    const errors = await Promise.all(created.map(({ error }) => error));
    const failed = errors.findIndex((error) => error !== null);
    if (failed < 0) return;
    throw new DeviceError(
      `webgpu: out of memory: ${what} needs a buffer of ${created[failed].size} bytes while ${this.usedBytes} bytes are in use; use a smaller batch or model, or drop results that are no longer needed`,
    );
  }

  destroy(buffer: GPUBuffer): void {
    this.count--;
    this.usedBytes -= buffer.size;
    buffer.destroy();
  }

  /** Destroys all unused buffers. */
  trim(): void {
    for (const list of this.free.values()) {
      for (const buffer of list.splice(0)) {
        this.idleBytes -= buffer.size;
        this.count--;
        buffer.destroy();
      }
    }
  }

  info(): MemoryInfo {
    return { bytes: this.usedBytes + this.idleBytes, buffers: this.count, peakBytes: this.peak };
  }
}

/** A tensor's elements in GPU memory. */
export class GpuValue extends HeldValue<BufferRange> {
  /** A kernel has read it before. */
  wasRead = false;

  constructor(owner: ValueOwner, range: BufferRange, type: TensorType, ballast?: ArrayBuffer) {
    super(owner, type, range, { bytes: range.isShared ? 0 : range.buffer.size, ballast, free: (held) => held.release() });
  }

  get range(): BufferRange {
    return this.memory;
  }

  /** Changes the memory to a range to which the elements were copied. */
  moveTo(range: BufferRange): void {
    this.range.release();
    this.memory = range;
  }

  /** A new value that takes over the memory: the result that was computed in place. */
  successor(owner: ValueOwner, type: TensorType): GpuValue {
    return new GpuValue(owner, this.giveUp(), type, this.ballast);
  }
}

/** Scratch arenas: one set for all programs of a device, grown to the largest need. Programs run one after another on the queue. */
export class Scratch {
  readonly buffers: (GPUBuffer | undefined)[] = [];
  /** Increases when a buffer is replaced: older bind groups are then invalid. */
  generation = 0;
  private readonly pool: BufferPool;

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  /** Drops all buffers. After a failed allocation it is unknown which ones are valid. */
  drop(): void {
    for (const buffer of this.buffers.splice(0)) if (buffer) this.pool.destroy(buffer);
    this.generation++;
  }

  ensure(arenas: readonly number[]): void {
    arenas.forEach((bytes, i) => {
      const old = this.buffers[i];
      if (old && old.size >= bytes) return;
      this.buffers[i] = this.pool.create(this.pool.sizeFor(bytes), bufferUsage.values);
      // Submitted work keeps the old buffer alive until it is done.
      if (old) this.pool.destroy(old);
      this.generation++;
    });
  }
}
