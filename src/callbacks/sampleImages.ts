// Images of the model, by epoch.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { callable, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import type { MaybeAsync, TrainedModel } from './callback.ts';
import { bytesOfImages, pngOf, severalOrGrey } from './eventImages.ts';
import { type SampleCallback, type SampleFunction, sample } from './sample.ts';

/** Images side by side, in the form of a canvas: `new ImageData(data, width, height)`. */
export interface ImageGrid {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity of each pixel, 0 to 255. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** The bytes of a PNG file. */
  png(): Promise<Uint8Array>;
}

export const sampleImagesOptions = declareOptions('callbacks.sampleImages', {
  /** Called with the model and the epoch; returns images [count, height, width] or [count, height, width, channels], such as `() => generator.predict(noise)`. */
  fn: required(callable<SampleFunction<Tensor>>(), (_model: TrainedModel, _epoch: number) => hostTensor({ shape: [1, 1, 1], dtype: 'f32' }, new Float32Array(1))), // prettier-ignore
  /** Number of epochs from one call to the next. @default 1 */
  every: optional(positiveInteger, 1),
  /** Largest number of grids that are kept; the oldest go first. All are kept without it. */
  keep: optional(positiveInteger),
  /** Number of images in a row. A square grid without it. */
  columns: optional(positiveInteger),
  /** Takes each grid and its epoch: `async (grid, epoch) => writeFile(`${epoch}.png`, await grid.png())`, or a function that draws on a canvas. */
  show: optional(callable<(grid: ImageGrid, epoch: number) => MaybeAsync>()),
});
export type SampleImagesOptions = OptionsOf<typeof sampleImagesOptions>;

/** Black pixels between two images. */
const gap = 2;

/**
 * Keeps images of the model at the end of every n-th epoch as one picture: digits of a generator, reconstructions, masks. 1 channel is grey, 3 are
 * red, green and blue, 2 and 4 have an opacity. Floats are from 0 to 1, integers from 0 to 255; values beyond are clipped.
 *
 *     const sampler = callbacks.sampleImages({ fn: () => generator.predict(noise), every: 5 });
 *     await gan.fit(x, undefined, { epochs: 20, callbacks: sampler });
 *     for (const { epoch, value } of sampler.samples) await writeFile(`epoch${epoch}.png`, await value.png());
 *
 * @throws ArgumentError in fit if the function returns no such tensor.
 */
export function sampleImages(options: SampleImagesOptions): Configured<SampleCallback<ImageGrid>> {
  const settings = sampleImagesOptions.read(options);
  const { fn, every, keep, columns, show } = settings;
  const callback = sample<ImageGrid>({
    every,
    ...(keep !== undefined && { keep }),
    async fn(model, epoch) {
      const images = await fn(model, epoch);
      if (!(images instanceof Tensor))
        throw new ArgumentError(`callbacks.sampleImages: fn returned ${shown(images)}; it must return a tensor`);
      const grid = await gridOf(images, columns);
      await show?.(grid, epoch);
      return grid;
    },
  });
  return withConfig(callback, sampleImagesOptions, settings);
}

async function gridOf(given: Tensor, columns: number | undefined): Promise<ImageGrid> {
  const images = await bytesOfImages('callbacks.sampleImages', given, severalOrGrey);
  const [{ width: w, height: h, channels }] = images;
  const across = Math.min(images.length, columns ?? Math.ceil(Math.sqrt(images.length)));
  const down = Math.ceil(images.length / across);
  const [width, height] = [across * (w + gap) - gap, down * (h + gap) - gap];
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 3; i < data.length; i += 4) data[i] = 255;
  images.forEach((image, n) => {
    const [left, top] = [(n % across) * (w + gap), Math.floor(n / across) * (h + gap)];
    for (let i = 0; i < w * h; i++) {
      const [from, to] = [i * channels, 4 * ((top + Math.floor(i / w)) * width + left + (i % w))];
      for (let c = 0; c < 3; c++) data[to + c] = image.data[from + (channels > 2 ? c : 0)];
      if (channels % 2 === 0) data[to + 3] = image.data[from + channels - 1];
    }
  });
  return { width, height, data, png: () => pngOf({ width, height, channels: 4, data: new Uint8Array(data.buffer) }) };
}
