// Large models as several safetensors files of limited size, and an index, with the names and the layout of Hugging Face.
import { FormatError } from '../core/errors.ts';
import { type Kind, kindOf } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { sizeOf } from '../core/shape.ts';
import { writeSafetensors } from './safetensors.ts';
import { type StoredTensor, typeOf } from './storedTypes.ts';

/** Ending of the names of indexes. */
export const indexEnding = '.safetensors.index.json';
/** Metadata of files of one save, and of their index. Files of several saves are not mixed. */
export const shardKey = 'ombreSave';
export const defaultShardSize = 2 ** 31;

export const bytesOfTensor = ({ dtype, shape }: StoredTensor): number => sizeOf(shape) * typeOf(dtype).bytes;

/** A number of bytes, which may be infinite. */
export const byteLimit: Kind<number> = /* @__PURE__ */ kindOf({
  rule: 'a number of bytes above 0',
  accepts: (value): value is number => typeof value === 'number' && value > 0,
});

const fileName: Kind<string> = /* @__PURE__ */ kindOf({
  rule: 'a name of a file without folders',
  accepts: (value): value is string => typeof value === 'string' && /^[^/\\.][^/\\]*$/.test(value),
});

type Texts = Readonly<Record<string, string>>;
const texts: Kind<Texts> = /* @__PURE__ */ kindOf({
  rule: 'a record of texts',
  accepts: (value): value is Texts =>
    typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string'),
});

export const shardOptions = declareOptions('shardSafetensors', {
  /** The most bytes of tensors in one file. A larger tensor has a file of its own. @default 2147483648 */
  shardSize: optional(byteLimit, defaultShardSize),
  /** Name of the files without their ending. @default 'model' */
  name: optional(fileName, 'model'),
  /** Texts that every file and the index have. @default {} */
  metadata: optional(texts, {}),
});
export type ShardOptions = OptionsOf<typeof shardOptions>;

/**
 * Files of tensors, in their order, and last the index: `model-00001-of-00002.safetensors` and `model.safetensors.index.json`. If one file is
 * enough, it is `model.safetensors`, and there is no index. Each file is made when the loop reaches it.
 *
 *     for (const [file, bytes] of shardSafetensors(tensors)) await writeFile(join(folder, file), bytes);
 *
 * @throws FormatError as writeSafetensors does.
 */
export function* shardSafetensors(
  tensors: Iterable<readonly [name: string, tensor: StoredTensor]>,
  options: ShardOptions = {},
): Generator<readonly [file: string, bytes: Uint8Array<ArrayBuffer>], void, undefined> {
  const { shardSize, name, metadata } = shardOptions.read(options);
  const shards = splitTensors(tensors, shardSize);
  if (shards.length === 1) {
    yield [`${name}.safetensors`, writeSafetensors(shards[0], metadata)];
    return;
  }
  const digits = (n: number): string => String(n).padStart(5, '0');
  const map: [string, string][] = [];
  let total = 0;
  for (const [i, shard] of shards.entries()) {
    const file = `${name}-${digits(i + 1)}-of-${digits(shards.length)}.safetensors`;
    for (const [key, tensor] of shard) {
      map.push([key, file]);
      total += bytesOfTensor(tensor);
    }
    yield [file, writeSafetensors(shard, metadata)];
  }
  const index = { metadata: { total_size: total, ...metadata }, weight_map: Object.fromEntries(map) };
  yield [`${name}${indexEnding}`, new TextEncoder().encode(JSON.stringify(index, null, 2))];
}

type Named = readonly [name: string, tensor: StoredTensor];

/** Fills files in the order of the tensors, as huggingface_hub does. There is at least one file. */
function splitTensors(tensors: Iterable<Named>, shardSize: number): readonly Named[][] {
  const shards: Named[][] = [];
  let shard: Named[] = [];
  const names = new Set<string>();
  let size = 0;
  for (const entry of tensors) {
    if (names.has(entry[0])) throw new FormatError(`safetensors: two tensors are called '${entry[0]}'; rename one`);
    names.add(entry[0]);
    const bytes = bytesOfTensor(entry[1]);
    if (bytes > shardSize) {
      shards.push([entry]);
      continue;
    }
    if (size + bytes > shardSize) {
      shards.push(shard);
      shard = [];
      size = 0;
    }
    shard.push(entry);
    size += bytes;
  }
  if (shard.length || shards.length === 0) shards.push(shard);
  return shards;
}
