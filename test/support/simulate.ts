// Runs a Program on the CPU like a GPU would: one dispatch after the other over its slots. Each computes the plain subgraph in its
// `meaning`. Scratch starts as NaN, and a range is filled with NaN when another value takes it over. A wrong order, a missing dependency or
// overlapping lifetimes then give NaN. This checks fuse, schedule and plan without a GPU. Of the kernels' text only the bindings are
// checked: the memory that they read must have been written before.
import { type HostArray, allocate } from '../../src/core/dtype.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { TensorType } from '../../src/graph/op.ts';
import type { Program, Slot } from '../../src/compiler/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';

interface Held {
  readonly slot: number;
  readonly data: HostArray;
}

/** Results of the program for these inputs: arrays for input slots, numbers for scalars. */
export function simulate(program: Program, inputs: readonly (HostArray | number)[]): HostArray[] {
  const outer = new Map<number, HostArray>();
  const scratch: Held[] = [];
  const overlaps = (a: Slot, b: Slot): boolean =>
    a.kind === 'scratch' && b.kind === 'scratch' && a.arena === b.arena && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;

  const read = (slot: number, type: TensorType): HostArray => {
    const place = program.slots[slot];
    if (place.kind === 'input') return outer.get(slot) ?? (inputs[place.position] as HostArray);
    const held = scratch.find((entry) => entry.slot === slot);
    return held ? held.data : poison(type);
  };
  const write = (slot: number, data: HostArray): void => {
    const place = program.slots[slot];
    if (place.kind === 'input') outer.set(slot, data);
    else {
      // Other values in this range are overwritten.
      for (let i = scratch.length - 1; i >= 0; i--) if (overlaps(place, program.slots[scratch[i].slot])) scratch.splice(i, 1);
      scratch.push({ slot, data });
    }
  };

  const written = new Set<number>();
  for (const { meaning, bindings, label } of program.dispatches) {
    assertNoAlias(program, bindings, label);
    for (const { role, slot, access } of bindings) {
      const isThere = access === 'read_write' || program.slots[slot].kind !== 'scratch' || written.has(slot);
      if (!isThere) throw new Error(`${label}: ${role} reads memory that no kernel has written`);
    }
    for (const { slot, access } of bindings) if (access === 'read_write') written.add(slot);
    if (!meaning) continue;
    const feeds = new Map(
      meaning.inputs.map(({ tensor, slot }) => {
        const position = (tensor.node?.attributes as { position?: number } | undefined)?.position;
        const isScalar = program.slots[slot]?.kind === 'scalars';
        const data = isScalar ? allocate(tensor.dtype, 1).fill(inputs[position!] as number) : read(slot, tensor);
        return [tensor, data] as const;
      }),
    );
    const results = interpret(
      meaning.outputs.map(({ tensor }) => tensor),
      { feeds },
    );
    meaning.outputs.forEach(({ slot }, i) => write(slot, results[i].slice()));
  }
  return program.outputs.map(({ type, slot, offset }) => {
    const size = sizeOf(type.shape);
    return size === 0 ? allocate(type.dtype, 0) : read(slot, type).slice(offset, offset + size);
  });
}

function poison({ shape, dtype }: TensorType): HostArray {
  const data = allocate(dtype, sizeOf(shape));
  return dtype === 'f32' || dtype === 'f16' ? data.fill(NaN) : data.fill(0x5a5a5a5a);
}

/** The rule of WebGPU: one dispatch either reads or writes a buffer, and written ranges do not overlap. */
function assertNoAlias(program: Program, bindings: Program['dispatches'][number]['bindings'], label: string): void {
  const bufferOf = (slot: Slot): string =>
    slot.kind === 'scratch' ? `arena ${slot.arena}` : slot.kind === 'input' ? `input ${slot.position}` : 'scalars';
  for (const write of bindings.filter(({ access }) => access === 'read_write')) {
    const written = program.slots[write.slot];
    for (const other of bindings) {
      if (other === write) continue;
      const place = program.slots[other.slot];
      if (bufferOf(place) !== bufferOf(written)) continue;
      if (other.access === 'read') throw new Error(`${label}: reads and writes ${bufferOf(place)} in one dispatch`);
      const apart =
        place.kind === 'scratch' &&
        written.kind === 'scratch' &&
        (place.offset + place.bytes <= written.offset || written.offset + written.bytes <= place.offset);
      if (!apart) throw new Error(`${label}: two bindings write the same range of ${bufferOf(place)}`);
    }
  }
}
