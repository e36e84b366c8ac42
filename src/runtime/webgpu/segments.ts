// Uniforms and scalars of programs share a few buffers: a program has some hundred bytes of them, and a device may keep hundreds of programs.
// The shared buffers are kept until the device is closed, also when all of their segments are free. A free segment serves its size class only.
// The memory is therefore at most the peak use of each size class, added over the classes, plus 16 KiB of unused rest in each buffer.
import type { BufferPool } from './memory.ts';
import { bufferUsage } from './usage.ts';

/** Offsets of bindings are multiples of it. */
const alignment = 256;
/** Bytes of a shared buffer. */
const bufferBytes = 2 ** 16;
/** Bytes of the largest segment that shares a buffer. */
const maxBytes = bufferBytes / 4;

/** A range of a buffer that kernels only read. */
export interface Segment {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

export class Segments {
  private readonly pool: BufferPool;
  /** The newest shared buffer. */
  private newest: GPUBuffer | undefined;
  /** Bytes of the newest buffer handed out so far. */
  private filled = 0;
  private readonly free = new Map<number, Segment[]>();

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  /** A segment of at least this many bytes. Its size is a power of two, so that a released segment fits again. */
  take(bytes: number): Segment {
    let size = alignment;
    while (size < bytes) size *= 2;
    return this.free.get(size)?.pop() ?? this.cut(size);
  }

  private cut(size: number): Segment {
    if (size > maxBytes) return { buffer: this.create(size), offset: 0, size };
    if (!this.newest || this.filled + size > this.newest.size) {
      this.newest = this.create(Math.max(size, Math.min(bufferBytes, this.pool.maxBytes)));
      this.filled = 0;
    }
    const segment = { buffer: this.newest, offset: this.filled, size };
    this.filled += size;
    return segment;
  }

  private create(size: number): GPUBuffer {
    return this.pool.create(size, bufferUsage.uniforms);
  }

  /** Makes a segment free again. Submitted work reads it before later writes, because the queue runs in order. */
  release(segment: Segment): void {
    if (segment.size > maxBytes) {
      this.pool.destroy(segment.buffer);
      return;
    }
    const free = this.free.get(segment.size);
    if (free) free.push(segment);
    else this.free.set(segment.size, [segment]);
  }
}
