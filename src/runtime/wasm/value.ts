// A tensor's elements in the memory of the WebAssembly runtime.
import { DeviceError } from '../../core/errors.ts';
import { formatShape } from '../../core/shape.ts';
import type { TensorType } from '../../graph/op.ts';
import type { DeviceValue } from '../../graph/tensor.ts';
import type { ValueOwner } from '../runtime.ts';
import type { Block, Heap } from './heap.ts';

/** The state of a value. The finalizer keeps this object, never the value itself. */
interface Held {
  readonly heap: Heap;
  block: Block | undefined;
  /** Number of queued runs and reads that still need the memory. */
  pins: number;
  /** The owner released it while it was pinned. */
  isDue: boolean;
}

function free(held: Held): void {
  if (held.block) held.heap.release(held.block);
  held.block = undefined;
}

const finalizer = new FinalizationRegistry<Held>(free);

/** The garbage collector sees only the JavaScript heap: each large value holds an unused array of its size. */
const ballastThreshold = 64 * 1024;

export class WasmValue implements DeviceValue {
  readonly kind = 'device';
  readonly device: object;
  readonly deviceName: string;
  readonly type: TensorType;
  readonly ballast: ArrayBuffer | undefined;
  private readonly held: Held;

  constructor(owner: ValueOwner, heap: Heap, block: Block, type: TensorType, ballast?: ArrayBuffer) {
    this.device = owner;
    this.deviceName = owner.name;
    this.type = type;
    this.held = { heap, block, pins: 0, isDue: false };
    this.ballast = ballast ?? (block.bytes >= ballastThreshold ? new ArrayBuffer(block.bytes) : undefined);
    finalizer.register(this, this.held, this);
  }

  get block(): Block {
    if (!this.held.block) {
      throw new DeviceError(`wasm: the memory of a tensor of shape ${formatShape(this.type.shape)} was given back already`);
    }
    return this.held.block;
  }

  release(): void {
    finalizer.unregister(this);
    if (this.held.pins > 0) this.held.isDue = true;
    else free(this.held);
  }

  pin(): void {
    this.held.pins++;
  }

  unpin(): void {
    this.held.pins--;
    if (this.held.isDue && this.held.pins === 0) free(this.held);
  }

  /** A new value that takes over the memory: the result that was computed in place. */
  successor(owner: ValueOwner, type: TensorType): WasmValue {
    const { block } = this;
    finalizer.unregister(this);
    this.held.block = undefined;
    return new WasmValue(owner, this.held.heap, block, type, this.ballast);
  }
}
