// Uniforms and scalars of programs share a few buffers: a program has some hundred bytes of them, and a device may keep hundreds of programs.
// The shared pages are kept for the device's life, also when all of their segments are free. A free segment is used again for its size class only.
// The memory is therefore bounded by the peak use of each size class, added over the classes, plus at most 16 KiB of unused rest a page.
import type { BufferPool } from './memory.ts';
import { bufferUsage } from './usage.ts';

/** Offsets of bindings are multiples of it. */
const alignment = 256;
/** Bytes of a shared buffer. */
const pageBytes = 2 ** 16;
/** Bytes of the largest segment that shares a buffer. */
const mostBytes = pageBytes / 4;

/** A range of a buffer that kernels only read. */
export interface Segment {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

export class Segments {
  private readonly pool: BufferPool;
  private page: GPUBuffer | undefined;
  /** Bytes of the newest page handed out so far. */
  private filled = 0;
  private readonly free = new Map<number, Segment[]>();

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  /** Room for so many bytes: a power of two, so that what comes back fits again. */
  take(bytes: number): Segment {
    let size = alignment;
    while (size < bytes) size *= 2;
    return this.free.get(size)?.pop() ?? this.cut(size);
  }

  private cut(size: number): Segment {
    if (size > mostBytes) return { buffer: this.create(size), offset: 0, size };
    if (!this.page || this.filled + size > this.page.size) {
      this.page = this.create(Math.max(size, Math.min(pageBytes, this.pool.maxBytes)));
      this.filled = 0;
    }
    const segment = { buffer: this.page, offset: this.filled, size };
    this.filled += size;
    return segment;
  }

  private create(size: number): GPUBuffer {
    return this.pool.create(size, bufferUsage.uniforms);
  }

  /** Lets others have it. Work that is submitted has read it before they write: the queue runs in order. */
  release(segment: Segment): void {
    if (segment.size > mostBytes) {
      this.pool.destroy(segment.buffer);
      return;
    }
    const free = this.free.get(segment.size);
    if (free) free.push(segment);
    else this.free.set(segment.size, [segment]);
  }
}
