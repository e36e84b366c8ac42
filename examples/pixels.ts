// Images as pixels, for the page and for files.
import { ShapeError, type Tensor } from 'ombre';

/** One image. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA, row by row: [height, width, 4]. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/**
 * Images [n, height, width] or [n, height, width, channels] in 0..1. One channel is grey, three are RGB. Four are RGBA.
 * @throws ShapeError for a tensor of another shape.
 */
export async function pixelsOf(images: Tensor): Promise<Pixels[]> {
  const [count, height, width, channels = 1] = images.shape;
  if (![3, 4].includes(images.shape.length) || ![1, 3, 4].includes(channels)) {
    throw new ShapeError(
      `show: images have the shape [${images.shape.join(',')}]; it must be [n,height,width] or [n,height,width,1, 3 or 4]`,
    );
  }
  const values = await images.data();
  return Array.from({ length: count }, (_, image) => {
    const data = new Uint8ClampedArray(4 * height * width).fill(255);
    for (let i = 0; i < height * width; i++) {
      const from = (image * height * width + i) * channels;
      for (let c = 0; c < 3; c++) data[4 * i + c] = 255 * Number(values[from + (channels === 1 ? 0 : c)]);
      if (channels === 4) data[4 * i + 3] = 255 * Number(values[from + 3]);
    }
    return { width, height, data };
  });
}
