// Which values can be infinite or NaN though the arguments of a graph are finite: an op says so of itself (1 / x, log, e^x), and elementwise ops
// and views hand it on. Gradients ask, so that the usual product costs no test for 0.
import type { Node, Tensor } from '../graph/tensor.ts';

const known = new WeakMap<Node, boolean>();

const isUnbounded = ({ op, inputs, attributes }: Node): boolean => op.unbounded?.(inputs, attributes) ?? false;

/** What hands its inputs' infinities on; other ops, such as sums and products of matrices, count as finite. */
const passesOn = ({ op }: Node): boolean => op.lowering.kind === 'elementwise' || op.lowering.kind === 'view';

/** True where an unbounded op lies behind a tensor, with only elementwise ops and views between. Chains may be long: no recursion. */
export function mayBeInfinite({ node: start }: Tensor): boolean {
  const open = start ? [start] : [];
  while (open.length > 0) {
    const node = open[open.length - 1];
    if (!known.has(node)) {
      if (isUnbounded(node)) known.set(node, true);
      else {
        const inputs = passesOn(node) ? node.inputs.flatMap((input) => input.node ?? []) : [];
        const unanswered = inputs.filter((input) => !known.has(input));
        if (unanswered.length > 0) {
          open.push(...unanswered);
          continue;
        }
        known.set(
          node,
          inputs.some((input) => known.get(input)),
        );
      }
    }
    open.pop();
  }
  return start !== undefined && known.get(start)!;
}
