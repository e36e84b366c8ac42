// Guard zones: a debug mode for tests. Each range that a dispatch writes is bound together with a zone after it. The zone has a pattern before the
// dispatch and must have it afterwards. WebGPU moves a store outside of a binding to the binding's last element, which is in the zone.
import { storedBytes } from '../../core/dtype.ts';
import type { TensorType } from '../../graph/op.ts';
import type { Slot } from '../../compiler/index.ts';
import { debug } from '../debug.ts';
import { guardPattern, noteCheck, noteZone } from '../guardReport.ts';
import { sizeClass } from './memory.ts';
import { awaitDevice, reportsLoss } from './prompting.ts';
import { bufferUsage, mapForReading } from './usage.ts';

/** Minimum number of bytes of a binding. The zone after a smaller tensor is longer by the difference. */
const shortestBinding = 16;

/** A range that a dispatch writes, bound with the zone after it. */
export interface Guarded {
  /** The variable's name in the kernel. */
  readonly role: string;
  readonly type: TensorType;
  readonly binding: GPUBufferBinding;
}

interface Zone extends Guarded {
  readonly dispatch: string;
  /** Bytes from the start of the buffer, and of the zone. */
  readonly start: number;
  readonly bytes: number;
  /** Place of the kept copy in the staging buffer. */
  readonly place: number;
}

/** Guard zones of one run of a program. */
export class GuardedRun {
  private readonly guards: Guards;
  private readonly name: string;
  private readonly staging: GPUBuffer;
  private readonly zones: Zone[] = [];
  /** Zones of the dispatch that is being encoded. */
  private current: readonly Zone[] = [];
  private bytes = 0;

  constructor(guards: Guards, name: string, staging: GPUBuffer) {
    this.guards = guards;
    this.name = name;
    this.staging = staging;
  }

  /** Fills the zones of a dispatch with the pattern. Call it before the passes of the dispatch are encoded. */
  before(encoder: GPUCommandEncoder, dispatch: string, written: readonly Guarded[]): void {
    this.current = written.flatMap((guarded): Zone[] => {
      const { offset = 0, size = 0 } = guarded.binding;
      const own = storedBytes(guarded.type);
      if (size <= own) return [];
      const zone = { ...guarded, dispatch, start: offset + own, bytes: size - own, place: this.bytes };
      this.bytes += zone.bytes;
      return [zone];
    });
    for (const { binding, start, bytes } of this.current) encoder.copyBufferToBuffer(this.guards.pattern, 0, binding.buffer, start, bytes);
  }

  /** Copies the zones of the dispatch after its passes. */
  after(encoder: GPUCommandEncoder): void {
    const zones = this.current;
    for (const { binding, start, bytes, place } of zones) encoder.copyBufferToBuffer(binding.buffer, start, this.staging, place, bytes);
    this.zones.push(...zones);
  }

  /** Compares the copies. Call it after the run is submitted. */
  check(): void {
    noteCheck(
      this.compare().catch(async (error: unknown) => {
        // A lost device is reported elsewhere. Any other error is a fault of the guard zones themselves.
        if (await this.guards.isLost()) return undefined;
        return `${this.name}: the guard zones were not compared: ${String(error)}`;
      }),
    );
  }

  private async compare(): Promise<void> {
    if (this.bytes > 0) {
      await this.guards.wait(this.staging.mapAsync(mapForReading, 0, this.bytes));
      const words = new Uint32Array(this.staging.getMappedRange(0, this.bytes));
      for (const zone of this.zones) {
        const first = zone.place / 4;
        noteZone({ ...zone, program: this.name }, words.subarray(first, first + zone.bytes / 4));
      }
      this.staging.unmap();
    }
    this.guards.giveBack(this.staging);
  }
}

/** The guard zones of one device. Its buffers are not from the pool, because tests count pool buffers. */
export class Guards {
  readonly pattern: GPUBuffer;
  private readonly idle: GPUBuffer[] = [];
  private readonly create: (size: number, usage: number) => GPUBuffer;
  private readonly device: GPUDevice;
  private readonly maxBindingBytes: number;

  constructor(device: GPUDevice) {
    this.device = device;
    this.maxBindingBytes = device.limits.maxStorageBufferBindingSize;
    const create = device.createBuffer.bind(device);
    this.create = (size, usage) => create({ size, usage });
    const size = debug.guardBytes + shortestBinding;
    this.pattern = this.create(size, bufferUsage.guardPattern);
    device.queue.writeBuffer(this.pattern, 0, new Uint32Array(size / 4).fill(guardPattern));
  }

  /** Begins a run of dispatches that write `ranges` ranges in all. */
  run(name: string, ranges: number): GuardedRun {
    const bytes = ranges * this.pattern.size;
    const known = this.idle.findIndex(({ size }) => size >= bytes);
    const staging = known >= 0 ? this.idle.splice(known, 1)[0] : this.create(sizeClass(bytes), bufferUsage.readback);
    return new GuardedRun(this, name, staging);
  }

  /** The binding with a zone after it, or with a shorter one near the end of the buffer. */
  widen(bound: GPUBufferBinding, slot: Slot): GPUBufferBinding {
    const spare = slot.kind === 'scratch' ? (slot.spareBytes ?? 0) : debug.guardBytes;
    const maxSize = Math.min(bound.buffer.size - (bound.offset ?? 0), this.maxBindingBytes);
    return { ...bound, size: Math.max(slot.bytes, Math.min(slot.bytes + spare, Math.floor(maxSize / 4) * 4)) };
  }

  wait(mapping: Promise<undefined>): Promise<undefined> {
    return awaitDevice(this.device, mapping);
  }

  /** Whether the device is lost, which it may report only after something has failed because of it. */
  isLost(): Promise<boolean> {
    return reportsLoss(this.device);
  }

  giveBack(staging: GPUBuffer): void {
    this.idle.push(staging);
  }
}
