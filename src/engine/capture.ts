// Captures pending tensors as a closed graph. Leaves become placeholders, and the structure becomes the key of the cached program.
import { TraceError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { type Graph, attributesKey, cloneNode, rebuild, topological } from '../graph/graph.ts';
import { constantValue, isPlaceholder, placeholder } from '../graph/leaves.ts';
import { type Node, Tensor, assertUsable } from '../graph/tensor.ts';
import type { RunInput, ValueOwner } from '../runtime/runtime.ts';
import { requireHere } from './location.ts';

export interface CapturedGraph {
  /** Ops, attributes, shapes, dtypes and wiring, without the values of leaves and numbers. */
  readonly key: string;
  readonly inputs: readonly RunInput[];
  /** The handles that get values: the requested ones, and those that are kept for later evaluations. */
  readonly outputs: readonly Tensor[];
  /** Builds the graph. Needed only if the key is new. */
  readonly graph: () => Graph;
}

/** Nodes that an earlier evaluation computed without keeping their value. */
const computedBefore = new WeakSet<Node>();

/**
 * Captures the graph of `requested`. A node that an earlier evaluation computed is kept this time. A loop that extends one graph, and reads only
 * the loss, then does not compute the whole graph again at each step.
 */
export function capture(requested: readonly Tensor[], owner: ValueOwner): CapturedGraph {
  const outputs = [...requested];
  const wanted = new Set(requested);
  const order = topological(requested);
  const inputs: RunInput[] = [];
  const leafIds = new Map<Tensor, number>();
  const nodeIds = new Map<Node, number>();
  const parts: string[] = [];
  const constants = new Map<Node, number>();

  const leafId = (tensor: Tensor, op?: string): number => {
    const known = leafIds.get(tensor);
    if (known !== undefined) return known;
    assertUsable(tensor);
    const { value } = tensor;
    if (!value) throw new TraceError(`${tensor.toString()} has neither a value nor an op that computes it`);
    requireHere(tensor, owner, op);
    const id = inputs.length;
    inputs.push(value);
    leafIds.set(tensor, id);
    parts.push(`leaf ${id} ${tensor.dtype}${formatShape(tensor.shape)}`);
    return id;
  };
  const idOf = (tensor: Tensor): string => (tensor.node ? `${nodeIds.get(tensor.node)}.${tensor.index}` : `L${leafId(tensor)}`);

  for (const node of order) {
    for (const input of node.inputs) if (!input.node) leafId(input, node.op.name);
    const id = nodeIds.size;
    nodeIds.set(node, id);
    const single = new Tensor(node.types[0], { node, index: 0 });
    const number = constantValue(single);
    if (number !== undefined) {
      // A number is an input of the program, so a changing learning rate does not compile again.
      constants.set(node, inputs.length);
      inputs.push(number);
      parts.push(`${id}=number ${node.types[0].dtype}`);
      continue;
    }
    if (isPlaceholder(single)) {
      throw new TraceError(
        `a tensor of a function being traced (${(node.attributes as { label: string }).label}) has no value yet; return it from the function and read the result`,
      );
    }
    parts.push(`${id}=${node.op.name}(${node.inputs.map(idOf).join()})${attributesKey(node.attributes)}`);
    if (!computedBefore.has(node)) {
      for (const input of node.inputs) {
        // A view has no memory; keep its base.
        let kept = input;
        while (kept.node?.op.lowering.kind === 'view') kept = kept.node.inputs[0];
        if (!kept.node || wanted.has(kept) || !computedBefore.has(kept.node)) continue;
        wanted.add(kept);
        outputs.push(kept);
      }
    }
  }
  for (const node of order) if (node.op.lowering.kind !== 'leaf') computedBefore.add(node);
  parts.push(`return ${outputs.map(idOf).join()}`);

  return {
    key: parts.join(';'),
    inputs,
    outputs,
    graph: () => {
      const leaves = new Map<Tensor, Tensor>();
      const placeholders: Tensor[] = [];
      for (const [tensor, position] of leafIds) {
        const leaf = placeholder(tensor.shape, tensor.dtype, { position });
        leaves.set(tensor, leaf);
        placeholders[position] = leaf;
      }
      for (const [node, position] of constants) {
        placeholders[position] = placeholder([], node.types[0].dtype, { position, scalar: true });
      }
      const leafOf = (tensor: Tensor): Tensor => (tensor.node ? tensor : leaves.get(tensor)!);
      const rebuilt = rebuild(outputs, (node, nodeInputs) => {
        const position = constants.get(node);
        return position === undefined ? cloneNode(node, nodeInputs.map(leafOf)) : [placeholders[position]];
      });
      return { inputs: placeholders, outputs: rebuilt.map(leafOf) };
    },
  };
}
