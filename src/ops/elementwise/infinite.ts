// Finds values that can be infinite or NaN although the inputs of a graph are finite. Some ops can produce them (1 / x, log, e^x);
// elementwise ops, views, reductions and kernels that move or add elements pass them on. Gradients use this, so that most products need no
// test for 0.
import { isFloat } from '../../core/dtype.ts';
import type { Node, Tensor } from '../../graph/tensor.ts';

const known = new WeakMap<Node, boolean>();

const isUnbounded = ({ op, inputs, attributes }: Node): boolean => op.unbounded?.(inputs, attributes) ?? false;

/** Ops whose value can be infinite if an input is. Others, such as matrix products and convolutions, are treated as finite. */
const passesOn = ({ op }: Node): boolean => (op.lowering.kind === 'kernel' ? op.passesInfinities === true : op.lowering.kind !== 'leaf');

/**
 * True if a float depends on an unbounded op through floats and ops that pass infinities on. Chains may be long, so it does not recurse.
 */
export function mayBeInfinite(tensor: Tensor): boolean {
  const start = isFloat(tensor.dtype) ? tensor.node : undefined;
  const open = start ? [start] : [];
  while (open.length > 0) {
    const node = open[open.length - 1];
    if (!known.has(node)) {
      if (isUnbounded(node)) known.set(node, true);
      else {
        const inputs = passesOn(node) ? node.inputs.flatMap((input) => (isFloat(input.dtype) ? (input.node ?? []) : [])) : [];
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
