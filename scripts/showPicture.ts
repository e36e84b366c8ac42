/** Pictures of examples in the terminal: images as characters, or all pictures as files in a folder. */
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Host, Picture } from '../examples/example.ts';
import { type Pixels, pixelsOf } from '../examples/pixels.ts';

interface Png {
  readonly width: number;
  readonly data: Buffer;
}
/** The package has no types. */
const { PNG } = createRequire(import.meta.url)('pngjs') as {
  PNG: { new (size: { width: number; height: number }): Png; sync: { write(image: Png): Buffer } };
};

/** Characters from dark to bright. */
const shades = ' .:-=+*#@';
const columns = 100;

/** The images side by side, as many as fit into the width of a terminal. At least one line. */
export function asText(images: readonly Pixels[]): string {
  const [{ width, height }] = images;
  // Every n-th pixel of a wide image.
  const step = Math.ceil(width / columns);
  const shown = images.slice(0, Math.max(1, Math.floor(columns / (width + 2))));
  const line = ({ data }: Pixels, row: number): string =>
    Array.from({ length: Math.ceil(width / step) }, (_, column) => {
      const [r, g, b, opacity] = data.subarray(4 * step * (row * width + column));
      const brightness = ((0.299 * r + 0.587 * g + 0.114 * b) * opacity) / 255 ** 2;
      return shades[Math.round(brightness * (shades.length - 1))];
    }).join('');
  return Array.from({ length: Math.ceil(height / step) }, (_, row) => shown.map((image) => line(image, row)).join('  ')).join('\n');
}

/** One PNG file with the images side by side in rows. Small images are enlarged. */
export function asPng(images: readonly Pixels[]): Buffer {
  const [{ width, height }] = images;
  const scale = Math.max(1, Math.round(96 / Math.max(width, height)));
  const [across, gap] = [Math.min(images.length, 10), 4];
  const down = Math.ceil(images.length / across);
  const png = new PNG({ width: across * (width * scale + gap) - gap, height: down * (height * scale + gap) - gap });
  for (const [i, { data }] of images.entries()) {
    const [left, top] = [(i % across) * (width * scale + gap), Math.floor(i / across) * (height * scale + gap)];
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const from = 4 * (Math.floor(y / scale) * width + Math.floor(x / scale));
        png.data.set(data.subarray(from, from + 4), 4 * ((top + y) * png.width + left + x));
      }
    }
  }
  return PNG.sync.write(png);
}

/** With a folder, pictures are written to it. Without, images are printed, and drawings only named. */
export function showPictures(print: Host['print'], folder?: string): Host['show'] {
  const write = async (title: string, ending: string, content: string | Buffer): Promise<void> => {
    await mkdir(folder!, { recursive: true });
    const path = join(folder!, `${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.${ending}`);
    await writeFile(path, content);
    print(`${title}: ${path}`);
  };
  return async (title: string, picture: Picture) => {
    if (typeof picture === 'function') {
      if (folder === undefined) print(`${title}: a drawing, which --pictures FOLDER writes`);
      else await write(title, 'svg', picture('light'));
      return;
    }
    const images = await pixelsOf(picture);
    if (folder === undefined) print(`${title}:\n${asText(images)}`);
    else await write(title, 'png', asPng(images));
  };
}
