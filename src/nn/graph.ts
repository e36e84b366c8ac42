// A graph of layers and ops: a model's inputs and outputs as symbolic tensors, and everything between them.
import type { Config } from '../core/config.ts';
import { ArgumentError, ShapeError, checkOptions } from '../core/errors.ts';
import { leafName, leavesOf, mapTree } from '../core/tree.ts';
import { shown } from '../core/shown.ts';

import { topological } from '../graph/graph.ts';
import { type Node, Tensor } from '../graph/tensor.ts';
import { BasicContainer, nameLayers } from './container.ts';
import {
  Builder,
  type Container,
  type Flow,
  type ForwardPass,
  type LayerUse,
  type Masks,
  type NamedLayer,
  type SymbolicCall,
  joinPath,
  runNamed,
} from './layer.ts';
import { type Describable, type NetworkWriter, NodeWriter, Sources, graphConfig } from './networkConfig.ts';
import { type GraphParts, Replay, checkReplayable } from './replay.ts';
import { type Specs, TensorSpec, type Tensors, formatBatches, inOrderOf, shapesOf } from './spec.ts';
import { callOf, isSymbolic, isSymbolicInput, nameOfInput, specsOfSymbolic } from './symbolic.ts';

export interface GraphOptions {
  /** Symbolic tensors of input(), or tensors computed from them. A record gives names to the inputs. */
  readonly inputs: Tensors;
  /** Symbolic tensors. A record gives names to the outputs; outputs of a list are named by their layers. */
  readonly outputs: Tensors;
  /** Name of the model, if it becomes a layer of another one. */
  readonly name?: string;
}

/** A graph of layers as a layer. */
export interface LayerGraph extends Container {
  /** Names of the inputs, in order: of the record, of input(), or `input_1`. */
  readonly inputNames: readonly string[];
  /** Names of the outputs, in order: of the record, or of the layers that give them. */
  readonly outputNames: readonly string[];
}

/**
 * The layer that computes `outputs` from `inputs`.
 *
 * @throws ArgumentError for tensors that are not symbolic, an output that no input reaches or that needs another input, and an unused input.
 */
export function graph(options: GraphOptions): LayerGraph {
  const where = 'createModel';
  checkOptions(where, options, ['inputs', 'outputs', 'name'], 'createModel({ inputs: x, outputs: y })');
  const { inputs, outputs, name } = (options as Partial<GraphOptions> | undefined) ?? {};
  return new Graph(inputs!, outputs!, name);
}

const tensorsIn = (tree: Tensors): Tensor[] => leavesOf(tree).map(({ value }) => value as Tensor);

interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

interface NamedCall {
  readonly call: SymbolicCall;
  readonly use: LayerUse;
}

class Graph extends BasicContainer implements LayerGraph, Describable {
  readonly calls: readonly LayerUse[];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  private readonly own: { readonly inputs: Tensors; readonly outputs: Tensors };
  /** Nodes between inputs and outputs, in the order in which they were made. */
  private readonly order: readonly Node[];
  private readonly callsByNode: Map<Node, NamedCall>;
  private readonly specs: Specs;
  private readonly sources: Sources;

  constructor(inputs: Tensors, outputs: Tensors, name: string | undefined) {
    const where = name ?? 'createModel';
    const entries = readTensors(where, 'input', inputs);
    const exits = readTensors(where, 'output', outputs);
    const specs = specsOfSymbolic(where, inputs);
    const only = specs instanceof TensorSpec ? specs : undefined;
    super('model', name, only?.shape, (only?.dtype ?? 'f32') as 'f32' | 'i32');
    this.own = { inputs, outputs };
    this.specs = specs;
    specsOfSymbolic(where, outputs);
    const given = new Given(entries);
    this.order = orderBetween(where, entries, exits, given);
    this.sources = new Sources(this.order);
    const callNodes = this.order.filter((node) => callOf(node));
    const named = new Map(nameLayers(callNodes.map((node) => callOf(node)!.layer)).map((entry, i) => [callNodes[i], entry] as const));
    // Uses of layers, by number, and names of inputs before a node. They lead through ops.
    const origins = new Map<Node, readonly (string | number)[]>();
    const nameOf = (source: string | number): string => (typeof source === 'string' ? source : named.get(callNodes[source])!.name);
    this.callsByNode = new Map();
    for (const node of this.order) {
      const sources = [
        ...new Set(node.inputs.flatMap((tensor) => given.nameOf(tensor) ?? (tensor.node && origins.get(tensor.node)) ?? [])),
      ];
      const entry = named.get(node);
      origins.set(node, entry ? [this.callsByNode.size] : sources);
      if (!entry) continue;
      const connections = [...new Set(sources.map(nameOf))];
      this.callsByNode.set(node, { call: callOf(node)!, use: { ...entry, connections, sources } });
    }
    this.calls = [...this.callsByNode.values()].map(({ use }) => use);
    this.inputNames = entries.map((entry) => entry.name);
    this.outputNames = distinct(
      exits.map(({ name, tensor: { node } }) => {
        const [source] = (node && origins.get(node)) ?? [];
        return isRecord(outputs) || source === undefined ? name : nameOf(source);
      }),
    );
    // Layers that are used again on inputs that their weights do not fit are refused now.
    this.callSpecs(specs);
  }

