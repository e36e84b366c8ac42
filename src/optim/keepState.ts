// Optimizer state over a change of the trained parameters.
import { sameShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';

/** The fresh slots, with those of `previous` at paths where it has a tensor of the same shape. */
export function keepSlots(fresh: unknown, previous: unknown): unknown {
  const before = new Map(leavesOf(previous).map((leaf) => [leaf.path, leaf.value]));
  return mapTree(fresh, (leaf, path) => {
    const kept = before.get(path);
    return kept instanceof Tensor && sameShape(kept.shape, (leaf as Tensor).shape) ? kept : leaf;
  });
}
