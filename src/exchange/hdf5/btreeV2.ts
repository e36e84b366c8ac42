// B-trees of version 2: indexes of links, attributes and large objects of a heap.
import { type Hdf5Bytes, type Part, partAt } from './part.ts';

/** Types of records that are read. */
export const recordTypes = { largeObject: 1, linkName: 5, attributeName: 8 } as const;

const nodeOverhead = 10;
/** A tree of this depth would have more records than any file. */
const maxDepth = 16;

/** Bytes that numbers up to a limit take. */
const bytesFor = (limit: number): number => Math.floor(Math.log2(Math.max(1, limit)) / 8) + 1;

/** The records of a tree, in the order of their keys. */
export function recordsOf(file: Hdf5Bytes, address: number, type: number): Part[] {
  const what = `the index at byte ${address}`;
  const head = partAt(file, address, what);
  head.signature('BTHD');
  const [version, treeType] = [head.u8(), head.u8()];
  if (version !== 0 || treeType !== type)
    file.refuse(`${what} has the version ${version} and the type ${treeType}; it must have 0 and ${type}`);
  const nodeSize = head.u32();
  const recordSize = head.u16();
  const depth = head.u16();
  head.skip(2);
  const root = head.address();
  const rootCount = head.u16();
  head.length();
  head.check();
  if (root === undefined) return [];
  const leafMax = Math.floor((nodeSize - nodeOverhead) / recordSize);
  if (!(recordSize > 0 && leafMax >= 1) || depth > maxDepth) {
    file.refuse(`${what} has nodes of ${nodeSize} bytes, records of ${recordSize} bytes and the depth ${depth}, which do not fit`);
  }
  /** Bytes of the count of all records under a node of a depth. Leaves have none. */
  const totalBytes = [0];
  let most = leafMax;
  for (let level = 1; level <= depth; level++) {
    const pointer = file.offsetSize + bytesFor(leafMax) + totalBytes[level - 1];
    const max = Math.floor((nodeSize - nodeOverhead - pointer) / (recordSize + pointer));
    most = Math.min(Number.MAX_SAFE_INTEGER, (max + 1) * most + max);
    totalBytes.push(bytesFor(most));
  }
  const records: Part[] = [];
  const seen = new Set<number>();
  const visit = (at: number, count: number, level: number): void => {
    if (seen.has(at)) file.refuse(`${what} has the node at byte ${at} twice; nodes must not form a loop`);
    seen.add(at);
    const node = partAt(file, at, `the node at byte ${at}`, Math.min(nodeSize, file.bytes.length - at));
    node.signature(level ? 'BTIN' : 'BTLF');
    const [nodeVersion, nodeType] = [node.u8(), node.u8()];
    if (nodeVersion !== 0 || nodeType !== type) file.refuse(`${node.what} has the version ${nodeVersion} and the type ${nodeType}; it must have 0 and ${type}`); // prettier-ignore
    const own = Array.from({ length: Math.min(count, Math.ceil(nodeSize / recordSize)) }, () =>
      node.part(recordSize, `a record of ${what}`),
    );
    if (own.length !== count) file.refuse(`${node.what} has ${count} records of ${recordSize} bytes in ${nodeSize} bytes`);
    const children = level ? Array.from({ length: count + 1 }, () => [node.place(), node.uint(bytesFor(leafMax)), node.skip(level > 1 ? totalBytes[level - 1] : 0)]) : []; // prettier-ignore
    node.check();
    own.forEach((record, i) => {
      if (level) visit(children[i][0], children[i][1], level - 1);
      records.push(record);
    });
    if (level) visit(children[count][0], children[count][1], level - 1);
  };
  visit(root, rootCount, depth);
  return records;
}
