import { type Tensor, hostTensor } from '../../graph/tensor.ts';

/** Measures of flowers with their species. */
export interface IrisDataset {
  /** f32 [150, 4], in centimetres: length and width of the sepals, length and width of the petals. */
  readonly x: Tensor;
  /** Species, i32 [150]: 50 of each, one after another. */
  readonly y: Tensor;
  /** Names of the columns of x. */
  readonly featureNames: readonly string[];
  /** Names of the species 0 to 2. */
  readonly classNames: readonly string[];
}

/**
 * Iris flowers: 150 samples of 4 measures and 3 species. There is no fixed split: use data.split with stratify.
 * R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics, 1936.
 *
 *     const { x, y } = await datasets.iris();
 *     const { train, validation } = await data.split(x, y, { stratify: y, seed: 1 });
 */
export async function iris(): Promise<IrisDataset> {
  const { measures } = await import('./irisData.ts');
  return {
    x: hostTensor(
      { shape: [150, 4], dtype: 'f32' },
      Float32Array.from(measures, (millimetres) => millimetres / 10),
    ),
    y: hostTensor(
      { shape: [150], dtype: 'i32' },
      Int32Array.from({ length: 150 }, (_, i) => Math.floor(i / 50)),
    ),
    featureNames: ['sepalLength', 'sepalWidth', 'petalLength', 'petalWidth'],
    classNames: ['setosa', 'versicolor', 'virginica'],
  };
}
