// Augmentations with given factors, and their values in f64 from the map as a formula. If the layer draws a direction, each image has two
// possible results.
import { layers } from '../../src/nn/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import type { Layer } from '../../src/nn/index.ts';

type Map6 = readonly [number, number, number, number, number, number];

export interface Case {
  readonly name: 'randomTranslation' | 'randomShear' | 'randomZoom' | 'randomRotation';
  readonly options: Readonly<Record<string, unknown>>;
  readonly shape: readonly [number, number, number, number];
  /** The maps that an image may get. The output at (x, y) is the input at (a0 x + a1 y + a2, b0 x + b1 y + b2). */
  readonly maps: readonly Map6[];
}

const shape = [3, 4, 5, 2] as const;
const turned = (share: number): Map6 => {
  const [c, s] = [Math.cos(2 * Math.PI * share), Math.sin(2 * Math.PI * share)];
  return [c, -s, 2 - 2 * c + 1.5 * s, s, c, 1.5 - 2 * s - 1.5 * c];
};

export const augmentationCases: readonly Case[] = [
  ...(['constant', 'nearest', 'reflect', 'wrap'] as const).flatMap((fillMode): readonly Case[] => [
    {
      name: 'randomShear',
      options: { xFactor: [0.9, 0.9], yFactor: [0.35, 0.35], fillMode, fillValue: 3 },
      shape,
      maps: [[1, 0.9, 0, 0.35, 1, 0], [1, -0.9, 0, -0.35, 1, 0]], // prettier-ignore
    },
    { name: 'randomRotation', options: { factor: [0.3, 0.3], fillMode, fillValue: -2 }, shape, maps: [turned(0.3)] },
    {
      name: 'randomTranslation',
      options: { heightFactor: [0.6, 0.6], widthFactor: [-0.9, -0.9], fillMode, interpolation: 'nearest', fillValue: 1 },
      shape,
      maps: [[1, 0, 4.5, 0, 1, -2.4]],
    },
  ]),
  { name: 'randomZoom', options: { heightFactor: [-0.5, -0.5], fillMode: 'wrap' }, shape, maps: [[0.5, 0, 1, 0, 0.5, 0.75]] },
  // Positions several times the image size away.
  { name: 'randomZoom', options: { heightFactor: [1, 1], fillMode: 'wrap' }, shape, maps: [[2, 0, -2, 0, 2, -1.5]] },
  { name: 'randomShear', options: { xFactor: [1, 1] }, shape: [2, 9, 2, 1], maps: [[1, 1, 0, 0, 1, 0], [1, -1, 0, 0, 1, 0]] }, // prettier-ignore
];

const pixel = (i: number): number => 2 * ((i * 0.6180339887498949) % 1) - 1;

const imagesOf = ([batch, height, width, channels]: Case['shape']): Float32Array =>
  Float32Array.from({ length: batch * height * width * channels }, (_, i) => pixel(i + 1));

export const runAugmentation = ({ name, options, shape }: Case): Tensor => {
  const layer = (layers[name] as (options: object) => Layer)(options);
  return layer.apply(hostTensor({ shape: [...shape], dtype: 'f32' }, imagesOf(shape)), { training: true });
};

/** Index of a position outside of an axis. Undefined for the fill value. */
function placeOf(i: number, size: number, mode: unknown): number | undefined {
  if (i >= 0 && i < size) return i;
  if (mode === 'constant') return undefined;
  if (mode === 'nearest') return i < 0 ? 0 : size - 1;
  if (mode === 'wrap') return ((i % size) + size) % size;
  // reflect: d c b a | a b c d | d c b a
  let at = i;
  while (at < 0 || at >= size) at = at < 0 ? -1 - at : 2 * size - 1 - at;
  return at;
}

/** Values of each image, for each map that it may get. */
export function expectedOf({ options, shape: [batch, height, width, channels], maps }: Case): readonly (readonly number[])[][] {
  const images = imagesOf([batch, height, width, channels]);
  const { fillMode = 'reflect', fillValue = 0, interpolation = 'bilinear' } = options;
  const read = (image: number, y: number, x: number, c: number): number => {
    const [row, column] = [placeOf(y, height, fillMode), placeOf(x, width, fillMode)];
    if (row === undefined || column === undefined) return fillValue as number;
    return images[((image * height + row) * width + column) * channels + c];
  };
  const sampled = (image: number, [a0, a1, a2, b0, b1, b2]: Map6): number[] => {
    const values: number[] = [];
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++) {
        const [x, y] = [a0 * i + a1 * j + a2, b0 * i + b1 * j + b2];
        for (let c = 0; c < channels; c++) {
          if (interpolation === 'nearest') values.push(read(image, Math.floor(y + 0.5), Math.floor(x + 0.5), c));
          else {
            const [x0, y0] = [Math.floor(x), Math.floor(y)];
            const [fx, fy] = [x - x0, y - y0];
            const top = (1 - fx) * read(image, y0, x0, c) + fx * read(image, y0, x0 + 1, c);
            const bottom = (1 - fx) * read(image, y0 + 1, x0, c) + fx * read(image, y0 + 1, x0 + 1, c);
            values.push((1 - fy) * top + fy * bottom);
          }
        }
      }
    }
    return values;
  };
  return Array.from({ length: batch }, (_, image) => maps.map((map) => sampled(image, map)));
}

export function momentsOf(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return { mean, variance: values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length };
}
