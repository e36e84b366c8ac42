// Small results share a few buffers. A step's loss is four bytes, and each step makes a new one, because the last one may still be read; what was
// dropped comes back only when the garbage collector has found it. With a buffer for each, a step would go on making buffers; of a page that is
// there from the first result on, it takes the next piece. WebGPU does not let one buffer be read and written by the same dispatch: a kernel never
// binds a page, a value that is read by one is copied out first.
import type { BufferPool, Room } from './memory.ts';
import { bufferUsage } from './usage.ts';

/** Bytes of the largest result that shares a buffer. */
const mostBytes = 256;
/** Bytes of the smallest piece: one number. */
const leastBytes = 4;
/** Bytes of a page: 65,536 losses that nobody has collected yet. */
const pageBytes = 2 ** 18;

interface Page {
  readonly buffer: GPUBuffer;
  /** Bytes handed out so far from its start; what came back lies in the lists of free pieces. */
  filled: number;
  /** Pieces in use. */
  used: number;
}

/** A piece of a page. */
class Piece implements Room {
  readonly isShared = true;
  readonly offset: number;
  readonly size: number;
  readonly page: Page;
  private readonly pages: Pages;

  constructor(pages: Pages, page: Page, offset: number, size: number) {
    this.pages = pages;
    this.page = page;
    this.offset = offset;
    this.size = size;
  }

  get buffer(): GPUBuffer {
    return this.page.buffer;
  }

  giveBack(): void {
    this.pages.release(this);
  }

  discard(): void {
    this.pages.release(this);
  }
}

export class Pages {
  private readonly pool: BufferPool;
  private readonly pages: Page[] = [];
  /** Pieces that came back, by their size. */
  private readonly free = new Map<number, Piece[]>();

  constructor(pool: BufferPool) {
    this.pool = pool;
  }

  /** Room for a result: a piece of a page, or a buffer of its own where it is not small. */
  take(bytes: number): Room {
    if (bytes > mostBytes) return this.pool.room(bytes);
    let size = leastBytes;
    while (size < bytes) size *= 2;
    const piece = this.free.get(size)?.pop() ?? this.cut(size);
    piece.page.used++;
    return piece;
  }

  private cut(size: number): Piece {
    let page = this.pages.at(-1);
    if (!page || page.filled + size > pageBytes) {
      page = { buffer: this.pool.create(this.pool.sizeFor(pageBytes), bufferUsage.values), filled: 0, used: 0 };
      this.pages.push(page);
    }
    const piece = new Piece(this, page, page.filled, size);
    page.filled += size;
    return piece;
  }

  release(piece: Piece): void {
    piece.page.used--;
    const pieces = this.free.get(piece.size);
    if (pieces) pieces.push(piece);
    else this.free.set(piece.size, [piece]);
  }

  /** Destroys pages that hold nothing: when memory runs out, or where one could not be made. */
  trim(): void {
    const empty = new Set(this.pages.filter(({ used }) => used === 0));
    for (const [size, pieces] of this.free) {
      this.free.set(
        size,
        pieces.filter(({ page }) => !empty.has(page)),
      );
    }
    const kept = this.pages.filter((page) => !empty.has(page));
    this.pages.splice(0, this.pages.length, ...kept);
    for (const { buffer } of empty) this.pool.destroy(buffer);
  }
}
