// PNG files as data URLs, for images inside SVG.
import { zlibSync } from 'fflate';
import { toBase64 } from '../../core/base64.ts';
import { pngFile, pngRows } from '../../formats/png.ts';
import type { Rgb } from './colours.ts';

/** Pixels of an image: colours [height, width, 3], or numbers of a palette [height, width]. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly palette?: readonly Rgb[];
}

/** Bytes of a PNG file. */
export function pngOf(pixels: Pixels): Uint8Array {
  const image = { ...pixels, channels: pixels.palette ? 1 : 3 } as const;
  return pngFile(image, zlibSync(pngRows(image), { level: 9 }));
}

/** An image as a data URL. */
export const pngUrl = (pixels: Pixels): string => `data:image/png;base64,${toBase64(pngOf(pixels))}`;

/** An image with each pixel repeated `factor` times along both axes: SVG viewers smooth images that they enlarge. */
export function enlarged({ width, height, data, palette }: Pixels, factor: number): Pixels {
  const channels = palette ? 1 : 3;
  const larger = new Uint8Array(width * height * channels * factor * factor);
  const row = width * factor * channels;
  for (let y = 0; y < height; y++) {
    const start = y * factor * row;
    for (let x = 0; x < width; x++) {
      const pixel = data.subarray((y * width + x) * channels, (y * width + x + 1) * channels);
      for (let repeat = 0; repeat < factor; repeat++) larger.set(pixel, start + (x * factor + repeat) * channels);
    }
    for (let repeat = 1; repeat < factor; repeat++) larger.copyWithin(start + repeat * row, start, start + row);
  }
  return { width: width * factor, height: height * factor, data: larger, ...(palette && { palette }) };
}
