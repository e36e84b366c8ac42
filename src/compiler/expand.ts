// Before the first pass: replaces ops by compositions of other ops where the device runs those faster. The ops' own `expand` decides.
import { type Graph, cloneNode, rebuildStepwise, topological } from '../graph/graph.ts';
import type { Target } from '../graph/op.ts';
import { atScope } from '../graph/scope.ts';
import type { Pass } from './pass.ts';

export function* expandStepwise(graph: Graph, target: Target): Pass<Graph> {
  if (!topological(graph.outputs).some((node) => node.op.expand !== undefined)) return graph;
  const inputs = new Set(graph.inputs);
  const outputs = yield* rebuildStepwise(
    graph.outputs,
    (node, nodeInputs) => atScope(node.scope, () => node.op.expand?.(nodeInputs, node.attributes, target)) ?? cloneNode(node, nodeInputs),
    (tensor) => inputs.has(tensor),
  );
  return { inputs: graph.inputs, outputs };
}
