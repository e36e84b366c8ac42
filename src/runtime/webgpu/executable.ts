// A Program on one device. Pipelines, uniforms and bind groups are built once. A run writes inputs, encodes one pass and submits. A long step
// has several submits.
import { bytesPerElement, storedBytes } from '../../core/dtype.ts';
import type { TensorType } from '../../graph/op.ts';
import { HostValue } from '../../graph/tensor.ts';
import type { Binding, Dispatch, Program, Slot } from '../../compiler/index.ts';
import { wordOf } from '../../wgsl/index.ts';
import { bytesOf } from '../hostElements.ts';
import type { Executable, RunInput } from '../runtime.ts';
import { type BoundDispatch, BoundProgram } from './boundProgram.ts';
import { Commands } from './commands.ts';
import type { Guarded, GuardedRun } from './guards.ts';
import { bindLaunch } from './launch.ts';
import { type BufferPool, type BufferRange, GpuValue } from './memory.ts';
import type { Pipeline } from './pipelines.ts';
import type { Profiler } from './profiler.ts';
import type { Segment, Segments } from './segments.ts';
import type { PartLaunch } from './submits.ts';
import type { GpuContext } from './context.ts';

/** Maximum number of bind groups kept for a dispatch. There is one for each recent tuple of input buffers. */
const maxBindGroups = 8;

/** A host value that is copied to a buffer. */
interface Upload {
  readonly value: HostValue;
  readonly type: TensorType;
  readonly buffer: GPUBuffer;
  /** The result owns the buffer afterwards. */
  readonly isDonated: boolean;
}

/** A value that is copied out of a shared buffer. */
interface Move {
  readonly value: GpuValue;
  readonly range: BufferRange;
  /** The result owns the range afterwards. */
  readonly isDonated: boolean;
}

/** The memory of one run, by input position and by output number. */
interface RunMemory {
  readonly inputs: Map<number, GPUBuffer>;
  readonly uploads: Upload[];
  readonly moves: Move[];
  readonly results: Map<number, BufferRange>;
}

/** All memory that the run has taken. It is released if the run fails. */
const rangesOf = ({ uploads, moves, results }: RunMemory, pool: BufferPool): BufferRange[] => [
  ...uploads.map(({ buffer }) => pool.wholeBuffer(buffer)),
  ...moves.map(({ range }) => range),
  ...results.values(),
];

/** Call it after a run has read the copy. The first time the copy is released; from the second time on the value stays in it. */
function settleMove({ value, range }: Move): void {
  if (value.wasRead && value.range.isShared) value.moveTo(range);
  else range.release();
  value.wasRead = true;
}

/** Uniforms and scalars of an executable. They are freed when it is disposed of or garbage collected. */
interface OwnSegments {
  readonly segments: Segments;
  readonly held: Segment[];
}

function releaseOwn({ segments, held }: OwnSegments): void {
  for (const segment of held.splice(0)) segments.release(segment);
}

const ownSegments = new FinalizationRegistry(releaseOwn);

export class GpuExecutable implements Executable {
  private readonly context: GpuContext;
  private readonly onSecondRun: ((executable: GpuExecutable) => void) | undefined;
  private bound: BoundProgram;
  private readonly scalars: Segment | undefined;
  private readonly scalarData: Uint32Array<ArrayBuffer>;
  private readonly own: OwnSegments;
  private readonly donated: ReadonlySet<number>;
  private generation = -1;
  private runs = 0;
  private isDisposed = false;

  /** `onSecondRun` is called once, after the second run. */
  constructor(context: GpuContext, program: Program, pipelines: readonly Pipeline[], onSecondRun?: (executable: GpuExecutable) => void) {
    this.context = context;
    this.onSecondRun = onSecondRun;
    this.donated = new Set(program.outputs.flatMap(({ inPlaceOf }) => inPlaceOf ?? []));
    this.own = { segments: context.segments, held: [] };
    this.bound = new BoundProgram(context, program, pipelines, this.own.held);
    this.scalarData = new Uint32Array(program.scalars.length);
    if (program.scalars.length) this.own.held.push((this.scalars = context.segments.take(this.scalarData.byteLength)));
    ownSegments.register(this, this.own, this);
  }

  /** The program that it runs now. The tuner may have replaced kernels since it was compiled. */
  get program(): Program {
    return this.bound.program;
  }

  /** Makes later runs launch another kernel with the same results for dispatch number `index`. */
  adopt(index: number, dispatch: Dispatch, pipeline: Pipeline): void {
    if (this.isDisposed) return;
    const { program, dispatches: bound, pace } = this.bound;
    const dispatches = program.dispatches.with(index, dispatch);
    const pipelines = bound.map((one) => one.pipeline).with(index, pipeline);
    this.bound.release();
    this.bound = new BoundProgram(this.context, { ...program, dispatches }, pipelines, this.own.held, pace);
  }

