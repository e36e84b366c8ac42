// Writes tensors into a file for another process: a little-endian u64 with the length of a JSON header, the header, then the elements. This
// is the layout of safetensors with the dtypes F32 and I32.
import { writeFileSync } from 'node:fs';
import type { HostTensor } from '../hostData.ts';

export function writeTensors(path: string, tensors: Readonly<Record<string, HostTensor>>): void {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, values }]) => {
      const begin = end;
      end += values.byteLength;
      return [name, { dtype: values instanceof Int32Array ? 'I32' : 'F32', shape, data_offsets: [begin, end] }];
    }),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const parts = Object.values(tensors).map(({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  writeFileSync(path, Buffer.concat([length, text, ...parts]));
}
