// Before the first pass: replaces ops by compositions of other ops where the device runs those faster. The ops' own `expand` decides.
import { type Graph, cloneNode, rebuildStepwise, topological } from '../graph/graph.ts';
import type { Target } from '../graph/op.ts';
import { atScope } from '../graph/scope.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import type { Pass } from './pass.ts';

/** Share of a device's largest binding that compositions of one program may keep until the gradient is computed. */
const keptShare = 1 / 2;

/** Nodes whose outputs after the first one are read. */
const nodesReadFully = (graph: Graph, nodes: readonly Node[]): ReadonlySet<Node> =>
  new Set([...graph.outputs, ...nodes.flatMap(({ inputs }) => inputs)].flatMap(({ node, index }) => (node && index > 0 ? node : [])));

export function* expandStepwise(graph: Graph, target: Target): Pass<Graph> {
  const nodes = topological(graph.outputs);
  if (!nodes.some((node) => node.op.expand !== undefined)) return graph;
  const readFully = nodesReadFully(graph, nodes);
  const inputs = new Set(graph.inputs);
  const maxKept = keptShare * target.maxBindingBytes;
  let kept = 0;
  const expanded = (node: Node, nodeInputs: readonly Tensor[]): readonly Tensor[] | undefined => {
    const bytes = readFully.has(node) ? (node.op.keptBytes?.(nodeInputs) ?? 0) : 0;
    // One composition may always be kept.
    if (bytes > 0 && kept > 0 && kept + bytes > maxKept) return undefined;
    const outputs = atScope(node.scope, () => node.op.expand?.(nodeInputs, node.attributes, target));
    if (outputs) kept += bytes;
    return outputs;
  };
  const outputs = yield* rebuildStepwise(
    graph.outputs,
    (node, nodeInputs) => expanded(node, nodeInputs) ?? cloneNode(node, nodeInputs),
    (tensor) => inputs.has(tensor),
  );
  return { inputs: graph.inputs, outputs };
}
