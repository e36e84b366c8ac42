// Models as lists of calls: the layers with their inputs, and the outputs. Writers read models only through `describe`.
import { ArgumentError } from '../../core/errors.ts';
import { leavesOf, mapTree } from '../../core/tree.ts';
import { topological } from '../../graph/graph.ts';
import type { Node, Tensor } from '../../graph/tensor.ts';
import { type Container, type Layer, type Specs, TensorSpec, type Tensors } from '../../nn/index.ts';
import { callOf, isSymbolicInput, nameOfInput } from '../../nn/symbolic.ts';

/** One tensor of a description: output `index` of a call, or of an input. A class, so that trees treat it as a leaf. */
export class Source {
  readonly from: DescribedCall | DescribedInput;
  readonly index: number;

  constructor(from: DescribedCall | DescribedInput, index: number) {
    this.from = from;
    this.index = index;
  }
}

export type Sources = Source | readonly Sources[] | { readonly [name: string]: Sources };

export interface DescribedInput {
  readonly kind: 'input';
  readonly name: string;
  readonly spec: TensorSpec;
}

/** One call of a layer. */
export interface DescribedCall {
  readonly kind: 'call';
  /** Name of the layer in the model. */
  readonly name: string;
  readonly layer: Layer;
  readonly inputs: Sources;
  readonly inputSpecs: Specs;
  readonly outputSpecs: readonly TensorSpec[];
  readonly training: boolean | undefined;
}

export interface Description {
  /** True if every layer takes the one output of the layer before it. */
  readonly isChain: boolean;
  readonly name: string | undefined;
  readonly inputs: readonly DescribedInput[];
  readonly inputTree: Sources;
  /** In the order in which they run. */
  readonly calls: readonly DescribedCall[];
  readonly outputTree: Sources;
}

export const isContainer = (layer: Layer): layer is Container => Array.isArray((layer as Partial<Container>).calls);

/**
 * The calls of a model.
 * @throws ArgumentError if ops are between the layers, or no input shape is known.
 */
export const describe = (layer: Container, where: string): Description =>
  layer.kind === 'sequential' ? describeChain(layer, where) : describeGraph(layer, where);

const single = (specs: Specs): specs is TensorSpec => specs instanceof TensorSpec;
const specsIn = (specs: Specs): TensorSpec[] => leavesOf(specs).map(({ value }) => value as TensorSpec);

function describeChain(layer: Container, where: string): Description {
  const specs = layer.inputSpecs;
  if (!specs) throw new ArgumentError(`${where}: the model is not built: give its first layer an inputShape`);
  const results = layer.callSpecs(specs);
  const inputs = specsIn(specs).map((spec, i): DescribedInput => ({
    kind: 'input',
    name: spec.name ?? (single(specs) ? 'input' : `input_${i + 1}`),
    spec,
  }));
  const sources = (tree: Specs, from: (i: number) => Source): Sources => {
    let i = 0;
    return mapTree(tree, () => from(i++)) as Sources;
  };
  const inputTree = sources(specs, (i) => new Source(inputs[i], 0));
  const calls: DescribedCall[] = [];
  let [before, tree]: [Specs, Sources] = [specs, inputTree];
  layer.calls.forEach(({ name, layer: one }, i) => {
    const call: DescribedCall = {
      kind: 'call',
      name,
      layer: one,
      inputs: tree,
      inputSpecs: before,
      outputSpecs: specsIn(results[i]),
      training: undefined,
    };
    calls.push(call);
    [before, tree] = [results[i], sources(results[i], (index) => new Source(call, index))];
  });
  // A layer that is used twice has a graph.
  const isChain = single(specs) && results.every(single) && new Set(calls.map(({ name }) => name)).size === calls.length;
  return { isChain, name: layer.name, inputs, inputTree, calls, outputTree: tree };
}

const specOf = ({ shape, dtype }: Tensor): TensorSpec => new TensorSpec(shape.slice(1), dtype);

function describeGraph(layer: Container, where: string): Description {
  const { input, output } = layer;
  const names = new Map(Object.entries(layer.sublayers).map(([name, one]) => [one, name]));
  const sources = new Map<Node, Source[]>();
  const set = ({ node, index }: Tensor, source: Source): void => {
    sources.set(node!, Object.assign(sources.get(node!) ?? [], { [index]: source }));
  };
  const leaves = leavesOf(input);
  const inputs = leaves.map(({ value, path }, i): DescribedInput => {
    const tensor = value as Tensor;
    const given = tensor.node && isSymbolicInput(tensor.node) ? nameOfInput(tensor.node) : undefined;
    const described: DescribedInput = {
      kind: 'input',
      name: given ?? /^\.(\w+)$/.exec(path)?.[1] ?? `input_${i + 1}`,
      spec: specOf(tensor),
    };
    set(tensor, new Source(described, 0));
    return described;
  });
  const sourceOf = ({ node, index }: Tensor): Source => sources.get(node!)![index];
  const exits = leavesOf(output).map(({ value }) => value as Tensor);
  const nodes = topological(exits, ({ node, index }) => node !== undefined && sources.get(node)?.[index] !== undefined);
  const calls: DescribedCall[] = [];
  for (const node of [...nodes].sort((a, b) => a.serial - b.serial)) {
    if (isSymbolicInput(node)) continue;
    const call = callOf(node);
    if (!call) {
      throw new ArgumentError(
        `${where}: the op '${node.op.name}' is between the layers, and the format has only layers; use a layer, such as layers.add() or layers.rescaling()`,
      );
    }
    const described: DescribedCall = {
      kind: 'call',
      name: names.get(call.layer)!,
      layer: call.layer,
      inputs: mapTree(call.inputs, (leaf) => sourceOf(leaf as Tensor)) as Sources,
      inputSpecs: mapTree(call.inputs, (leaf) => specOf(leaf as Tensor)) as Specs,
      outputSpecs: leavesOf(call.outputs).map(({ value }) => specOf(value as Tensor)),
      training: call.training,
    };
    calls.push(described);
    leavesOf(call.outputs).forEach(({ value }, index) => {
      const tensor = value as Tensor;
      if (sources.get(tensor.node!)?.[tensor.index] === undefined) set(tensor, new Source(described, index));
    });
  }
  const treeOf = (tensors: Tensors): Sources => mapTree(tensors, (leaf) => sourceOf(leaf as Tensor)) as Sources;
  return { isChain: false, name: layer.name, inputs, inputTree: treeOf(input), calls, outputTree: treeOf(output) };
}
