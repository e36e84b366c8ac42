// Static part of reading a model: names, attributes, order of the nodes and known ops. Nothing is computed here.
import { FormatError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { shown } from '../../core/shown.ts';
import { type ElementName, elementName, shownType } from '../format/elements.ts';
import { type OnnxFile, type StoredElements, readTensor } from '../format/readTensor.ts';
import type { AttributeProto, GraphProto, NodeProto, ValueInfoProto } from '../format/schema.ts';

export type Attribute = number | string | readonly number[] | readonly string[] | StoredElements | PlannedGraph;

export interface PlannedNode {
  readonly op: string;
  /** Version of the ops of the graph or function that has the node. */
  readonly opset: number;
  /** Place in the file for messages, such as `Conv 'conv1'`. */
  readonly where: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** An input or output of a graph. Sizes are numbers, names of free sizes, or undefined. */
export interface Declared {
  readonly name: string;
  readonly type: ElementName | undefined;
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

export interface PlannedGraph {
  readonly kind: 'graph';
  readonly nodes: readonly PlannedNode[];
  readonly initializers: ReadonlyMap<string, StoredElements>;
  readonly inputs: readonly Declared[];
  readonly outputs: readonly Declared[];
}

export interface PlanContext {
  readonly file: OnnxFile;
  readonly opset: number;
  /** Versions of nodes that come from functions. */
  readonly opsets: ReadonlyMap<NodeProto, number>;
  /** Known op types. */
  readonly ops: readonly string[];
}

/** Depth of If, Loop and Scan in each other. */
const maxDepth = 16;

/** @throws FormatError for unknown ops, names that nothing makes, cycles, and attributes that cannot be read. */
export function planGraph(proto: GraphProto, context: PlanContext, outer: ReadonlySet<string> = new Set(), depth = 0): PlannedGraph {
  const { file } = context;
  const fail = (what: string): never => {
    throw new FormatError(`${file.name}: ${what}`);
  };
  if (depth > maxDepth) fail(`graphs are nested more than ${maxDepth} times`);
  if (proto.sparseInitializer.length > 0) fail('sparse_initializer has tensors; sparse tensors are not read, store them dense');
  const initializers = new Map<string, StoredElements>();
  for (const tensor of proto.initializer) {
    if (tensor.name === '') fail('an initializer has no name; names are unique and not empty');
    if (initializers.has(tensor.name)) fail(`initializer '${tensor.name}' occurs twice; names are unique`);
    initializers.set(tensor.name, readTensor(tensor, `initializer '${tensor.name}'`, file));
  }
  const inputs = proto.input.filter(({ name }) => !initializers.has(name)).map((info) => readDeclared(info, 'input', file));
  const names = inputs.map(({ name }) => name);
  const twice = names.find((name, i) => name === '' || names.indexOf(name) !== i);
  if (twice !== undefined) fail(`input '${twice}' occurs twice or has no name; names are unique`);
  const known = new Set([...outer, ...initializers.keys(), ...names]);
  const nodes = orderNodes(proto.node, known, fail).map((node) => {
    const planned = planNode(node, context, known, depth);
    for (const output of node.output) if (output !== '') known.add(output);
    return planned;
  });
  const outputs = proto.output.map((info) => readDeclared(info, 'output', file));
  const unmade = outputs.find(({ name }) => !known.has(name));
  if (unmade) fail(`output '${unmade.name}' is made by no node${didYouMean(unmade.name, [...known])}`);
  return { kind: 'graph', nodes, initializers, inputs, outputs };
}

function readDeclared({ name, type }: ValueInfoProto, side: string, file: OnnxFile): Declared {
  const fail = (what: string): never => {
    throw new FormatError(`${file.name}: ${side} '${name}': ${what}`);
  };
  // Some tools write the outputs of inner graphs without a type.
  const isUntyped = !type || (side === 'output' && type.value.case === undefined);
  if (isUntyped) return { name, type: undefined, shape: undefined };
  if (type.value.case !== 'tensorType') return fail('it is no tensor; sequences, maps, optional and sparse values are not read');
  const { elemType, shape } = type.value.value;
  const found = elementName(elemType);
  if (found === undefined && elemType !== 0) fail(`elem_type is ${shownType(elemType)}; numbers and bools are read`);
  const sizes = shape?.dim.map(({ value }, axis) => {
    if (value.case === 'dimParam') return value.value || undefined;
    if (value.case === undefined) return undefined;
    if (value.value < 0n || value.value >= 2n ** 31n) fail(`dim[${axis}] is ${value.value}; it must be a size`);
    return Number(value.value);
  });
  return { name, type: found, shape: sizes };
}

/** Nodes in an order in which each comes after those that make its inputs. Files are sorted already, unless a tool broke the rule. */
function orderNodes(nodes: readonly NodeProto[], known: ReadonlySet<string>, fail: (what: string) => never): NodeProto[] {
  const makers = new Map<string, NodeProto>();
  for (const node of nodes) {
    for (const output of node.output.filter((name) => name !== '')) {
      if (makers.has(output) || known.has(output)) fail(`${nameOf(node)}: output '${output}' is made twice; names are unique`);
      makers.set(output, node);
    }
  }
  const done = new Set<NodeProto>();
  const open = new Set<NodeProto>();
  const order: NodeProto[] = [];
  for (const first of nodes) {
    const stack = [first];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (done.has(node)) {
        stack.pop();
        continue;
      }
      open.add(node);
      const waiting = readNames(node).flatMap((name) => {
        const maker = makers.get(name);
        return maker && !done.has(maker) ? [maker] : [];
      });
      const again = waiting.find((maker) => open.has(maker));
      if (again) fail(`${nameOf(node)} and ${nameOf(again)} need each other's outputs; a graph has no cycles`);
      if (waiting.length > 0) {
        stack.push(...waiting);
        // Nodes that wait are not open until they are reached.
        continue;
      }
      order.push(node);
      done.add(node);
      open.delete(node);
      stack.pop();
    }
  }
  return order;
}

/** Names that a node reads, also inside its graphs if they are not made there. */
function readNames(node: NodeProto, depth = 0): string[] {
  const inner = depth > maxDepth ? [] : node.attribute.flatMap(({ g }) => (g ? namesAround(g, depth + 1) : []));
  return [...node.input, ...inner];
}

function namesAround(graph: GraphProto, depth: number): string[] {
  const own = new Set([...graph.node.flatMap(({ output }) => output), ...[...graph.input, ...graph.initializer].map(({ name }) => name)]);
  const names = [...graph.node.flatMap((node) => readNames(node, depth)), ...graph.output.map(({ name }) => name)];
  return names.filter((name) => !own.has(name));
}

const nameOf = ({ opType, name, output }: NodeProto): string => `${opType} '${name || (output[0] ?? '')}'`;

function planNode(node: NodeProto, context: PlanContext, known: ReadonlySet<string>, depth: number): PlannedNode {
  const { file, ops } = context;
  const opset = context.opsets.get(node) ?? context.opset;
  const where = nameOf(node);
  const fail = (what: string): never => {
    throw new FormatError(`${file.name}: ${where}: ${what}`);
  };
  if (node.domain !== '' && node.domain !== 'ai.onnx') {
    fail(`domain is '${node.domain}'; only ops of ai.onnx and functions of the file are read, so export the model without custom ops`);
  }
  if (!ops.includes(node.opType)) fail(`op_type '${node.opType}' of opset ${opset} is not known${didYouMean(node.opType, ops)}`);
  const missing = node.input.find((name) => name !== '' && !known.has(name));
  if (missing !== undefined) fail(`input '${missing}' is made by no node${didYouMean(missing, [...known])}`);
  const attributes = new Map<string, Attribute>();
  for (const attribute of node.attribute) attributes.set(attribute.name, readAttribute(attribute, context, known, where, depth));
  return { op: node.opType, opset, where, inputs: node.input, outputs: node.output, attributes };
}

function readAttribute(proto: AttributeProto, context: PlanContext, known: ReadonlySet<string>, where: string, depth: number): Attribute {
  const at = `${where}: attribute '${proto.name}'`;
  const fail = (what: string): never => {
    throw new FormatError(`${context.file.name}: ${at}: ${what}`);
  };
  if (proto.refAttrName) fail(`it refers to '${proto.refAttrName}' of a function, and the node is in none`);
  switch (proto.type) {
    case 1:
      return proto.f;
    case 2:
      return Number(proto.i);
    case 3:
      return text(proto.s, fail);
    case 4:
      return proto.t ? readTensor(proto.t, at, context.file) : fail('t is missing');
    case 5:
      return proto.g ? planGraph(proto.g, context, known, depth + 1) : fail('g is missing');
    case 6:
      return proto.floats;
    case 7:
      return proto.ints.map(Number);
    case 8:
      return proto.strings.map((bytes) => text(bytes, fail));
    default:
      return fail(`type is ${shown(proto.type)}; numbers, texts, tensors and graphs are read (1 to 8)`);
  }
}

function text(bytes: Uint8Array, fail: (what: string) => never): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return fail('s is no text in UTF-8');
  }
}
