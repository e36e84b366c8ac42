// Parts of layers that balance the losses of tasks. Such a layer passes the outputs of a model on, so that its variables belong to the model.
// In a training step it is applied to scalar losses.
import { ArgumentError } from '../../../core/errors.ts';
import { leafName, leavesOf } from '../../../core/tree.ts';
import { Tensor } from '../../../graph/tensor.ts';

/** Names of the tasks of a record or list of outputs, as the logs name them. */
export function taskNames(tree: unknown, isLeaf: (value: unknown) => boolean = (value) => value instanceof Tensor): string[] {
  if (isLeaf(tree)) return ['output'];
  if (Array.isArray(tree)) return tree.map((_, i) => `output_${i + 1}`);
  return Object.keys(tree as object);
}

/** Whether every tensor of a tree is a scalar. Outputs of models have a batch axis. */
export const areScalars = (tree: unknown): boolean =>
  leavesOf(tree).every(({ value }) => value instanceof Tensor && value.rank === 0) && leavesOf(tree).length > 0;

/**
 * Scalars by the name of their task.
 * @throws ArgumentError if the names are not those of the outputs.
 */
export function scalarsOf(kind: string, what: string, names: readonly string[], tree: unknown): Tensor[] {
  const leaves = leavesOf(tree);
  const given = taskNames(tree);
  const found = new Map(leaves.map(({ path, value }, i) => [given[i] ?? leafName(path), value as Tensor]));
  const missing = names.find((name) => !found.has(name));
  if (missing === undefined && found.size === names.length) return names.map((name) => found.get(name)!);
  throw new ArgumentError(
    `${kind}: got ${what} of ${[...found.keys()].join(', ')}, but the layer passes on the outputs ${names.join(', ')}; give one scalar for each`,
  );
}
