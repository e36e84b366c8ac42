// Data of a written module: all that its runtime needs, as JSON. Lists are short forms of records, because a program has many of them.
import type { Dtype } from '../core/dtype.ts';

/** A tree whose leaves are numbers of inputs or outputs. */
export type NumberTree = number | readonly NumberTree[] | { readonly [name: string]: NumberTree };

/** Description of an input or output. `batch` is the free first size. */
export interface StandaloneInfo {
  readonly name: string;
  readonly shape: readonly (number | 'batch')[];
  readonly dtype: Dtype;
}

/** Input number, weight number, or arena with offset. The last number is the size in bytes. */
export type SlotData =
  | readonly ['input', number, bytes: number]
  | readonly ['weight', number, bytes: number]
  | readonly ['arena', number, offset: number, bytes: number];

/** Numbers of the kernel and of the slots that it binds, the workgroups, and the words of `Params` and `FusedParams`. */
export type DispatchData = readonly [
  kernel: number,
  slots: readonly number[],
  workgroups: readonly [number, number, number],
  params: readonly number[],
  fusedParams?: readonly number[],
];

/** One letter for each binding (u, r or w: uniform, read, write), the label and the text. */
export type KernelData = readonly [bindings: string, label: string, wgsl: string];

/** Slot, offset in bytes, shape. */
export type OutputData = readonly [slot: number, offset: number, shape: readonly number[]];

export interface ProgramData {
  /** Size of the axis `batch`. Absent if no input has that axis. */
  readonly batch?: number;
  readonly slots: readonly SlotData[];
  readonly dispatches: readonly DispatchData[];
  readonly outputs: readonly OutputData[];
}

/** Buffer number, offset in it, offset in the file, and bytes in the file. */
export type WeightData = readonly [buffer: number, offset: number, fileOffset: number, bytes: number];

export interface ModuleData {
  readonly name: string;
  readonly inputs: readonly StandaloneInfo[];
  readonly outputs: readonly StandaloneInfo[];
  readonly inputTree: NumberTree;
  readonly outputTree: NumberTree;
  readonly features: readonly string[];
  /** Limits above those that every device has. */
  readonly limits: Readonly<Record<string, number>>;
  /** Bytes of each arena. All programs share them. */
  readonly arenas: readonly number[];
  /** Bytes of the buffer of each input. */
  readonly inputBytes: readonly number[];
  /** Bytes of each buffer of weights. */
  readonly weightBuffers: readonly number[];
  readonly weights: readonly WeightData[];
  /** Bytes of all weights in the file. */
  readonly weightBytes: number;
  readonly kernels: readonly KernelData[];
  readonly programs: readonly ProgramData[];
}

/** Weights of a module: base64, or the address of their file. */
export type ModuleWeights = string | (() => URL);

declare global {
  /** Constants of a written module. The files of src/standalone/runtime read them. */
  const ombreModel: ModuleData;
  const ombreWeights: ModuleWeights;
}
