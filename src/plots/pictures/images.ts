// Grids of images: filters, and inputs with their saliency maps.
import { ArgumentError, ShapeError } from '../../core/errors.ts';
import { boolean, listOf, oneOf, positiveInteger, text } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { formatShape } from '../../core/shape.ts';
import { type ArrayInput, type Samples, hostSamplesOf } from '../../data/samples.ts';
import type { ArrayResult } from '../classScores.ts';
import type { ImageSet } from '../filterImages.ts';
import { type Chart, draw, panelOptions, shortNumber, themeOf, titleHeight } from './chart.ts';
import { overlay, rangeOf, rgbPixels, scalePixels } from './pixels.ts';
import { type Pixels, enlarged, pngUrl } from './png.ts';

export const filtersOptions = declareOptions('plots.filters', {
  ...panelOptions,
  /** Number of images in a row. The default makes the picture about as wide as high. */
  columns: optional(positiveInteger),
  /** Range of the colours: that of each image ('each') or of all of them ('all'). @default 'each' */
  normalize: optional(oneOf('each', 'all'), 'each'),
});
export type FiltersOptions = OptionsOf<typeof filtersOptions>;

export const saliencyOptions = declareOptions('plots.saliency', {
  ...panelOptions,
  /** Draws the maps over the images, instead of beside them only. @default false */
  overlay: optional(boolean, false),
  /** Texts above the images, such as names of classes. */
  labels: optional(listOf(text, 'texts', 1)),
});
export type SaliencyOptions = OptionsOf<typeof saliencyOptions>;

interface Cell {
  readonly pixels: Pixels;
  readonly label?: string | undefined;
}

interface GridSettings {
  readonly width: number;
  readonly height: number | undefined;
  readonly title: string | undefined;
  readonly theme: 'light' | 'dark';
}

/** Draws images in rows, each enlarged by a whole factor, so that pixels stay sharp. */
function imageGrid(settings: GridSettings, cells: readonly Cell[], columns: number, note: string): string {
  const gap = 6;
  const isLabelled = cells.some(({ label }) => label !== undefined);
  const labelHeight = isLabelled ? 18 : 0;
  const rows = Math.ceil(cells.length / columns);
  const top = titleHeight(settings) + 12;
  const { width, height } = cells[0].pixels;
  const widest = (settings.width - 24 - gap * (columns - 1)) / columns;
  const highest = settings.height === undefined ? Infinity : (settings.height - top - 26) / rows - gap - labelHeight;
  const size = Math.max(1, Math.min(widest, (highest * width) / height));
  const [shownWidth, shownHeight] = [size, (size * height) / width];
  const frame = { ...settings, height: settings.height ?? Math.ceil(top + rows * (shownHeight + gap + labelHeight) + 26) };
  const factor = Math.max(1, Math.min(32, Math.ceil(shownWidth / width)));
  const left = (settings.width - columns * shownWidth - (columns - 1) * gap) / 2;
  const { text, line } = themeOf(frame);
  const elements = cells.flatMap(({ pixels, label }, i): Chart[] => {
    const x = left + (i % columns) * (shownWidth + gap);
    const y = top + Math.floor(i / columns) * (shownHeight + gap + labelHeight) + labelHeight;
    const image = { image: pngUrl(enlarged(pixels, factor)), x, y, width: shownWidth, height: shownHeight };
    return [
      { type: 'image', silent: true, style: image },
      {
        type: 'rect',
        silent: true,
        shape: { x, y, width: shownWidth, height: shownHeight },
        style: { fill: 'none', stroke: line, lineWidth: 0.5 },
      },
      ...(label === undefined
        ? []
        : [{ type: 'text', silent: true, style: { text: label, x: x + shownWidth / 2, y: y - 5, textAlign: 'center', textVerticalAlign: 'bottom', fill: text, fontSize: 11, width: shownWidth, overflow: 'truncate' } }]), // prettier-ignore
    ];
  });
  const foot = { text: note, x: frame.width / 2, y: frame.height - 8, textAlign: 'center', textVerticalAlign: 'bottom', fill: text, fontSize: 11 }; // prettier-ignore
  return draw(frame, { graphic: { elements: [...elements, { type: 'text', silent: true, style: foot }] } });
}

/**
 * Filters of a convolution as images. Filters over three channels are shown in red, green and blue, others from black to white.
 *
 *     const svg = plots.filters(await filterImages(model, { layer: 'conv2d_1' }));
 *
 * @returns the text of an SVG file.
 * @throws ArgumentError if there are no images.
 */