  override get inputSpecs(): Specs {
    return this.specs;
  }

  callSpecs(inputs: Specs): Specs[] {
    return this.walk(new Builder(undefined), inputs, '');
  }

  draft(builder: Builder, inputs: Specs, where: string): Specs {
    this.walk(builder, inputs, where);
    return specsOfSymbolic(where, this.own.outputs);
  }

  /** The nodes between the inputs and the outputs. @internal */
  get parts(): GraphParts {
    return { order: this.order, ...this.own };
  }

  run(pass: ForwardPass, inputs: Tensors, mask: Masks, where: string): Flow {
    const entries = tensorsIn(this.own.inputs);
    const values = tensorsIn(inOrderOf(this.own.inputs, inputs));
    const replay = pass.decoding?.replay(this.parts, values) ?? new Replay(values[0].shape[0]);
    const setMasks = (tensors: readonly Tensor[], given: Masks): void => {
      const found = given instanceof Tensor ? [given] : leavesOf(given).map(({ value }) => value);
      tensors.forEach((tensor, i) => {
        const maskOf = found[i];
        if (maskOf instanceof Tensor) replay.setMask(tensor, maskOf);
      });
    };
    const masksOf = (tree: Tensors, maskOf: (tensor: Tensor) => Tensor | undefined): Masks => {
      const found = mapTree(tree, (leaf) => maskOf(leaf as Tensor)) as Masks;
      return leavesOf(found).some(({ value }) => value) ? found : undefined;
    };
    entries.forEach((entry, i) => replay.set(entry, values[i]));
    setMasks(entries, inOrderOf(this.own.inputs, mask));
    for (const node of this.order) {
      if (replay.recall(node)) continue;
      const named = this.callsByNode.get(node);
      if (named) {
        const { call, use } = named;
        const x = mapTree(call.inputs, (leaf) => replay.inputOf(leaf as Tensor, node)) as Tensors;
        const masks = masksOf(call.inputs, (tensor) => replay.maskFor(tensor, node));
        const inner = replay.isStill(node) ? pass.withoutDecoding() : pass;
        const flow = runNamed(inner.inMode(call.training), use, x, masks, where);
        const results = tensorsIn(flow.outputs);
        const symbols = tensorsIn(call.outputs);
        symbols.forEach((symbol, i) => replay.put(symbol, results[i]));
        setMasks(symbols, flow.mask);
      } else replay.compute(node);
      replay.keep(node);
    }
    const outputs = mapTree(this.own.outputs, (leaf) => replay.get(leaf as Tensor)) as Tensors;
    return { outputs, mask: masksOf(this.own.outputs, (tensor) => replay.maskOf(tensor)) };
  }

  describe(writer: NetworkWriter, at: string): Config {
    const nodes = new NodeWriter(writer, at, this.sources);
    for (const { value } of leavesOf(this.own.inputs)) nodes.addInput(value as Tensor);
    for (const node of this.order) nodes.addNode(node);
    return graphConfig(nodes.nodes, nodes.refer(this.own.inputs), nodes.refer(this.own.outputs), this.name);
  }

  /** The graph's own inputs and outputs. */
  protected override onlyCall(): { readonly inputs: Tensors; readonly outputs: Tensors } {
    return this.own;
  }

  private walk(builder: Builder, inputs: Specs, where: string): Specs[] {
    const [wanted, got] = [formatBatches(shapesOf(this.specs)), formatBatches(shapesOf(inOrderOf(this.specs, inputs)))];
    if (wanted !== got) {
      throw new ShapeError(
        `${where || (this.name ?? 'model')}: takes inputs ${wanted}, got ${got}; reshape the data, or make a model for them`,
      );
    }
    return [...this.callsByNode.values()].map(({ call, use }) => {
      const path = joinPath(where, use.name);
      return use.layer.draft(builder, specsOfSymbolic(path, call.inputs), path);
    });
  }
}

