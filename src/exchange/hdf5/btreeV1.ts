// B-trees of version 1: entries of groups (type 0) and chunks of data sets (type 1).
import { type Hdf5Bytes, type Part, partAt } from './part.ts';

/** HDF5's own trees have at most a few levels. */
const maxLevel = 32;

/**
 * Visits the leaves of a tree: the key before each child, and the child's position. Levels must go down by 1, and no node may be met twice, so
 * that loops end.
 */
export function visitTreeV1(
  file: Hdf5Bytes,
  root: number,
  type: 0 | 1,
  readKey: (node: Part) => Part,
  visit: (key: Part, child: number) => void,
): void {
  const seen = new Set<number>();
  const visitNode = (address: number, level: number | undefined): void => {
    const what = `the tree node at byte ${address}`;
    if (seen.has(address)) file.refuse(`${what} is reached twice; nodes must not form a loop`);
    seen.add(address);
    const node = partAt(file, address, what);
    node.signature('TREE');
    const [nodeType, nodeLevel] = [node.u8(), node.u8()];
    if (nodeType !== type) file.refuse(`${what} has the type ${nodeType}; it must have ${type}`);
    if (nodeLevel > maxLevel || (level !== undefined && nodeLevel !== level)) file.refuse(`${what} has the level ${nodeLevel}; it must have ${level ?? `at most ${maxLevel}`}`); // prettier-ignore
    const count = node.u16();
    node.address();
    node.address();
    for (let i = 0; i < count; i++) {
      const key = readKey(node);
      const child = node.place();
      if (nodeLevel === 0) visit(key, child);
      else visitNode(child, nodeLevel - 1);
    }
  };
  visitNode(root, undefined);
}
