// The WebGPU runtime: one device with its pools, pipelines and queue. It replays Programs and reads values back; it knows no op.
import { type HostArray, storedBytes } from '../../core/dtype.ts';
import { DeviceError } from '../../core/errors.ts';
import type { Target } from '../../graph/op.ts';
import { HostValue, type Value } from '../../graph/tensor.ts';
import type { Program } from '../../compiler/index.ts';
import type { Profile } from '../profile.ts';
import type { DeviceInfo, MemoryInfo, Runtime, TypedValue } from '../runtime.ts';
import { GpuContext } from './context.ts';
import { debug } from './debug.ts';
import { type OpenDevice, type TuningOptions, type WebGpuOptions, openDevice } from './device.ts';
import { GpuExecutable } from './executable.ts';
import { refusalOf } from './limits.ts';
import { GpuValue } from './memory.ts';
import { PipelineCache } from './pipelines.ts';
import { Profiler } from './profile.ts';
import { awaitDevice } from './prompting.ts';
import { readHost } from './transfer.ts';
import { Choices } from './tuning/choices.ts';
import { Tuner } from './tuning/tuner.ts';
import { bufferUsage, mapForReading } from './usage.ts';

export class WebGpuRuntime extends GpuContext implements Runtime {
  readonly info: DeviceInfo;
  readonly target: Target;
  /** What one program may take at its peak; set by setDevice(). */
  maxBytes: number | undefined;
  /** Times kernels that do the same work; undefined where a table serves. */
  tuner: Tuner | undefined;
  private readonly identity: string;
  private readonly pipelines: PipelineCache;
  private readonly staging = new Map<number, GPUBuffer[]>();

  private constructor({ device, info, target, identity }: OpenDevice) {
    super(device);
    this.identity = identity;
    this.info = info;
    this.target = target;
    this.pipelines = new PipelineCache(device);
  }

  static async open(options: WebGpuOptions = {}): Promise<WebGpuRuntime> {
    const opened = await openDevice(options);
    const runtime = new WebGpuRuntime(opened);
    await runtime.setTuning(options.tuning);
    return runtime;
  }

  /** Programs loaded from now on are timed, or not. */
  async setTuning(tuning: boolean | TuningOptions = debug.tuning ?? this.target.processor === 'gpu'): Promise<void> {
    if (tuning === false) this.tuner = undefined;
    else {
      const choices = await Choices.open(this.identity, tuning === true ? undefined : tuning.store);
      this.tuner = new Tuner(this, this.pipelines, choices);
    }
  }

  /** Why this device does not run the program, or undefined where it does. */
  refusal(program: Program): string | undefined {
    const { target, pool, maxBytes } = this;
    return refusalOf(program, { maxBindingBytes: target.maxBindingBytes, maxBufferBytes: pool.maxBytes, maxBytes });
  }

  /** Builds what a program needs, pipelines in parallel. @throws DeviceError when it is beyond the device's limits. */
  async load(program: Program): Promise<GpuExecutable> {
    if (this.broken) await this.requireAlive();
    const refusal = this.refusal(program);
    if (refusal !== undefined) throw new DeviceError(refusal);
    const building = program.dispatches.map(
      (dispatch) => this.tuner?.build(dispatch) ?? this.pipelines.get(dispatch).then((pipeline) => ({ dispatch, pipeline })),
    );
    const built = await Promise.all(building).finally(() => this.requireAlive()); // of a lost device nothing compiles: that is the error then
    const dispatches = built.map(({ dispatch }) => dispatch);
    return new GpuExecutable(
      this,
      { ...program, dispatches },
      built.map(({ pipeline }) => pipeline),
      // What runs once needs no choice, and the first step does not wait for one.
      (executable) => this.tuner?.consider(executable),
    );
  }

  duplicate(value: Value): Value {
    if (!(value instanceof GpuValue)) return value;
    const { room } = value;
    const bytes = storedBytes(value.type);
    const copy = this.pool.room(bytes);
    const encoder = this.device.createCommandEncoder({ label: 'duplicate' });
    encoder.copyBufferToBuffer(room.buffer, room.offset, copy.buffer, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    return new GpuValue(this, copy, value.type);
  }

  /** One copy and one map for all of them, or as few as the largest buffer allows. */
  async read(values: readonly TypedValue[]): Promise<HostArray[]> {
    if (this.broken) await this.requireAlive();
    const parts: TypedValue[][] = [];
    let room = 0;
    for (const value of values) {
      const bytes = bytesRead(value);
      if (parts.length > 0 && bytes <= room) parts[parts.length - 1].push(value);
      else {
        parts.push([value]);
        room = this.pool.maxBytes;
      }
      room -= bytes;
    }
    // All copies are on their way before the first is waited for: later runs do not overtake them.
    return (await Promise.all(parts.map((part) => this.readTogether(part)))).flat();
  }

  private async readTogether(values: readonly TypedValue[]): Promise<HostArray[]> {
    let bytes = 0;
    const offsets = values.map((value) => {
      const offset = bytes;
      bytes += bytesRead(value);
      return offset;
    });
    const mapped = bytes > 0 ? await this.readBack(values, offsets, bytes) : new ArrayBuffer(0);
    return values.map(({ value, type }, i) => (value instanceof HostValue ? value.data.slice() : readHost(mapped, offsets[i], type)));
  }

  private async readBack(values: readonly TypedValue[], offsets: readonly number[], bytes: number): Promise<ArrayBuffer> {
    const size = this.pool.sizeFor(bytes);
    const staging = this.staging.get(size)?.pop() ?? this.pool.create(size, bufferUsage.readback);
    const encoder = this.device.createCommandEncoder({ label: 'read' });
    values.forEach(({ value, type }, i) => {
      const length = storedBytes(type);
      if (value instanceof GpuValue && length > 0)
        encoder.copyBufferToBuffer(value.room.buffer, value.room.offset, staging, offsets[i], length);
    });
    this.device.queue.submit([encoder.finish()]);
    try {
      await awaitDevice(this.device, staging.mapAsync(mapForReading, 0, bytes));
    } catch (error) {
      // device.lost settles a moment after the failed map; only it tells the truth.
      await this.awaitLoss();
      this.assertAlive();
      throw new DeviceError(`webgpu: reading values back failed: ${String(error)}`);
    }
    const copy = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    this.staging.set(size, [...(this.staging.get(size) ?? []), staging]);
    await this.requireAlive();
    return copy;
  }

  startProfile(timestamps: boolean): void {
    this.profiler = new Profiler(this.device, timestamps);
  }

  async endProfile(): Promise<Profile> {
    const profiler = this.profiler!;
    this.profiler = undefined;
    try {
      return await profiler.finish();
    } finally {
      profiler.dispose();
    }
  }

  memory(): MemoryInfo {
    return this.pool.info();
  }

  dispose(): void {
    this.isClosed = true;
    this.broken ??= new DeviceError('webgpu: this device was closed; call setDevice() again');
    this.device.destroy();
  }
}

/** Bytes that a value takes in a staging buffer: offsets of 64-bit words, so that any typed array may begin there. */
const bytesRead = ({ value, type }: TypedValue): number => (value instanceof GpuValue ? Math.ceil(storedBytes(type) / 8) * 8 : 0);
