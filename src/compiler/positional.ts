// Values that follow from an element's place alone: iota, and integer or boolean arithmetic on it, such as a causal mask. They never lie in
// memory; who reads one computes it for the place it reads.
import type { Node, Tensor } from '../graph/tensor.ts';
import { constantValue } from '../graph/leaves.ts';

/** Nodes behind a positional value: beyond this a load is cheaper. */
const mostNodes = 6;

const sizes = new WeakMap<Node, number>();

/** True for a node that is computed wherever it is read. */
export const isPositional = (node: Node | undefined): boolean => node !== undefined && positionalSize(node) <= mostNodes;

/** Number of nodes that the value takes; Infinity where it depends on more than the place. */
function positionalSize(node: Node): number {
  const known = sizes.get(node);
  if (known !== undefined) return known;
  let size = node.op.lowering.kind === 'elementwise' ? 1 : Infinity;
  // Further arithmetic only where it is sure to be cheap: a table of sines is better computed once.
  if (node.inputs.length && node.types[0].dtype.startsWith('f')) size = Infinity;
  for (const input of node.inputs) {
    if (size === Infinity) break;
    const base = behindViews(input);
    if (constantValue(base) === undefined) size += base.node ? positionalSize(base.node) : Infinity;
  }
  sizes.set(node, size);
  return size;
}

function behindViews(tensor: Tensor): Tensor {
  let base = tensor;
  while (base.node?.op.lowering.kind === 'view') base = base.node.inputs[0];
  return base;
}
