// PNG files as data URLs, for images inside SVG.
import { zlibSync } from 'fflate';
import { toBase64 } from '../../core/base64.ts';
import { joinBytes } from '../../core/bytes.ts';
import { crc32 } from '../../formats/checksums.ts';
import type { Rgb } from './colours.ts';

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function chunk(kind: string, data: Uint8Array): Uint8Array {
  const body = joinBytes([ascii(kind), data]);
  return joinBytes([word(data.length), body, word(crc32(body))]);
}

/** Pixels of an image: colours [height, width, 3], or numbers of a palette [height, width]. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly palette?: readonly Rgb[];
}

/** Bytes of a PNG file with 8 bits for each channel (ISO/IEC 15948). */
export function pngOf({ width, height, data, palette }: Pixels): Uint8Array {
  const stride = palette ? width : 3 * width;
  const rows = new Uint8Array(height * (stride + 1));
  // Each row begins with the number of its filter: 0, none.
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  const kind = palette ? 3 : 2;
  return joinBytes([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', joinBytes([word(width), word(height), Uint8Array.of(8, kind, 0, 0, 0)])),
    ...(palette ? [chunk('PLTE', Uint8Array.from(palette.flat()))] : []),
    chunk('IDAT', zlibSync(rows, { level: 9 })),
    chunk('IEND', new Uint8Array()),
  ]);
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
