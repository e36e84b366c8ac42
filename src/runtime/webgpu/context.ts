// What everything on one GPU device shares: the queue, the pools, the numbers of buffers, the copies of host values, and whether it still lives.
import { DeviceError, DeviceLostError, type OmbreError } from '../../core/errors.ts';
import type { TensorType } from '../../graph/op.ts';
import type { HostValue } from '../../graph/tensor.ts';
import { debug } from './debug.ts';
import { Guards } from './guards.ts';
import { BufferPool, GpuValue, Scratch } from './memory.ts';
import { Pages } from './pages.ts';
import type { Profiler } from './profile.ts';
import { awaitDevice, reportsLoss } from './prompting.ts';
import { Segments } from './segments.ts';
import { bufferUsage, mapForReading } from './usage.ts';

export class GpuContext {
  readonly name = 'webgpu';
  readonly device: GPUDevice;
  readonly pool: BufferPool;
  readonly scratch: Scratch;
  /** Where results lie that no argument made room for. */
  readonly pages: Pages;
  /** Where the uniforms and scalars of programs lie. */
  readonly segments: Segments;
  /** While there is one, every dispatch gets a pass of its own and is timed. */
  profiler: Profiler | undefined;
  /** Guard zones after the ranges that dispatches write. Undefined outside of tests. */
  readonly guards: Guards | undefined;
  protected broken: OmbreError | undefined;
  /** Closed by the library itself: that is no loss. */
  protected isClosed = false;
  private readonly ids = new WeakMap<GPUBuffer, number>();
  private nextId = 0;
  private readonly submissions: Promise<undefined>[] = [];
  /** Host values met before: one is worth a copy on the device from its second use on. */
  private readonly met = new WeakMap<HostValue, GpuValue | 'once'>();

  constructor(device: GPUDevice) {
    this.device = device;
    this.pool = new BufferPool(device);
    this.scratch = new Scratch(this.pool);
    this.pages = new Pages(this.pool);
    this.segments = new Segments(this.pool);
    this.guards = debug.guardBytes > 0 ? new Guards(device) : undefined;
    void device.lost.then(({ reason, message }) => {
      if (this.isClosed) return;
      this.broken = new DeviceLostError(
        `webgpu: the device was lost (${reason || 'unknown'}${message ? `: ${message}` : ''}); tensors on it are gone: call setDevice() again, then setWeights() on models that lived there`,
      );
    });
    device.onuncapturederror = ({ error }): void => {
      this.broken ??= new DeviceError(`webgpu: an error on the device: ${error.message}`);
    };
  }

  assertAlive(): void {
    if (this.broken) throw this.broken;
  }

  /** The same, but an error is told apart from a loss: Firefox reports errors of a device that is lost before the loss. */
  async requireAlive(): Promise<void> {
    if (this.broken && !(this.broken instanceof DeviceLostError) && !this.isClosed) await this.awaitLoss();
    this.assertAlive();
  }

  /** Gives a loss of a moment ago the time to be reported. */
  async awaitLoss(): Promise<void> {
    await reportsLoss(this.device);
  }

  /**
   * Gives a loss of a moment ago the time to be reported. A buffer of a healthy device is mapped at once, so only a device that shows a fault
   * costs the wait.
   */
  async awaitLateLoss(): Promise<void> {
    if (this.broken || !(await this.canMap())) await this.awaitLoss();
  }

  /** Whether the device still maps a buffer. The buffer is not the pool's: tests count those. */
  private async canMap(): Promise<boolean> {
    let probe: GPUBuffer | undefined;
    this.device.pushErrorScope('validation'); // an error here is no error of the user's program
    try {
      probe = this.device.createBuffer({ label: 'probe', size: 4, usage: bufferUsage.readback });
      await awaitDevice(this.device, probe.mapAsync(mapForReading));
      return true;
    } catch {
      return false;
    } finally {
      this.device.popErrorScope().catch(() => undefined);
      probe?.destroy();
    }
  }

  submit(commands: GPUCommandBuffer): void {
    this.device.queue.submit([commands]);
    const done = this.device.queue.onSubmittedWorkDone();
    // A lost device rejects; device.lost tells it better.
    const settled = done.catch(() => undefined);
    this.submissions.push(settled);
    void settled.then(() => this.submissions.splice(this.submissions.indexOf(settled), 1));
  }

  async settle(inFlight: number): Promise<void> {
    while (this.submissions.length > inFlight) await awaitDevice(this.device, this.submissions[0]);
    await this.requireAlive();
  }

  /** Looks at the outcome of an error scope when it comes; the next call reports it. */
  watch(scope: Promise<GPUError | null>, name: string): void {
    void scope.then(
      (error) => {
        if (error) this.broken ??= new DeviceError(`webgpu: running ${name}: ${error.message}`);
      },
      () => undefined,
    );
  }

  /** A number for a buffer, for keys. */
  idOf(buffer: GPUBuffer): number {
    let id = this.ids.get(buffer);
    if (id === undefined) this.ids.set(buffer, (id = this.nextId++));
    return id;
  }

  /** The copy of a host value that stays on the device. */
  resident(value: HostValue): GpuValue | undefined {
    const known = this.met.get(value);
    return known === 'once' ? undefined : known;
  }

  /** After a run has read an upload: its buffer goes back, or stays with the value from the second time on. */
  settleUpload(value: HostValue, buffer: GPUBuffer, type: TensorType): void {
    const known = this.met.get(value);
    if (known === 'once') this.met.set(value, new GpuValue(this, this.pool.roomIn(buffer), type));
    else {
      if (!known) this.met.set(value, 'once');
      this.pool.release(buffer);
    }
  }
}
