// A Program: dispatches over slots of memory, made by the compiler and replayed by a runtime. It is plain data that can be printed without
// a GPU. Only the alternatives are functions, which emit a kernel when a device needs it.
import type { Dtype } from '../core/dtype.ts';
import { formatShape } from '../core/shape.ts';
import type { Alternatives, TensorType } from '../graph/op.ts';
import type { Tensor } from '../graph/tensor.ts';

/** Memory that dispatches bind. */
export type Slot =
  /** The memory of input number `position`, which the caller passes. Messages name it by `label`. */
  | { readonly kind: 'input'; readonly position: number; readonly bytes: number; readonly type: TensorType; readonly label: string }
  /** A range of a scratch arena. Ranges of values that are not alive at the same time may overlap. */
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

/** A kernel with its bindings and its grid. */
export interface Launch {
  /** Scope and ops, such as `dense_1: matmul + add + relu`. */
  readonly label: string;
  readonly wgsl: string;
  /** The first has binding number 1. Binding 0 holds `params`. */
  readonly bindings: readonly Binding[];
  /** The u32 words of the `Params` uniform. */
  readonly params: readonly number[];
  /** The u32 words of the `FusedParams` uniform of the fused code in a kernel family. It is bound after all storage buffers. */
  readonly fusedParams?: readonly number[];
  readonly workgroups: readonly [number, number, number];
  /** The kernel has the uniform `gridPart` after all other bindings. It can be launched in parts of the grid. */
  readonly isDivisible?: true;
}

export interface AlternativeLaunches<L> extends Pick<Alternatives, 'bucket' | 'names'> {
  variant(number: number): L;
}

export interface Dispatch extends Launch {
  readonly scope: string;
  readonly ops: readonly string[];
  /** Estimated operations. A submit holds dispatches with at most as many as the device does in a tenth of a second. */
  readonly operations: number;
  /** Launches that write the same bits to the same slots. The tuner may time them and use the fastest. */
  readonly alternatives?: AlternativeLaunches<Launch>;
  /** The subgraph that a group of dispatches computes. The last dispatch of the group has it, for verification on the CPU. */
  readonly meaning?: Meaning;
}

export interface Meaning {
  /** Each tensor read, and its slot. */
  readonly inputs: readonly { readonly tensor: Tensor; readonly slot: number }[];
  readonly outputs: readonly { readonly tensor: Tensor; readonly slot: number }[];
}

export interface ProgramOutput {
  readonly type: TensorType;
  readonly slot: number;
  /** Elements from the start of the slot. */
  readonly offset: number;
  /** The donated input whose memory already holds the result. Nothing is copied then. */
  readonly inPlaceOf?: number;
}

export interface Program {
  readonly name: string;
  readonly slots: readonly Slot[];
  readonly dispatches: readonly Dispatch[];
  readonly outputs: readonly ProgramOutput[];
  /** Bytes of each scratch arena. */
  readonly arenas: readonly number[];
  /** The scalar inputs, in the order of their words in the scalars slot. */
  readonly scalars: readonly { readonly position: number; readonly dtype: Dtype }[];
  /** Bytes of scratch, inputs and results that have memory of their own. */
  readonly peakBytes: number;
}

/** Returns the program as text: one line for each dispatch, then one for each output. */
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
