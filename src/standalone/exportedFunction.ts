// The function that is exported: that of a model, or one of tensors, with names and types of its inputs.
import { atBatchSize, batchAxis, dependsOnBatch } from '../core/batchAxis.ts';
import { ArgumentError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { mapTree } from '../core/tree.ts';
import { sourceOf } from '../engine/index.ts';
import type { TensorType } from '../graph/op.ts';
import { functionInputs, modelFunction, namesOfLeaves } from '../inference/index.ts';
import type { TensorSpec } from '../nn/index.ts';
import { Model } from '../train/index.ts';
import type { TypedFunction } from './compilePrograms.ts';
import { type Settings, where } from './exportOptions.ts';
import type { NumberTree, StandaloneInfo } from './moduleData.ts';

/** A function with names for its inputs and outputs. */
export interface Exported extends TypedFunction {
  readonly inputs: readonly StandaloneInfo[];
  readonly inputTree: NumberTree;
  readonly outputNames: readonly string[] | undefined;
  /** The first axis of every output is the batch. */
  readonly isModel: boolean;
}

/** @throws ArgumentError for other values, and for inputs that do not fit. */
export async function functionOf(target: unknown, { inputs, name }: Settings): Promise<Exported> {
  if (target instanceof Model) {
    if (inputs !== undefined) throw new ArgumentError(`${where}: a model has its own inputs; leave the option inputs out`);
    return ofModel(target);
  }
  if (typeof target !== 'function') {
    throw new ArgumentError(`${where}: takes a model or a function of tensors, got ${shown(target)}`);
  }
  if (inputs === undefined) {
    throw new ArgumentError(`${where}: a function needs { inputs: [{ shape: ['batch', 3] }] }, the shapes of its arguments`);
  }
  const source = sourceOf(target) ?? { fn: target as TypedFunction['fn'], donate: new Set<number>() };
  const { names, types, argumentsOf } = functionInputs(where, inputs, 'x');
  const repeated = names.find((one, i) => names.indexOf(one) !== i);
  if (repeated !== undefined) throw new ArgumentError(`${where}: two inputs of ${name} are called '${repeated}'; names are unique`);
  const numbers = argumentsOf(types.map((_, i) => i));
  return {
    ...source,
    types: (batch) =>
      types.map(({ shape, dtype }) => ({ shape: shape.map((n) => (batch === undefined ? n : atBatchSize(n, batch))), dtype })),
    argumentsOf,
    inputs: infosOf(names, types),
    inputTree: (numbers.length === 1 ? numbers[0] : numbers) as NumberTree,
    outputNames: undefined,
    isModel: false,
  };
}

async function ofModel(model: Model): Promise<Exported> {
  const { run, inputs, inputNames, outputNames } = await modelFunction(model);
  const specs: TensorSpec[] = [];
  const inputTree = mapTree(inputs, (leaf) => specs.push(leaf as TensorSpec) - 1) as NumberTree;
  const typesAt = (batch: number): TensorType[] => specs.map(({ shape, dtype }) => ({ shape: [batch, ...shape], dtype }));
  const argumentsOf = <T>(values: readonly T[]): unknown[] => [mapTree(inputTree, (i) => values[i as number])];
  return {
    fn: run,
    donate: new Set(),
    types: (batch) => typesAt(batch!),
    argumentsOf,
    inputs: infosOf(namesOfLeaves(inputTree, 'x', inputNames), typesAt(batchAxis)),
    inputTree,
    outputNames,
    isModel: true,
  };
}

/** Descriptions of inputs, whose free sizes are batchAxis. */
const infosOf = (names: readonly string[], types: readonly TensorType[]): StandaloneInfo[] =>
  types.map(({ shape, dtype }, i) => ({ name: names[i], shape: shape.map((n) => (dependsOnBatch(n) ? 'batch' : n)), dtype }));

/** Batch sizes to compile for. Undefined if no input has the axis. */
export function batchSizesOf({ inputs }: Exported, { batchSize }: Settings): readonly (number | undefined)[] {
  if (inputs.some(({ shape }) => shape[0] === 'batch')) {
    const sizes = typeof batchSize === 'number' ? [batchSize] : (batchSize ?? [1]);
    return [...new Set(sizes)];
  }
  if (batchSize === undefined) return [undefined];
  throw new ArgumentError(`${where}: batchSize is ${shown(batchSize)}, but no input has the first size 'batch'; leave it out`);
}
