// A tensor's elements in the memory of a device: it is freed when its owner releases it, or when the garbage collector finds the value.
import { DeviceError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import type { TensorType } from '../graph/op.ts';
import type { DeviceValue } from '../graph/tensor.ts';
import type { ValueOwner } from './runtime.ts';

/** The state of a value. The finalizer keeps this object, never the value itself. */
interface Held<Memory> {
  memory: Memory | undefined;
  /** It must not refer to the value. */
  readonly free: (memory: Memory) => void;
  /** Number of queued runs and reads that still need the memory. */
  pins: number;
  /** The owner released it while it was pinned. The last unpin() frees the memory. */
  isDue: boolean;
}

const finalizer = new FinalizationRegistry<() => void>((free) => free());

function free<Memory>(held: Held<Memory>): void {
  if (held.memory !== undefined) held.free(held.memory);
  held.memory = undefined;
}

/**
 * Size of a value's ballast, as a share of its device memory. The garbage collector sees only the JavaScript heap, so each large value holds an
 * unused array of this size. A quarter is enough for V8. SpiderMonkey needs the whole: 3,000 dropped results of 256 KiB peaked at 361 MiB with a
 * quarter, and at 108 MiB with the whole.
 */
const ballastShare = 1;
const ballastThreshold = 64 * 1024;

export class HeldValue<Memory extends object> implements DeviceValue {
  readonly kind = 'device';
  readonly device: object;
  readonly deviceName: string;
  readonly type: TensorType;
  /** Never read. Its size shows the garbage collector how much memory this value holds. */
  readonly ballast: ArrayBuffer | undefined;
  private readonly held: Held<Memory>;

  /** `bytes`: memory that the value does not share with others. `ballast`: that of the value whose memory this one takes over. */
  constructor(
    owner: ValueOwner,
    type: TensorType,
    memory: Memory,
    { bytes, ballast, free: release }: { bytes: number; ballast?: ArrayBuffer; free: (memory: Memory) => void },
  ) {
    this.device = owner;
    this.deviceName = owner.name;
    this.type = type;
    this.ballast = ballast ?? (bytes >= ballastThreshold ? new ArrayBuffer(bytes * ballastShare) : undefined);
    const held: Held<Memory> = { memory, free: release, pins: 0, isDue: false };
    this.held = held;
    finalizer.register(this, () => free(held), this);
  }

  /** @throws DeviceError if it was released. */
  protected get memory(): Memory {
    const { memory } = this.held;
    if (memory === undefined) {
      throw new DeviceError(`${this.deviceName}: the memory of a tensor of shape ${formatShape(this.type.shape)} was given back already`);
    }
    return memory;
  }

  protected set memory(memory: Memory) {
    this.held.memory = memory;
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

  /** Takes the memory out of this value, for the result that was computed in place. */
  protected giveUp(): Memory {
    const { memory } = this;
    finalizer.unregister(this);
    this.held.memory = undefined;
    return memory;
  }
}