/** The tensors that a graph begins with. */
class Given {
  private readonly names = new Map<Node, string[]>();

  constructor(entries: readonly NamedTensor[]) {
    for (const { name, tensor } of entries) {
      const { node, index } = tensor as Tensor & { node: Node };
      this.names.set(node, Object.assign(this.names.get(node) ?? [], { [index]: name }));
    }
  }

  nameOf({ node, index }: Tensor): string | undefined {
    return node && this.names.get(node)?.[index];
  }
}

const isRecord = (tree: Tensors): boolean => !(tree instanceof Tensor) && !Array.isArray(tree);

/** Names that occur again get a number. */
const distinct = (names: readonly string[]): string[] =>
  names.map((name, i) => {
    const before = names.slice(0, i).filter((other) => other === name).length;
    return before ? `${name}_${before + 1}` : name;
  });

function readTensors(where: string, side: 'input' | 'output', tree: Tensors): NamedTensor[] {
  const leaves = leavesOf(tree);
  if (leaves.length === 0) {
    throw new ArgumentError(`${where}: ${side}s has no tensor; give a symbolic tensor, a list or a record of them`);
  }
  const names = leaves.map(({ path, value }, i) => {
    const name = isRecord(tree) ? leafName(path) : side === 'input' ? nameOfEntry(value) : undefined;
    return name ?? (leaves.length === 1 ? side : `${side}_${i + 1}`);
  });
  const seen = new Set<unknown>();
  return leaves.map(({ value }, i) => {
    if (!(value instanceof Tensor) || !isSymbolic(value)) {
      throw new ArgumentError(
        `${where}: ${names[i] ? `${side} '${names[i]}'` : `${side}s`} is ${value instanceof Tensor ? `${value.toString()} with values` : shown(value)}; ` +
          `${side}s are symbolic tensors: begin with input({ shape }), and apply layers and ops to it`,
      );
    }
    if (side === 'input' && seen.has(value)) throw new ArgumentError(`${where}: input '${names[i]}' is given twice; give each input once`);
    seen.add(value);
    return { name: names[i], tensor: value };
  });
}

const nameOfEntry = (value: unknown): string | undefined =>
  value instanceof Tensor && value.node && isSymbolicInput(value.node) ? nameOfInput(value.node) : undefined;

/** Nodes between inputs and outputs. @throws ArgumentError if an output needs a missing input, or an input reaches no output. */
function orderBetween(where: string, entries: readonly NamedTensor[], exits: readonly NamedTensor[], given: Given): Node[] {
  const used = new Set<string>();
  const order = new Set<Node>();
  for (const { name, tensor } of exits) {
    const reached = new Set<string>();
    const isGiven = (candidate: Tensor): boolean => {
      const entry = given.nameOf(candidate);
      if (entry !== undefined) reached.add(entry);
      return entry !== undefined;
    };
    const nodes = topological([tensor], isGiven);
    for (const node of nodes) {
      if (isSymbolicInput(node)) {
        const missing = nameOfInput(node);
        const spoken = missing ? `input '${missing}'` : `an input ${specText(node)}`;
        throw new ArgumentError(`${where}: output '${name}' depends on ${spoken}, which is not among the inputs; add it to inputs`);
      }
      checkReplayable(node);
      order.add(node);
    }
    if (reached.size === 0) {
      throw new ArgumentError(`${where}: no input reaches output '${name}'; compute it from the inputs, or leave it out`);
    }
    for (const entry of reached) used.add(entry);
  }
  for (const { name } of entries) {
    if (!used.has(name)) throw new ArgumentError(`${where}: input '${name}' reaches no output; use it, or leave it out`);
  }
  return [...order].sort((a, b) => a.serial - b.serial);
}

const specText = (node: Node): string => new Tensor(node.types[0], { node, index: 0 }).toString();

/** Layer of a container by its path there, such as `encoder/dense_1`; undefined if there is none. */
export function findLayer(root: { readonly sublayers: NamedLayer['layer']['sublayers'] }, path: string): NamedLayer['layer'] | undefined {
  if (Object.hasOwn(root.sublayers, path)) return root.sublayers[path];
  const cut = path.indexOf('/');
  const inner = cut > 0 && Object.hasOwn(root.sublayers, path.slice(0, cut)) ? root.sublayers[path.slice(0, cut)] : undefined;
  return inner && findLayer(inner, path.slice(cut + 1));
}
