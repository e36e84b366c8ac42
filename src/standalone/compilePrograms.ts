// Compiles a function to the programs of a module, one for each batch size.
import { type Program, type Slot, compileStepwise } from '../compiler/index.ts';
import { ArgumentError } from '../core/errors.ts';
import { macrotask, runInSlices } from '../core/eventLoop.ts';
import { bytesPerElement, storedBytes } from '../core/dtype.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { OutputPlaceholder, traceFunction } from '../engine/index.ts';
import { topological } from '../graph/graph.ts';
import { placeholder } from '../graph/leaves.ts';
import type { Target, TensorType } from '../graph/op.ts';
import type { Tensor } from '../graph/tensor.ts';
import { plainText } from '../wgsl/index.ts';
import { where } from './exportOptions.ts';
import type { DispatchData, KernelData, OutputData, ProgramData, SlotData } from './moduleData.ts';
import type { StoredWeights } from './storedWeights.ts';

/** The limits that every WebGPU device has, without subgroups. */
export const portableTarget = (processor: Target['processor']): Target => ({
  processor,
  subgroupSize: undefined,
  shaderF16: true,
  maxStorageBuffers: 8,
  maxWorkgroupsPerDimension: 65_535,
  maxBindingBytes: 2 ** 27,
});

/** A function with the types of its arguments. */
export interface TypedFunction {
  readonly fn: (...args: never[]) => unknown;
  /** Types of the inputs for a batch size. */
  readonly types: (batch: number | undefined) => readonly TensorType[];
  /** The arguments made of one value for each input. */
  readonly argumentsOf: (values: readonly Tensor[]) => readonly unknown[];
  /** Numbers of arguments whose memory the results may take over. */
  readonly donate: ReadonlySet<number>;
}

export interface CompiledProgram {
  readonly data: ProgramData;
  readonly arenas: readonly number[];
  readonly inputBytes: readonly number[];
  /** The result of the function, with a number for each tensor. */
  readonly outputTree: unknown;
  readonly outputTypes: readonly TensorType[];
}

/** The kernels of all programs. Equal texts are stored once. */
export class Kernels {
  readonly list: KernelData[] = [];
  private readonly numbers = new Map<string, number>();

  add(label: string, bindings: string, wgsl: string): number {
    const text = plainText(wgsl).trim();
    const key = `${bindings} ${text}`;
    const number = this.numbers.get(key) ?? this.list.push([bindings, label, text]) - 1;
    this.numbers.set(key, number);
    return number;
  }
}

/**
 * Compiles the program of one batch size.
 * @throws ArgumentError for random numbers, and for results that are no tensors. TraceError if the function reads a value.
 */
export async function compileProgram(
  { fn, types, argumentsOf, donate }: TypedFunction,
  {
    batch,
    name,
    target,
    kernels,
    weights,
  }: { batch: number | undefined; name: string; target: Target; kernels: Kernels; weights: StoredWeights },
): Promise<CompiledProgram> {
  const inputs = types(batch);
  const args = argumentsOf(inputs.map(({ shape, dtype }) => placeholder(shape, dtype, { position: 0 })));
  const traced = traceFunction(fn, args, where, donate);
  // Promises that the function did not await get one turn to read a value.
  await macrotask();
  if (traced.late.error) throw traced.late.error;
  traced.late.isOpen = false;
  if (traced.needsKey) throw randomError(traced.graph.outputs, traced.graph.inputs[traced.graph.inputs.length - 1]);
  const result = outputsOf(traced.template);
  const numbers: number[] = [];
  for (const tensor of traced.captured) numbers.push(await weights.add(tensor));
  const program = await runInSlices(compileStepwise(traced.graph, { name, target, donations: traced.donations }));
  const slots = program.slots.map((slot) => slotData(slot, inputs.length, numbers));
  const inputBytes = inputs.map(() => 16);
  for (const [kind, number, bytes] of slots) if (kind === 'input') inputBytes[number] = bytes;
  const data: ProgramData = {
    ...(batch !== undefined && { batch }),
    slots,
    dispatches: dispatchData(program, kernels),
    outputs: outputData(program),
  };
  return { data, arenas: program.arenas, inputBytes, outputTree: result.tree, outputTypes: result.types };
}

function outputsOf(template: unknown): { readonly tree: unknown; readonly types: readonly TensorType[] } {
  const leaves = leavesOf(template);
  const wrong = leaves.find(({ value }) => !(value instanceof OutputPlaceholder));
  if (wrong || leaves.length === 0) {
    const got = wrong ? `output${wrong.path} is no tensor` : 'the function returns no tensor';
    throw new ArgumentError(`${where}: ${got}; return a tensor, or a list or record of tensors`);
  }
  const types = leaves.map(({ value }) => (value as OutputPlaceholder).type);
  return { tree: mapTree(template, (leaf) => (leaf as OutputPlaceholder).index), types };
}

function randomError(outputs: readonly Tensor[], key: Tensor): ArgumentError {
  const node = topological(outputs).find(({ inputs }) => inputs.includes(key));
  const place = node?.scope ? `${node.scope}: ` : '';
  return new ArgumentError(
    `${where}: ${place}the function draws random numbers ('${node?.op.name}'), but a written module has none; pass them as an input`,
  );
}

function slotData(slot: Slot, inputCount: number, weights: readonly number[]): SlotData {
  switch (slot.kind) {
    case 'input':
      return slot.position < inputCount
        ? ['input', slot.position, slot.bytes]
        : ['weight', weights[slot.position - inputCount], slot.bytes];
    case 'scratch':
      return ['arena', slot.arena, slot.offset, slot.bytes];
    case 'scalars':
      throw new Error(`${where}: the program has scalar inputs, though its arguments are tensors`);
  }
}

const dispatchData = ({ dispatches }: Program, kernels: Kernels): DispatchData[] =>
  dispatches.map(({ label, wgsl, bindings, params, fusedParams, workgroups }): DispatchData => {
    const letters = `u${bindings.map(({ access }) => (access === 'read' ? 'r' : 'w')).join('')}${fusedParams ? 'u' : ''}`;
    const kernel = kernels.add(label, letters, wgsl);
    const used = bindings.map(({ slot }) => slot);
    return fusedParams ? [kernel, used, workgroups, params, fusedParams] : [kernel, used, workgroups, params];
  });

const outputData = ({ outputs }: Program): OutputData[] =>
  outputs.map(({ type, slot, offset }) => [storedBytes(type) ? slot : 0, offset * bytesPerElement(type.dtype), type.shape]);