  async run(inputs: readonly RunInput[]): Promise<GpuValue[]> {
    const { context, program } = this;
    const memory = await this.allocate(inputs);
    if (context.scratch.generation !== this.generation) {
      for (const { groups } of this.bound.dispatches) groups.clear();
      this.generation = context.scratch.generation;
    }
    for (const { buffer, value, type } of memory.uploads) {
      const bytes = bytesOf('webgpu', value.data, type);
      if (bytes.length > 0) context.device.queue.writeBuffer(buffer, 0, bytes);
    }
    this.writeScalars(inputs);
    const check = this.runs === 0;
    if (check) context.device.pushErrorScope('validation');
    try {
      context.profiler?.submit(program.peakBytes);
      const commands = new Commands(context.device, program.name);
      for (const { value, range } of memory.moves) {
        commands.encoder.copyBufferToBuffer(value.range.buffer, value.range.offset, range.buffer, 0, storedBytes(value.type));
      }
      if (context.profiler?.hasTimestamps === false) {
        context.device.queue.submit([commands.encoder.finish()]);
        await this.runOneByOne(context.profiler, memory.inputs);
        commands.encoder = context.device.createCommandEncoder({ label: program.name });
      }
      const guarded = context.profiler?.hasTimestamps === false ? undefined : this.encode(commands, memory.inputs);
      this.copyResults(commands.encoder, memory);
      const { pace } = this.bound;
      // The first run includes work that drivers put off until then.
      const isTimed = this.runs > 0 && !context.profiler;
      context.submit(commands.finish(), (milliseconds) => isTimed && pace.note(milliseconds));
      guarded?.check();
    } catch (error) {
      for (const range of rangesOf(memory, context.pool)) range.release();
      throw error;
    } finally {
      if (check) context.watch(context.device.popErrorScope(), program.name);
      this.runs++;
    }
    if (this.runs === 2) this.onSecondRun?.(this);
    // The queue runs in order: later writes to a buffer released now come after this run has read it.
    // The last one is released first, so that the next run takes the same buffers.
    for (const upload of memory.uploads.reverse()) if (!upload.isDonated) context.settleUpload(upload.value, upload.buffer, upload.type);
    for (const move of memory.moves.reverse()) if (!move.isDonated) settleMove(move);
    return program.outputs.map(({ type, inPlaceOf }, i) => {
      if (inPlaceOf === undefined) return new GpuValue(context, memory.results.get(i)!, type);
      const given = inputs[inPlaceOf];
      return given instanceof GpuValue && !given.range.isShared
        ? given.successor(context, type)
        : new GpuValue(context, context.pool.wholeBuffer(memory.inputs.get(inPlaceOf)!), type);
    });
  }

  /** Takes all memory of the run before anything is written. If memory runs out, no state has changed. */
  private async allocate(inputs: readonly RunInput[]): Promise<RunMemory> {
    const { context, program } = this;
    for (let attempt = 0; ; attempt++) {
      const memory: RunMemory = { inputs: new Map(), uploads: [], moves: [], results: new Map() };
      try {
        context.scratch.ensure(program.arenas);
        this.bindInputs(inputs, memory);
        program.outputs.forEach(({ type, inPlaceOf }, i) => {
          if (inPlaceOf === undefined) memory.results.set(i, context.slabs.take(storedBytes(type)));
        });
        // Only new buffers need a wait. In the steady state there are none.
        if (context.pool.hasUnverified) await context.pool.verify(program.name);
        return memory;
      } catch (error) {
        // A buffer whose creation failed stays invalid: no buffer of this run may go back to the pool.
        for (const range of rangesOf(memory, context.pool)) range.discard();
        context.slabs.trim();
        context.scratch.drop();
        context.pool.trim();
        if (attempt > 0) throw error;
      }
    }
  }

  private bindInputs(inputs: readonly RunInput[], memory: RunMemory): void {
    const { context, program } = this;
    for (const slot of program.slots) {
      if (slot.kind !== 'input') continue;
      const value = inputs[slot.position];
      const isDonated = this.donated.has(slot.position);
      if (value instanceof GpuValue) {
        const range = value.range.isShared ? context.pool.range(slot.bytes) : value.range;
        memory.inputs.set(slot.position, range.buffer);
        if (range !== value.range) memory.moves.push({ value, range, isDonated });
      } else if (value instanceof HostValue) {
        const resident = isDonated ? undefined : context.resident(value);
        const buffer = resident?.range.buffer ?? context.pool.acquire(slot.bytes);
        memory.inputs.set(slot.position, buffer);
        if (!resident) memory.uploads.push({ value, type: slot.type, buffer, isDonated });
      }
    }
  }

  private writeScalars(inputs: readonly RunInput[]): void {
    this.program.scalars.forEach(({ position, dtype }, word) => {
      this.scalarData[word] = wordOf(inputs[position] as number, dtype);
    });
    if (this.scalars) this.context.device.queue.writeBuffer(this.scalars.buffer, this.scalars.offset, this.scalarData);
  }

