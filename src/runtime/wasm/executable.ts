// A Program in the memory of the WebAssembly runtime.
import type { Dispatch, Program, Slot } from '../../compiler/index.ts';
import { bytesPerElement, storedBytes } from '../../core/dtype.ts';
import { DeviceError } from '../../core/errors.ts';
import { formatShape, sizeOf } from '../../core/shape.ts';
import type { Target, TensorType } from '../../graph/op.ts';
import { HostValue, type Value } from '../../graph/tensor.ts';
import { wordOf } from '../../wgsl/index.ts';
import type { ProfileLog } from '../profile.ts';
import type { Executable, RunInput, ValueOwner } from '../runtime.ts';
import { debug } from '../webgpu/debug.ts';
import { storedElements } from '../webgpu/transfer.ts';
import { type Zone, runGuarded } from './guards.ts';
import type { Block, Heap } from './heap.ts';
import type { Kernel } from './kernels.ts';
import { WasmValue } from './value.ts';

/** What executables share. */
export interface WasmContext {
  readonly heap: Heap;
  readonly owner: ValueOwner;
  readonly scratch: Scratch;
  /** With spare bytes, every dispatch is checked for stores beyond its results. */
  readonly target: Target;
  readonly profile: ProfileLog | undefined;
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

/** Writes host elements as kernels read them. */
export function writeHost(heap: Heap, { address }: Block, { data }: HostValue, { shape, dtype }: TensorType): void {
  if (data.length !== sizeOf(shape)) throw new DeviceError(`wasm: ${data.length} elements for a tensor of shape ${formatShape(shape)}`);
  if (data.length === 0) return;
  const stored = storedElements(data, dtype);
  heap.bytes.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength), address);
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

export class WasmExecutable implements Executable {
  readonly program: Program;
  private readonly context: WasmContext;
  private readonly kernels: readonly Kernel[];
  private readonly own: Own;
  /** Address of the scalars. */
  private readonly scalars: number;
  /** Addresses of the bindings of each dispatch. */
  private readonly launches: readonly number[];
  private readonly stackBytes: number;
  private readonly donated: ReadonlySet<number>;

  constructor(context: WasmContext, program: Program, kernels: readonly Kernel[]) {
    this.context = context;
    this.program = program;
    this.kernels = kernels;
    this.stackBytes = Math.max(0, ...kernels.map((kernel) => kernel.stackBytes));
    this.donated = new Set(program.outputs.flatMap(({ inPlaceOf }) => inPlaceOf ?? []));
    const { heap } = context;
    const words: number[] = [];
    /** Positions of addresses within the block, which are not known yet. */
    const inner: [word: number, target: number][] = [];
    const append = (values: readonly number[]): number => {
      while (words.length % 4) words.push(0);
      const at = words.length;
      words.push(...values);
      return at;
    };
    const scalars = append(program.scalars.map(() => 0));
    const launches = program.dispatches.map(({ params, fusedParams, bindings }) => {
      const own = append(params);
      const fused = fusedParams && append(fusedParams);
      const launch = append([0, 4 * params.length, ...bindings.flatMap(() => [0, 0]), ...(fusedParams ? [0, 4 * fusedParams.length] : [])]);
      inner.push([launch, own]);
      if (fused !== undefined) inner.push([launch + 2 + 2 * bindings.length, fused]);
      return launch;
    });
    const block = heap.take(4 * words.length);
    for (const [word, target] of inner) words[word] = block.address + 4 * target;
    heap.words.set(words, block.address / 4);
    this.own = { heap, blocks: [block] };
    this.scalars = block.address + 4 * scalars;
    this.launches = launches.map((word) => block.address + 4 * word);
    finalizer.register(this, this.own, this);
  }

  run(inputs: readonly RunInput[]): Promise<Value[]> {
    return Promise.resolve().then(() => this.runNow(inputs));
  }

