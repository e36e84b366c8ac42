// The graph of ops of a model or a function, with names for its inputs, outputs and weights.
import { batchAxis } from '../../core/batchAxis.ts';
import { mapTree } from '../../core/tree.ts';
import { placeholder } from '../../graph/leaves.ts';
import { building } from '../../graph/reads.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Trace, withTrace } from '../../graph/trace.ts';
import { type ExportInputs, type NamedTensor, functionInputs, modelFunction, namedTensors } from '../../inference/index.ts';
import type { TensorSpec, Tensors } from '../../nn/index.ts';
import type { Model } from '../../train/index.ts';

export interface TracedGraph {
  readonly inputs: readonly NamedTensor[];
  readonly outputs: readonly NamedTensor[];
  /** Paths of weights. */
  readonly weights: ReadonlyMap<Tensor, string>;
  /** Paths of weights that training does not change. */
  readonly state: readonly string[];
}

const where = 'exportOnnx';

/** A trace whose random key is an input that nothing gives: ops of random numbers are refused when they are written. */
const trace = (): Trace => ({
  name: where,
  key: () => placeholder([2], 'u32', { position: -1, label: 'random key' }),
  nextSite: () => 0,
});

/** The inference graph of a model, with weights that are values on the host. */
export async function traceModel(model: Model, batchSize: number | undefined): Promise<TracedGraph> {
  const { run, inputs, inputNames, outputNames, weights, state } = await modelFunction(model);
  let position = 0;
  const x = mapTree(inputs, (leaf) => {
    const { shape, dtype } = leaf as TensorSpec;
    return placeholder([batchSize ?? batchAxis, ...shape], dtype, { position: position++ });
  }) as Tensors;
  const outputs = withTrace(trace(), () => building(where, () => run(x)));
  const named = { inputs: namedTensors(where, x, 'input', inputNames), outputs: namedTensors(where, outputs, 'output', outputNames) };
  return { ...named, weights, state };
}

/** The graph of a function. A list of inputs is its arguments; a record is its only argument. */
export function traceFunction(fn: (...args: never[]) => unknown, inputs: ExportInputs): TracedGraph {
  const { names, types, argumentsOf } = functionInputs(where, inputs, 'input');
  const made = types.map(({ shape, dtype }, position) => placeholder(shape, dtype, { position }));
  const outputs = withTrace(trace(), () => building(where, () => fn(...(argumentsOf(made) as never[]))));
  const named = names.map((name, i) => ({ name, tensor: made[i] }));
  return { inputs: named, outputs: namedTensors(where, outputs, 'output'), weights: new Map(), state: [] };
}