export function filters(set: ImageSet, options: FiltersOptions = {}): string {
  const settings = filtersOptions.read(options);
  const images = (set as Partial<ImageSet> | undefined)?.images;
  if (!images?.length) throw new ArgumentError('plots.filters: takes the result of filterImages(model), with one image or more');
  const { height, width, channels, name } = set;
  const all = rangeOf(images.flatMap((image) => [...image]));
  const cells = images.map((image): Cell => {
    const range = settings.normalize === 'all' ? all : rangeOf(image);
    return { pixels: channels === 3 ? rgbPixels(image, height, width, range) : scalePixels(image, height, width, range, 'gray') };
  });
  const columns = Math.min(images.length, settings.columns ?? Math.ceil(Math.sqrt(images.length * 1.6)));
  const range = `values from ${shortNumber(all[0])} to ${shortNumber(all[1])}`;
  return imageGrid(
    settings,
    cells,
    columns,
    `${name}, ${height} x ${width}, ${range}${settings.normalize === 'each' ? ', each image with its own range' : ''}`,
  );
}

/** Images and maps of the same samples. */
export interface SaliencyPictures {
  /** Images [n, height, width, channels] with 1 or 3 channels, or [n, height, width]. */
  readonly images: ArrayInput;
  /** Maps of saliencyMap, smoothGrad, integratedGradients or gradCam. */
  readonly maps: ArrayResult;
}

/** Largest magnitude over the channels of each pixel. */
function magnitudes(values: ArrayLike<number>, pixels: number): Float32Array {
  const channels = values.length / pixels;
  return Float32Array.from({ length: pixels }, (_, i) => {
    let most = 0;
    for (let k = 0; k < channels; k++) most = Math.max(most, Math.abs(values[i * channels + k]));
    return most;
  });
}

/** Largest value of a map that is not an outlier: its 99th percentile. */
function upperEnd(map: Float32Array): number {
  const sorted = Float32Array.from(map).sort();
  return sorted[Math.floor(0.99 * (sorted.length - 1))] || sorted[sorted.length - 1] || 1;
}

function checkImages(
  { shape: [height, width, channels = 1], count, shape }: Samples,
  maps: ArrayResult,
): { height: number; width: number; channels: number } {
  const where = 'plots.saliency';
  if (shape.length < 2 || shape.length > 3 || (channels !== 1 && channels !== 3)) {
    throw new ShapeError(`${where}: images are ${formatShape([count, ...shape])}; give [n, height, width] with 1 or 3 channels, or none`);
  }
  const [samples, rows, columns] = maps.shape;
  if (samples !== count || rows !== height || columns !== width) {
    throw new ShapeError(
      `${where}: maps are ${formatShape(maps.shape)}, but images are ${formatShape([count, ...shape])}; give maps of the size of the images`,
    );
  }
  return { height, width, channels };
}

/**
 * Images with their saliency maps: each image, then its map, and with `overlay` both together. A map shows the largest magnitude of the
 * channels, up to its 99th percentile.
 *
 *     const svg = plots.saliency({ images: { data: await x.data(), shape: x.shape }, maps: await gradCam(model, x, { layer: 'conv2d_2' }) });
 *
 * @returns the text of an SVG file.
 * @throws ShapeError for images and maps of different sizes, DataError for images on a device.
 */
export function saliency({ images, maps }: SaliencyPictures, options: SaliencyOptions = {}): string {
  const settings = saliencyOptions.read(options);
  const given = hostSamplesOf('plots.saliency', 'images', images);
  const { height, width, channels } = checkImages(given, maps);
  const { labels } = settings;
  if (labels && labels.length !== given.count) {
    throw new ArgumentError(`plots.saliency: labels has ${labels.length} texts, but there are ${given.count} images; give one for each`);
  }
  const pixels = height * width;
  const cells = Array.from({ length: given.count }, (_, i): Cell[] => {
    const values = Float32Array.from(given.data.subarray(i * given.size, (i + 1) * given.size));
    const range = rangeOf(values);
    const image = channels === 3 ? rgbPixels(values, height, width, range) : scalePixels(values, height, width, range, 'gray');
    const perMap = maps.data.length / given.count;
    const map = magnitudes(maps.data.subarray(i * perMap, (i + 1) * perMap), pixels);
    const heat = scalePixels(map, height, width, [0, upperEnd(map)], 'viridis');
    const label = labels?.[i];
    return [{ pixels: image, label }, { pixels: heat }, ...(settings.overlay ? [{ pixels: overlay(image, heat) }] : [])];
  });
  const perSample = cells[0].length;
  // Small images need fewer pixels: as many samples in a row as give about 100 pixels for each image.
  const inRow = Math.max(1, Math.min(cells.length, Math.floor(settings.width / (perSample * 100))));
  return imageGrid(
    settings,
    cells.flat(),
    inRow * perSample,
    `image, map${settings.overlay ? ', both' : ''}; yellow raises or lowers the score most`,
  );
}
