// The shared state of one GPU device: queue, pools, numbers of buffers, copies of host values, and whether the device is alive.
import { DeviceError, DeviceLostError, type OmbreError } from '../../core/errors.ts';
import type { Target, TensorType } from '../../graph/op.ts';
import type { HostValue } from '../../graph/tensor.ts';
import { debug } from '../debug.ts';
import { Guards } from './guards.ts';
import { BufferPool, GpuValue, Scratch } from './memory.ts';
import { DeviceRate } from './pace.ts';
import type { Profiler } from './profiler.ts';
import { awaitDevice, reportsLoss } from './prompting.ts';
import { Segments } from './segments.ts';
import { Slabs } from './slabs.ts';
import { bufferUsage, mapForReading } from './usage.ts';
import type { ValueOwner } from '../runtime.ts';

export class GpuContext implements ValueOwner {
  readonly name = 'webgpu';
  readonly device: GPUDevice;
  readonly pool: BufferPool;
  readonly scratch: Scratch;
  /** Memory of results that do not take over the memory of an argument. */
  readonly slabs: Slabs;
  /** Memory of the uniforms and scalars of programs. */
  readonly segments: Segments;
  /** Speed of the device in earlier steps. */
  readonly rate: DeviceRate;
  /** If set, every dispatch has a separate pass and is timed. */
  profiler: Profiler | undefined;
  /** Guard zones after the ranges that dispatches write. Undefined outside of tests. */
  readonly guards: Guards | undefined;
  private broken: OmbreError | undefined;
  /** Closed by the library: that is not a loss. */
  private isClosed = false;
  private readonly ids = new WeakMap<GPUBuffer, number>();
  private nextId = 0;
  private readonly submissions: Promise<undefined>[] = [];
  /** When the last run was reported as done. */
  private lastDone = 0;
  /** Host values that were uploaded before. From the second use on, the device keeps a copy. */
  private readonly met = new WeakMap<HostValue, GpuValue | 'once'>();

  constructor(device: GPUDevice, processor: Target['processor'] = 'gpu') {
    this.device = device;
    this.rate = new DeviceRate(processor);
    this.pool = new BufferPool(device);
    this.scratch = new Scratch(this.pool);
    this.slabs = new Slabs(this.pool);
    this.segments = new Segments(this.pool);
    this.guards = debug.guardBytes > 0 ? new Guards(device) : undefined;
    void device.lost.then(({ reason, message }) => {
      if (this.isClosed) return;
      this.broken = new DeviceLostError(
        `webgpu: the device was lost (${reason || 'unknown'}${message ? `: ${message}` : ''}); tensors on it are gone: call setDevice() again, then setWeights() on the models on it`,
      );
    });
    device.onuncapturederror = ({ error }): void => {
      this.broken ??= new DeviceError(`webgpu: an error on the device: ${error.message}`);
    };
  }

  /** Whether the device is lost or closed, or has reported an error. */
  get isBroken(): boolean {
    return this.broken !== undefined;
  }

  assertAlive(): void {
    if (this.broken) throw this.broken;
  }

  /** The same, but waits for a loss that explains an error: Firefox reports errors of a lost device before the loss. */
  async requireAlive(): Promise<void> {
    if (this.broken && !(this.broken instanceof DeviceLostError) && !this.isClosed) await this.awaitLoss();
    this.assertAlive();
  }

  /** Waits until a loss that has just happened would be reported. */
  async awaitLoss(): Promise<void> {
    await reportsLoss(this.device);
  }

  /**
   * Like awaitLoss(), but only if the device shows a fault. A healthy device maps a buffer at once, and then this returns without the wait.
   */
  async awaitLateLoss(): Promise<void> {
    if (this.broken || !(await this.canMap())) await this.awaitLoss();
  }

  /** Whether the device still maps a buffer. The buffer is not from the pool, because tests count pool buffers. */
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

  /**
   * Submits the command buffers of a run, each by itself: drivers reset a device for a long submit, and not for many. `onDone` receives the
   * milliseconds since the device began the run, or longer if it was reported late.
   */
  submit(commands: readonly GPUCommandBuffer[], onDone: (milliseconds: number) => void): void {
    const began = performance.now();
    for (const buffer of commands) this.device.queue.submit([buffer]);
    const done = this.device.queue.onSubmittedWorkDone();
    // A lost device rejects; device.lost reports the reason.
    const settled = done.catch(() => undefined);
    this.submissions.push(settled);
    void settled.then(() => {
      void this.submissions.splice(this.submissions.indexOf(settled), 1);
      const now = performance.now();
      onDone(now - Math.max(began, this.lastDone));
      this.lastDone = now;
    });
  }

  async settle(inFlight: number): Promise<void> {
    while (this.submissions.length > inFlight) await awaitDevice(this.device, this.submissions[0]);
    await this.requireAlive();
  }

  /** Notes the error of an error scope when it arrives. The next call throws it. */
  watch(scope: Promise<GPUError | null>, name: string): void {
    void scope.then(
      (error) => {
        if (error) this.broken ??= new DeviceError(`webgpu: running ${name}: ${error.message}`);
      },
      () => undefined,
    );
  }

  /** A unique number of a buffer, used in keys. */
  idOf(buffer: GPUBuffer): number {
    let id = this.ids.get(buffer);
    if (id === undefined) this.ids.set(buffer, (id = this.nextId++));
    return id;
  }

  /** The copy of a host value that the device keeps, if any. */
  resident(value: HostValue): GpuValue | undefined {
    const known = this.met.get(value);
    return known === 'once' ? undefined : known;
  }

  /** Call it after a run has read an upload. The first time its buffer goes back to the pool; from the second time on it is kept. */
  settleUpload(value: HostValue, buffer: GPUBuffer, type: TensorType): void {
    const known = this.met.get(value);
    if (known === 'once') this.met.set(value, new GpuValue(this, this.pool.wholeBuffer(buffer), type));
    else {
      if (!known) this.met.set(value, 'once');
      this.pool.release(buffer);
    }
  }

  /** Destroys the device. Later calls throw. */
  close(): void {
    this.isClosed = true;
    this.broken ??= new DeviceError('webgpu: this device was closed; call setDevice() again');
    this.device.destroy();
  }
}
