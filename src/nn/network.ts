// Networks: a layer with all layers inside it, and their variables by path. Training uses only this interface; NetworkPass computes outputs.
import { ArgumentError } from '../core/errors.ts';
import type { RandomStream } from '../core/random.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { Builder, type Layer, type Masks, type NamedLayer, type TensorRecord, type Variables, joinPath } from './layer.ts';
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
  /** Path of the root. Empty for a container: its layers have names of their own. */
  readonly path: string;
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
  /** Parameters with the layers' constraints applied, after an update. Parameters of some layers may be missing. */
  constrain(parameters: LayerTrees): LayerTrees;
  /** A number that changes whenever the form of any layer's variables changes. */
  version(): number;
}

/** The network of a layer, a chain or a graph of layers. */
export function networkOf(root: Layer): Network {
  const path = root.ownsVariables ? (root.name ?? root.kind) : '';
  const owners = listOwners(root, path);
  return {
    root,
    path,
    owners,
    inputs: root.inputSpecs,
    inputDtype: root.inputDtype,
    outputSpecs: (inputs) => root.draft(new Builder(undefined), inputs, path),
    current: () => (owners.every(({ layer }) => layer.variables.value) ? treesOf(owners, (layer) => layer.variables.value!) : undefined),
    draft(inputs, random) {
      const builder = new Builder(random);
      root.draft(builder, inputs, path);
      return treesOf(owners, (layer) => builder.variablesOf(layer)!);
    },
    store({ parameters, state }, inputs) {
      const builder = inputs && new Builder(undefined);
      if (builder) root.draft(builder, inputs, path);
      for (const { name, layer } of owners) {
        layer.variables.value = { parameters: parameters[name], state: state[name] };
        if (builder) layer.variables.inputShape = builder.inputShapeOf(layer);
      }
    },
    version: () => owners.reduce((sum, { layer }) => sum + layer.variables.version, 0),
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

/** Variables of layers by path. */
export const treesOf = (owners: readonly NamedLayer[], pick: (layer: Layer) => Variables): NetworkVariables => ({
  parameters: Object.fromEntries(owners.map(({ name, layer }) => [name, pick(layer).parameters])),
  state: Object.fromEntries(owners.map(({ name, layer }) => [name, pick(layer).state])),
});

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
