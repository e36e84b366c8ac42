// A Program is what the compiler makes and a runtime replays: dispatches over slots of memory. Plain data but for the alternatives, which are
// emitted when a device asks for them; printable, no GPU needed to look at it.
import type { Dtype } from '../core/dtype.ts';
import { formatShape } from '../core/shape.ts';
import type { Alternatives, TensorType } from '../graph/op.ts';
import type { Tensor } from '../graph/tensor.ts';

/** A piece of memory that dispatches bind. */
export type Slot =
  /** The storage of input number `position`, brought by the caller; `label` is what a message calls it. */
  | { readonly kind: 'input'; readonly position: number; readonly bytes: number; readonly type: TensorType; readonly label: string }
  /** A range of a scratch arena; ranges of values that do not live at the same time overlap. */
  | {
      readonly kind: 'scratch';
      readonly arena: number;
      readonly offset: number;
      readonly bytes: number;
      readonly type: TensorType;
      /** Number of bytes after the range that no other value uses while this one is alive. Only guard zones need them. */
      readonly spareBytes?: number;
    }
  /** All scalar inputs, one 32-bit word each, written before every run. */
  | { readonly kind: 'scalars'; readonly bytes: number };

export interface Binding {
  /** The variable's name in the kernel. */
  readonly role: string;
  readonly slot: number;
  readonly access: 'read' | 'read_write';
}

/** A kernel with what it binds and how it is launched. */
export interface Launch {
  /** What it does and for whom, such as `dense_1: matmul + add + relu`. */
  readonly label: string;
  readonly wgsl: string;
  /** Bound from binding 1 on; binding 0 holds `params`. */
  readonly bindings: readonly Binding[];
  /** The u32 words of the `Params` uniform. */
  readonly params: readonly number[];
  /** The u32 words of the `FusedParams` uniform of what was fused into a kernel family, bound after all storage buffers. */
  readonly fusedParams?: readonly number[];
  readonly workgroups: readonly [number, number, number];
}

export interface AlternativeLaunches<L> extends Pick<Alternatives, 'bucket' | 'names'> {
  variant(number: number): L;
}

export interface Dispatch extends Launch {
  readonly scope: string;
  readonly ops: readonly string[];
  /** Launches that leave the same bits in the same slots; which is fastest is for the device to say. */
  readonly alternatives?: AlternativeLaunches<Launch>;
  /** The plain subgraph that a group of dispatches computes, on its last dispatch: for verification on the CPU. */
  readonly meaning?: Meaning;
}

export interface Meaning {
  /** Each tensor read, and the slot it is read from. */
  readonly inputs: readonly { readonly tensor: Tensor; readonly slot: number }[];
  readonly outputs: readonly { readonly tensor: Tensor; readonly slot: number }[];
}

export interface ProgramOutput {
  readonly type: TensorType;
  readonly slot: number;
  /** Elements from the start of the slot. */
  readonly offset: number;
  /** The donated input whose storage already holds the result: handed over instead of copied. */
  readonly inPlaceOf?: number;
}

export interface Program {
  readonly name: string;
  readonly slots: readonly Slot[];
  readonly dispatches: readonly Dispatch[];
  readonly outputs: readonly ProgramOutput[];
  /** Bytes of each scratch arena. */
  readonly arenas: readonly number[];
  /** The scalar inputs in the order of their words in the scalars slot. */
  readonly scalars: readonly { readonly position: number; readonly dtype: Dtype }[];
  /** Scratch bytes plus the bytes of inputs and outputs: known before the first run. */
  readonly peakBytes: number;
}

/** The program as text: one line a dispatch, then slots and arenas. */
export function printProgram(program: Program): string {
  const slot = (index: number): string => {
    const s = program.slots[index] as Slot | undefined;
    if (!s) return 'nothing';
    if (s.kind === 'input') return `input${s.position}`;
    if (s.kind === 'scalars') return 'scalars';
    return `a${s.arena}+${s.offset}`;
  };
  const lines = [
    `program ${program.name}: ${program.dispatches.length} dispatches, arenas ${program.arenas.join(' + ') || 0} bytes, peak ${program.peakBytes} bytes`,
  ];
  program.dispatches.forEach((d, i) => {
    const reads = d.bindings.filter((b) => b.access === 'read').map((b) => `${b.role}=${slot(b.slot)}`);
    const writes = d.bindings.filter((b) => b.access === 'read_write').map((b) => `${b.role}=${slot(b.slot)}`);
    lines.push(`${String(i).padStart(3)}  ${d.label}  (${d.workgroups.join('x')})  ${reads.join(' ')} -> ${writes.join(' ')}`);
  });
  program.outputs.forEach((o, i) => {
    lines.push(
      `output ${i}: ${o.type.dtype}${formatShape(o.type.shape)} in ${slot(o.slot)}${o.inPlaceOf === undefined ? '' : ` (in place of input ${o.inPlaceOf})`}`,
    );
  });
  return lines.join('\n');
}