  private runNow(inputs: readonly RunInput[]): Value[] {
    const { context, program } = this;
    const { heap, scratch, owner, profile } = context;
    const taken: Block[] = [];
    const take = (bytes: number): Block => {
      const block = heap.take(bytes);
      taken.push(block);
      return block;
    };
    try {
      scratch.ensure(program.arenas, this.stackBytes);
      // All memory is taken before anything is written.
      const uploads = new Map<number, Block>();
      const addresses = new Map<number, Block>();
      for (const slot of program.slots) {
        if (slot.kind !== 'input') continue;
        const value = inputs[slot.position];
        if (value instanceof WasmValue) addresses.set(slot.position, value.block);
        else if (value instanceof HostValue) {
          const block = take(slot.bytes);
          writeHost(heap, block, value, slot.type);
          addresses.set(slot.position, block);
          uploads.set(slot.position, block);
        }
      }
      const results = program.outputs.map(({ type, inPlaceOf }) => (inPlaceOf === undefined ? take(storedBytes(type)) : undefined));
      const { words } = heap;
      program.scalars.forEach(({ position, dtype }, word) => {
        words[this.scalars / 4 + word] = wordOf(inputs[position] as number, dtype);
      });
      const addressOf = (slot: Slot): number => {
        switch (slot.kind) {
          case 'input':
            return addresses.get(slot.position)!.address;
          case 'scalars':
            return this.scalars;
          case 'scratch':
            return scratch.arenas[slot.arena].address + slot.offset;
          default:
            return slot satisfies never;
        }
      };
      profile?.submit(program.peakBytes);
      program.dispatches.forEach((dispatch, i) => {
        const launch = this.launches[i];
        dispatch.bindings.forEach(({ slot: index }, binding) => {
          const slot = program.slots[index];
          words[launch / 4 + 2 + 2 * binding] = addressOf(slot);
          words[launch / 4 + 3 + 2 * binding] = slot.bytes;
        });
        const [x, y, z] = dispatch.workgroups;
        const began = profile ? performance.now() : 0;
        const run = (): void => this.launch(i, launch, x * y * z, x, y);
        if (context.target.spareBytes) runGuarded(heap, program.name, dispatch.label, this.zonesOf(dispatch, addressOf), run);
        else run();
        profile?.add(dispatch, performance.now() - began);
      });
      results.forEach((block, i) => {
        const { type, slot, offset } = program.outputs[i];
        const bytes = storedBytes(type);
        if (!block || bytes === 0) return;
        const from = addressOf(program.slots[slot]) + offset * bytesPerElement(type.dtype);
        heap.bytes.copyWithin(block.address, from, from + bytes);
      });
      for (const [position, block] of uploads) if (!this.donated.has(position)) heap.release(block);
      return program.outputs.map(({ type, inPlaceOf }, i) => {
        if (inPlaceOf === undefined) return new WasmValue(owner, heap, results[i]!, type);
        const given = inputs[inPlaceOf];
        return given instanceof WasmValue ? given.successor(owner, type) : new WasmValue(owner, heap, uploads.get(inPlaceOf)!, type);
      });
    } catch (error) {
      for (const block of taken) heap.release(block);
      throw error;
    }
  }

  /** The zones after the ranges that a dispatch writes. */
  private zonesOf({ bindings }: Dispatch, addressOf: (slot: Slot) => number): Zone[] {
    return bindings.flatMap(({ role, slot: index, access }): Zone[] => {
      const slot = this.program.slots[index];
      if (access === 'read' || slot.kind === 'scalars') return [];
      const start = addressOf(slot) + storedBytes(slot.type);
      const spare = slot.kind === 'scratch' ? (slot.spareBytes ?? 0) : debug.guardBytes;
      return [{ role, type: slot.type, start, end: start + spare }];
    });
  }

  private launch(index: number, launch: number, groups: number, width: number, height: number): void {
    const { kernels, program, context } = this;
    try {
      kernels[index].run(launch, context.scratch.stack!.address, 0, groups, width, height);
    } catch (error) {
      throw new DeviceError(`wasm: ${program.name}: '${program.dispatches[index].label}' stopped: ${String(error)}`, { cause: error });
    }
  }

  dispose(): void {
    finalizer.unregister(this);
    releaseOwn(this.own);
  }
}
