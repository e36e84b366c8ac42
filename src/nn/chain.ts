// A chain of layers: each layer takes the output of the one before it.
import { ArgumentError } from '../core/errors.ts';
import { Builder, type Layer, type NamedLayer, VariableCell, runNamed } from './layer.ts';
import { type Shapes, type Specs, TensorSpec, shapesOf, specsFor } from './spec.ts';

export interface Chain extends Layer {
  /** The layers in the order in which they are applied. A layer that is used twice occurs twice. */
  readonly calls: readonly NamedLayer[];
  /** Output specs of each call, in order: for the summary. */
  callSpecs(inputs: Specs): Specs[];
}

const isList = (value: unknown): boolean => Array.isArray(value);

/**
 * @throws ArgumentError for an empty list and elements that are no layers, ShapeError if a layer does not take the output of the one before it.
 */
export function chain(list: readonly Layer[]): Chain {
  if (!isList(list)) throw new ArgumentError('sequential: takes a list of layers: sequential([layers.dense({ units: 1 })])');
  if (list.length === 0) throw new ArgumentError('sequential: the list of layers is empty; a model needs one layer or more');
  list.forEach((layer, i) => {
    if (typeof (layer as Partial<Layer> | undefined)?.run === 'function' && typeof (layer as Partial<Layer>).draft === 'function') return;
    throw new ArgumentError(`sequential: element ${i} is not a layer; make layers with the factories, such as layers.dense({ units: 1 })`);
  });
  const calls = nameLayers(list);
  const members = [...new Set(calls)];
  const walk = (builder: Builder, inputs: Specs, where: string): Specs[] => {
    let specs = inputs;
    return calls.map(({ name, layer }) => (specs = layer.draft(builder, specs, where ? `${where}/${name}` : name)));
  };
  const [{ inputShape, inputDtype }] = list;
  const outputSpecs = (builder: Builder, inputs: Specs, where: string): Specs => walk(builder, inputs, where)[calls.length - 1];
  // A chain that does not fit is refused when it is made, not at its first batch.
  if (inputShape) walk(new Builder(undefined), new TensorSpec(inputShape, inputDtype), '');
  return {
    kind: 'sequential',
    name: undefined,
    get trainable() {
      return members.some(({ layer }) => layer.trainable);
    },
    set trainable(trainable) {
      for (const { layer } of members) layer.trainable = trainable;
    },
    inputShape,
    inputDtype,
    variables: new VariableCell(),
    sublayers: Object.fromEntries(members.map(({ name, layer }) => [name, layer])),
    calls,
    callSpecs: (inputs) => walk(new Builder(undefined), inputs, ''),
    outputShape: (shapes: Shapes, where = '') => shapesOf(outputSpecs(new Builder(undefined), specsFor(shapes, inputDtype), where)),
    build: () => ({ parameters: {}, state: {} }),
    draft: outputSpecs,
    call() {
      throw new ArgumentError('sequential: the variables of a chain belong to its layers; make a model of it and call predict()');
    },
    run: (pass, inputs, where) => calls.reduce((x, call) => runNamed(pass, call, x, where), inputs),
  };
}

/**
 * Names for the layers of a list. Layers without a name become `dense_1`, `dense_2`, ... in the order of the list, so the same list gets the same
 * names every time. A name that two layers were given gets a number the second time. A layer that occurs twice has one name.
 */
export function nameLayers(list: readonly Layer[]): NamedLayer[] {
  const given = new Set(list.flatMap(({ name }) => name ?? []));
  const taken = new Set<string>();
  const named = new Map<Layer, NamedLayer>();
  for (const layer of new Set(list)) {
    let name = layer.name;
    const isFree = (candidate: string): boolean => !taken.has(candidate) && !given.has(candidate);
    if (name === undefined || taken.has(name)) {
      const stem = name ?? layer.kind;
      for (let n = 1; name === undefined || taken.has(name); n++) if (isFree(`${stem}_${n}`)) name = `${stem}_${n}`;
    }
    taken.add(name);
    named.set(layer, { name, layer });
  }
  return list.map((layer) => named.get(layer)!);
}
