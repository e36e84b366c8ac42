// Values that depend only on an element's position: iota, and integer or boolean arithmetic on it, such as a causal mask. They have no
// memory. Each reader computes the value for the position that it reads.
import type { Node, Tensor } from '../graph/tensor.ts';
import { constantValue } from '../graph/leaves.ts';
import { copyOp } from './copy.ts';

/** Maximum number of nodes of a positional value. Above it, a load is cheaper. */
const maxPositionalNodes = 6;

const sizes = new WeakMap<Node, number>();

/** Whether a node is computed at each read. */
export const isPositional = (node: Node | undefined): boolean => node !== undefined && positionalSize(node) <= maxPositionalNodes;

/**
 * Number of nodes that compute the value. Infinity if it depends on more than the position. Not recursive, because graphs may be thousands
 * of nodes deep.
 */
function positionalSize(node: Node): number {
  const stack = [node];
  while (stack.length) {
    const top = stack[stack.length - 1];
    const makers = sizes.has(top) ? [] : makersOf(top);
    const unknown = makers?.filter((maker) => !sizes.has(maker)) ?? [];
    stack.push(...unknown);
    if (unknown.length) continue;
    stack.pop();
    if (!sizes.has(top)) sizes.set(top, makers ? makers.reduce((sum, maker) => sum + sizes.get(maker)!, 1) : Infinity);
  }
  return sizes.get(node)!;
}

/**
 * Returns the nodes that an elementwise node reads, without constants. Undefined if its value may be costly or depends on more than the
 * position.
 */
function makersOf({ op, inputs, types }: Node): readonly Node[] | undefined {
  // A copy must have memory, because a kernel reads it.
  if (op.lowering.kind !== 'elementwise' || op === copyOp) return undefined;
  // Float arithmetic may be costly: a table of sines is better computed once.
  if (inputs.length && types[0].dtype.startsWith('f')) return undefined;
  const bases = inputs.map(behindViews).filter((base) => constantValue(base) === undefined);
  return bases.every(({ node }) => node) ? bases.map(({ node }) => node!) : undefined;
}

function behindViews(tensor: Tensor): Tensor {
  let base = tensor;
  while (base.node?.op.lowering.kind === 'view') base = base.node.inputs[0];
  return base;
}
