// Trees: nested objects and arrays. Their leaves are values such as tensors. Class instances are leaves, not branches.

export type Tree<T> = T | readonly Tree<T>[] | { readonly [name: string]: Tree<T> };

/** Plain objects and arrays; everything else is a leaf. */
export function isBranch(value: unknown): value is Record<string, unknown> | unknown[] {
  if (Array.isArray(value)) return true;
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Leaves in a stable order (object keys in insertion order), each with its path such as `.dense_1.kernel`, `[0]` or `["a.b"].kernel`. */
export function leavesOf(tree: unknown): { path: string; value: unknown }[] {
  const leaves: { path: string; value: unknown }[] = [];
  visit(tree, '', (value, path) => leaves.push({ path, value }));
  return leaves;
}

/** Path of a leaf as users write it: `dense_1/kernel` for `.dense_1.kernel`, `layers/0/bias` for `.layers[0].bias`. */
export const variablePath = (path: string): string =>
  [...path.matchAll(/\.([^.[]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)]
    .map(([, name, index, quoted]) => name ?? index ?? (JSON.parse(quoted) as string))
    .join('/');

/** Name of a leaf of a record: `a` for `.a`, `a.b` for `.a.b` and for `["a.b"]`. */
export const leafName = (path: string): string => variablePath(path).replaceAll('/', '.');

/** The path of a branch's child. A name with dots or brackets is quoted, so that different leaves have different paths. */
export const childPath = (path: string, name: string): string =>
  /[.[\]]|^$/.test(name) ? `${path}[${JSON.stringify(name)}]` : `${path}.${name}`;

function visit(tree: unknown, path: string, leaf: (value: unknown, path: string) => void): void {
  if (!isBranch(tree)) return leaf(tree, path);
  if (Array.isArray(tree)) tree.forEach((child, i) => visit(child, `${path}[${i}]`, leaf));
  else for (const name of Object.keys(tree)) visit(tree[name], childPath(path, name), leaf);
}

/** Returns the tree with every leaf replaced. */
export function mapTree(tree: unknown, replace: (value: unknown, path: string) => unknown, path = ''): unknown {
  if (!isBranch(tree)) return replace(tree, path);
  if (Array.isArray(tree)) return tree.map((child, i) => mapTree(child, replace, `${path}[${i}]`));
  return Object.fromEntries(Object.keys(tree).map((name) => [name, mapTree(tree[name], replace, childPath(path, name))]));
}
