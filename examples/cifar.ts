// The images of CIFAR-10 in its binary version: https://www.cs.toronto.edu/~kriz/cifar.html. The user downloads them. A file is a list of
// records of 3073 bytes: a label from 0 to 9, then 32 x 32 red values, as many green and as many blue ones, line by line.
import { type Tensor, DataError, tensor } from 'ombre';

const pixels = 32 * 32;
const recordSize = 1 + 3 * pixels;
const trainFiles = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);

interface Images {
  /** f32 [n, 32, 32, 3] in 0..1. */
  readonly x: Tensor;
  /** Labels, i32 [n], from 0 to 9. */
  readonly y: Tensor;
}

/** The images of all files of the folder. `read` gives the bytes of a file. @throws DataError for a file of another format. */
export async function cifar(read: (file: string) => Promise<Uint8Array>): Promise<{ train: Images; test: Images }> {
  const files = async (names: readonly string[]): Promise<[string, Uint8Array][]> =>
    Promise.all(names.map(async (name) => [name, await read(name)]));
  return { train: imagesOf(await files(trainFiles)), test: imagesOf(await files(['test_batch.bin'])) };
}

function imagesOf(files: readonly [string, Uint8Array][]): Images {
  const count = files.reduce((total, [name, bytes]) => total + recordsOf(name, bytes), 0);
  const x = new Float32Array(count * 3 * pixels);
  const y = new Int32Array(count);
  let image = 0;
  for (const [name, bytes] of files) {
    for (let at = 0; at < bytes.length; at += recordSize, image++) {
      y[image] = bytes[at];
      if (bytes[at] > 9) throw new DataError(`${name}: image ${at / recordSize} has the label ${bytes[at]}; those of CIFAR-10 are 0 to 9`);
      for (let color = 0; color < 3; color++) {
        for (let i = 0; i < pixels; i++) x[(image * pixels + i) * 3 + color] = bytes[at + 1 + color * pixels + i] / 255;
      }
    }
  }
  return { x: tensor(x, [count, 32, 32, 3]), y: tensor(y, [count], 'i32') };
}

function recordsOf(name: string, { length }: Uint8Array): number {
  if (length > 0 && length % recordSize === 0) return length / recordSize;
  throw new DataError(
    `${name}: ${length} bytes; a file of CIFAR-10 has ${recordSize} for each image. Use the binary version, extracted from its archive`,
  );
}
