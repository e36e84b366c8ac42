// Repeats the nodes that a function built, with other inputs.
import { cloneNode, topological } from '../graph/graph.ts';
import { constantValue } from '../graph/leaves.ts';
import type { Node, Tensor } from '../graph/tensor.ts';

export interface Template {
  /** Older tensors that the nodes read, without constants. */
  readonly inputs: readonly Tensor[];
  /** Makes the outputs again from other inputs, given in the order of `inputs`. */
  readonly instantiate: (inputs: readonly Tensor[]) => Tensor[];
}

/** Source of a tensor when the nodes are made again. It is stored, because a tensor loses its node when it is evaluated. */
type Origin = { readonly input: number } | { readonly node: Node; readonly index: number } | { readonly same: Tensor };

/** Makes a template of the nodes that `outputs` depend on and whose serial number is `since` or later. */
export function templateOf(outputs: readonly Tensor[], since: number): Template {
  // Leaves (constants, arguments, the random key of a trace) are never made again.
  const isOwn = ({ node }: Tensor): boolean => node !== undefined && node.serial >= since && node.op.lowering.kind !== 'leaf';
  const order = topological(outputs, (tensor) => !isOwn(tensor));
  const places = new Map<Node | Tensor, Map<number, number>>();
  const inputs: Tensor[] = [];
  const originOf = (tensor: Tensor): Origin => {
    if (isOwn(tensor)) return { node: tensor.node!, index: tensor.index };
    if (constantValue(tensor) !== undefined) return { same: tensor };
    const owner = tensor.node ?? tensor;
    const known = places.get(owner) ?? new Map<number, number>();
    places.set(owner, known);
    if (!known.has(tensor.index)) known.set(tensor.index, inputs.push(tensor) - 1);
    return { input: known.get(tensor.index)! };
  };
  const wiring = order.map((node) => node.inputs.map(originOf));
  const results = outputs.map(originOf);

  return {
    inputs,
    instantiate: (replacements) => {
      const made = new Map<Node, readonly Tensor[]>();
      const find = (origin: Origin): Tensor => {
        if ('input' in origin) return replacements[origin.input];
        return 'same' in origin ? origin.same : made.get(origin.node)![origin.index];
      };
      order.forEach((node, i) => made.set(node, cloneNode(node, wiring[i].map(find))));
      return results.map(find);
    },
  };
}
