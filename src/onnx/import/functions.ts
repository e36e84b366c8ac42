// Functions that a model defines for itself. Each node that calls one is replaced by the nodes of the function, with names of their own.
import { FormatError } from '../../core/errors.ts';
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from '../format/schema.ts';

/** A graph whose nodes call no function. */
export interface InlinedGraph {
  readonly graph: GraphProto;
  /** Version of the ops of nodes that come from a function. */
  readonly opsets: ReadonlyMap<NodeProto, number>;
}

/** Depth of functions in each other, and number of nodes that they may make. */
const [maxDepth, maxNodes] = [64, 200_000];

/** A message with other values of some fields. Its prototype has the defaults of fields that are not set. */
const changed = <M extends object>(message: M, fields: Partial<M>): M =>
  Object.assign(Object.create(Object.getPrototypeOf(message) as object) as M, message, fields);

const ownDomain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);
const keyOf = (domain: string, name: string, overload: string): string => [ownDomain(domain), name, overload].join('\n');

/**
 * The graph of a model with the bodies of its functions in the places of their calls.
 * @throws FormatError for a function that occurs twice or calls itself, too many inputs or outputs, and a body without its outputs.
 */
export function inlineFunctions(
  model: ModelProto,
  graph: GraphProto,
  file: string,
  checkOpset: (opset: number, where: string) => number,
): InlinedGraph {
  const opsets = new Map<NodeProto, number>();
  if (model.functions.length === 0) return { graph, opsets };
  const functions = new Map<string, FunctionProto>();
  for (const one of model.functions) {
    const key = keyOf(one.domain, one.name, one.overload);
    if (functions.has(key))
      throw new FormatError(`${file}: function '${one.name}' of domain '${one.domain}' occurs twice; names are unique`);
    functions.set(key, one);
  }
  let made = 0;

  const inGraph = (from: GraphProto, opset: number | undefined, depth: number, path: readonly string[]): GraphProto =>
    changed(from, { node: from.node.flatMap((node) => expanded(node, opset, depth, path)) });

  /** `opset` is that of the function around a node. `path` are the functions that are open. */
  function expanded(node: NodeProto, opset: number | undefined, depth: number, path: readonly string[]): NodeProto[] {
    const where = `${file}: ${node.opType} '${node.name || (node.output[0] ?? '')}'`;
    if (++made > maxNodes) throw new FormatError(`${where}: functions make more than ${maxNodes} nodes; shorten them`);
    if (depth > maxDepth) throw new FormatError(`${where}: functions and graphs are nested more than ${maxDepth} times`);
    const key = keyOf(node.domain, node.opType, node.overload);
    const called = functions.get(key);
    if (!called) {
      const attribute = node.attribute.map((one) => (one.g ? changed(one, { g: inGraph(one.g, opset, depth + 1, path) }) : one));
      const own = changed(node, { attribute });
      if (opset !== undefined) opsets.set(own, opset);
      return [own];
    }
    if (path.includes(key)) throw new FormatError(`${where}: function '${called.name}' calls itself; functions have no recursion`);
    const version = called.opsetImport.find(({ domain }) => ownDomain(domain) === '')?.version;
    const inner = version === undefined ? opset : checkOpset(Number(version), `${where}: function '${called.name}'`);
    return bodyOf(called, node, where, `${made}`).flatMap((one) => expanded(one, inner, depth + 1, [...path, key]));
  }

  return { graph: inGraph(graph, undefined, 0, []), opsets };
}

/** The nodes of a function for one call. `id` makes the names of its inner values unique. */
function bodyOf(called: FunctionProto, call: NodeProto, where: string, id: string): NodeProto[] {
  const fail = (what: string): never => {
    throw new FormatError(`${where}: function '${called.name}' ${what}`);
  };
  if (call.input.length > called.input.length) fail(`takes ${called.input.length} inputs, got ${call.input.length}`);
  if (call.output.length > called.output.length) fail(`has ${called.output.length} outputs; the node names ${call.output.length}`);
  const names = new Map<string, string>([['', '']]);
  called.input.forEach((name, i) => names.set(name, call.input[i] ?? ''));
  const known = new Set([...called.input, ...called.node.flatMap(({ output }) => output)]);
  const copies: NodeProto[] = [];
  called.output.forEach((name, i) => {
    if (!known.has(name)) fail(`has the output '${name}', which no node of it makes`);
    const given = call.output[i] ?? '';
    if (given === '') return;
    if (!names.has(name)) names.set(name, given);
    // An output that is an input, or that has two names.
    else
      copies.push(
        changed(call, { opType: 'Identity', domain: '', overload: '', attribute: [], input: [names.get(name)!], output: [given] }),
      );
  });
  const renamed = (name: string): string => {
    const found = names.get(name) ?? `${call.name || call.opType}#${id}/${name}`;
    names.set(name, found);
    return found;
  };
  const given = new Map([...called.attributeProto, ...call.attribute].map((one) => [one.name, one]));
  const attributesOf = (list: readonly AttributeProto[]): AttributeProto[] =>
    list.flatMap((one) => {
      if (one.refAttrName === '') return [one.g ? changed(one, { g: graphOf(one.g) }) : one];
      // Without a value the attribute is absent, so that the op takes its default.
      const found = given.get(one.refAttrName);
      return found ? [changed(found, { name: one.name })] : [];
    });
  const nodeOf = (node: NodeProto): NodeProto =>
    changed(node, {
      name: `${call.name || call.opType}/${node.name || node.opType}`,
      input: node.input.map(renamed),
      output: node.output.map(renamed),
      attribute: attributesOf(node.attribute),
    });
  const graphOf = (graph: GraphProto): GraphProto =>
    changed(graph, {
      node: graph.node.map(nodeOf),
      initializer: graph.initializer.map((one) => changed(one, { name: renamed(one.name) })),
      input: graph.input.map((one) => changed(one, { name: renamed(one.name) })),
      output: graph.output.map((one) => changed(one, { name: renamed(one.name) })),
    });
  return [...called.node.map(nodeOf), ...copies];
}
