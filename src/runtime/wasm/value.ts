// A tensor's elements in the memory of the WebAssembly runtime.
import type { TensorType } from '../../graph/op.ts';
import { HeldValue } from '../heldValue.ts';
import type { ValueOwner } from '../runtime.ts';
import type { Block, Heap } from './heap.ts';

export class WasmValue extends HeldValue<Block> {
  private readonly heap: Heap;

  constructor(owner: ValueOwner, heap: Heap, block: Block, type: TensorType, ballast?: ArrayBuffer) {
    super(owner, type, block, { bytes: block.bytes, ballast, free: (held) => heap.release(held) });
    this.heap = heap;
  }

  get block(): Block {
    return this.memory;
  }

  /** A new value that takes over the memory: the result that was computed in place. */
  successor(owner: ValueOwner, type: TensorType): WasmValue {
    return new WasmValue(owner, this.heap, this.giveUp(), type, this.ballast);
  }
}
