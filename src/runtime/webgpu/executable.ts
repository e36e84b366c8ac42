// A Program made ready for one device: pipelines, uniforms and bind groups are built once; a run only writes inputs, encodes one pass and submits.
import { bytesPerElement, storedBytes } from '../../core/dtype.ts';
import type { TensorType } from '../../graph/op.ts';
import { HostValue } from '../../graph/tensor.ts';
import type { Binding, Dispatch, Program, Slot } from '../../compiler/index.ts';
import { wordOf } from '../../wgsl/index.ts';
import type { Executable, RunInput } from '../runtime.ts';
import type { Guarded, GuardedRun, Guards } from './guards.ts';
import { type UniformPlaces, UniformWords, bindLaunch } from './launch.ts';
import { type BufferPool, GpuValue, type Room } from './memory.ts';
import type { Pipeline } from './pipelines.ts';
import type { Profiler } from './profile.ts';
import type { Segment, Segments } from './segments.ts';
import { writeHost } from './transfer.ts';
import type { GpuContext } from './context.ts';

/** Bind groups kept for a dispatch, one for each tuple of outer buffers met lately. */
const bindGroupsKept = 8;

interface Prepared {
  readonly pipeline: Pipeline;
  /** Positions of the inputs that the dispatch binds: its bind group depends on them. */
  readonly inputs: readonly number[];
  readonly uniforms: UniformPlaces;
  readonly groups: Map<string, GPUBindGroup>;
}

/** A host value on its way to a buffer. */
interface Upload {
  readonly value: HostValue;
  readonly type: TensorType;
  readonly buffer: GPUBuffer;
  /** The result owns the buffer afterwards. */
  readonly isDonated: boolean;
}

/** A value on its way out of a buffer that it shares with others. */
interface Move {
  readonly value: GpuValue;
  readonly room: Room;
  /** The result owns the room afterwards. */
  readonly isDonated: boolean;
}

/** The memory of one run, by input position and by output number. */
interface RunMemory {
  readonly inputs: Map<number, GPUBuffer>;
  readonly uploads: Upload[];
  readonly moves: Move[];
  readonly results: Map<number, Room>;
}

/** What the run has taken, to be given back where it fails. */
const roomsOf = ({ uploads, moves, results }: RunMemory, pool: BufferPool): Room[] => [
  ...uploads.map(({ buffer }) => pool.roomIn(buffer)),
  ...moves.map(({ room }) => room),
  ...results.values(),
];

/** After a run has read the copy: it goes back, or the value stays there from the second time on. */
function settleMove({ value, room }: Move): void {
  if (value.wasRead && value.room.isShared) value.moveTo(room);
  else room.giveBack();
  value.wasRead = true;
}

/** A program with its pipelines and uniforms. */
interface Armed {
  readonly program: Program;
  readonly prepared: readonly Prepared[];
  readonly uniforms: Segment | undefined;
}

/** Places in a segment that begins at `offset`. */
const moved = ({ paramsOffset, fusedOffset }: UniformPlaces, offset: number): UniformPlaces => ({
  paramsOffset: paramsOffset + offset,
  fusedOffset: fusedOffset === undefined ? undefined : fusedOffset + offset,
});

function arm({ device, segments }: GpuContext, program: Program, pipelines: readonly Pipeline[]): Armed {
  const words = new UniformWords();
  const places = program.dispatches.map((dispatch) => words.add(dispatch));
  const data = words.data();
  const uniforms = data && segments.take(data.byteLength);
  if (data) device.queue.writeBuffer(uniforms!.buffer, uniforms!.offset, data);
  const prepared = program.dispatches.map((dispatch, i): Prepared => {
    const inputs = dispatch.bindings.flatMap(({ slot }) => {
      const s = program.slots[slot];
      return s.kind === 'input' ? s.position : [];
    });
    return { pipeline: pipelines[i], inputs, uniforms: moved(places[i], uniforms?.offset ?? 0), groups: new Map() };
  });
  return { program, prepared, uniforms };
}

