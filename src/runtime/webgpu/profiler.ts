// Times single dispatches: by timestamp queries around a pass for each, or if the device has none by waiting for each.
import { type KernelName, type Profile, ProfileLog } from '../profile.ts';
import { awaitDevice } from './prompting.ts';
import { type Sample, untilDone, waitingCost } from './stopwatch.ts';
import { bufferUsage, mapForReading } from './usage.ts';

/** Number of timestamps in one query set. A run with more dispatches continues in a new one. */
const capacity = 2048;

interface Batch {
  readonly queries: GPUQuerySet;
  readonly kernels: KernelName[];
  readonly resolved: GPUBuffer;
  readonly staging: GPUBuffer;
  done: boolean;
}

export class Profiler {
  /** Whether dispatches have passes with timestamps. If false, each is submitted and waited for. */
  readonly hasTimestamps: boolean;
  private readonly batches: Batch[] = [];
  private readonly log = new ProfileLog();
  private readonly device: GPUDevice;
  private readonly refused: boolean;
  /** Milliseconds of a submit and a wait with nothing to do. */
  private overhead: number | undefined;

  constructor(device: GPUDevice, timestamps: boolean) {
    this.device = device;
    const has = device.features.has('timestamp-query');
    this.hasTimestamps = timestamps && has;
    this.refused = has && !timestamps;
  }

  /** Counts a run of a program that takes this many bytes. */
  submit(bytes: number): void {
    this.log.submit(bytes);
  }

  /** The pass of a kernel, or of one part of its grid. The time of a kernel is that from its first part to its last. */
  passFor(kernel: KernelName, isFirstPart = true, isLastPart = true): GPUComputePassDescriptor {
    let batch = this.batches[this.batches.length - 1] as Batch | undefined;
    if (isFirstPart) {
      if (!batch || batch.done || batch.kernels.length * 2 >= capacity) this.batches.push((batch = this.open()));
      batch.kernels.push(kernel);
    }
    const { queries: querySet, kernels } = batch!;
    const begin = kernels.length * 2 - 2;
    return {
      label: kernel.label,
      ...((isFirstPart || isLastPart) && {
        timestampWrites: {
          querySet,
          ...(isFirstPart && { beginningOfPassWriteIndex: begin }),
          ...(isLastPart && { endOfPassWriteIndex: begin + 1 }),
        },
      }),
    };
  }

  private open(): Batch {
    const { device } = this;
    return {
      queries: device.createQuerySet({ type: 'timestamp', count: capacity }),
      kernels: [],
      resolved: device.createBuffer({ size: capacity * 8, usage: bufferUsage.timestamps }),
      staging: device.createBuffer({ size: capacity * 8, usage: bufferUsage.readback }),
      done: false,
    };
  }

  /** Call it before a run with timestamps is submitted. */
  resolve(encoder: GPUCommandEncoder): void {
    for (const batch of this.batches) {
      if (batch.done) continue;
      const count = batch.kernels.length * 2;
      encoder.resolveQuerySet(batch.queries, 0, count, batch.resolved, 0);
      encoder.copyBufferToBuffer(batch.resolved, 0, batch.staging, 0, count * 8);
      batch.done = true;
    }
  }

  /** Without timestamps: submits the parts of a kernel one by one and adds the times until they are done. */
  async wait(kernel: KernelName, parts: readonly Sample[]): Promise<void> {
    this.overhead ??= await waitingCost(this.device);
    let milliseconds = 0;
    for (const part of parts) milliseconds += Math.max(0, (await untilDone(this.device, part)) - this.overhead);
    this.log.add(kernel, milliseconds);
  }

  async finish(): Promise<Profile> {
    if (!this.hasTimestamps) return this.log.finish('waiting', this.noteOnWaiting());
    let tick = 0n;
    for (const { kernels, staging } of this.batches) {
      await awaitDevice(this.device, staging.mapAsync(mapForReading));
      const stamps = new BigUint64Array(staging.getMappedRange());
      kernels.forEach((kernel, i) => {
        const [begin, end] = [stamps[2 * i], stamps[2 * i + 1]];
        tick = divisor(divisor(tick, begin), end);
        // Some clocks step back between two queries.
        this.log.add(kernel, end > begin ? Number(end - begin) / 1e6 : 0);
      });
      staging.unmap();
    }
    const resolution = Number(tick) / 1e6;
    return this.log.finish('timestamps', noteOnTimestamps(resolution), resolution || undefined);
  }

  private noteOnWaiting(): string {
    const why = this.refused ? 'timestamps were switched off' : 'this device has no timestamps (feature timestamp-query)';
    const { overhead } = this;
    const cost = overhead === undefined ? '' : ` The ${overhead.toFixed(3)} ms that an empty submit takes are subtracted.`;
    return `By the host's clock, because ${why}: every kernel was submitted by itself and waited for.${cost} Short kernels come out too long or as 0; compare long ones only.`;
  }

  /** Frees the queries; safe at any moment. */
  dispose(): void {
    for (const { queries, resolved, staging } of this.batches.splice(0))
      for (const resource of [queries, resolved, staging]) resource.destroy();
  }
}

/** The greatest number that divides both: of many timestamps, the step in which their clock counts. */
function divisor(a: bigint, b: bigint): bigint {
  while (b > 0n) [a, b] = [b, a % b];
  return a;
}

function noteOnTimestamps(resolution: number): string {
  if (resolution === 0)
    return "By the GPU's timestamps, but all of them are 0: this driver does not fill them in. Try { timestamps: false }.";
  // Dawn, in Chrome and in Node, rounds to 2^16 ns by default. The GPU's clock counts in steps of about a microsecond or less.
  if (resolution < 0.01) return "By the GPU's timestamps.";
  return `By the GPU's timestamps, which count in steps of ${(resolution * 1000).toFixed(1)} us here (a precaution of browsers): a kernel shorter than that comes out as 0 or as a whole step. Profile many steps, or start Chromium with --enable-webgpu-developer-features, Dawn in Node, before anything else, with setDevice('webgpu', { dawnFlags: ['disable-dawn-features=timestamp_quantization'] }).`;
}
