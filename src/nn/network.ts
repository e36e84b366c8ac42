// Networks: a layer, with all layers inside it, as one pure function from variables and inputs to outputs. Training knows only this interface.
import { ArgumentError } from '../core/errors.ts';
import type { RandomStream } from '../core/random.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  type ApplyOptions,
  Builder,
  ForwardPass,
  type Layer,
  type Masks,
  type NamedLayer,
  type TensorRecord,
  type Variables,
  joinPath,
} from './layer.ts';
import type { Specs, Tensors } from './spec.ts';

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
  /** Masks of the outputs: bool tensors, true for steps that count. Undefined if all steps count. */
  readonly mask: Masks;
  /** Scalars that training adds to the loss. */
  readonly losses: readonly Tensor[];
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
  /** Parameters as the layers' constraints want them after an update. Parameters of some layers may be missing. */
  constrain(parameters: LayerTrees): LayerTrees;
}

/** The network of a layer, a chain or a graph of layers. */
export function networkOf(root: Layer): Network {
  // Layers of a container have names in it. A root without a container has its own name.
  const where = root.ownsVariables ? (root.name ?? root.kind) : '';
  const owners = listOwners(root, where);
  const treesOf = (pick: (layer: Layer) => Variables): NetworkVariables => ({
    parameters: Object.fromEntries(owners.map(({ name, layer }) => [name, pick(layer).parameters])),
    state: Object.fromEntries(owners.map(({ name, layer }) => [name, pick(layer).state])),
  });
  return {
    root,
    owners,
    inputs: root.inputSpecs,
    inputDtype: root.inputDtype,
    outputSpecs: (inputs) => root.draft(new Builder(undefined), inputs, where),
    current: () => (owners.every(({ layer }) => layer.variables.value) ? treesOf((layer) => layer.variables.value!) : undefined),
    draft(inputs, random) {
      const builder = new Builder(random);
      root.draft(builder, inputs, where);
      return treesOf((layer) => builder.variablesOf(layer)!);
    },
    store({ parameters, state }, inputs) {
      const builder = inputs && new Builder(undefined);
      if (builder) root.draft(builder, inputs, where);
      for (const { name, layer } of owners) {
        layer.variables.value = { parameters: parameters[name], state: state[name] };
        if (builder) layer.variables.inputShape = builder.inputShapeOf(layer);
      }
    },
    apply({ parameters, state }, x, { training, mask: inputMask }) {
      const pass = new ForwardPass(
        training,
        new Map(owners.map(({ name, layer }) => [layer, { parameters: parameters[name], state: state[name] }])),
      );
      const { outputs, mask } = root.run(pass, x, inputMask, where);
      return { outputs, state: treesOf((layer) => pass.variablesOf(layer)).state, mask, losses: pass.losses };
    },
    constrain(parameters) {
      const constrained = owners.flatMap(({ name, layer }) => {
        if (!Object.hasOwn(parameters, name)) return [];
        const after = withScope(name, () => layer.constrain(parameters[name]));
        return after === parameters[name] ? [] : [[name, after] as const];
      });
      return constrained.length ? { ...parameters, ...Object.fromEntries(constrained) } : parameters;
    },
  };
}

/**
 * Layers that own variables, each once, by their first path. A layer comes before its sublayers.
 * @throws ArgumentError for a layer that contains itself.
 */
function listOwners(root: Layer, where: string): NamedLayer[] {
  const found = new Map<Layer, NamedLayer>();
  const open = new Set<Layer>();
  const visit = (layer: Layer, path: string): void => {
    if (open.has(layer)) {
      throw new ArgumentError(`${path}: the layer contains itself; a layer is made of other layers, so leave it out of its own layers`);
    }
    open.add(layer);
    if (layer.ownsVariables && !found.has(layer)) found.set(layer, { name: path, layer });
    for (const [name, sublayer] of Object.entries(layer.sublayers)) visit(sublayer, joinPath(path, name));
    open.delete(layer);
  };
  visit(root, where);
  return [...found.values()];
}
