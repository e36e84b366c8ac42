// Writes tensors to a target: as one file, or as several with an index if they are larger than a limit.
import { ArgumentError } from '../core/errors.ts';
import { type FileTarget, writeFile } from './places.ts';
import { writeSafetensors } from './safetensors.ts';
import { bytesOfTensor, defaultShardSize, shardKey, shardSafetensors } from './shardSafetensors.ts';
import type { StoredTensor } from './storedTypes.ts';

const ending = '.safetensors';

/** Tensors and texts of a file. */
export interface SafetensorsContents {
  readonly tensors: readonly (readonly [name: string, tensor: StoredTensor])[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes a file. Tensors of more than `shardSize` bytes become files beside a target that is a name, and the index is written last. All of them
 * have the number of this save, so that files of an interrupted save are not read together with older ones.
 * @throws ArgumentError for a size without a name, or a name without the ending `.safetensors`.
 */
export async function saveSafetensors(
  target: FileTarget,
  { tensors, metadata }: SafetensorsContents,
  where: string,
  shardSize?: number,
): Promise<void> {
  const isName = typeof target === 'string';
  if (!isName && shardSize !== undefined) {
    throw new ArgumentError(`${where}: shardSize is ${shardSize}, and the target has no name for several files; pass a path or a name, or leave out shardSize`); // prettier-ignore
  }
  const size = tensors.reduce((sum, [, tensor]) => sum + bytesOfTensor(tensor), 0);
  if (!isName || size <= (shardSize ?? defaultShardSize)) return writeFile(target, writeSafetensors(tensors, metadata), where);
  if (!target.endsWith(ending)) {
    throw new ArgumentError(`${where}: target is '${target}', and ${size} bytes need several files; give it the ending ${ending}`);
  }
  const [, folder, name] = /^(.*[/\\])?([^/\\]*)$/s.exec(target.slice(0, -ending.length))!;
  const options = { name, metadata: { ...metadata, [shardKey]: crypto.randomUUID() }, ...(shardSize !== undefined && { shardSize }) };
  for (const [file, bytes] of shardSafetensors(tensors, options)) await writeFile((folder ?? '') + file, bytes, where);
}
