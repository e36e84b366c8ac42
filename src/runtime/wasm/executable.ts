// A Program in the memory of the WebAssembly runtime.
import type { Dispatch, Program } from '../../compiler/index.ts';
import { storedBytes } from '../../core/dtype.ts';
import type { Target } from '../../graph/op.ts';
import { HostValue, type Value } from '../../graph/tensor.ts';
import { debug } from '../debug.ts';
import { bytesOf } from '../hostElements.ts';
import type { ProfileLog } from '../profile.ts';
import type { Executable, RunInput, ValueOwner } from '../runtime.ts';
import { type Zone, guardZones } from './guards.ts';
import type { Block, Heap } from './heap.ts';
import type { Kernel } from './kernels.ts';
import { RunWords } from './runWords.ts';
import { WasmValue } from './value.ts';

/** A program as errors name it. */
export type NamedProgram = Pick<Program, 'name' | 'dispatches'>;

/** The parts that executables share. */
export interface WasmContext {
  readonly heap: Heap;
  readonly owner: ValueOwner;
  readonly scratch: Scratch;
  /** With spare bytes, every dispatch is checked for stores beyond its results. */
  readonly target: Target;
  readonly profile: ProfileLog | undefined;
  /** Number of threads that have local arrays. */
  readonly stacks: number;
  /** Waits until the queue of runs is not full. Undefined if it is not. */
  room(): Promise<void> | undefined;
  /** Runs what is at an address, now or in the order of the queue. @throws DeviceError if a dispatch stops, also of an earlier run. */
  submit(run: number, program: NamedProgram | undefined): void;
  settle(inFlight: number): Promise<void>;
}

/** Scratch arenas and local arrays: one set for all programs, grown to the largest need. */
export class Scratch {
  readonly arenas: Block[] = [];
  stack: Block | undefined;
  private readonly heap: Heap;

  constructor(heap: Heap) {
    this.heap = heap;
  }

  ensure(arenas: readonly number[], stackBytes: number): void {
    arenas.forEach((bytes, i) => {
      const old = this.arenas[i] as Block | undefined;
      if (old && old.bytes >= bytes) return;
      if (old) this.heap.release(old);
      this.arenas[i] = this.heap.take(bytes);
    });
    if (this.stack && this.stack.bytes >= stackBytes) return;
    if (this.stack) this.heap.release(this.stack);
    this.stack = this.heap.take(Math.max(stackBytes, 4096));
  }
}

/** Blocks of one executable. They are freed when it is disposed of or garbage collected. */
interface Own {
  readonly heap: Heap;
  readonly blocks: Block[];
}

function releaseOwn({ heap, blocks }: Own): void {
  for (const block of blocks.splice(0)) heap.release(block);
}

const finalizer = new FinalizationRegistry(releaseOwn);

/** The memory of one run. */
interface TakenMemory {
  /** The words of the run. */
  readonly run: Block;
  /** All that was taken. It is released if the run fails. */
  readonly taken: readonly Block[];
  /** Host values by position of the input. */
  readonly uploads: ReadonlyMap<number, Block>;
  /** By number of the output. Undefined if it takes over the memory of an input. */
  readonly results: readonly (Block | undefined)[];
}

export class WasmExecutable implements Executable {
  readonly program: Program;
  private readonly context: WasmContext;
  private readonly own: Own;
  private readonly words: RunWords;
  private readonly stackBytes: number;
  private readonly donated: ReadonlySet<number>;

  constructor(context: WasmContext, program: Program, kernels: readonly Kernel[]) {
    this.context = context;
    this.program = program;
    this.stackBytes = Math.max(0, ...kernels.map((kernel) => kernel.stackBytes));
    this.donated = new Set(program.outputs.flatMap(({ inPlaceOf }) => inPlaceOf ?? []));
    this.words = new RunWords(context.heap, program, kernels);
    this.own = { heap: context.heap, blocks: [this.words.block] };
    finalizer.register(this, this.own, this);
  }

