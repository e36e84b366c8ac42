// Networks: layers joined into one pure function from variables and input to output. A model trains whatever keeps this interface.
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { type Shape, formatShape, sameShape } from '../core/shape.ts';
import { building } from '../graph/reads.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type ApplyOptions, type Layer, type Tensors, formatBatch } from '../nn/index.ts';

/** Tensors by layer name, then by the layer's own names: `{ dense_1: { kernel, bias } }`. */
export type LayerTrees = Readonly<Record<string, Tensors>>;

export interface NetworkVariables {
  readonly parameters: LayerTrees;
  readonly state: LayerTrees;
}

export interface NamedLayer {
  readonly name: string;
  readonly layer: Layer;
}

export interface Network {
  /** Every layer once, in the order in which their weights are listed. */
  readonly layers: readonly NamedLayer[];
  /** The layers in the order in which they are applied. A layer that is used twice has one set of weights and occurs twice here. */
  readonly calls: readonly NamedLayer[];
  /** Shape of one input as the layers state it, without the batch axis. */
  readonly inputShape: Shape | undefined;
  readonly inputDtype: 'f32' | 'i32';
  /** Shape of one output; throws where a layer does not take what reaches it. */
  outputShape(inputShape: Shape): Shape;
  /** Output shape of each call, in order: for the summary. */
  layerShapes(inputShape: Shape): Shape[];
  build(inputShape: Shape, random: RandomStream): NetworkVariables;
  apply(variables: NetworkVariables, x: Tensor, options: ApplyOptions): { readonly y: Tensor; readonly state: LayerTrees };
}

const isList = (value: unknown): boolean => Array.isArray(value);

/** A chain: each layer takes what the one before it gives. */
export function sequentialNetwork(list: readonly Layer[]): Network {
  if (!isList(list)) throw new ArgumentError('sequential: takes a list of layers: sequential([layers.dense({ units: 1 })])');
  if (list.length === 0) throw new ArgumentError('sequential: the list of layers is empty; a model needs one layer or more');
  list.forEach((layer, i) => {
    if (typeof (layer as Partial<Layer> | undefined)?.apply === 'function' && typeof (layer as Partial<Layer>).build === 'function') return;
    throw new ArgumentError(`sequential: element ${i} is not a layer; make layers with the factories, such as layers.dense({ units: 1 })`);
  });
  const calls = nameLayers(list);
  const layers = [...new Set(calls)];
  const walk = (inputShape: Shape): Shape[] => {
    const shapes: Shape[] = [];
    let shape = inputShape;
    for (const { layer } of calls) shapes.push((shape = layer.outputShape(shape)));
    return shapes;
  };
  const inputShape = list[0].inputShape;
  const network: Network = {
    layers,
    calls,
    inputShape,
    inputDtype: list[0].inputDtype,
    layerShapes: walk,
    outputShape: (shape) => walk(shape)[calls.length - 1],
    build(shape, random) {
      const parameters: Record<string, Tensors> = {};
      const state: Record<string, Tensors> = {};
      checkReuse(calls, [shape, ...walk(shape)]);
      let current = shape;
      for (const { name, layer } of calls) {
        const [inputShape, from] = [current, random];
        if (!(name in parameters)) {
          ({ parameters: parameters[name], state: state[name] } = building(`layer '${name}'`, () => layer.build(inputShape, from)));
        }
        current = layer.outputShape(current);
      }
      return { parameters, state };
    },
    apply({ parameters, state }, x, options) {
      const next: Record<string, Tensors> = {};
      let y = x;
      for (const { name, layer } of calls) {
        const variables = { parameters: parameters[name], state: next[name] ?? state[name] };
        const input = y;
        const result = building(`layer '${name}'`, () => layer.apply(variables, input, options));
        y = result.y;
        next[name] = result.state;
      }
      return { y, state: next };
    },
  };
  // A chain that does not fit is refused where it is written, not at its first batch.
  if (inputShape) checkReuse(calls, [inputShape, ...walk(inputShape)]);
  return network;
}

/** Throws a ShapeError where a layer is used again on inputs that its weights do not fit; `shapes` are the inputs of the calls. */
function checkReuse(calls: readonly NamedLayer[], shapes: readonly Shape[]): void {
  calls.forEach((call, i) => {
    const { name, layer } = call;
    const before = calls.indexOf(call);
    if (before === i || sameShape(shapes[before], shapes[i])) return;
    // Only shapes are looked at: the numbers come from a stream of their own, so that they move no other layer's.
    const shapesOf = (input: Shape): string => {
      const { parameters, state } = building(`layer '${name}'`, () => layer.build(input, RandomStream.fromSeed(0)));
      return Object.entries({ ...parameters, ...state })
        .map(([key, tensor]) => `${key} ${formatShape(tensor.shape)}`)
        .join(', ');
    };
    const [kept, wanted] = [shapesOf(shapes[before]), shapesOf(shapes[i])];
    if (kept === wanted) return;
    throw new ShapeError(
      `sequential: ${name} is used twice, on inputs ${formatBatch(shapes[before])} and ${formatBatch(shapes[i])}; its weights are shared, ` +
        `but ${kept} would have to be ${wanted}: bring both inputs to one shape, or use another layer`,
    );
  });
}

/**
 * Names the unnamed layers `dense_1`, `dense_2`, … in the order of the list: the same model gets the same names every time. A layer that occurs
 * twice has one name.
 */
function nameLayers(list: readonly Layer[]): NamedLayer[] {
  const taken = new Set<string>();
  for (const { name } of new Set(list)) {
    if (name === undefined) continue;
    if (taken.has(name))
      throw new ArgumentError(`sequential: two layers are called '${name}'; names tell weights apart, so give each its own`);
    taken.add(name);
  }
  const calls = new Map<Layer, NamedLayer>();
  for (const layer of new Set(list)) {
    for (let n = 1; layer.name === undefined; n++) {
      const name = `${layer.kind}_${n}`;
      if (!taken.has(name)) layer.name = name;
    }
    taken.add(layer.name);
    calls.set(layer, { name: layer.name, layer });
  }
  return list.map((layer) => calls.get(layer)!);
}
