import { type Tensor, hostTensor } from '../../graph/tensor.ts';
import type { ImageDataset } from './mnist.ts';

const trainSize = 1437;
const pixelsPerImage = 64;

/**
 * scikit-learn's small handwritten digits: 1,797 images of 8x8; x f32 [n, 8, 8, 1] in 0..1 (counts 0..16 over 16), y i32 [n] in 0..9.
 *
 * The first 1,437 images are for training and the last 360 for tests, which is scikit-learn's train_test_split(test_size=0.2,
 * shuffle=False). The images keep the order of their collection, so the test digits are by other writers: harder than a shuffled split. E.
 * Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
 *
 *     const { train, test } = await datasets.digits();
 *     await model.fit(train.x, train.y, { epochs: 30 });
 *     await model.evaluate(test.x, test.y);
 */
export async function digits(): Promise<ImageDataset> {
  // Loaded on demand: most pages do not need these 120 kB.
  const { images } = await import('./digitsData.ts');
  const text = images.join('');
  const stride = 1 + pixelsPerImage;
  const n = text.length / stride;
  const pixels = new Float32Array(n * pixelsPerImage);
  const labels = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    labels[i] = Number(text[i * stride]);
    for (let p = 0; p < pixelsPerImage; p++) pixels[i * pixelsPerImage + p] = parseInt(text[i * stride + 1 + p], 17) / 16;
  }
  const part = (begin: number, end: number): { x: Tensor; y: Tensor } => ({
    x: hostTensor({ shape: [end - begin, 8, 8, 1], dtype: 'f32' }, pixels.subarray(begin * pixelsPerImage, end * pixelsPerImage)),
    y: hostTensor({ shape: [end - begin], dtype: 'i32' }, labels.subarray(begin, end)),
  });
  return { train: part(0, trainSize), test: part(trainSize, n) };
}
