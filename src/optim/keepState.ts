// Optimizer state over a change of the trained parameters.
import { sameShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';

/** The fresh slots. A slot of `previous` with the same path and shape replaces the fresh one. */
export function keepSlots(fresh: unknown, previous: unknown): unknown {
  const before = new Map(leavesOf(previous).map((leaf) => [leaf.path, leaf.value]));
  return mapTree(fresh, (leaf, path) => {
    const kept = before.get(path);
    return kept instanceof Tensor && sameShape(kept.shape, (leaf as Tensor).shape) ? kept : leaf;
  });
}
