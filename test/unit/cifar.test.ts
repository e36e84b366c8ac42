// Files of CIFAR-10 for the example resnet: their layout, and files that are missing or of another format.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cifar } from '../../examples/cifar.ts';
import { resnet } from '../../examples/resnet.ts';
import { cifarFiles } from '../../scripts/cifarFiles.ts';
import { setDevice } from '../../src/index.ts';
import { recordExample } from '../support/recordExample.ts';

const pixels = 1024;
/** A record of one color per channel. The first green pixel is 255. */
const record = (label: number, colors: readonly [number, number, number]): number[] => {
  const values = colors.flatMap((color) => new Array<number>(pixels).fill(color));
  values[pixels] = 255;
  return [label, ...values];
};
const file = (records: readonly number[][]): Uint8Array => Uint8Array.from(records.flat());
/** Images that are red for label 0, green for 1 and blue for 2. */
const images = (count: number): Uint8Array =>
  file(
    Array.from({ length: count }, (_, i) =>
      record(i % 3, [0, 1, 2].map((color) => (color === i % 3 ? 200 : 20)) as [number, number, number]),
    ),
  );
const names = ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin', 'test_batch.bin'];

let folder = '';
beforeAll(async () => {
  await setDevice('cpu');
  folder = await mkdtemp(join(tmpdir(), 'cifar-'));
  for (const name of names) await writeFile(join(folder, name), images(name === 'test_batch.bin' ? 6 : 9));
});
afterAll(() => rm(folder, { recursive: true }));

test('channels come last, and values are within 0 and 1', async () => {
  const bytes = file([record(7, [51, 0, 102])]);
  const { train, test: last } = await cifar(async () => bytes);
  expect(train.x.shape).toEqual([5, 32, 32, 3]);
  expect(Array.from(await train.y.data())).toEqual([7, 7, 7, 7, 7]);
  expect(last.x.shape).toEqual([1, 32, 32, 3]);
  const values = await last.x.data();
  expect(Array.from(values.subarray(0, 6), (value) => Number(value.toFixed(6)))).toEqual([0.2, 1, 0.4, 0.2, 0, 0.4]);
});

test('the example learns from a folder', async () => {
  const { accuracy } = await resnet(recordExample({ cifar: cifarFiles(folder) }).run);
  expect(accuracy).toBeGreaterThan(0.6);
});

describe('errors', () => {
  const other = (name: string, bytes: Uint8Array) => cifar(async (one) => (one === name ? bytes : images(1)));

  test.each([
    [
      'another size',
      images(2).subarray(1),
      'data_batch_3.bin: 6145 bytes; a file of CIFAR-10 has 3073 for each image. Use the binary version',
    ],
    ['no bytes', new Uint8Array(), 'data_batch_3.bin: 0 bytes'],
    [
      'CIFAR-100',
      file([record(3, [0, 0, 0]), record(19, [0, 0, 0])]),
      'data_batch_3.bin: image 1 has the label 19; those of CIFAR-10 are 0 to 9',
    ],
  ])('%s', async (_, bytes, message) => {
    await expect(other('data_batch_3.bin', bytes)).rejects.toThrow(message);
  });

  test('a folder without the files', async () => {
    await expect(cifar(cifarFiles(join(folder, 'none')))).rejects.toThrow(
      `${join(folder, 'none', 'data_batch_1.bin')}: there is no such file. Extract cifar-10-binary.tar.gz`,
    );
  });
});
