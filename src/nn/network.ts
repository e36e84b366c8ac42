// Networks: a layer, with all layers inside it, as one pure function from variables and inputs to outputs. Training knows only this interface.
import type { RandomStream } from '../core/random.ts';
import { type ApplyOptions, Builder, ForwardPass, type Layer, type NamedLayer, type TensorRecord, type Variables } from './layer.ts';
import { type Specs, type Tensors, TensorSpec } from './spec.ts';

/** Variables of a network by layer path, then by the layer's own names: `{ 'encoder/dense_1': { kernel, bias } }`. */
export type LayerTrees = Readonly<Record<string, TensorRecord>>;

export interface NetworkVariables {
  readonly parameters: LayerTrees;
  readonly state: LayerTrees;
}

/** Results of a network for one batch. */
export interface NetworkResult {
  readonly outputs: Tensors;
  readonly state: LayerTrees;
}

export interface Network {
  readonly root: Layer;
  /** Every layer with variables once, by path, in the order in which weights are listed. */
  readonly owners: readonly NamedLayer[];
  /** Specs of the inputs that the layers state; undefined if they state none. */
  readonly inputs: Specs | undefined;
  readonly inputDtype: 'f32' | 'i32';
  /** Throws if a layer does not take its input. */
  outputSpecs(inputs: Specs): Specs;
  /** The variables as they are now; undefined while a layer is not built. */
  current(): NetworkVariables | undefined;
  /** Variables of built layers, and fresh ones for the others. The layers do not keep them. */
  draft(inputs: Specs, random: RandomStream): NetworkVariables;
  /** Stores variables in the layers. `inputs` are given if they were drafted for them. */
  store(variables: NetworkVariables, inputs?: Specs): void;
  apply(variables: NetworkVariables, x: Tensors, options: ApplyOptions): NetworkResult;
}

/** The network of a layer, a chain or a graph of layers. */
export function networkOf(root: Layer): Network {
  const owners = listOwners(root);
  const treesOf = (pick: (layer: Layer) => Variables): NetworkVariables => ({
    parameters: Object.fromEntries(owners.map(({ name, layer }) => [name, pick(layer).parameters])),
    state: Object.fromEntries(owners.map(({ name, layer }) => [name, pick(layer).state])),
  });
  return {
    root,
    owners,
    inputs: root.inputShape && new TensorSpec(root.inputShape, root.inputDtype),
    inputDtype: root.inputDtype,
    outputSpecs: (inputs) => root.draft(new Builder(undefined), inputs, ''),
    current: () => (owners.every(({ layer }) => layer.variables.value) ? treesOf((layer) => layer.variables.value!) : undefined),
    draft(inputs, random) {
      const builder = new Builder(random);
      root.draft(builder, inputs, '');
      return treesOf((layer) => builder.variablesOf(layer)!);
    },
    store({ parameters, state }, inputs) {
      const builder = inputs && new Builder(undefined);
      if (builder) root.draft(builder, inputs, '');
      for (const { name, layer } of owners) {
        layer.variables.value = { parameters: parameters[name], state: state[name] };
        if (builder) layer.variables.inputShape = builder.inputShapeOf(layer);
      }
    },
    apply({ parameters, state }, x, { training }) {
      const pass = new ForwardPass(
        training,
        new Map(owners.map(({ name, layer }) => [layer, { parameters: parameters[name], state: state[name] }])),
      );
      const outputs = root.run(pass, x, '');
      return { outputs, state: treesOf((layer) => pass.variablesOf(layer)).state };
    },
  };
}

/** Layers without sublayers, each once, by their first path. */
function listOwners(root: Layer): NamedLayer[] {
  const found = new Map<Layer, NamedLayer>();
  const visit = (layer: Layer, path: string): void => {
    const sublayers = Object.entries(layer.sublayers);
    if (sublayers.length === 0 && !found.has(layer)) found.set(layer, { name: path || (layer.name ?? layer.kind), layer });
    for (const [name, sublayer] of sublayers) visit(sublayer, path ? `${path}/${name}` : name);
  };
  visit(root, '');
  return [...found.values()];
}
