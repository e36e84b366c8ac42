// One open WebGPU device as a Runtime. It joins the parts of this folder: context, pipelines, tuner, executables, readback and profiler.
import type { Donation, Program } from '../../compiler/index.ts';
import { type HostArray, storedBytes } from '../../core/dtype.ts';
import { DeviceError, type ShaderError } from '../../core/errors.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Target } from '../../graph/op.ts';
import type { Value } from '../../graph/tensor.ts';
import type { Profile } from '../profile.ts';
import type { DeviceInfo, MemoryInfo, PreparedGraph, Runtime, RuntimeSettings, TypedValue, ValueOwner } from '../runtime.ts';
import { GpuContext } from './context.ts';
import { debug } from '../debug.ts';
import { type OpenDevice, type WebGpuOptions, openDevice } from './device.ts';
import { GpuExecutable } from './executable.ts';
import { refusalOf } from '../limits.ts';
import { GpuValue } from './memory.ts';
import { PipelineCache } from './pipelines.ts';
import { PreparedProgram, type ProgramLoader } from '../preparedProgram.ts';
import { Profiler } from './profiler.ts';
import { Readback } from './readback.ts';
import { Choices } from './tuning/choices.ts';
import { Tuner } from './tuning/tuner.ts';

export class WebGpuRuntime implements Runtime, ProgramLoader {
  readonly info: DeviceInfo;
  readonly target: Target;
  /** Queue and memory of the device. */
  readonly context: GpuContext;
  tuner: Tuner | undefined;
  /** Maximum number of bytes that one program may take at its peak. */
  private maxBytes: number | undefined;
  private readonly identity: string;
  private readonly pipelines: PipelineCache;
  private readonly readback: Readback;
  /** The warning about kernels that do not compile was given. */
  private hasWarned = false;

  private constructor({ device, info, target, identity }: OpenDevice) {
    this.context = new GpuContext(device, target.processor);
    this.identity = identity;
    this.info = info;
    this.target = target;
    this.pipelines = new PipelineCache(device);
    this.readback = new Readback(this.context);
  }

  static async open(options: WebGpuOptions = {}): Promise<WebGpuRuntime> {
    const runtime = new WebGpuRuntime(await openDevice(options));
    await runtime.setTuning(options.tuning);
    return runtime;
  }

  get compilations(): number {
    return this.pipelines.built;
  }

  get owner(): ValueOwner {
    return this.context;
  }

  requireAlive(): Promise<void> {
    return this.context.requireAlive();
  }

  awaitLateLoss(): Promise<void> {
    return this.context.awaitLateLoss();
  }

  settle(inFlight: number): Promise<void> {
    return this.context.settle(inFlight);
  }

  async configure({ maxBytes, tuning }: RuntimeSettings): Promise<void> {
    this.maxBytes = maxBytes;
    if (tuning !== undefined) await this.setTuning(tuning);
  }

  /** Programs loaded after this call are timed, or not. */
  private async setTuning(tuning: WebGpuOptions['tuning'] = debug.tuning ?? this.target.processor === 'gpu'): Promise<void> {
    if (tuning === false) this.tuner = undefined;
    else {
      const choices = await Choices.open(this.identity, tuning === true ? undefined : tuning.store);
      this.tuner = new Tuner(this.context, this.pipelines, choices);
    }
  }

  prepare(graph: Graph, name: string, donations: readonly Donation[] = []): PreparedGraph {
    return new PreparedProgram(this, graph, name, donations);
  }

  refusal(program: Program): string | undefined {
    const { target, context, maxBytes } = this;
    return refusalOf(program, {
      device: 'webgpu',
      maxBindingBytes: target.maxBindingBytes,
      maxBufferBytes: context.pool.maxBytes,
      maxBytes,
    });
  }

  reportPortable({ kernel, message }: ShaderError): void {
    if (this.hasWarned) return;
    this.hasWarned = true;
    const reason = message.split('\n')[1];
    console.warn(`ombre: '${kernel}' does not compile on this device (${reason}); programs with such kernels use portable ones instead`);
  }

  /** Builds the pipelines of a program in parallel. @throws DeviceError if it is beyond the device's limits. */
  async load(program: Program): Promise<GpuExecutable> {
    if (this.context.isBroken) await this.requireAlive();
    const refusal = this.refusal(program);
    if (refusal !== undefined) throw new DeviceError(refusal);
    const building = program.dispatches.map(
      (dispatch) => this.tuner?.build(dispatch) ?? this.pipelines.get(dispatch).then((pipeline) => ({ dispatch, pipeline })),
    );
    const built = await Promise.all(building).finally(() => this.requireAlive()); // on a lost device nothing compiles: the loss is the error
    const dispatches = built.map(({ dispatch }) => dispatch);
    return new GpuExecutable(
      this.context,
      { ...program, dispatches },
      built.map(({ pipeline }) => pipeline),
      // A program that runs once needs no choice, and the first step does not wait for one.
      (executable) => this.tuner?.consider(executable),
    );
  }

  duplicate(value: Value): Value {
    if (!(value instanceof GpuValue)) return value;
    const { pool, device } = this.context;
    const { range } = value;
    const bytes = storedBytes(value.type);
    const copy = pool.range(bytes);
    const encoder = device.createCommandEncoder({ label: 'duplicate' });
    encoder.copyBufferToBuffer(range.buffer, range.offset, copy.buffer, 0, bytes);
    device.queue.submit([encoder.finish()]);
    return new GpuValue(this.context, copy, value.type);
  }

  read(values: readonly TypedValue[]): Promise<HostArray[]> {
    return this.readback.read(values);
  }

  startProfile(timestamps: boolean): void {
    this.context.profiler = new Profiler(this.context.device, timestamps);
  }

  async endProfile(): Promise<Profile> {
    const profiler = this.context.profiler!;
    this.context.profiler = undefined;
    try {
      return await profiler.finish();
    } finally {
      profiler.dispose();
    }
  }

  memory(): MemoryInfo {
    return this.context.pool.info();
  }

  dispose(): void {
    this.context.close();
  }
}
