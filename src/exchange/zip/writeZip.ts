// Writes zip archives. The date of all entries is 1 January 1980, so that equal contents give equal bytes.
import { zipSync } from 'fflate';
import { FormatError } from '../../core/errors.ts';

/** Archives above this size would need Zip64. */
const maxArchiveBytes = 2 ** 32 - 1;

/**
 * The bytes of an archive with these entries, in their order. Names that are whole numbers come first.
 * @param level Level of deflate from 1 to 9, or 0 to store.
 * @throws FormatError for a name that occurs twice, and for contents of 4 GiB or more.
 */
export function writeZip(
  entries: Iterable<readonly [name: string, bytes: Uint8Array]>,
  level: 0 | 1 | 3 | 6 | 9 = 0,
): Uint8Array<ArrayBuffer> {
  const files: Record<string, Uint8Array> = {};
  // The package keeps entries in an object, whose prototype has the second name.
  const names = new Set(['', '__proto__']);
  let total = 0;
  for (const [name, bytes] of entries) {
    if (names.has(name)) throw new FormatError(`zip: two entries are called '${name}', or it cannot be a name; rename one`);
    names.add(name);
    files[name] = bytes;
    total += bytes.length + 2 * name.length + 128;
  }
  if (total > maxArchiveBytes)
    throw new FormatError(`zip: the entries have ${total} bytes; an archive can have ${maxArchiveBytes}; write several files`);
  return zipSync(files, { level, mtime: new Date(1980, 0, 1) });
}
