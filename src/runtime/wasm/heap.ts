// The memory of the WebAssembly runtime: one linear memory, and the blocks in it.
import { DeviceError } from '../../core/errors.ts';
import type { MemoryInfo } from '../runtime.ts';

const pageBytes = 65536;
/** Addresses are 32-bit. */
const maxPages = 65536;
/** Blocks begin at multiples of a cache line. */
const alignment = 64;
/** Bytes at the start that the threads use. */
const reservedBytes = 4096;
/** Loads may read up to this number of bytes past the last block. */
const slack = 65536;

/** A free range. Ranges are in the order of their addresses and do not touch. */
interface Free {
  address: number;
  bytes: number;
}

export interface Block {
  readonly address: number;
  readonly bytes: number;
}

/** The queue of runs that use the memory. */
export interface RunOrder {
  /** Ticket of the last run that was submitted. */
  readonly submitted: number;
  isDone(ticket: number): boolean;
}

/** A shared memory of up to 4 GiB, or up to 1 GiB if the host reserves no more. Undefined if it gives none. */
function sharedMemory(): WebAssembly.Memory | undefined {
  for (const maximum of [maxPages, maxPages / 4]) {
    try {
      return new WebAssembly.Memory({ initial: 16, maximum, shared: true });
    } catch {
      // The next one is smaller.
    }
  }
  return undefined;
}

export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly isShared: boolean;
  /** Undefined if no run is left when `submit` returns. */
  order: RunOrder | undefined;
  private readonly free: Free[] = [];
  /** Released blocks that queued runs may still use, in the order of their tickets. The host must not write to them. */
  private readonly late: { readonly block: Block; readonly ticket: number }[] = [];
  /** End of the memory that was ever used. */
  private top = reservedBytes;
  private used = 0;
  private peak = 0;
  private count = 0;

  /** Bytes after each block that nothing else uses. Only guard zones need them. */
  private readonly spareBytes: number;

  /** `isShared` makes the memory one that threads share, if the host has such memory. */
  constructor(isShared: boolean, spareBytes = 0) {
    const shared = isShared ? sharedMemory() : undefined;
    this.isShared = shared !== undefined;
    this.memory = shared ?? new WebAssembly.Memory({ initial: 16, maximum: maxPages });
    this.spareBytes = spareBytes;
  }

  /** Takes the smallest free range that is large enough. @throws DeviceError if the memory cannot grow. */
  take(wanted: number): Block {
    this.freeLate();
    const bytes = Math.max(alignment, Math.ceil((wanted + this.spareBytes) / alignment) * alignment);
    let best = -1;
    this.free.forEach((range, i) => {
      if (range.bytes >= bytes && (best < 0 || range.bytes < this.free[best].bytes)) best = i;
    });
    let address: number;
    if (best >= 0) {
      const range = this.free[best];
      ({ address } = range);
      range.address += bytes;
      range.bytes -= bytes;
      if (range.bytes === 0) this.free.splice(best, 1);
    } else {
      address = Math.ceil(this.top / alignment) * alignment;
      this.grow(address + bytes);
      this.top = address + bytes;
    }
    this.used += bytes;
    this.count++;
    this.peak = Math.max(this.peak, this.used);
    return { address, bytes };
  }

  /** Frees a block as soon as the runs that were submitted before are done. */
  release(block: Block): void {
    this.used -= block.bytes;
    this.count--;
    const { order } = this;
    if (order && !order.isDone(order.submitted)) this.late.push({ block, ticket: order.submitted });
    else this.insert(block);
  }

  private freeLate(): void {
    if (this.late.length === 0) return;
    const waiting = this.late.findIndex(({ ticket }) => !this.order!.isDone(ticket));
    for (const { block } of this.late.splice(0, waiting < 0 ? this.late.length : waiting)) this.insert(block);
  }

  private insert({ address, bytes }: Block): void {
    let at = this.free.findIndex((range) => range.address > address);
    if (at < 0) at = this.free.length;
    const before = this.free[at - 1] as Free | undefined;
    const after = this.free[at] as Free | undefined;
    const joinsBefore = before && before.address + before.bytes === address;
    const joinsAfter = after && address + bytes === after.address;
    if (joinsBefore && joinsAfter) {
      before.bytes += bytes + after.bytes;
      this.free.splice(at, 1);
    } else if (joinsBefore) before.bytes += bytes;
    else if (joinsAfter) {
      after.address = address;
      after.bytes += bytes;
    } else this.free.splice(at, 0, { address, bytes });
    const last = this.free.at(-1);
    if (last && last.address + last.bytes === this.top) {
      this.top = last.address;
      this.free.pop();
    }
  }

  /** The bytes of the memory. Growing replaces the buffer, so it is not kept. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer);
  }

  get words(): Int32Array {
    return new Int32Array(this.memory.buffer);
  }

  info(): MemoryInfo {
    return { bytes: this.used, buffers: this.count, peakBytes: this.peak };
  }

  private grow(end: number): void {
    const pages = Math.ceil((end + slack) / pageBytes);
    const present = this.memory.buffer.byteLength / pageBytes;
    if (pages <= present) return;
    // A quarter more than is needed now, so that few steps grow it.
    const wanted = Math.min(maxPages, Math.max(pages, Math.ceil(present * 1.25)));
    for (const target of new Set([wanted, pages])) {
      try {
        if (target < pages || target > maxPages) continue;
        this.memory.grow(target - present);
        return;
      } catch {
        // The next target is smaller.
      }
    }
    throw new DeviceError(
      `wasm: ${this.used} bytes are in use, and the memory cannot grow to ${end} bytes (at most 4 GiB); use a smaller batch or model, or dispose of tensors`,
    );
  }
}
