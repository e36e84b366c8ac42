// What a function built, kept as a pattern: its nodes can be made again over other tensors than those it read.
import { cloneNode, topological } from '../graph/graph.ts';
import { constantValue } from '../graph/leaves.ts';
import type { Node, Tensor } from '../graph/tensor.ts';

export interface Template {
  /** Tensors made before that the pattern reads, numbers excepted. */
  readonly inputs: readonly Tensor[];
  /** The outputs over other inputs, given in the order of `inputs`. */
  readonly instantiate: (inputs: readonly Tensor[]) => Tensor[];
}

/** Where a tensor comes from when the pattern is made again. Settled once: a handle that is evaluated later loses its node. */
type Origin = { readonly input: number } | { readonly node: Node; readonly index: number } | { readonly same: Tensor };

/** The pattern of the nodes behind `outputs` whose serial number is `since` or later. */
export function templateOf(outputs: readonly Tensor[], since: number): Template {
  // Leaves (numbers, arguments, the random key of a trace) are what they are, whenever they were made.
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
