// GPU memory: pooled buffers, the values that own them, and the scratch arenas that all programs of a device share. Nobody calls dispose:
// a value that is no longer reachable gives its buffer back to the pool.
import { DeviceError } from '../../core/errors.ts';
import type { TensorType } from '../../graph/op.ts';
import type { DeviceValue } from '../../graph/tensor.ts';
import { formatShape } from '../../core/shape.ts';
import type { MemoryInfo } from '../runtime.ts';
import { debug } from './debug.ts';
import { bufferUsage } from './usage.ts';

/** Sizes that buffers are made in: powers of two while small, then sixteenths of one, so that pooled buffers fit again. */
export function sizeClass(bytes: number): number {
  const power = 2 ** Math.ceil(Math.log2(Math.max(bytes, 256)));
  if (power <= 2 ** 16) return power;
  const step = power / 16;
  return Math.ceil(bytes / step) * step;
}

/** Where a value lies. */
export interface Room {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  /** Other values lie in the same buffer: no kernel may bind it. */
  readonly isShared: boolean;
  /** Lets others have it. */
  giveBack(): void;
  /** Gives it up for good: the device could not make its buffer. */
  discard(): void;
}

/** Bytes that may wait in the pool unused, beyond a quarter of what is in use. */
const idleAllowance = 64 * 2 ** 20;

export class BufferPool {
  private readonly free = new Map<number, GPUBuffer[]>();
  private idleBytes = 0;
  private usedBytes = 0;
  private peak = 0;
  private count = 0;
  private readonly unverified: { readonly size: number; readonly error: Promise<GPUError | null> }[] = [];
  private readonly device: GPUDevice;
  /** The largest buffer that the device makes. */
  readonly maxBytes: number;

  constructor(device: GPUDevice) {
    this.device = device;
    this.maxBytes = device.limits.maxBufferSize;
  }

  /** What a buffer for so many bytes is made in: rounding up must not carry what fits beyond the limit. */
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

  /** A buffer of its own for a value. */
  room(bytes: number): Room {
    return this.roomIn(this.acquire(bytes));
  }

  /** A buffer that was acquired, as the place of a value. */
  roomIn(buffer: GPUBuffer): Room {
    return { buffer, offset: 0, isShared: false, giveBack: () => this.release(buffer), discard: () => this.destroy(buffer) };
  }

  release(buffer: GPUBuffer): void {
    this.usedBytes -= buffer.size;
    const list = this.free.get(buffer.size) ?? [];
    list.push(buffer);
    this.free.set(buffer.size, list);
    this.idleBytes += buffer.size;
    if (this.idleBytes > idleAllowance + this.usedBytes / 4) this.trim();
  }

  /** A buffer outside of the pool, counted with the rest; give it back with destroy(). Whether there was memory for it, verify() tells. */
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

  /** Destroys what waits unused. */
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

/** What stands behind a GpuValue; the finalizer holds this, never the value. */
interface Held {
  room: Room | undefined;
  /** Runs and readings that are queued and still need the memory. */
  pins: number;
  /** Given back by its owner while pinned: the last pin does it. */
  isDue: boolean;
}

const finalizer = new FinalizationRegistry<Held>(giveBack);

function giveBack(held: Held): void {
  held.room?.giveBack();
  held.room = undefined;
}

/** The collector sees only the JavaScript heap; memory it should know of is shown to it as an untouched array of the same size (a quarter was enough
 * for V8, not for SpiderMonkey: 3,000 results of 256 KiB, dropped, peaked at 361 MiB with a quarter and 108 with the whole). */
const ballastShare = 1;
const ballastThreshold = 64 * 1024;

/** A tensor's elements in GPU memory. */
export class GpuValue implements DeviceValue {
  readonly kind = 'device';
  readonly device: object;
  readonly deviceName: string;
  readonly type: TensorType;
  private readonly held: Held;
  /** Never read: its size tells the garbage collector what dropping this value frees. */
  readonly ballast: ArrayBuffer | undefined;
  /** A kernel has read it before. */
  wasRead = false;

  constructor(runtime: { readonly name: string }, room: Room, type: TensorType, ballast?: ArrayBuffer) {
    this.device = runtime;
    this.deviceName = runtime.name;
    this.type = type;
    this.held = { room, pins: 0, isDue: false };
    const bytes = room.isShared ? 0 : room.buffer.size;
    this.ballast = ballast ?? (bytes >= ballastThreshold ? new ArrayBuffer(bytes * ballastShare) : undefined);
    finalizer.register(this, this.held, this);
  }

  get room(): Room {
    if (!this.held.room)
      throw new DeviceError(`webgpu: the memory of a tensor of shape ${formatShape(this.type.shape)} was given back already`);
    return this.held.room;
  }

  /** From now on the elements lie elsewhere, where they were copied to. */
  moveTo(room: Room): void {
    this.room.giveBack();
    this.held.room = room;
  }

  release(): void {
    finalizer.unregister(this);
    if (this.held.pins > 0) this.held.isDue = true;
    else giveBack(this.held);
  }

  pin(): void {
    this.held.pins++;
  }

  unpin(): void {
    this.held.pins--;
    if (this.held.isDue && this.held.pins === 0) giveBack(this.held);
  }

  /** Hands the memory over to a new value: the result that was computed in its place. */
  successor(runtime: { readonly name: string }, type: TensorType): GpuValue {
    const { room } = this;
    finalizer.unregister(this);
    this.held.room = undefined;
    return new GpuValue(runtime, room, type, this.ballast);
  }
}

/** Scratch arenas: one set for all programs of a device, grown to the largest need. Programs run one after another on the queue. */
export class Scratch {
  readonly buffers: (GPUBuffer | undefined)[] = [];
  /** Rises when a buffer was replaced: bind groups made before are stale. */
  generation = 0;
  private readonly pool: BufferPool;

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  /** Forgets every buffer: after one could not be made, none can be told good. */
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
