// Numbers as pixels.
import { type ColourScale, paletteOf } from './colours.ts';
import type { Pixels } from './png.ts';

/** Smallest and largest finite number; 0 and 1 if there are none, and a range around a single one. */
export function rangeOf(values: Iterable<number>): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (least > most) return [0, 1];
  return least === most ? [least - 0.5, most + 0.5] : [least, most];
}

const byteOf = (value: number, [least, most]: readonly [number, number]): number =>
  Math.round(255 * Math.min(1, Math.max(0, (value - least) / (most - least)))) || 0;

/** Numbers [height, width] in the colours of a scale. NaN has the first colour. */
export const scalePixels = (
  values: ArrayLike<number>,
  height: number,
  width: number,
  range: readonly [number, number],
  scale: ColourScale,
): Pixels => ({
  width,
  height,
  data: Uint8Array.from({ length: height * width }, (_, i) => byteOf(values[i], range)),
  palette: paletteOf(scale),
});

/** Numbers [height, width, 3] as red, green and blue; the range is black to full colour. */
export const rgbPixels = (values: ArrayLike<number>, height: number, width: number, range: readonly [number, number]): Pixels => ({
  width,
  height,
  data: Uint8Array.from({ length: height * width * 3 }, (_, i) => byteOf(values[i], range)),
});

/** A mixture of an image and a map in the colours of a scale: the map's share grows with its value. */
export function overlay(image: Pixels, map: Pixels): Pixels {
  const { width, height } = image;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const heat = map.palette![map.data[i]];
    const share = 0.15 + 0.55 * (map.data[i] / 255);
    for (let k = 0; k < 3; k++) {
      const under = image.palette ? image.palette[image.data[i]][k] : image.data[3 * i + k];
      data[3 * i + k] = Math.round(under * (1 - share) + heat[k] * share);
    }
  }
  return { width, height, data };
}
