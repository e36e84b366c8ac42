// The .npz format of NumPy: a zip archive of .npy files.
import { boolean } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { readNpy, writeNpy } from '../formats/npy.ts';
import type { StoredTensor } from '../formats/storedTypes.ts';
import { type ZipLimits, readZip } from './zip/readZip.ts';
import { writeZip } from './zip/writeZip.ts';

export const writeNpzOptions = declareOptions('writeNpz', {
  /** Compresses the arrays, as `numpy.savez_compressed` does. @default false */
  compress: optional(boolean, false),
});
export type WriteNpzOptions = OptionsOf<typeof writeNpzOptions>;

const extension = '.npy';

/**
 * Reads the arrays of a .npz file, by their names without `.npy`.
 * @throws FormatError for a damaged archive, an entry that is no .npy file, or sizes above the limits.
 */
export function readNpz(bytes: Uint8Array, name = 'file', limits?: ZipLimits): ReadonlyMap<string, StoredTensor> {
  const arrays = new Map<string, StoredTensor>();
  for (const [entry, file] of readZip(bytes, name, limits)) {
    arrays.set(entry.endsWith(extension) ? entry.slice(0, -extension.length) : entry, readNpy(file.read(), `${name}: ${entry}`));
  }
  return arrays;
}

/**
 * Writes arrays as a .npz file, which `numpy.load` reads.
 * @throws FormatError for two arrays of one name, BF16, and data that do not fit their shape.
 */
export function writeNpz(
  arrays: Iterable<readonly [name: string, array: StoredTensor]>,
  options: WriteNpzOptions = {},
): Uint8Array<ArrayBuffer> {
  const { compress } = writeNpzOptions.read(options);
  const entries = [...arrays].map(([name, array]) => [name + extension, writeNpy(array)] as const);
  return writeZip(entries, compress ? 6 : 0);
}
