// Small results share buffers of 256 KiB, called slabs. A step's loss has four bytes, and each step makes a new one, because a caller may still
// read the last one. The garbage collector finds dropped results late. With one buffer for each result a step would keep creating buffers.
// WebGPU does not let one dispatch read and write the same buffer. A kernel therefore never binds a slab: its operands are copied out first.
import type { BufferPool, BufferRange } from './memory.ts';
import { bufferUsage } from './usage.ts';

/** Bytes of the largest result that shares a buffer. */
const maxBytes = 256;
/** Bytes of the smallest piece: one number. */
const minBytes = 4;
/** Bytes of a slab: 65,536 losses that the garbage collector has not found yet. */
const slabBytes = 2 ** 18;

interface Slab {
  readonly buffer: GPUBuffer;
  /** Bytes handed out so far from the start. Released pieces are in the lists of free pieces. */
  filled: number;
  /** Pieces in use. */
  used: number;
}

/** A piece of a slab. */
class Piece implements BufferRange {
  readonly isShared = true;
  readonly offset: number;
  readonly size: number;
  readonly slab: Slab;
  private readonly slabs: Slabs;

  constructor(slabs: Slabs, slab: Slab, offset: number, size: number) {
    this.slabs = slabs;
    this.slab = slab;
    this.offset = offset;
    this.size = size;
  }

  get buffer(): GPUBuffer {
    return this.slab.buffer;
  }

  release(): void {
    this.slabs.release(this);
  }

  discard(): void {
    this.slabs.release(this);
  }
}

export class Slabs {
  private readonly pool: BufferPool;
  private readonly slabs: Slab[] = [];
  /** Released pieces by size. */
  private readonly free = new Map<number, Piece[]>();

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  /** Memory for a result: a piece of a slab if it is small, else a whole buffer. */
  take(bytes: number): BufferRange {
    if (bytes > maxBytes) return this.pool.range(bytes);
    let size = minBytes;
    while (size < bytes) size *= 2;
    const piece = this.free.get(size)?.pop() ?? this.cut(size);
    piece.slab.used++;
    return piece;
  }

  private cut(size: number): Piece {
    let slab = this.slabs.at(-1);
    if (!slab || slab.filled + size > slabBytes) {
      slab = { buffer: this.pool.create(this.pool.sizeFor(slabBytes), bufferUsage.values), filled: 0, used: 0 };
      this.slabs.push(slab);
    }
    const piece = new Piece(this, slab, slab.filled, size);
    slab.filled += size;
    return piece;
  }

  release(piece: Piece): void {
    piece.slab.used--;
    const pieces = this.free.get(piece.size);
    if (pieces) pieces.push(piece);
    else this.free.set(piece.size, [piece]);
  }

  /** Destroys slabs without pieces in use: when memory runs out, or after a slab could not be made. */
  trim(): void {
    const empty = new Set(this.slabs.filter(({ used }) => used === 0));
    for (const [size, pieces] of this.free) {
      this.free.set(
        size,
        pieces.filter(({ slab }) => !empty.has(slab)),
      );
    }
    const kept = this.slabs.filter((slab) => !empty.has(slab));
    this.slabs.splice(0, this.slabs.length, ...kept);
    for (const { buffer } of empty) this.pool.destroy(buffer);
  }
}
