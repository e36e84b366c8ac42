// Names of the inputs and outputs of exported functions.
import { ArgumentError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { leafName, leavesOf } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';

export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** Name of a leaf: its name in a record, otherwise `base`, or `base_1` and so on if there are several. */
export function nameOfLeaf(path: string, count: number, i: number, base: string): string {
  if (count === 1 && (path === '' || path === '[0]')) return base;
  return path === '' || /^\[\d+\]/.test(path) ? `${base}_${i + 1}` : leafName(path);
}

/** Names of the leaves of a tree: their own, those of a record, or `base`, `base_1` and so on. */
export function namesOfLeaves(tree: unknown, base: string, own: readonly (string | undefined)[] = []): string[] {
  const leaves = leavesOf(tree);
  return leaves.map(({ path }, i) => own[i] ?? nameOfLeaf(path, leaves.length, i, base));
}

/** Tensors of a tree with the names of namesOfLeaves(). @throws ArgumentError for a leaf that is no tensor. */
export function namedTensors(where: string, tree: unknown, base: string, own?: readonly (string | undefined)[]): NamedTensor[] {
  const names = namesOfLeaves(tree, base, own);
  return leavesOf(tree).map(({ path, value }, i) => {
    if (!(value instanceof Tensor)) {
      throw new ArgumentError(`${where}: ${base}${path} is ${shown(value)}; functions return a tensor, a list or a record of tensors`);
    }
    return { name: names[i], tensor: value };
  });
}
