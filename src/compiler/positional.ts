// Values that follow from an element's place alone: iota, and integer or boolean arithmetic on it, such as a causal mask. They never lie in
// memory; who reads one computes it for the place it reads.
import type { Node, Tensor } from '../graph/tensor.ts';
import { constantValue } from '../graph/leaves.ts';
import { copyOp } from './copy.ts';

/** Nodes behind a positional value: beyond this a load is cheaper. */
const maxPositionalNodes = 6;

const sizes = new WeakMap<Node, number>();

/** True for a node that is computed wherever it is read. */
export const isPositional = (node: Node | undefined): boolean => node !== undefined && positionalSize(node) <= maxPositionalNodes;

/** Number of nodes that the value takes; Infinity where it depends on more than the place. Without recursion: a graph may be thousands of nodes deep. */
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

/** The nodes behind an elementwise one, without constants; undefined where its value is not sure to be cheap, or follows from more than the place. */
function makersOf({ op, inputs, types }: Node): readonly Node[] | undefined {
  // A copy is there to lie in memory: a kernel reads it.
  if (op.lowering.kind !== 'elementwise' || op === copyOp) return undefined;
  // Further arithmetic only where it is sure to be cheap: a table of sines is better computed once.
  if (inputs.length && types[0].dtype.startsWith('f')) return undefined;
  const bases = inputs.map(behindViews).filter((base) => constantValue(base) === undefined);
  return bases.every(({ node }) => node) ? bases.map(({ node }) => node!) : undefined;
}

function behindViews(tensor: Tensor): Tensor {
  let base = tensor;
  while (base.node?.op.lowering.kind === 'view') base = base.node.inputs[0];
  return base;
}
