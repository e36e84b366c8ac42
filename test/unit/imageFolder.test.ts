// Folders of images: in Node by optional packages, in pages by the browser's decoder, which is replaced here.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ArgumentError, DataError, FormatError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import { setDevice } from '../../src/engine/index.ts';
import '../../src/ops/methods.ts';
import type { ReadableHandle } from '../../src/formats/places.ts';
import { type FolderHandle, imageFolder } from '../../src/tables/index.ts';

interface Image {
  width: number;
  height: number;
  data: Uint8Array;
}
const require = createRequire(import.meta.url);
const { PNG } = require('pngjs') as { PNG: { sync: { write(image: Image): Uint8Array } } };
const jpeg = require('jpeg-js') as { encode(image: Image, quality: number): { data: Uint8Array } };

/** An image of one colour. */
const plain = (width: number, height: number, ...colour: number[]): Image => ({
  width,
  height,
  data: Uint8Array.from({ length: 4 * width * height }, (_, i) => colour[i % 4]),
});

let root = '';
function write(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = mkdtempSync(join(root, 'images-'));
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'ombre-images-'));
  await setDevice('cpu');
});
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => vi.unstubAllGlobals());

const read = async (...args: Parameters<typeof imageFolder>): Promise<{ y: unknown; shape: readonly number[]; values: number[] }[]> => {
  const found = [];
  for await (const { x, y } of (await imageFolder(...args)).dataset) {
    found.push({ y: await y!.array(), shape: x.shape, values: Array.from(await x.data()) });
  }
  return found;
};

describe('in Node', () => {
  test('folders are classes in alphabetical order; other files are left out', async () => {
    const folder = write({
      'dog/b.png': PNG.sync.write(plain(2, 1, 255, 0, 51, 255)),
      'cat/deep/a.PNG': PNG.sync.write(plain(2, 1, 0, 102, 0, 255)),
      'cat/notes.txt': new Uint8Array(1),
      'cat/.hidden.png': new Uint8Array(1),
      'top.png': new Uint8Array(1),
    });
    const { classNames, files, dataset } = await imageFolder(folder);
    expect([classNames, files, dataset.size]).toEqual([['cat', 'dog'], ['cat/deep/a.PNG', 'dog/b.png'], 2]);
    const [cat, dog] = await read(folder);
    expect([cat.y, dog.y, cat.shape]).toEqual([0, 1, [1, 2, 3]]);
    expect(dog.values).toEqual(Array.from(Float32Array.of(1, 0, 0.2, 1, 0, 0.2)));
  });

  test('channels, JPEG and sizes', async () => {
    const folder = write({
      'a/1.png': PNG.sync.write(plain(4, 2, 255, 255, 255, 255)),
      'b/2.jpg': jpeg.encode(plain(16, 8, 128, 128, 128, 255), 100).data,
    });
    const [white, grey] = await read(folder, { size: [2, 3], channels: 1 });
    expect([white.shape, grey.shape]).toEqual([[2, 3, 1], [2, 3, 1]]); // prettier-ignore
    for (const value of white.values) expect(value).toBeCloseTo(1, 6);
    for (const value of grey.values) expect(Math.abs(value - 128 / 255)).toBeLessThan(1.5 / 255);
    expect((await read(folder, { size: 1, channels: 4 }))[0].values.map((v) => v.toFixed(5))).toEqual(new Array(4).fill('1.00000'));
  });

  test.each<[string, () => Promise<unknown>, typeof OmbreError, RegExp]>([
    [
      'two sizes',
      () => read(write({ 'a/1.png': PNG.sync.write(plain(4, 2, 0, 0, 0, 0)), 'a/2.png': PNG.sync.write(plain(2, 4, 0, 0, 0, 0)) })),
      ShapeError,
      /^imageFolder: a\/2\.png has 4 x 2 pixels, and a\/1\.png has 2 x 4; give a size to resize to$/,
    ],
    ['no image', () => read(write({ 'a.png': new Uint8Array(1) })), DataError, /^imageFolder: found no image in a folder of its class/],
    ['another format', () => read(write({ 'a/1.png': new Uint8Array(9) })), FormatError, /1\.png: is no PNG and no JPEG file/],
    [
      'a damaged file',
      () => read(write({ 'a/1.png': PNG.sync.write(plain(4, 2, 0, 0, 0, 0)).slice(0, 40) })),
      FormatError,
      /1\.png: cannot be decoded as an image/,
    ],
    [
      'no folder',
      () => read(3 as never),
      ArgumentError,
      /^imageFolder: folder is 3; it must be a path in Node, the handle of a folder, or a list of files$/,
    ],
    [
      'an address',
      () => read('https://example.org/images'),
      ArgumentError,
      /a page takes the handle of a folder or the files of an input, Node takes a path/,
    ],
  ])('error: %s', async (_, act, type, message) => {
    const error = await act().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(message);
  });
});

