// Times compute passes: by the device's timestamps, or if it has none by waiting for the work.
import { awaitDevice } from './prompting.ts';
import { bufferUsage, mapForReading } from './usage.ts';

/** Encodes the work of one sample into a pass. */
export type Sample = (pass: GPUComputePassEncoder) => void;

/** Milliseconds from submitting the work until it is done, by the host's clock. */
export async function untilDone(device: GPUDevice, sample: Sample): Promise<number> {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  sample(pass);
  pass.end();
  const commands = encoder.finish();
  const began = performance.now();
  device.queue.submit([commands]);
  await awaitDevice(device, device.queue.onSubmittedWorkDone());
  return performance.now() - began;
}

/** Number of empty submits. The shortest of their times is the cost of waiting. */
const emptySubmits = 8;

/** Milliseconds of a submit and a wait with nothing to do. */
export async function waitingCost(device: GPUDevice): Promise<number> {
  await awaitDevice(device, device.queue.onSubmittedWorkDone());
  let least = Infinity;
  for (let i = 0; i < emptySubmits; i++) least = Math.min(least, await untilDone(device, () => undefined));
  return least;
}

/** Times samples on one device. */
export class Stopwatch {
  private readonly device: GPUDevice;
  private timestamps: boolean;
  private overhead: number | undefined;

  constructor(device: GPUDevice) {
    this.device = device;
    this.timestamps = device.features.has('timestamp-query');
  }

  /** Milliseconds of work that a sample should have. Chrome's timestamps count in steps of 0.065 ms; a wait is less exact. */
  get sampleTime(): number {
    return this.timestamps ? 2 : 10;
  }

  /** Milliseconds of each sample. With timestamps all samples are in one submit. Call it only if no other work is running. */
  async time(samples: readonly Sample[]): Promise<number[]> {
    if (this.timestamps) {
      const times = await this.byTimestamps(samples);
      if (times) return times;
      this.timestamps = false;
    }
    this.overhead ??= await waitingCost(this.device);
    const times: number[] = [];
    for (const sample of samples) times.push(Math.max(0, (await untilDone(this.device, sample)) - this.overhead));
    return times;
  }

  /** Undefined if the driver has timestamps but does not fill them in. A sample shorter than the clock's step has time 0. */
  private async byTimestamps(samples: readonly Sample[]): Promise<number[] | undefined> {
    const { device } = this;
    const count = samples.length * 2;
    const queries = device.createQuerySet({ type: 'timestamp', count });
    const resolved = device.createBuffer({ size: count * 8, usage: bufferUsage.timestamps });
    const staging = device.createBuffer({ size: count * 8, usage: bufferUsage.readback });
    try {
      const encoder = device.createCommandEncoder();
      samples.forEach((sample, i) => {
        const timestampWrites = { querySet: queries, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
        const pass = encoder.beginComputePass({ timestampWrites });
        sample(pass);
        pass.end();
      });
      encoder.resolveQuerySet(queries, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * 8);
      device.queue.submit([encoder.finish()]);
      await awaitDevice(device, staging.mapAsync(mapForReading));
      const stamps = new BigUint64Array(staging.getMappedRange());
      if (stamps.every((stamp) => stamp === 0n)) return undefined;
      // Some clocks step back between two queries.
      return samples.map((_, i) => Math.max(0, Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6));
    } finally {
      for (const resource of [queries, resolved, staging]) resource.destroy();
    }
  }
}
