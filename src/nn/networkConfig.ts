// Configs of chains and graphs of layers. A layer that occurs again is written once and referred to afterwards, so that shared weights stay
// shared. Ops between layers are written with their attributes.
import { toBase64 } from '../core/base64.ts';
import { batchAxis } from '../core/batchAxis.ts';
import { type Config, type Json, plainData, withSubstitutes } from '../core/config.ts';
import type { HostArray } from '../core/dtype.ts';
import { ArgumentError } from '../core/errors.ts';
import { mapTree } from '../core/tree.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import { drawnWordOf } from '../graph/trace.ts';
import { type Layer, layerOf } from './layer.ts';
import { formOptions } from './layerOptions.ts';
import type { Tensors } from './spec.ts';
import { callOf, isSymbolicInput, nameOfInput } from './symbolic.ts';

/** Version of the form of these configs. */
export const networkConfigVersion = 1;

/** Elements of a constant; undefined if the host does not have them. */
export type HostData = (tensor: Tensor) => HostArray | undefined;

const hostDataOf: HostData = ({ value }) => (value?.kind === 'host' ? value.data : undefined);

/** A chain or a graph. */
export interface Describable extends Layer {
  /** Its config. `at` names it in errors. */
  describe(writer: NetworkWriter, at: string): Config;
}

const isDescribable = (layer: Layer): layer is Describable => typeof (layer as Partial<Describable>).describe === 'function';

/**
 * The config of a layer with everything inside it. `dataOf` gives the elements of constants in graphs.
 * @throws ArgumentError for a layer or function of one's own without a config, and for a constant whose elements are not on the host.
 */
export function networkConfig(root: Layer, dataOf: HostData = hostDataOf): Config {
  // The first pass finds the layers that occur again.
  const counts = new Map<Layer, number>();
  new NetworkWriter(dataOf, counts, new Map()).config(root, root.kind);
  const repeated = [...counts].filter(([, count]) => count > 1).map(([layer], id) => [layer, id] as const);
  return new NetworkWriter(dataOf, new Map(), new Map(repeated)).config(root, root.kind);
}

/** Writes one config, with numbers for the layers that occur several times. */
export class NetworkWriter {
  readonly dataOf: HostData;
  private readonly counts: Map<Layer, number>;
  private readonly ids: ReadonlyMap<Layer, number>;

  constructor(dataOf: HostData, counts: Map<Layer, number>, ids: ReadonlyMap<Layer, number>) {
    this.dataOf = dataOf;
    this.counts = counts;
    this.ids = ids;
  }

  /** Config of a layer, or a reference to a layer that was written before. */
  config(layer: Layer, at: string): Config {
    const count = (this.counts.get(layer) ?? 0) + 1;
    this.counts.set(layer, count);
    const id = this.ids.get(layer) ?? 0;
    if (count > 1) return { kind: 'shared', options: { id } };
    const own = this.ownConfig(layer, at);
    return this.ids.has(layer) ? { kind: 'shared', options: { id, layer: own as unknown as Json } } : own;
  }

  private ownConfig(layer: Layer, at: string): Config {
    if (isDescribable(layer)) return layer.describe(this, at);
    // Layers among the options of a layer may occur elsewhere, too.
    const substitute = (value: object, config: () => Config): Config => {
      const inner = layerOf(value);
      return inner && inner !== layer ? this.config(inner, `${at}: ${inner.name ?? inner.kind}`) : config();
    };
    const config = withSubstitutes(substitute, () => plainData(layer, at) as unknown as Config);
    // The config of a registered factory has the options that were given to it, and not the form that its layer has now.
    const form = Object.entries(formOptions(layer)) as [string, Json | undefined][];
    if (form.every(([name, value]) => config.options[name] === value)) return config;
    const now = Object.fromEntries(form.filter((entry): entry is [string, Json] => entry[1] !== undefined));
    return { kind: 'formed', options: { layer: config as unknown as Json, ...now } };
  }
}

/** Origins of the tensors of a graph, as they were when it was made. A tensor that was computed afterwards has a value on a device instead. */
export class Sources {
  private readonly nodes = new Map<Tensor, Node>();
  private readonly elements = new Map<Tensor, HostArray>();

  constructor(order: readonly Node[]) {
    for (const tensor of order.flatMap(({ inputs }) => inputs)) {
      if (tensor.node) this.nodes.set(tensor, tensor.node);
      if (tensor.value?.kind === 'host') this.elements.set(tensor, tensor.value.data);
    }
  }

