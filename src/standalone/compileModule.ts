// The data of a module: programs of all batch sizes with common kernels, weights and memory.
import type { TensorType } from '../graph/op.ts';
import { namesOfLeaves } from '../inference/index.ts';
import { type CompiledProgram, Kernels, compileProgram, portableTarget } from './compilePrograms.ts';
import type { Settings } from './exportOptions.ts';
import type { Exported } from './exportedFunction.ts';
import type { ModuleData, NumberTree, StandaloneInfo } from './moduleData.ts';
import { StoredWeights, commonBufferBytes } from './storedWeights.ts';

/** Compiles the function for each batch size. `bytes` are the weights. */
export async function compileModule(
  exported: Exported,
  batches: readonly (number | undefined)[],
  { processor, name }: Settings,
): Promise<{ readonly data: ModuleData; readonly bytes: Uint8Array<ArrayBuffer> }> {
  const target = portableTarget(processor);
  const kernels = new Kernels();
  const stored = new StoredWeights();
  const compiled: CompiledProgram[] = [];
  for (const batch of batches) compiled.push(await compileProgram(exported, { batch, name, target, kernels, weights: stored }));
  const { bytes, weights, buffers } = stored.file();
  const arenas = largest(compiled.map(({ arenas }) => arenas));
  const inputBytes = largest(compiled.map(({ inputBytes }) => inputBytes));
  const programs = compiled.map(({ data }) => data);
  const bound = programs.flatMap(({ slots, dispatches }) =>
    dispatches.flatMap(([, used]) => used.map((slot) => slots[slot].at(-1) as number)),
  );
  const largestBuffer = Math.max(0, ...arenas, ...inputBytes, ...buffers);
  const data: ModuleData = {
    name,
    inputs: exported.inputs,
    outputs: outputInfos(exported, compiled, batches),
    inputTree: exported.inputTree,
    outputTree: compiled[0].outputTree as NumberTree,
    features: kernels.list.some(([, , wgsl]) => wgsl.startsWith('enable f16;')) ? ['shader-f16'] : [],
    limits: {
      ...above('maxBufferSize', largestBuffer, commonBufferBytes),
      ...above('maxStorageBufferBindingSize', Math.max(0, ...bound), target.maxBindingBytes),
    },
    arenas,
    inputBytes,
    weightBuffers: buffers,
    weights,
    weightBytes: bytes.length,
    kernels: kernels.list,
    programs,
  };
  return { data, bytes };
}

const above = (limit: string, needed: number, common: number): Record<string, number> => (needed > common ? { [limit]: needed } : {});

/** The largest number at each position. */
function largest(lists: readonly (readonly number[])[]): number[] {
  const found: number[] = [];
  for (const list of lists) list.forEach((n, i) => (found[i] = Math.max(found[i] ?? 0, n)));
  return found;
}

/** A first size is the batch if it follows the batch size. With one batch size of a function that is not known. */
function outputInfos(
  { isModel, outputNames }: Exported,
  compiled: readonly CompiledProgram[],
  batches: readonly (number | undefined)[],
): StandaloneInfo[] {
  const names = namesOfLeaves(compiled[0].outputTree, 'output', outputNames);
  const follows = (i: number): boolean =>
    isModel || (batches.length > 1 && compiled.every(({ outputTypes }, p) => outputTypes[i].shape[0] === batches[p]));
  return compiled[0].outputTypes.map(({ shape, dtype }: TensorType, i) => ({
    name: names[i],
    shape: shape.map((n, axis) => (axis === 0 && follows(i) ? 'batch' : n)),
    dtype,
  }));
}
