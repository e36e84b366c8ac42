// Times of single dispatches by timestamp queries: while profiling, each dispatch gets a pass of its own, so the whole is slower than usual.
import { DeviceError } from '../../core/errors.ts';
import type { KernelTime } from '../runtime.ts';

/** Timestamps of one query set; a run with more dispatches continues in a new one. */
const capacity = 2048;

interface Batch {
  readonly queries: GPUQuerySet;
  readonly labels: string[];
  readonly resolved: GPUBuffer;
  readonly staging: GPUBuffer;
  done: boolean;
}

export class Profiler {
  private readonly batches: Batch[] = [];
  private readonly device: GPUDevice;

  constructor(device: GPUDevice) {
    if (!device.features.has('timestamp-query')) {
      throw new DeviceError(
        'profile: this device has no timestamps (feature timestamp-query); in Chromium start it with --enable-unsafe-webgpu',
      );
    }
    this.device = device;
  }

  passFor(label: string): GPUComputePassDescriptor {
    let batch = this.batches[this.batches.length - 1] as Batch | undefined;
    if (!batch || batch.done || batch.labels.length * 2 >= capacity) this.batches.push((batch = this.open()));
    const begin = batch.labels.length * 2;
    batch.labels.push(label);
    return { label, timestampWrites: { querySet: batch.queries, beginningOfPassWriteIndex: begin, endOfPassWriteIndex: begin + 1 } };
  }

  private open(): Batch {
    const { device } = this;
    return {
      queries: device.createQuerySet({ type: 'timestamp', count: capacity }),
      labels: [],
      resolved: device.createBuffer({ size: capacity * 8, usage: 0x200 | 0x04 }), // QUERY_RESOLVE | COPY_SRC
      staging: device.createBuffer({ size: capacity * 8, usage: 0x01 | 0x08 }), // MAP_READ | COPY_DST
      done: false,
    };
  }

  /** To be called before a run is submitted. */
  resolve(encoder: GPUCommandEncoder): void {
    for (const batch of this.batches) {
      if (batch.done) continue;
      const count = batch.labels.length * 2;
      encoder.resolveQuerySet(batch.queries, 0, count, batch.resolved, 0);
      encoder.copyBufferToBuffer(batch.resolved, 0, batch.staging, 0, count * 8);
      batch.done = true;
    }
  }

  /** Time by label, the longest first. */
  async finish(): Promise<KernelTime[]> {
    const times = new Map<string, { label: string; calls: number; milliseconds: number }>();
    for (const { queries, labels, resolved, staging } of this.batches) {
      await staging.mapAsync(1);
      const stamps = new BigUint64Array(staging.getMappedRange());
      labels.forEach((label, i) => {
        const entry = times.get(label) ?? { label, calls: 0, milliseconds: 0 };
        entry.calls++;
        entry.milliseconds += Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6;
        times.set(label, entry);
      });
      staging.unmap();
      for (const resource of [queries, resolved, staging]) resource.destroy();
    }
    return [...times.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  }
}