  async run(inputs: readonly RunInput[]): Promise<Value[]> {
    const { context, program } = this;
    const { profile } = context;
    const room = context.room();
    if (room) await room;
    if (profile) await context.settle(0);
    profile?.submit(program.peakBytes);
    const memory = this.take(inputs);
    try {
      if (context.target.spareBytes) await this.runGuarded(memory.run.address);
      else context.submit(memory.run.address, program);
      if (profile) await context.settle(0);
    } catch (error) {
      for (const block of memory.taken) context.heap.release(block);
      throw error;
    }
    if (profile) program.dispatches.forEach((dispatch, i) => profile.add(dispatch, this.words.milliseconds(i)));
    return this.results(inputs, memory);
  }

  /** Takes the memory of a run, and writes what the host gives. */
  private take(inputs: readonly RunInput[]): TakenMemory {
    const { context, program } = this;
    const { heap, scratch } = context;
    const taken: Block[] = [];
    const take = (bytes: number): Block => {
      const block = heap.take(bytes);
      taken.push(block);
      return block;
    };
    try {
      const stackBytes = Math.ceil(this.stackBytes / 64) * 64;
      scratch.ensure(program.arenas, stackBytes * context.stacks);
      // All memory is taken before anything is written.
      const uploads = new Map<number, Block>();
      const addresses = new Map<number, number>();
      for (const slot of program.slots) {
        if (slot.kind !== 'input') continue;
        const value = inputs[slot.position];
        if (value instanceof WasmValue) addresses.set(slot.position, value.block.address);
        else if (value instanceof HostValue) {
          const block = take(slot.bytes);
          addresses.set(slot.position, block.address);
          uploads.set(slot.position, block);
        }
      }
      const results = program.outputs.map(({ type, inPlaceOf }) => (inPlaceOf === undefined ? take(storedBytes(type)) : undefined));
      const run = take(this.words.bytes);
      for (const slot of program.slots) {
        const block = slot.kind === 'input' ? uploads.get(slot.position) : undefined;
        if (block && slot.kind === 'input') {
          heap.bytes.set(bytesOf('wasm', (inputs[slot.position] as HostValue).data, slot.type), block.address);
        }
      }
      this.words.write(run.address, {
        inputs,
        addresses,
        arenas: scratch.arenas,
        results,
        stack: scratch.stack!.address,
        stackBytes,
      });
      return { run, taken, uploads, results };
    } catch (error) {
      for (const block of taken) heap.release(block);
      throw error;
    }
  }

  /** The results of a run, and the release of what only the run needed. */
  private results(inputs: readonly RunInput[], { run, uploads, results }: TakenMemory): Value[] {
    const { heap, owner } = this.context;
    heap.release(run);
    for (const [position, block] of uploads) if (!this.donated.has(position)) heap.release(block);
    return this.program.outputs.map(({ type, inPlaceOf }, i) => {
      if (inPlaceOf === undefined) return new WasmValue(owner, heap, results[i]!, type);
      const given = inputs[inPlaceOf];
      return given instanceof WasmValue ? given.successor(owner, type) : new WasmValue(owner, heap, uploads.get(inPlaceOf)!, type);
    });
  }

  /** Runs the dispatches one by one, and compares the zones after the ranges that each writes. */
  private async runGuarded(run: number): Promise<void> {
    const { context, program, words } = this;
    const { heap } = context;
    const single = heap.take(words.bytes);
    try {
      for (const [i, dispatch] of program.dispatches.entries()) {
        const compare = guardZones(
          heap,
          program.name,
          dispatch.label,
          this.zonesOf(dispatch, (binding) => words.addressOf(run, i, binding)),
        );
        words.writeSingle(single.address, run, i);
        context.submit(single.address, { name: program.name, dispatches: [dispatch] });
        await context.settle(0);
        compare();
      }
      words.writeCopies(single.address, run);
      context.submit(single.address, program);
      await context.settle(0);
    } finally {
      heap.release(single);
    }
  }

  /** The zones after the ranges that a dispatch writes. */
  private zonesOf({ bindings }: Dispatch, addressOf: (binding: number) => number): Zone[] {
    return bindings.flatMap(({ role, slot: index, access }, binding): Zone[] => {
      const slot = this.program.slots[index];
      if (access === 'read' || slot.kind === 'scalars') return [];
      const start = addressOf(binding) + storedBytes(slot.type);
      const spare = slot.kind === 'scratch' ? (slot.spareBytes ?? 0) : debug.guardBytes;
      return [{ role, type: slot.type, start, end: start + spare }];
    });
  }

  dispose(): void {
    finalizer.unregister(this);
    releaseOwn(this.own);
  }
}