  private encode(commands: Commands, buffers: ReadonlyMap<number, GPUBuffer>): GuardedRun | undefined {
    const { profiler, guards } = this.context;
    const written = guards && this.writtenRanges(buffers);
    const guarded = written && guards.run(this.program.name, written.flat().length);
    this.bound.submits().forEach((launches, number) => {
      if (number > 0) commands.cut();
      const { encoder } = commands;
      // Timestamps are those of passes. Guard zones are filled and copied between passes.
      const shared = profiler || guarded ? undefined : encoder.beginComputePass();
      for (const launch of launches) {
        const { dispatch: index, part, isLastPart } = launch;
        const dispatch = this.program.dispatches[index];
        if (part === 0) guarded?.before(encoder, dispatch.label, written![index]);
        const pass = shared ?? encoder.beginComputePass(profiler?.passFor(dispatch, part === 0, isLastPart));
        this.launch(pass, launch, buffers);
        if (!shared) pass.end();
        if (isLastPart) guarded?.after(encoder);
      }
      shared?.end();
    });
    profiler?.resolve(commands.encoder);
    return guarded;
  }

  /** The ranges that each dispatch writes. */
  private writtenRanges(buffers: ReadonlyMap<number, GPUBuffer>): Guarded[][] {
    const { dispatches, slots } = this.program;
    return dispatches.map(({ bindings }) =>
      bindings.flatMap(({ role, slot: index, access }): Guarded[] => {
        const slot = slots[index];
        if (access === 'read' || slot.kind === 'scalars') return [];
        return [{ role, type: slot.type, binding: this.resource(slot, buffers, access) }];
      }),
    );
  }

  private launch(
    pass: GPUComputePassEncoder,
    { dispatch: index, part, workgroups }: PartLaunch,
    buffers: ReadonlyMap<number, GPUBuffer>,
  ): void {
    const bound = this.bound.dispatches[index];
    pass.setPipeline(bound.pipeline.pipeline);
    pass.setBindGroup(0, this.bindGroups(bound, index, buffers)[part]);
    pass.dispatchWorkgroups(...workgroups);
  }

  /** For a profile on a device without timestamps. */
  private async runOneByOne(profiler: Profiler, buffers: ReadonlyMap<number, GPUBuffer>): Promise<void> {
    const launches = this.bound.submits().flat();
    for (const [i, dispatch] of this.program.dispatches.entries()) {
      const parts = launches.filter((launch) => launch.dispatch === i);
      await profiler.wait(
        dispatch,
        parts.map((part) => (pass) => this.launch(pass, part, buffers)),
      );
    }
  }

  private bindGroups(bound: BoundDispatch, index: number, buffers: ReadonlyMap<number, GPUBuffer>): readonly GPUBindGroup[] {
    const { context, program } = this;
    const { inputs, pipeline, uniforms, groups } = bound;
    const key = inputs.map((position) => context.idOf(buffers.get(position)!)).join();
    const known = groups.get(key);
    if (known) return known;
    if (groups.size >= maxBindGroups) groups.clear();
    const { buffer } = this.bound.uniforms!;
    const resource = (slot: number, access: Binding['access']): GPUBufferBinding => this.resource(program.slots[slot], buffers, access);
    const made = Array.from({ length: this.bound.partCount(index) }, (_, part) =>
      bindLaunch(context.device, pipeline, program.dispatches[index], buffer, uniforms, resource, this.bound.partOf(bound, part)),
    );
    groups.set(key, made);
    return made;
  }

  private resource(slot: Slot, buffers: ReadonlyMap<number, GPUBuffer>, access: Binding['access'] = 'read'): GPUBufferBinding {
    const { guards } = this.context;
    const bound = this.range(slot, buffers);
    return guards && access === 'read_write' ? guards.widen(bound, slot) : bound;
  }

  private range(slot: Slot, buffers: ReadonlyMap<number, GPUBuffer>): GPUBufferBinding {
    switch (slot.kind) {
      case 'input':
        return { buffer: buffers.get(slot.position)!, size: slot.bytes };
      case 'scalars':
        return { buffer: this.scalars!.buffer, offset: this.scalars!.offset, size: this.scalars!.size };
      case 'scratch':
        return { buffer: this.context.scratch.buffers[slot.arena]!, offset: slot.offset, size: slot.bytes };
      default:
        return slot satisfies never;
    }
  }

  /** Copies results that are not in the memory of an input out of the scratch, so that the next run may overwrite it. */
  private copyResults(encoder: GPUCommandEncoder, memory: RunMemory): void {
    const { program } = this;
    for (const [i, target] of memory.results) {
      const { type, slot, offset } = program.outputs[i];
      const bytes = storedBytes(type);
      if (bytes === 0) continue;
      const source = this.range(program.slots[slot], memory.inputs);
      encoder.copyBufferToBuffer(
        source.buffer,
        (source.offset ?? 0) + offset * bytesPerElement(type.dtype),
        target.buffer,
        target.offset,
        bytes,
      );
    }
  }

  dispose(): void {
    this.isDisposed = true;
    ownSegments.unregister(this);
    releaseOwn(this.own);
  }
}