  nodeOf(tensor: Tensor): Node | undefined {
    return tensor.node ?? this.nodes.get(tensor);
  }

  dataOf(tensor: Tensor): HostArray | undefined {
    return this.elements.get(tensor);
  }
}

/** The nodes of one graph. References are `{ $tensor: [number of the node, number of its output] }`. */
export class NodeWriter {
  readonly nodes: Json[] = [];
  private readonly writer: NetworkWriter;
  private readonly at: string;
  private readonly sources: Sources;
  private readonly inputs = new Map<Node, Map<number, number>>();
  private readonly places = new Map<Node, number>();
  private readonly constants = new Map<Tensor, number>();
  private readonly keys = new Map<Tensor, number>();

  constructor(writer: NetworkWriter, at: string, sources: Sources) {
    this.writer = writer;
    this.at = at;
    this.sources = sources;
  }

  /** An input of the graph: a symbolic input, or any symbolic tensor. */
  addInput({ node, index, shape, dtype }: Tensor): void {
    const name = isSymbolicInput(node!) ? nameOfInput(node!) : undefined;
    const place = this.add({ input: { shape: shape.slice(1), dtype, ...(name !== undefined && { name }) } });
    this.inputs.set(node!, (this.inputs.get(node!) ?? new Map<number, number>()).set(index, place));
  }

  /** Number of an op or of an application of a layer, which is written now if it was not before. */
  addNode(node: Node): number {
    const known = this.places.get(node);
    if (known !== undefined) return known;
    const call = callOf(node);
    const written: Json = call
      ? {
          inputs: this.refer(call.inputs),
          layer: this.writer.config(call.layer, `${this.at}: ${call.layer.name ?? call.layer.kind}`) as unknown as Json,
          ...(call.training !== undefined && { training: call.training }),
        }
      : {
          op: node.op.name,
          inputs: node.inputs.map((tensor) => this.placeOf(tensor)),
          attributes: plainData(node.attributes, `${this.at}: ${node.op.name}`),
          types: node.types.map(({ dtype, shape }) => ({ dtype, shape: [...shape] })),
        };
    const place = this.add(written);
    this.places.set(node, place);
    return place;
  }

  /** A tree of tensors as a tree of references. */
  refer(tree: Tensors): Json {
    return mapTree(tree, (leaf) => ({ $tensor: this.placeOf(leaf as Tensor) })) as Json;
  }

  private add(node: Json): number {
    return this.nodes.push(node) - 1;
  }

  private placeOf(tensor: Tensor): readonly [number, number] {
    const { index } = tensor;
    const node = this.sources.nodeOf(tensor);
    if (!node) return [this.constantPlace(tensor), 0];
    const input = this.inputs.get(node)?.get(index);
    return input === undefined ? [this.addNode(node), index] : [input, 0];
  }

  private constantPlace(tensor: Tensor): number {
    const place = this.constants.get(tensor) ?? this.add(this.constant(tensor));
    this.constants.set(tensor, place);
    return place;
  }

  /** A tensor with a value of its own: a word of a random key, or elements. */
  private constant(tensor: Tensor): Json {
    const drawn = drawnWordOf(tensor);
    if (drawn) {
      if (!this.keys.has(drawn.key)) this.keys.set(drawn.key, this.keys.size);
      return { key: this.keys.get(drawn.key)!, word: drawn.word };
    }
    const { dtype, shape } = tensor;
    const data = this.sources.dataOf(tensor) ?? this.writer.dataOf(tensor);
    if (data) return { constant: { dtype, shape: [...shape], data: toText(data) } };
    throw new ArgumentError(
      `${this.at}: the constant ${tensor.toString()} of the graph has its elements on a device; use model.save(), which reads them, ` +
        'or make the constant by tensor([...])',
    );
  }
}

/** The config of a graph, from its nodes and the references to its inputs and outputs. */
export const graphConfig = (nodes: readonly Json[], inputs: Json, outputs: Json, name: string | undefined): Config => ({
  kind: 'createModel',
  options: { version: networkConfigVersion, batch: batchAxis, nodes, inputs, outputs, ...(name !== undefined && { name }) },
});

/** The config of a chain. */
export const chainConfig = (layers: readonly Config[], name: string | undefined): Config => ({
  kind: 'sequential',
  options: { version: networkConfigVersion, layers: layers as unknown as Json, ...(name !== undefined && { name }) },
});

/** Elements as base64, little-endian: floats as f32, bool as bytes. */
function toText(data: HostArray): string {
  const elements = data instanceof Float64Array ? Float32Array.from(data) : data;
  return toBase64(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength));
}
