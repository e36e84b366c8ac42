// A Program made ready for one device: pipelines, uniforms and bind groups are built once; a run only writes inputs, encodes one pass and submits.
import { bytesPerElement, storedBytes } from '../../core/dtype.ts';
import type { TensorType } from '../../graph/op.ts';
import { HostValue } from '../../graph/tensor.ts';
import { type Program, type Slot, wordOf } from '../../compiler/index.ts';
import type { Executable, RunInput } from '../runtime.ts';
import { type BufferPool, GpuValue } from './memory.ts';
import type { Pipeline } from './pipelines.ts';
import type { Profiler } from './profile.ts';
import { writeHost } from './transfer.ts';
import type { GpuContext } from './context.ts';

/** Bind groups kept for a dispatch, one for each tuple of outer buffers met lately. */
const bindGroupsKept = 8;

interface Prepared extends Pipeline {
  /** Positions of the inputs that the dispatch binds: its bind group depends on them. */
  readonly inputs: readonly number[];
  readonly paramsOffset: number;
  readonly fusedOffset: number | undefined;
  groups: Map<string, GPUBindGroup>;
}

/** A host value on its way to a buffer. */
interface Upload {
  readonly value: HostValue;
  readonly type: TensorType;
  readonly buffer: GPUBuffer;
  /** The result owns the buffer afterwards. */
  readonly isDonated: boolean;
}

/** The buffers of one run, by input position and by output number. */
interface RunMemory {
  readonly inputs: Map<number, GPUBuffer>;
  readonly uploads: Upload[];
  readonly results: Map<number, GPUBuffer>;
}

const acquired = ({ uploads, results }: RunMemory): GPUBuffer[] => [...uploads.map(({ buffer }) => buffer), ...results.values()];

/** Uniforms and scalars of an executable; freed with it, also when it is only dropped. */
interface OwnBuffers {
  readonly pool: BufferPool;
  readonly buffers: GPUBuffer[];
}

function destroyOwn({ pool, buffers }: OwnBuffers): void {
  for (const buffer of buffers.splice(0)) pool.destroy(buffer);
}

const ownBuffers = new FinalizationRegistry(destroyOwn);

export class GpuExecutable implements Executable {
  readonly program: Program;
  private readonly context: GpuContext;
  private readonly prepared: Prepared[];
  private readonly uniforms: GPUBuffer | undefined;
  private readonly scalars: GPUBuffer | undefined;
  private readonly scalarData: Uint32Array<ArrayBuffer>;
  private readonly own: OwnBuffers;
  private readonly donated: ReadonlySet<number>;
  private generation = -1;
  private isFirstRun = true;

  constructor(context: GpuContext, program: Program, pipelines: readonly Pipeline[]) {
    this.context = context;
    this.program = program;
    this.donated = new Set(program.outputs.flatMap(({ inPlaceOf }) => inPlaceOf ?? []));
    const words: number[] = [];
    const segment = (params: readonly number[]): number => {
      while (words.length % 64) words.push(0); // bind offsets are multiples of 256 bytes
      const offset = words.length * 4;
      words.push(...params);
      return offset;
    };
    this.prepared = program.dispatches.map(({ bindings, params, fusedParams }, i) => ({
      ...pipelines[i],
      inputs: bindings.flatMap(({ slot }) => {
        const s = program.slots[slot];
        return s.kind === 'input' ? s.position : [];
      }),
      paramsOffset: segment(params),
      fusedOffset: fusedParams ? segment(fusedParams) : undefined,
      groups: new Map(),
    }));
    while (words.length % 64) words.push(0);
    if (words.length) {
      this.uniforms = context.pool.create(words.length * 4, 0x40 | 0x08); // UNIFORM | COPY_DST
      context.device.queue.writeBuffer(this.uniforms, 0, new Uint32Array(words));
    }
    this.scalarData = new Uint32Array(program.scalars.length);
    if (program.scalars.length) this.scalars = context.pool.create(Math.max(16, this.scalarData.byteLength), 0x80 | 0x08); // STORAGE | COPY_DST
    this.own = { pool: context.pool, buffers: [this.uniforms, this.scalars].flatMap((buffer) => buffer ?? []) };
    ownBuffers.register(this, this.own, this);
  }

