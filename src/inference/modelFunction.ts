// The inference function of a model, as exporters take it.
import { mapTree } from '../core/tree.ts';
import type { Tensor } from '../graph/tensor.ts';
import { NetworkPass, type Specs, type Tensors } from '../nn/index.ts';
import type { Model } from '../train/index.ts';

export interface ModelFunction {
  /** Outputs of a batch, in inference mode. The weights are values on the host. */
  readonly run: (x: Tensors) => Tensors;
  /** Shapes and dtypes of one sample. */
  readonly inputs: Specs;
  /** Names that the inputs and outputs of a functional model have, in the order of the leaves. */
  readonly inputNames: readonly string[] | undefined;
  readonly outputNames: readonly string[] | undefined;
  /** Paths of the weights. */
  readonly weights: ReadonlyMap<Tensor, string>;
  /** Paths of weights that training does not change. */
  readonly state: readonly string[];
}

/** @throws ShapeError for a model that is not built. */
export async function modelFunction(model: Model): Promise<ModelFunction> {
  const listed = model.variables();
  const copies = await model.getWeights();
  const weights = new Map(copies.map((copy, i) => [copy, listed[i].path]));
  const state = listed.flatMap(({ path, trainable }) => (trainable ? [] : [path]));
  const copyOf = new Map(listed.map(({ tensor }, i) => [tensor, copies[i]]));
  const { network, weights: current, inputs } = model.core;
  const onHost = <T>(trees: T): T => mapTree(trees, (leaf) => copyOf.get(leaf as Tensor) ?? leaf) as T;
  const variables = { parameters: onHost(current!.parameters), state: onHost(current!.state) };
  const { inputNames, outputNames } = network.root as { readonly inputNames?: readonly string[]; readonly outputNames?: readonly string[] };
  const run = (x: Tensors): Tensors => new NetworkPass(network, variables).run(x, false).outputs;
  return { run, inputs: (inputs ?? network.inputs) as Specs, inputNames, outputNames, weights, state };
}
