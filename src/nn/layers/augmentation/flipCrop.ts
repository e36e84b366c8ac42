// Augmentations that move whole pixels: flips and crops.
import type { Configured } from '../../../core/config.ts';
import { oneOf, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { flip, floor, mul, resize, where } from '../../../ops/index.ts';
import { sliceAxis } from '../../../ops/shape/slice.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { checkAxes } from '../../windows.ts';
import { drawHalf, drawsOf } from './draws.ts';
import { augmentation, augmentationOptions } from './options.ts';
import { sampleAffine } from './sampler.ts';

export const randomFlipOptions = declareOptions('layers.randomFlip', {
  /** 'horizontal' exchanges left and right, 'vertical' top and bottom. @default 'horizontalAndVertical' */
  mode: optional(oneOf('horizontal', 'vertical', 'horizontalAndVertical'), 'horizontalAndVertical'),
  ...augmentationOptions,
});
export type RandomFlipOptions = OptionsOf<typeof randomFlipOptions>;

/**
 * Flips half of the images while training; otherwise passes them on. With 'horizontalAndVertical', the two directions are drawn one by one; Keras'
 * RandomFlip flips both or none.
 *
 * Input and output [batch, height, width, channels]. Throws a ShapeError for another rank.
 *
 *     layers.randomFlip({ mode: 'horizontal' })
 */
export function randomFlip(options: RandomFlipOptions = {}): Configured<Layer> {
  const settings = randomFlipOptions.read(options);
  const { mode } = settings;
  const axes = [...(mode === 'vertical' ? [] : [2]), ...(mode === 'horizontal' ? [] : [1])];
  const layer = augmentation('randomFlip', settings, (x, draws) =>
    axes.reduce((y, axis) => where(drawHalf(draws, [x.shape[0], 1, 1, 1]), flip(y, axis), y), x),
  );
  return withLayerConfig(layer, randomFlipOptions, settings);
}

export const randomCropOptions = declareOptions('layers.randomCrop', {
  /** Height of the output in pixels. */
  height: required(positiveInteger, 1),
  /** Width of the output in pixels. */
  width: required(positiveInteger, 1),
  ...augmentationOptions,
});
export type RandomCropOptions = OptionsOf<typeof randomCropOptions>;

/** The largest window in the middle with the sides' ratio of the output, resized to it. */
function resizedMiddle(x: Tensor, height: number, width: number): Tensor {
  const [, rows, columns] = x.shape;
  const cropHeight = Math.max(1, Math.min(rows, Math.floor((columns * height) / width)));
  const cropWidth = Math.max(1, Math.min(columns, Math.floor((rows * width) / height)));
  const middle = sliceAxis(
    sliceAxis(x, 1, Math.floor((rows - cropHeight) / 2), cropHeight),
    2,
    Math.floor((columns - cropWidth) / 2),
    cropWidth,
  );
  return cropHeight === height && cropWidth === width ? middle : resize(middle, { size: [height, width], method: 'linear' });
}

/**
 * Cuts a window out of each image at a random place while training. Otherwise, and for images smaller than the window, it takes the largest middle
 * part with the window's ratio of sides, and resizes it. Keras' RandomCrop takes one place for the whole batch.
 *
 * Input [batch, rows, columns, channels], output [batch, height, width, channels]. Throws a ShapeError for another rank.
 *
 *     layers.randomCrop({ height: 28, width: 28 })
 */
export function randomCrop(options: RandomCropOptions): Configured<Layer> {
  const settings = randomCropOptions.read(options);
  const { height, width, seed } = settings;
  const layer = defineLayer({
    kind: 'randomCrop',
    options: settings,
    precision: 'f32',
    outputShape: (shape, where) => {
      checkAxes(where, shape, 2);
      return [height, width, shape[2]];
    },
    apply: (_, x, { training }) => {
      const [batch, rows, columns] = x.shape;
      if (!training || rows < height || columns < width) return resizedMiddle(x, height, width);
      if (rows === height && columns === width) return x;
      const draws = drawsOf(seed);
      const start = (room: number): Tensor => floor(mul(draws.uniform([batch, 1, 1]), room + 1));
      const map = { b: [0, 1, start(rows - height)], a: [1, 0, start(columns - width)] } as const;
      return sampleAffine(x, map, { size: [height, width], interpolation: 'nearest', fillMode: 'nearest', fillValue: 0 });
    },
  });
  return withLayerConfig(layer, randomCropOptions, settings);
}
