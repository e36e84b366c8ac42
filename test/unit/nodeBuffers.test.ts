// `readFile` of Node gives a Buffer, whose `slice` makes no copy. Every reader must read one as it reads a plain array, and leave it unchanged.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { layers, sequential, setDevice, tensor } from '../../src/index.ts';
import { type Hdf5Dataset, type Hdf5Group, readGguf, readHdf5, readNpy, readNpz, readSafetensors, readZip, writeSafetensors } from '../../src/exchange/index.ts'; // prettier-ignore
import { exportOnnx, importOnnx } from '../../src/onnx/index.ts';

await setDevice('cpu');

const golden = (name: string): Buffer => readFileSync(new URL(`../golden/${name}`, import.meta.url));
const { rows, archives } = JSON.parse(golden('numpyFiles.json').toString()) as {
  rows: Record<string, { file: string }>;
  archives: Record<string, string>;
};
const { files } = JSON.parse(golden('gguf.json').toString()) as { files: Record<string, string> };
const decoded = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

const valuesOf = (object: Hdf5Group | Hdf5Dataset): unknown =>
  object.kind === 'dataset' ? object.read() : [...object.children].map(([name, child]) => [name, valuesOf(child)]);

/** Files with the function that reads all of their values. */
const readers: Record<string, readonly [files: readonly Uint8Array[], read: (bytes: Uint8Array) => unknown]> = {
  readNpy: [Object.values(rows).map(({ file }) => decoded(file)), (bytes) => readNpy(bytes)],
  readNpz: [Object.values(archives).map(decoded), (bytes) => [...readNpz(bytes)]],
  readZip: [Object.values(archives).map(decoded), (bytes) => [...readZip(bytes)].map(([name, entry]) => [name, [...entry.read()]])],
  readGguf: [Object.values(files).map(decoded), (bytes) => [...readGguf(bytes).tensors].map(([name, one]) => [name, one.read()])],
  readHdf5: [['types', 'chunks', 'v108'].map((name) => new Uint8Array(gunzipSync(golden(`hdf5/${name}.h5.gz`)))), (bytes) => valuesOf(readHdf5(bytes))],
  readSafetensors: [
    [writeSafetensors([['a', { dtype: 'F32', shape: [3], data: Float32Array.of(1, 2, 3) }]], { note: 'x' })],
    (bytes) => readSafetensors(bytes),
  ],
  importOnnx: [
    [await exportOnnx(sequential([layers.dense({ units: 2, inputShape: [3] })]))],
    (bytes) => {
      const model = importOnnx(bytes);
      return Promise.all(Object.values(model.run({ [model.inputs[0].name]: tensor([[1, 2, 3]]) })).map((output) => output.array()));
    },
  ],
}; // prettier-ignore

test.each(Object.entries(readers))('%s', async (_, [list, read]) => {
  for (const bytes of list) {
    const expected = await read(bytes);
    // The window begins at an odd byte of a larger memory.
    const buffer = Buffer.concat([Buffer.alloc(9, 0x93), bytes]).subarray(9);
    expect(await read(buffer)).toEqual(expected);
    expect(buffer.equals(bytes)).toBe(true);
  }
});
