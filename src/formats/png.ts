// PNG files (ISO/IEC 15948) with 8 bits for each channel. The caller compresses, because entries differ in the means they have for it.
import { joinBytes } from '../core/bytes.ts';
import { crc32 } from './checksums.ts';

/** An image: values of 1 (grey), 2 (grey, opacity), 3 (red, green, blue) or 4 (and opacity) channels [height, width, channels]. */
export interface PngImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly channels: 1 | 2 | 3 | 4;
  /** Red, green and blue of each value of an image with one channel. */
  readonly palette?: readonly (readonly [number, number, number])[];
}

/** Colour types of the format, by the number of channels. */
const colourTypes = { 1: 0, 2: 4, 3: 2, 4: 6 } as const;

/** Rows of the image as the format has them, before compression. Each row begins with the number of its filter: 0, none. */
export function pngRows({ width, height, data, channels }: PngImage): Uint8Array<ArrayBuffer> {
  const stride = width * channels;
  const rows = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return rows;
}

/** The file of an image, whose pngRows are compressed in the format of zlib. */
export function pngFile({ width, height, channels, palette }: PngImage, compressed: Uint8Array): Uint8Array<ArrayBuffer> {
  return joinBytes([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', joinBytes([word(width), word(height), Uint8Array.of(8, palette ? 3 : colourTypes[channels], 0, 0, 0)])),
    ...(palette ? [chunk('PLTE', Uint8Array.from(palette.flat()))] : []),
    chunk('IDAT', compressed),
    chunk('IEND', new Uint8Array()),
  ]);
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function chunk(kind: string, data: Uint8Array): Uint8Array {
  const body = joinBytes([Uint8Array.from(kind, (letter) => letter.charCodeAt(0)), data]);
  return joinBytes([word(data.length), body, word(crc32(body))]);
}
