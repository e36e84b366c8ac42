// The device memory that a program takes, as numbers and as text. It is known before the program runs.
import { formatShape } from '../core/shape.ts';
import type { TensorType } from '../graph/op.ts';
import type { Program } from './program.ts';

/** A tensor of a program. An argument has its own name; any other tensor has the label of the kernel that writes it. */
export interface HeldTensor extends TensorType {
  readonly name: string;
  readonly bytes: number;
}

/** Bytes that one call of a program takes on its device. */
export interface ProgramMemory {
  /** The maximum at any time: arguments, results and scratch. */
  readonly peakBytes: number;
  /** Arguments, with donated ones: results that take over their memory are counted here. */
  readonly argumentBytes: number;
  /** Results that have memory of their own. */
  readonly resultBytes: number;
  /** Intermediates. Those that are not alive at the same time share memory. All programs of a device share it too. */
  readonly scratchBytes: number;
  /** The largest tensors, largest first. */
  readonly largest: readonly HeldTensor[];
}

const tensorsListed = 8;

export function programMemory(program: Program): ProgramMemory {
  const { slots, arenas, peakBytes } = program;
  const argumentBytes = slots.reduce((sum, slot) => sum + (slot.kind === 'scratch' ? 0 : slot.bytes), 0);
  const scratchBytes = arenas.reduce((a, b) => a + b, 0);
  return {
    peakBytes,
    argumentBytes,
    resultBytes: peakBytes - argumentBytes - scratchBytes,
    scratchBytes,
    largest: largestTensors(program, tensorsListed),
  };
}

export function largestTensors({ slots, dispatches }: Program, count: number): HeldTensor[] {
  const makers = new Map<number, string>();
  for (const { label, bindings } of dispatches) {
    for (const { slot, access } of bindings) if (access === 'read_write' && !makers.has(slot)) makers.set(slot, label);
  }
  return slots
    .flatMap((slot, i): HeldTensor[] => {
      if (slot.kind === 'scalars') return [];
      const { shape, dtype } = slot.type;
      const name = slot.kind === 'input' ? slot.label : (makers.get(i) ?? 'unused');
      return [{ name, shape, dtype, bytes: slot.bytes }];
    })
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, count);
}

/** `argument [0].w f32[784,128] (401408 bytes), 'dense_1: matmul' f32[32,128] (16384 bytes)` */
export const describeTensors = (tensors: readonly HeldTensor[]): string =>
  tensors
    .map(({ name, shape, dtype, bytes }) => {
      const known = name.startsWith('argument ') || name.startsWith('input ') ? name : `'${name}'`;
      return `${known} ${dtype}${formatShape(shape)} (${bytes} bytes)`;
    })
    .join(', ');