test('in a page: the files of an input, decoded by createImageBitmap', async () => {
  const file = (path: string, width: number): File =>
    Object.defineProperty<File>(new File([Uint8Array.of(width)], 'x.webp'), 'webkitRelativePath', { value: path });
  let open = 0;
  vi.stubGlobal('createImageBitmap', async (blob: Blob, options: object) => {
    expect(options).toEqual({ imageOrientation: 'none', premultiplyAlpha: 'none', colorSpaceConversion: 'none' });
    open++;
    return { width: new Uint8Array(await blob.arrayBuffer())[0], height: 1, close: () => open-- };
  });
  class Canvas {
    getContext(): object {
      const getImageData = (_x: number, _y: number, width: number, height: number): object => plain(width, height, 51, 0, 255, 255);
      return { drawImage: () => undefined, getImageData };
    }
  }
  vi.stubGlobal('OffscreenCanvas', Canvas);
  const { classNames, dataset } = await imageFolder([file('root/b/1.webp', 1), file('root/a/2.webp', 1), file('root/3.webp', 1)]);
  expect([classNames, dataset.size]).toEqual([['a', 'b'], 2]);
  for await (const { x } of dataset) expect(Array.from(await x.data())).toEqual(Array.from(Float32Array.of(0.2, 0, 1)));
  expect(open).toBe(0);
});

/** The form of FileSystemDirectoryHandle and FileSystemFileHandle. */
type Entry = Readonly<Record<string, Uint8Array<ArrayBuffer>>> | Uint8Array<ArrayBuffer>;
const handleOf = (entry: Entry, name = ''): FolderHandle & ReadableHandle => ({
  kind: (entry instanceof Uint8Array ? 'file' : 'directory') as 'directory',
  async getFile() {
    if (!(entry instanceof Uint8Array)) throw new Error('a folder');
    return new File([entry], name);
  },
  async *[Symbol.asyncIterator]() {
    for (const [inner, part] of Object.entries(entry)) yield [inner, handleOf(part as Entry, inner)] as const;
  },
});

test('the handle of a folder: files of all levels, which are opened when they are read', async () => {
  const png = (red: number): Uint8Array<ArrayBuffer> => new Uint8Array(PNG.sync.write(plain(1, 1, red, 0, 0, 255)));
  const handle = handleOf({ b: { '1.png': png(255), deep: { '2.png': png(51) } } as never, a: { '3.png': png(0), 'x.txt': png(0) } as never, '4.png': png(0) }); // prettier-ignore
  const { classNames, files } = await imageFolder(handle);
  expect([classNames, files]).toEqual([['a', 'b'], ['a/3.png', 'b/1.png', 'b/deep/2.png']]); // prettier-ignore
  const found = await read(handle);
  expect(found.map(({ y, values }) => [y, values[0]])).toEqual([[0, 0], [1, 1], [1, Math.fround(0.2)]]); // prettier-ignore
  await expect(imageFolder(handleOf({}))).rejects.toThrow(/found no image in a folder of its class/);
});

test('in Node: a decoder that is not installed is named', async () => {
  vi.doMock('pngjs', () => {
    throw new Error('not found');
  });
  try {
    const error = await read(write({ 'a/1.png': PNG.sync.write(plain(1, 1, 0, 0, 0, 0)) })).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ArgumentError);
    expect((error as Error).message).toMatch(/1\.png: the package pngjs decodes it in Node, and is not installed: npm install pngjs$/);
  } finally {
    vi.doUnmock('pngjs');
  }
});