/** Uniforms and scalars of an executable; freed with it, also when it is only dropped. */
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
  private readonly repeated: ((executable: GpuExecutable) => void) | undefined;
  private armed: Armed;
  private readonly scalars: Segment | undefined;
  private readonly scalarData: Uint32Array<ArrayBuffer>;
  private readonly own: OwnSegments;
  private readonly donated: ReadonlySet<number>;
  private generation = -1;
  private runs = 0;
  private isDisposed = false;

  /** `repeated` hears of it when it has run for the second time. */
  constructor(context: GpuContext, program: Program, pipelines: readonly Pipeline[], repeated?: (executable: GpuExecutable) => void) {
    this.context = context;
    this.repeated = repeated;
    this.donated = new Set(program.outputs.flatMap(({ inPlaceOf }) => inPlaceOf ?? []));
    this.armed = arm(context, program, pipelines);
    this.scalarData = new Uint32Array(program.scalars.length);
    if (program.scalars.length) this.scalars = context.segments.take(this.scalarData.byteLength);
    this.own = { segments: context.segments, held: [this.armed.uniforms, this.scalars].flatMap((segment) => segment ?? []) };
    ownSegments.register(this, this.own, this);
  }

  /** What it runs now: kernels that were timed may have taken the place of those that it was compiled with. */
  get program(): Program {
    return this.armed.program;
  }

  /** Later runs launch another kernel that does the same work as dispatch number `index`. */
  adopt(index: number, dispatch: Dispatch, pipeline: Pipeline): void {
    if (this.isDisposed) return;
    const { program, prepared, uniforms } = this.armed;
    const dispatches = program.dispatches.with(index, dispatch);
    const pipelines = prepared.map((prepared) => prepared.pipeline).with(index, pipeline);
    this.armed = arm(this.context, { ...program, dispatches }, pipelines);
    const { segments, held } = this.own;
    if (uniforms) segments.release(held.splice(held.indexOf(uniforms), 1)[0]);
    if (this.armed.uniforms) held.push(this.armed.uniforms);
  }

  async run(inputs: readonly RunInput[]): Promise<GpuValue[]> {
    const { context, program } = this;
    const memory = await this.allocate(inputs);
    if (context.scratch.generation !== this.generation) {
      for (const prepared of this.armed.prepared) prepared.groups.clear();
      this.generation = context.scratch.generation;
    }
    for (const { buffer, value, type } of memory.uploads) writeHost(context.device.queue, buffer, value.data, type);
    this.writeScalars(inputs);
    const check = this.runs === 0;
    if (check) context.device.pushErrorScope('validation');
    try {
      context.profiler?.submit(program.peakBytes);
      let encoder = context.device.createCommandEncoder({ label: program.name });
      for (const { value, room } of memory.moves) {
        encoder.copyBufferToBuffer(value.room.buffer, value.room.offset, room.buffer, 0, storedBytes(value.type));
      }
      if (context.profiler?.hasTimestamps === false) {
        context.device.queue.submit([encoder.finish()]);
        await this.runOneByOne(context.profiler, memory.inputs);
        encoder = context.device.createCommandEncoder({ label: program.name });
      }
      const guarded = context.profiler?.hasTimestamps === false ? undefined : this.encode(encoder, memory.inputs);
      this.copyResults(encoder, memory);
      context.submit(encoder.finish());
      guarded?.check();
    } catch (error) {
      for (const room of roomsOf(memory, context.pool)) room.giveBack();
      throw error;
    } finally {
      if (check) context.watch(context.device.popErrorScope(), program.name);
      this.runs++;
    }
    if (this.runs === 2) this.repeated?.(this);
    // The queue runs in order: a later write to a buffer given back now comes after this run has read it.
    // Last one first, so that the next run finds the same ones.
    for (const upload of memory.uploads.reverse()) if (!upload.isDonated) context.settleUpload(upload.value, upload.buffer, upload.type);
    for (const move of memory.moves.reverse()) if (!move.isDonated) settleMove(move);
    return program.outputs.map(({ type, inPlaceOf }, i) => {
      if (inPlaceOf === undefined) return new GpuValue(context, memory.results.get(i)!, type);
      const given = inputs[inPlaceOf];
      return given instanceof GpuValue && !given.room.isShared
        ? given.successor(context, type)
        : new GpuValue(context, context.pool.roomIn(memory.inputs.get(inPlaceOf)!), type);
    });
  }

  /** Everything the run needs, before anything is written: where memory runs out, nothing has happened. */
  private async allocate(inputs: readonly RunInput[]): Promise<RunMemory> {
    const { context, program } = this;
    for (let attempt = 0; ; attempt++) {
      const memory: RunMemory = { inputs: new Map(), uploads: [], moves: [], results: new Map() };
      try {
        context.scratch.ensure(program.arenas);
        this.bindInputs(inputs, memory);
        program.outputs.forEach(({ type, inPlaceOf }, i) => {
          if (inPlaceOf === undefined) memory.results.set(i, context.pages.take(storedBytes(type)));
        });
        // Only buffers that were made anew need waiting for: in the steady state there are none.
        if (context.pool.hasUnverified) await context.pool.verify(program.name);
        return memory;
      } catch (error) {
        // A buffer that could not be made is invalid for good: none of this run's may go back to the pool.
        for (const room of roomsOf(memory, context.pool)) room.discard();
        context.pages.trim();
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
        const room = value.room.isShared ? context.pool.room(slot.bytes) : value.room;
        memory.inputs.set(slot.position, room.buffer);
        if (room !== value.room) memory.moves.push({ value, room, isDonated });
      } else if (value instanceof HostValue) {
        const resident = isDonated ? undefined : context.resident(value);
        const buffer = resident?.room.buffer ?? context.pool.acquire(slot.bytes);
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

  private encode(encoder: GPUCommandEncoder, buffers: ReadonlyMap<number, GPUBuffer>): GuardedRun | undefined {
    const { profiler, guards } = this.context;
    if (guards) return this.encodeGuarded(guards, encoder, buffers);
    let pass = profiler ? undefined : encoder.beginComputePass();
    this.program.dispatches.forEach((dispatch, i) => {
      if (profiler) pass = encoder.beginComputePass(profiler.passFor(dispatch));
      this.dispatch(pass!, i, buffers);
      if (profiler) pass!.end();
    });
    if (profiler) profiler.resolve(encoder);
    else pass!.end();
    return undefined;
  }

  /** Guard zones are written and copied between passes: every dispatch gets a pass of its own. */
  private encodeGuarded(guards: Guards, encoder: GPUCommandEncoder, buffers: ReadonlyMap<number, GPUBuffer>): GuardedRun {
    const { profiler } = this.context;
    const { name, dispatches, slots } = this.program;
    const written = dispatches.map(({ bindings }) =>
      bindings.flatMap(({ role, slot: index, access }): Guarded[] => {
        const slot = slots[index];
        if (access === 'read' || slot.kind === 'scalars') return [];
        return [{ role, type: slot.type, binding: this.resource(slot, buffers, access) }];
      }),
    );
    const run = guards.run(name, written.flat().length);
    dispatches.forEach((dispatch, i) => {
      run.around(encoder, dispatch.label, written[i], () => {
        const pass = encoder.beginComputePass(profiler?.passFor(dispatch));
        this.dispatch(pass, i, buffers);
        pass.end();
      });
    });
    profiler?.resolve(encoder);
    return run;
  }

  private dispatch(pass: GPUComputePassEncoder, index: number, buffers: ReadonlyMap<number, GPUBuffer>): void {
    const prepared = this.armed.prepared[index];
    pass.setPipeline(prepared.pipeline.pipeline);
    pass.setBindGroup(0, this.bindGroup(prepared, index, buffers));
    pass.dispatchWorkgroups(...this.program.dispatches[index].workgroups);
  }

  /** For a profile on a device without timestamps. */
  private async runOneByOne(profiler: Profiler, buffers: ReadonlyMap<number, GPUBuffer>): Promise<void> {
    for (const [i, dispatch] of this.program.dispatches.entries()) {
      await profiler.wait(dispatch, (pass) => this.dispatch(pass, i, buffers));
    }
  }

  private bindGroup(prepared: Prepared, index: number, buffers: ReadonlyMap<number, GPUBuffer>): GPUBindGroup {
    const { context, program } = this;
    const key = prepared.inputs.map((position) => context.idOf(buffers.get(position)!)).join();
    const known = prepared.groups.get(key);
    if (known) return known;
    if (prepared.groups.size >= bindGroupsKept) prepared.groups.clear();
    const { pipeline, uniforms } = prepared;
    const group = bindLaunch(context.device, pipeline, program.dispatches[index], this.armed.uniforms!.buffer, uniforms, (slot, access) =>
      this.resource(program.slots[slot], buffers, access),
    );
    prepared.groups.set(key, group);
    return group;
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

  /** Results that did not take an input's place are copied out, so that the next run may overwrite the scratch. */
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
