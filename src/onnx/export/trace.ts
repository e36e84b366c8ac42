// The graph of ops of a model or a function, with names for its inputs, outputs and weights.
import { batchAxis } from '../../core/batchAxis.ts';
import type { Dtype } from '../../core/dtype.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Shape } from '../../core/shape.ts';
import { shown } from '../../core/shown.ts';
import { leafName, leavesOf, mapTree } from '../../core/tree.ts';
import { placeholder } from '../../graph/leaves.ts';
import { building } from '../../graph/reads.ts';
import { Tensor } from '../../graph/tensor.ts';
import { type Trace, withTrace } from '../../graph/trace.ts';
import type { TensorSpec } from '../../nn/index.ts';
import { NetworkPass, type Specs, type Tensors } from '../../nn/index.ts';
import type { Model } from '../../train/index.ts';

export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

export interface TracedGraph {
  readonly inputs: readonly NamedTensor[];
  readonly outputs: readonly NamedTensor[];
  /** Paths of weights. */
  readonly weights: ReadonlyMap<Tensor, string>;
  /** Paths of weights that training does not change. */
  readonly state: readonly string[];
}

/** Shape and dtype of an input of a function. 'batch' as the first size is free. */
export interface ExportInput {
  readonly shape: readonly (number | 'batch')[];
  /** @default 'f32' */
  readonly dtype?: Dtype;
  /** Name in the file. @default the name in the record, otherwise `input`, or `input_1` and so on */
  readonly name?: string;
}

/** A trace whose random key is an input that nothing gives: ops of random numbers are refused when they are written. */
const traceOf = (name: string): Trace => ({
  name,
  key: () => placeholder([2], 'u32', { position: -1, label: 'random key' }),
  nextSite: () => 0,
});

const nameIn = (path: string, count: number, i: number, base: string): string => {
  if (count === 1 && (path === '' || path === '[0]')) return base;
  return path === '' || /^\[\d+\]/.test(path) ? `${base}_${i + 1}` : leafName(path);
};

/** Tensors of a tree with names: those of a record, or `base`, `base_1` and so on. */
function named(tree: unknown, base: string, own: readonly (string | undefined)[] = []): NamedTensor[] {
  const leaves = leavesOf(tree);
  return leaves.map(({ path, value }, i) => {
    if (!(value instanceof Tensor)) {
      throw new ArgumentError(`exportOnnx: ${base}${path} is ${shown(value)}; functions return a tensor, a list or a record of tensors`);
    }
    return { name: own[i] ?? nameIn(path, leaves.length, i, base), tensor: value };
  });
}

/** The inference graph of a model, with weights that are values on the host. */
export async function traceModel(model: Model, batchSize: number | undefined): Promise<TracedGraph> {
  const listed = model.variables();
  const copies = await model.getWeights();
  const weights = new Map(copies.map((copy, i) => [copy, listed[i].path]));
  const state = listed.flatMap(({ path, trainable }) => (trainable ? [] : [path]));
  const copyOf = new Map(listed.map(({ tensor }, i) => [tensor, copies[i]]));
  const { network, weights: current, inputs } = model.core;
  const onHost = <T>(trees: T): T => mapTree(trees, (leaf) => copyOf.get(leaf as Tensor) ?? leaf) as T;
  const pass = new NetworkPass(network, { parameters: onHost(current!.parameters), state: onHost(current!.state) });
  const specs = (inputs ?? network.inputs) as Specs;
  let position = 0;
  const x = mapTree(specs, (leaf) => {
    const { shape, dtype } = leaf as TensorSpec;
    return placeholder([batchSize ?? batchAxis, ...shape], dtype, { position: position++ });
  }) as Tensors;
  const outputs = withTrace(traceOf('exportOnnx'), () => building('exportOnnx', () => pass.run(x, false).outputs));
  const { inputNames, outputNames } = network.root as { readonly inputNames?: readonly string[]; readonly outputNames?: readonly string[] };
  return { inputs: named(x, 'input', inputNames), outputs: named(outputs, 'output', outputNames), weights, state };
}

const isInput = (value: unknown): value is ExportInput => Array.isArray((value as Partial<ExportInput> | undefined)?.shape);

/** The graph of a function. A list of inputs is its arguments; a record is its only argument. */
export function traceFunction(
  fn: (...args: never[]) => unknown,
  inputs: readonly ExportInput[] | Readonly<Record<string, ExportInput>>,
): TracedGraph {
  const isList = Array.isArray(inputs);
  const entries = Object.entries(inputs as Readonly<Record<string, ExportInput>>);
  const wrong = entries.find(([, value]) => !isInput(value));
  if (wrong || entries.length === 0) {
    const got = wrong ? `inputs.${wrong[0]} is ${shown(wrong[1])}` : 'inputs is empty';
    throw new ArgumentError(`exportOnnx: ${got}; give { shape, dtype } for each argument, as in { inputs: [{ shape: ['batch', 3] }] }`);
  }
  const made = entries.map(([, { shape, dtype = 'f32' }], position) => placeholder(sizesOf(shape), dtype, { position }));
  const args = isList ? made : [Object.fromEntries(entries.map(([name], i) => [name, made[i]]))];
  const outputs = withTrace(traceOf('exportOnnx'), () => building('exportOnnx', () => fn(...(args as never[]))));
  const names = entries.map(([key, { name }], i) => name ?? (isList ? nameIn('', entries.length, i, 'input') : key));
  return { inputs: names.map((name, i) => ({ name, tensor: made[i] })), outputs: named(outputs, 'output'), weights: new Map(), state: [] };
}

function sizesOf(shape: ExportInput['shape']): Shape {
  return shape.map((n, axis) => {
    if (n === 'batch' && axis === 0) return batchAxis;
    if (typeof n === 'number' && Number.isSafeInteger(n) && n >= 0) return n;
    throw new ArgumentError(`exportOnnx: a shape has ${shown(n)} as axis ${axis}; sizes are integers, and 'batch' may be the first`);
  });
}
