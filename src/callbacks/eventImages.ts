// Tensors and canvas pixels as the PNG files of image events.
import { ArgumentError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { EventValue } from '../formats/tensorBoard.ts';
import { type PngImage, pngFile, pngRows } from '../formats/png.ts';
import { Tensor } from '../graph/tensor.ts';

/** An image as a tensor, or pixels with 4 channels from 0 to 255: `ImageData` of a canvas has this form. */
export type PixelImage = Tensor | { readonly width: number; readonly height: number; readonly data: Uint8ClampedArray | Uint8Array };

type Images = Omit<Extract<EventValue, { images: unknown }>, 'tag'>;

/** @throws ArgumentError for a value that is no image, or no images if there are several. */
export async function imagesOf(where: string, image: unknown, areSeveral: boolean): Promise<Images> {
  if (!(image instanceof Tensor)) return encoded([pixelsOf(where, image, areSeveral)]);
  return encoded(await bytesOfImages(where, image, areSeveral ? several : single));
}

/** Forms of a tensor with one image, or with several: the sizes of an image begin at an axis. */
const single = { rule: '[height, width] or [height, width, channels]', ranks: [2, 3], axis: 0 } as const;
const several = { rule: '[count, height, width, channels]', ranks: [4], axis: 1 } as const;
export const severalOrGrey = { rule: '[count, height, width] or [count, height, width, channels]', ranks: [3, 4], axis: 1 } as const;

/** The images of a tensor. @throws ArgumentError for another form, another number of channels and sizes of 0. */
export async function bytesOfImages(
  where: string,
  image: Tensor,
  { rule, ranks, axis }: typeof single | typeof several | typeof severalOrGrey,
): Promise<PngImage[]> {
  const { shape, dtype } = image;
  const [height, width, channels = 1] = shape.slice(axis);
  if (!(ranks as readonly number[]).includes(shape.length) || channels < 1 || channels > 4 || shape.includes(0)) {
    throw new ArgumentError(`${where}: got a tensor [${shape.join(',')}]; it must be ${rule}, with 1 to 4 channels and no size 0`);
  }
  const values = await image.data();
  const scale = dtype === 'i32' || dtype === 'u32' ? 1 : 255;
  // Rounds to the nearest integer and clips; NaN is 0.
  const bytes = Uint8ClampedArray.from(values, (value) => value * scale);
  const size = height * width * channels;
  return Array.from({ length: bytes.length / size }, (_, i) => {
    return { width, height, channels: channels as PngImage['channels'], data: new Uint8Array(bytes.buffer, i * size, size) };
  });
}

function pixelsOf(where: string, image: unknown, areSeveral: boolean): PngImage {
  const { width, height, data } = (image ?? {}) as Partial<Exclude<PixelImage, Tensor>>;
  const isBytes = data instanceof Uint8ClampedArray || data instanceof Uint8Array;
  if (!areSeveral && isBytes && data.length > 0 && data.length === 4 * width! * height!) {
    return { width: width!, height: height!, channels: 4, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
  }
  const rule = areSeveral ? 'a tensor' : 'a tensor, or { width, height, data } with 4 bytes for each pixel';
  throw new ArgumentError(`${where}: the image is ${shown(image)}; it must be ${rule}`);
}

/**
 * Weights as images: a matrix with its longer axis as width, or filters [height, width, channels, filters] of 1, 3 or 4 channels. The smallest value
 * is black, the largest white. undefined for other shapes and for values that are not finite.
 */
export async function weightImages(shape: readonly number[], values: ArrayLike<number>): Promise<Images | undefined> {
  let [min, max] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    min = Math.min(min, values[i]);
    max = Math.max(max, values[i]);
  }
  if (!Number.isFinite(max - min)) return undefined;
  const byte = (at: number): number => (max > min ? Math.round((255 * (values[at] - min)) / (max - min)) : 0);
  if (shape.length === 2) {
    const [rows, columns] = shape;
    const isTurned = rows > columns;
    const [height, width] = isTurned ? [columns, rows] : [rows, columns];
    const at = (i: number): number => (isTurned ? (i % width) * columns + Math.floor(i / width) : i);
    return encoded([{ width, height, channels: 1, data: Uint8Array.from({ length: rows * columns }, (_, i) => byte(at(i))) }]);
  }
  const [height, width, channels, filters] = shape;
  if (shape.length !== 4 || ![1, 3, 4].includes(channels)) return undefined;
  const filter = (k: number): PngImage => {
    const data = Uint8Array.from({ length: height * width * channels }, (_, i) => byte(i * filters + k));
    return { width, height, channels: channels as PngImage['channels'], data };
  };
  return encoded(Array.from({ length: filters }, (_, k) => filter(k)));
}

async function encoded(images: readonly PngImage[]): Promise<Images> {
  const [{ width, height }] = images;
  return { width, height, images: await Promise.all(images.map(pngOf)) };
}

/** The PNG file of an image. */
export const pngOf = async (image: PngImage): Promise<Uint8Array> => pngFile(image, await deflated(pngRows(image)));

/** Bytes compressed in the format of zlib. */
async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
