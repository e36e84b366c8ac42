// How long the device takes for what is put into passes: by its own timestamps, or by waiting where it has none.
import { awaitDevice } from './prompting.ts';
import { bufferUsage, mapForReading } from './usage.ts';

/** What a lap puts into its pass. */
export type Lap = (pass: GPUComputePassEncoder) => void;

/** Milliseconds from submitting the work until it is done, by the host's clock. */
export async function untilDone(device: GPUDevice, lap: Lap): Promise<number> {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  lap(pass);
  pass.end();
  const commands = encoder.finish();
  const began = performance.now();
  device.queue.submit([commands]);
  await awaitDevice(device, device.queue.onSubmittedWorkDone());
  return performance.now() - began;
}

/** Empty submits whose shortest wait is taken for the cost of waiting itself. */
const emptySubmits = 8;

/** Milliseconds of a submit and a wait with nothing to do. */
export async function waitingCost(device: GPUDevice): Promise<number> {
  await awaitDevice(device, device.queue.onSubmittedWorkDone());
  let least = Infinity;
  for (let i = 0; i < emptySubmits; i++) least = Math.min(least, await untilDone(device, () => undefined));
  return least;
}

/** Times laps against each other. */
export class Stopwatch {
  private readonly device: GPUDevice;
  private timestamps: boolean;
  private overhead: number | undefined;

  constructor(device: GPUDevice) {
    this.device = device;
    this.timestamps = device.features.has('timestamp-query');
  }

  /** Milliseconds that a lap should take to be told from another: Chrome's timestamps count in steps of 0.065, a wait is off by more. */
  get lapTime(): number {
    return this.timestamps ? 2 : 10;
  }

  /** Milliseconds of each lap, one after the other in one submit where the device has timestamps. Other work must have been waited for. */
  async time(laps: readonly Lap[]): Promise<number[]> {
    if (this.timestamps) {
      const times = await this.byTimestamps(laps);
      if (times) return times;
      this.timestamps = false;
    }
    this.overhead ??= await waitingCost(this.device);
    const times: number[] = [];
    for (const lap of laps) times.push(Math.max(0, (await untilDone(this.device, lap)) - this.overhead));
    return times;
  }

  /** Undefined where a driver has timestamps and does not fill them in. Laps shorter than the step of their clock are 0. */
  private async byTimestamps(laps: readonly Lap[]): Promise<number[] | undefined> {
    const { device } = this;
    const count = laps.length * 2;
    const queries = device.createQuerySet({ type: 'timestamp', count });
    const resolved = device.createBuffer({ size: count * 8, usage: bufferUsage.timestamps });
    const staging = device.createBuffer({ size: count * 8, usage: bufferUsage.readback });
    try {
      const encoder = device.createCommandEncoder();
      laps.forEach((lap, i) => {
        const timestampWrites = { querySet: queries, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
        const pass = encoder.beginComputePass({ timestampWrites });
        lap(pass);
        pass.end();
      });
      encoder.resolveQuerySet(queries, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, count * 8);
      device.queue.submit([encoder.finish()]);
      await awaitDevice(device, staging.mapAsync(mapForReading));
      const stamps = new BigUint64Array(staging.getMappedRange());
      if (stamps.every((stamp) => stamp === 0n)) return undefined;
      // Clocks have been seen to step back between two queries.
      return laps.map((_, i) => Math.max(0, Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6));
    } finally {
      for (const resource of [queries, resolved, staging]) resource.destroy();
    }
  }
}
