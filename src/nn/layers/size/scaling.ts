// Layers that enlarge or resize.
import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { boolean, oneOf, positiveInteger, sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { pixelShuffle as shuffle, repeat, resize, upsample2d } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';
import { checkAxes } from '../../windows.ts';

const interpolationKind = /* @__PURE__ */ oneOf('nearest', 'bilinear', 'bicubic');

/** Methods of the op by their names for images. */
const methods = { nearest: 'nearest', bilinear: 'linear', bicubic: 'cubic' } as const;

export const upSampling1dOptions = declareOptions('layers.upSampling1d', {
  /** Number of times that each step is repeated. @default 2 */
  size: optional(positiveInteger, 2),
  ...layerOptions,
});
export type UpSampling1dOptions = OptionsOf<typeof upSampling1dOptions>;

/**
 * Repeats each step: [batch, steps, channels] to [batch, steps size, channels].
 *
 *     layers.upSampling1d({ size: 2 })
 */
export function upSampling1d(options: UpSampling1dOptions = {}): Configured<Layer> {
  const settings = upSampling1dOptions.read(options);
  const { size } = settings;
  const layer = defineLayer({
    kind: 'upSampling1d',
    options: settings,
    outputShape: (shape, where) => {
      checkAxes(where, shape, 1);
      return [shape[0] * size, shape[1]];
    },
    apply: (_, x) => repeat(x, size, 1),
  });
  return withLayerConfig(layer, upSampling1dOptions, settings);
}

export const upSampling2dOptions = declareOptions('layers.upSampling2d', {
  /** Factors of height and width: [height, width], or one number for both. @default 2 */
  size: optional(sizes(2), 2),
  /** 'nearest' repeats pixels; the others interpolate between pixel centres. @default 'nearest' */
  interpolation: optional(interpolationKind, 'nearest'),
  ...layerOptions,
});
export type UpSampling2dOptions = OptionsOf<typeof upSampling2dOptions>;

/**
 * Enlarges images by whole factors: [batch, height, width, channels] to [batch, height size, width size, channels].
 *
 *     layers.upSampling2d({ size: 2, interpolation: 'bilinear' })
 */
export function upSampling2d(options: UpSampling2dOptions = {}): Configured<Layer> {
  const settings = upSampling2dOptions.read(options);
  const { size, interpolation } = settings;
  const layer = defineLayer({
    kind: 'upSampling2d',
    options: settings,
    outputShape: (shape, where) => {
      checkAxes(where, shape, 2);
      return [shape[0] * size[0], shape[1] * size[1], shape[2]];
    },
    apply: (_, x) =>
      interpolation === 'bicubic'
        ? resize(x, { size: [x.shape[1] * size[0], x.shape[2] * size[1]], method: 'cubic' })
        : upsample2d(x, { size, interpolation }),
  });
  return withLayerConfig(layer, upSampling2dOptions, settings);
}

export const upSampling3dOptions = declareOptions('layers.upSampling3d', {
  /** Factors of the axes: [depth, height, width], or one number for all. @default 2 */
  size: optional(sizes(3), 2),
  ...layerOptions,
});
export type UpSampling3dOptions = OptionsOf<typeof upSampling3dOptions>;

/**
 * Repeats each voxel along each axis of volumes [batch, depth, height, width, channels].
 *
 *     layers.upSampling3d({ size: 2 })
 */
export function upSampling3d(options: UpSampling3dOptions = {}): Configured<Layer> {
  const settings = upSampling3dOptions.read(options);
  const { size } = settings;
  const layer = defineLayer({
    kind: 'upSampling3d',
    options: settings,
    outputShape: (shape, where) => {
      checkAxes(where, shape, 3);
      return [...size.map((factor, axis) => shape[axis] * factor), shape[3]];
    },
    apply: (_, x) => resize(x, { size: size.map((factor, axis) => x.shape[axis + 1] * factor), method: 'nearest' }),
  });
  return withLayerConfig(layer, upSampling3dOptions, settings);
}

export const resizingOptions = declareOptions('layers.resizing', {
  /** Height of the output in pixels. */
  height: required(positiveInteger, 1),
  /** Width of the output in pixels. */
  width: required(positiveInteger, 1),
  /** Way to compute a pixel from its neighbours. @default 'bilinear' */
  interpolation: optional(interpolationKind, 'bilinear'),
  /** Uses every pixel if the output is smaller. Only with 'bilinear' and 'bicubic'. @default false */
  antialias: optional(boolean, false),
  ...layerOptions,
});
export type ResizingOptions = OptionsOf<typeof resizingOptions>;

/**
 * Images of a given size: [batch, height, width, channels]. Pixels are squares around their centres, as in Keras and PyTorch.
 *
 *     layers.resizing({ height: 64, width: 64 })
 */
export function resizing(options: ResizingOptions): Configured<Layer> {
  const settings = resizingOptions.read(options);
  const { height, width, interpolation, antialias } = settings;
  const layer = defineLayer({
    kind: 'resizing',
    options: settings,
    outputShape: (shape, where) => {
      checkAxes(where, shape, 2);
      return [height, width, shape[2]];
    },
    apply: (_, x) =>
      resize(x, { size: [height, width], method: methods[interpolation], ...(interpolation !== 'nearest' && { antialias }) }),
  });
  return withLayerConfig(layer, resizingOptions, settings);
}

export const pixelShuffleOptions = declareOptions('layers.pixelShuffle', {
  /** Factor of height and width. Its square must divide the channels. */
  factor: required(positiveInteger, 1),
  ...layerOptions,
});
export type PixelShuffleOptions = OptionsOf<typeof pixelShuffleOptions>;

/**
 * Channels become pixels: [batch, height, width, channels factor^2] to [batch, height factor, width factor, channels]. Shi et al., Real-Time
 * Single Image and Video Super-Resolution, 2016; the order of the channels is PyTorch's.
 *
 *     layers.pixelShuffle({ factor: 2 })
 */
export function pixelShuffle(options: PixelShuffleOptions): Configured<Layer> {
  const settings = pixelShuffleOptions.read(options);
  const { factor } = settings;
  const layer = defineLayer({
    kind: 'pixelShuffle',
    options: settings,
    outputShape: (shape, where) => {
      checkAxes(where, shape, 2);
      const channels = shape[2] / factor ** 2;
      if (Number.isInteger(channels)) return [shape[0] * factor, shape[1] * factor, channels];
      throw new ShapeError(
        `${where}: ${shape[2]} channels of inputs ${formatBatch(shape)} are no multiple of ${factor}^2; choose another factor`,
      );
    },
    apply: (_, x) => shuffle(x, factor),
  });
  return withLayerConfig(layer, pixelShuffleOptions, settings);
}