  async run(inputs: readonly RunInput[]): Promise<GpuValue[]> {
    const { context, program } = this;
    const memory = await this.allocate(inputs);
    if (context.scratch.generation !== this.generation) {
      for (const prepared of this.prepared) prepared.groups.clear();
      this.generation = context.scratch.generation;
    }
    for (const { buffer, value, type } of memory.uploads) writeHost(context.device.queue, buffer, value.data, type);
    this.writeScalars(inputs);
    const check = this.isFirstRun;
    if (check) context.device.pushErrorScope('validation');
    try {
      context.profiler?.submit(program.peakBytes);
      if (context.profiler?.hasTimestamps === false) await this.runOneByOne(context.profiler, memory.inputs);
      const encoder = context.device.createCommandEncoder({ label: program.name });
      if (context.profiler?.hasTimestamps !== false) this.encode(encoder, memory.inputs);
      this.copyResults(encoder, memory);
      context.submit(encoder.finish());
    } catch (error) {
      for (const buffer of acquired(memory)) context.pool.release(buffer);
      throw error;
    } finally {
      if (check) context.watch(context.device.popErrorScope(), program.name);
      this.isFirstRun = false;
    }
    // The queue runs in order: a later write to a buffer given back now comes after this run has read it.
    // Last one first, so that the next run finds the same ones.
    for (const upload of memory.uploads.reverse()) if (!upload.isDonated) context.settleUpload(upload.value, upload.buffer, upload.type);
    return program.outputs.map(({ type, inPlaceOf }, i) => {
      if (inPlaceOf === undefined) return new GpuValue(context, context.pool, memory.results.get(i)!, type);
      const given = inputs[inPlaceOf];
      return given instanceof GpuValue
        ? given.successor(context, type)
        : new GpuValue(context, context.pool, memory.inputs.get(inPlaceOf)!, type);
    });
  }

  /** Everything the run needs, before anything is written: where memory runs out, nothing has happened. */
  private async allocate(inputs: readonly RunInput[]): Promise<RunMemory> {
    const { context, program } = this;
    for (let attempt = 0; ; attempt++) {
      const memory: RunMemory = { inputs: new Map(), uploads: [], results: new Map() };
      try {
        context.scratch.ensure(program.arenas);
        this.bindInputs(inputs, memory);
        program.outputs.forEach(({ type, inPlaceOf }, i) => {
          if (inPlaceOf === undefined) memory.results.set(i, context.pool.acquire(Math.max(4, storedBytes(type))));
        });
        // Only buffers that were made anew need waiting for: in the steady state there are none.
        if (context.pool.hasUnverified) await context.pool.verify(program.name);
        return memory;
      } catch (error) {
        // A buffer that could not be made is invalid for good: none of this run's may go back to the pool.
        for (const buffer of acquired(memory)) context.pool.destroy(buffer);
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
      if (value instanceof GpuValue) memory.inputs.set(slot.position, value.buffer);
      else if (value instanceof HostValue) {
        const isDonated = this.donated.has(slot.position);
        const resident = isDonated ? undefined : context.resident(value);
        const buffer = resident?.buffer ?? context.pool.acquire(slot.bytes);
        memory.inputs.set(slot.position, buffer);
        if (!resident) memory.uploads.push({ value, type: slot.type, buffer, isDonated });
      }
    }
  }

  private writeScalars(inputs: readonly RunInput[]): void {
    this.program.scalars.forEach(({ position, dtype }, word) => {
      this.scalarData[word] = wordOf(inputs[position] as number, dtype);
    });
    if (this.scalars) this.context.device.queue.writeBuffer(this.scalars, 0, this.scalarData);
  }

  private encode(encoder: GPUCommandEncoder, buffers: ReadonlyMap<number, GPUBuffer>): void {
    const { profiler } = this.context;
    let pass = profiler ? undefined : encoder.beginComputePass();
    this.program.dispatches.forEach((dispatch, i) => {
      if (profiler) pass = encoder.beginComputePass(profiler.passFor(dispatch));
      this.dispatch(pass!, i, buffers);
      if (profiler) pass!.end();
    });
    if (profiler) profiler.resolve(encoder);
    else pass!.end();
  }

  private dispatch(pass: GPUComputePassEncoder, index: number, buffers: ReadonlyMap<number, GPUBuffer>): void {
    const prepared = this.prepared[index];
    pass.setPipeline(prepared.pipeline);
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
    const { bindings, params, fusedParams } = program.dispatches[index];
    const entries: GPUBindGroupEntry[] = [
      { binding: 0, resource: { buffer: this.uniforms!, offset: prepared.paramsOffset, size: uniformBytes(params) } },
    ];
    bindings.forEach(({ slot }, i) => entries.push({ binding: i + 1, resource: this.resource(program.slots[slot], buffers) }));
    if (fusedParams) {
      entries.push({
        binding: bindings.length + 1,
        resource: { buffer: this.uniforms!, offset: prepared.fusedOffset!, size: uniformBytes(fusedParams) },
      });
    }
    if (prepared.groups.size >= bindGroupsKept) prepared.groups.clear();
    const group = context.device.createBindGroup({ layout: prepared.layout, entries });
    prepared.groups.set(key, group);
    return group;
  }

  private resource(slot: Slot, buffers: ReadonlyMap<number, GPUBuffer>): GPUBufferBinding {
    switch (slot.kind) {
      case 'input':
        return { buffer: buffers.get(slot.position)!, size: slot.bytes };
      case 'scalars':
        return { buffer: this.scalars! };
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
      const source = this.resource(program.slots[slot], memory.inputs);
      encoder.copyBufferToBuffer(source.buffer, (source.offset ?? 0) + offset * bytesPerElement(type.dtype), target, 0, bytes);
    }
  }

  dispose(): void {
    ownBuffers.unregister(this);
    destroyOwn(this.own);
  }
}

/** A uniform struct is bound in whole 16 bytes. */
const uniformBytes = (params: readonly number[]): number => Math.max(16, Math.ceil(params.length / 4) * 16);
