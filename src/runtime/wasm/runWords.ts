// The words of a run in the memory: what `Thread.lead` reads, the addresses of bindings, and the scalars.
import type { Program } from '../../compiler/index.ts';
import { bytesPerElement, storedBytes } from '../../core/dtype.ts';
import { wordOf } from '../../wgsl/index.ts';
import type { RunInput } from '../runtime.ts';
import type { Block, Heap } from './heap.ts';
import type { Kernel } from './kernels.ts';

/** The memory of one run. */
export interface RunMemory {
  readonly inputs: readonly RunInput[];
  /** Address of each input that is no scalar, by position. */
  readonly addresses: ReadonlyMap<number, number>;
  readonly arenas: readonly Block[];
  /** Blocks of the results that are copied, by number of the output. */
  readonly results: readonly (Block | undefined)[];
  /** Address of the local arrays, and bytes for each thread. */
  readonly stack: number;
  readonly stackBytes: number;
}

/** A word that is an address in a slot. */
interface Place {
  readonly word: number;
  readonly slot: number;
  /** Bytes from the start of the slot. */
  readonly offset: number;
}

/** Words of the times of a dispatch. See `Thread.lead`. */
const timeWords = 3;

export class RunWords {
  /** The constants of all runs: parameters, and the times of the dispatches. */
  readonly block: Block;
  private readonly heap: Heap;
  private readonly program: Program;
  private readonly times: number;
  /** The words of a run. Those that depend on the run are written each time. */
  private readonly words: Int32Array<ArrayBuffer>;
  /** Words that are addresses within the run itself. */
  private readonly inner: readonly { readonly word: number; readonly target: number }[];
  private readonly places: readonly Place[];
  private readonly scalars: number;
  /** Words of the targets of copies, and the outputs. */
  private readonly targets: readonly { readonly word: number; readonly output: number }[];

  constructor(heap: Heap, program: Program, kernels: readonly Kernel[]) {
    this.heap = heap;
    this.program = program;
    const { dispatches, outputs, slots } = program;
    const constants: number[] = [];
    const append = (list: number[], values: readonly number[]): number => {
      while (list.length % 4) list.push(0);
      const at = list.length;
      for (const value of values) list.push(value);
      return at;
    };
    const params = dispatches.map(({ params, fusedParams }) => ({
      own: append(constants, params),
      fused: fusedParams && append(constants, fusedParams),
    }));
    const times = append(constants, new Array<number>(timeWords * dispatches.length).fill(0));
    this.block = heap.take(4 * constants.length);
    heap.words.set(constants, this.block.address / 4);
    const constant = (word: number): number => this.block.address + 4 * word;
    this.times = constant(times) / 4;

    const copied = outputs.flatMap((output, i) => (output.inPlaceOf === undefined && storedBytes(output.type) > 0 ? [{ output, i }] : []));
    const words = [dispatches.length, copied.length, 0, 0];
    const inner: { word: number; target: number }[] = [];
    const places: Place[] = [];
    dispatches.forEach(({ workgroups: [x, y, z] }, i) => {
      words.push(kernels[i].address, 0, x * y * z, x, y, constant(times + timeWords * i));
    });
    this.targets = copied.map(({ output: { type, slot, offset }, i }) => {
      const word = words.length;
      words.push(0, 0, storedBytes(type));
      places.push({ word, slot, offset: offset * bytesPerElement(type.dtype) });
      return { word: word + 1, output: i };
    });
    dispatches.forEach(({ params: own, fusedParams, bindings }, i) => {
      const { own: ownAt, fused } = params[i];
      const launch = append(words, [constant(ownAt), 4 * own.length]);
      inner.push({ word: 4 + 6 * i + 1, target: launch });
      for (const { slot } of bindings) {
        places.push({ word: words.length, slot, offset: 0 });
        words.push(0, slots[slot].bytes);
      }
      if (fused !== undefined) words.push(constant(fused), 4 * fusedParams!.length);
    });
    this.scalars = append(words, new Array<number>(program.scalars.length).fill(0));
    this.words = Int32Array.from(words);
    this.inner = inner;
    this.places = places;
  }

  get bytes(): number {
    return 4 * this.words.length;
  }

  /** Writes the words of a run at an address. */
  write(address: number, { inputs, addresses, arenas, results, stack, stackBytes }: RunMemory): void {
    const { words, program } = this;
    words[2] = stack;
    words[3] = stackBytes;
    for (const { word, target } of this.inner) words[word] = address + 4 * target;
    const starts = program.slots.map((slot): number => {
      switch (slot.kind) {
        case 'input':
          return addresses.get(slot.position)!;
        case 'scalars':
          return address + 4 * this.scalars;
        case 'scratch':
          return arenas[slot.arena].address + slot.offset;
        default:
          return slot satisfies never;
      }
    });
    for (const { word, slot, offset } of this.places) words[word] = starts[slot] + offset;
    for (const { word, output } of this.targets) words[word] = results[output]!.address;
    program.scalars.forEach(({ position, dtype }, i) => {
      words[this.scalars + i] = wordOf(inputs[position] as number, dtype);
    });
    this.heap.words.set(words, address / 4);
  }

  /** Writes a run at `target` that is one dispatch of the run at `run`. */
  writeSingle(target: number, run: number, dispatch: number): void {
    const { words } = this.heap;
    const at = run / 4;
    words.set([1, 0, words[at + 2], words[at + 3], ...words.slice(at + 4 + 6 * dispatch, at + 10 + 6 * dispatch)], target / 4);
  }

  /** Writes a run at `target` that is the copies of the run at `run`. */
  writeCopies(target: number, run: number): void {
    const { words } = this.heap;
    const copies = run / 4 + 4 + 6 * this.program.dispatches.length;
    words.set([0, this.targets.length, 0, 0, ...words.slice(copies, copies + 3 * this.targets.length)], target / 4);
  }

  /** Address of a binding of a dispatch in the run at `run`. */
  addressOf(run: number, dispatch: number, binding: number): number {
    const { words } = this.heap;
    const launch = words[run / 4 + 4 + 6 * dispatch + 1] >>> 0;
    return words[launch / 4 + 2 + 2 * binding] >>> 0;
  }

  /** The time of a dispatch in its last run. */
  milliseconds(dispatch: number): number {
    return this.heap.words[this.times + timeWords * dispatch + 1] / 1e4;
  }
}
