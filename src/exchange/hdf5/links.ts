// Links of a group: names of its members and positions of their object headers.
import { visitTreeV1 } from './btreeV1.ts';
import { recordTypes, recordsOf } from './btreeV2.ts';
import { openFractalHeap } from './fractalHeap.ts';
import { type ObjectHeader, messageOf, messagesOf } from './objectHeader.ts';
import { type Hdf5Bytes, Part, partAt } from './part.ts';

export interface Link {
  readonly name: string;
  /** Position of the object header. */
  readonly address: number;
}

interface NewLink extends Link {
  /** Number of the link in the order in which links were made, if the file has it. */
  readonly order: bigint | undefined;
}

/** The links of a group in the order of their creation, or of their names. Undefined for an object that is no group. */
export function readLinks(file: Hdf5Bytes, header: ObjectHeader): readonly Link[] | undefined {
  const table = messageOf(file, header, 'symbolTable');
  const info = messageOf(file, header, 'linkInfo');
  if (!table && !info) return undefined;
  const links = table ? oldLinks(file, table) : newLinks(file, header, info!);
  const names = new Set<string>();
  for (const { name } of links) {
    if (name === '' || name === '.' || name.includes('/') || names.has(name)) {
      file.refuse(`${header.what} has the link ${JSON.stringify(name)}; names must differ, and must not be empty, '.' or have a slash`);
    }
    names.add(name);
  }
  return links;
}

/** Links before HDF5 1.8: a tree of tables, whose names are in a heap. */
function oldLinks(file: Hdf5Bytes, table: Part): Link[] {
  const [tree, heapAt] = [table.place(), table.place()];
  const what = `the heap of names at byte ${heapAt}`;
  const heap = partAt(file, heapAt, what);
  heap.signature('HEAP');
  heap.skip(4);
  const size = heap.length();
  heap.length();
  const { bytes: names } = partAt(file, heap.place(), what, size);
  const links: Link[] = [];
  const readKey = (node: Part): Part => node.part(file.lengthSize, node.what);
  visitTreeV1(file, tree, 0, readKey, (_, address) => {
    const node = partAt(file, address, `the table of links at byte ${address}`);
    node.signature('SNOD');
    node.skip(2);
    for (let count = node.u16(); count > 0; count--) {
      const at = node.uint(file.offsetSize);
      const end = names.indexOf(0, at);
      if (at >= size || end < 0) file.refuse(`${node.what} has a name at byte ${at} of a heap of ${size} bytes, or one without an end`);
      const name = new Part(file, names.subarray(at, end), what).text(end - at);
      const target = node.address();
      const cache = node.u32();
      node.skip(20);
      if (cache === 2 || target === undefined) return file.refuse(`the link '${name}' is a symbolic link; hard links are read`);
      links.push({ name, address: target });
    }
  });
  return links;
}

function newLinks(file: Hdf5Bytes, header: ObjectHeader, info: Part): Link[] {
  info.skip(1);
  if (info.u8() & 1) info.skip(8);
  const heapAt = info.address();
  const index = info.address();
  const links: NewLink[] = messagesOf(file, header, 'link').map(readLink);
  if (heapAt !== undefined && index !== undefined) {
    const objectOf = openFractalHeap(file, heapAt);
    for (const record of recordsOf(file, index, recordTypes.linkName)) {
      record.skip(4);
      links.push(readLink(objectOf(record)));
    }
  }
  // Compact links have no order of their own.
  return links.sort((a, b) =>
    a.order !== undefined && b.order !== undefined ? Number(a.order - b.order) : a.name < b.name ? -1 : a.name > b.name ? 1 : 0,
  );
}

function readLink(part: Part): NewLink {
  const version = part.u8();
  if (version !== 1) part.refuse(`${part.what} has the version ${version}; 1 is read`);
  const flags = part.u8();
  const kind = flags & 8 ? part.u8() : 0;
  const order = flags & 4 ? part.i64() : undefined;
  if (flags & 16) part.skip(1);
  const name = part.text(part.uint(1 << (flags & 3)));
  if (kind !== 0) part.refuse(`the link '${name}' is a symbolic or external link; hard links are read`);
  return { name, address: part.place(), order };
}
