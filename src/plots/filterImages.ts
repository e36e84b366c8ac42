// Kernels of a convolution as images.
import { ArgumentError } from '../core/errors.ts';
import { positiveInteger, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import type { Model } from '../train/index.ts';

export const filterImagesOptions = declareOptions('plots.filterImages', {
  /** Name or path of a two-dimensional convolution. The default is the first one of the model. */
  layer: optional(text),
  /** Maximum number of images. @default 64 */
  limit: optional(positiveInteger, 64),
});
export type FilterImagesOptions = OptionsOf<typeof filterImagesOptions>;

/** Images of one size, as numbers. */
export interface ImageSet {
  /** Name of the images, such as the path of a kernel. */
  readonly name: string;
  readonly height: number;
  readonly width: number;
  /** 1, or 3 for red, green and blue. */
  readonly channels: 1 | 3;
  /** Elements of each image [height, width, channels]. They may be negative. */
  readonly images: readonly Float32Array[];
}

/**
 * Filters of a convolution as images: [height, width, 3] for kernels over three channels, otherwise one image for each channel of each filter.
 *
 *     const svg = plots.filters(await filterImages(model));
 *
 * @throws ArgumentError if the layer has no kernel of two dimensions, channels and filters.
 */
export async function filterImages(model: Model, options: FilterImagesOptions = {}): Promise<ImageSet> {
  const where = 'filterImages';
  const { layer, limit } = filterImagesOptions.read(options);
  if (layer !== undefined) model.getLayer(layer);
  const variables = model.variables();
  const isKernel = ({ path, tensor }: (typeof variables)[number]): boolean =>
    tensor.rank === 4 && path.endsWith('ernel') && (layer === undefined || path.slice(0, path.lastIndexOf('/')) === layer);
  const found = variables.findIndex(isKernel);
  if (found < 0) {
    throw new ArgumentError(
      `${where}: ${layer === undefined ? 'the model' : `the layer '${layer}'`} has no kernel [height, width, channels, filters]; give the name of a two-dimensional convolution`,
    );
  }
  const kernel = (await model.getWeights())[found];
  const [height, width, inputs, filters] = kernel.shape;
  const data = await kernel.data();
  const channels = inputs === 3 ? 3 : 1;
  const image = (filter: number, channel: number): Float32Array =>
    Float32Array.from({ length: height * width * channels }, (_, i) => {
      const at = Math.floor(i / channels) * inputs + (channels === 3 ? i % 3 : channel);
      return data[at * filters + filter];
    });
  const perFilter = inputs / channels;
  const count = Math.min(limit, filters * perFilter);
  const images = Array.from({ length: count }, (_, i) => image(Math.floor(i / perFilter), i % perFilter));
  return { name: variables[found].path, height, width, channels, images };
}
