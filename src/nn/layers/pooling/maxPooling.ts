// Maxima of windows, over one, two or three axes.
import type { Configured } from '../../../core/config.ts';
import { sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { maxPool1d, maxPool2d, maxPool3d } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { paddingKind } from '../../windows.ts';
import { poolingLayer } from './pooling.ts';

export const maxPooling1dOptions = declareOptions('layers.maxPooling1d', {
  /** Size of a window in steps. @default 2 */
  poolSize: optional(sizes(1), 2),
  /** Step of the windows in steps. @default poolSize */
  strides: optional(sizes(1)),
  /** 'same' pads, so that the output has the size of the input divided by the strides. Padding is never the largest element. @default 'valid' */
  padding: optional(paddingKind, 'valid'),
  ...layerOptions,
});
export type MaxPooling1dOptions = OptionsOf<typeof maxPooling1dOptions>;

/**
 * The largest element of each window, channel by channel.
 *
 * Input [batch, steps, channels]; the number of steps shrinks by the strides. Throws a ShapeError for inputs of another rank.
 *
 *     layers.maxPooling1d({ poolSize: 2 })
 */
export function maxPooling1d(options: MaxPooling1dOptions = {}): Configured<Layer> {
  const settings = maxPooling1dOptions.read(options);
  return withLayerConfig(poolingLayer('maxPooling1d', settings, maxPool1d), maxPooling1dOptions, settings);
}

export const maxPooling2dOptions = declareOptions('layers.maxPooling2d', {
  /** Size of a window in pixels: [height, width], or one number for both. @default 2 */
  poolSize: optional(sizes(2), 2),
  /** Step of the windows in pixels: [height, width], or one number for both. @default poolSize */
  strides: optional(sizes(2)),
  /** 'same' pads, so that the output has the size of the input divided by the strides. Padding is never the largest element. @default 'valid' */
  padding: optional(paddingKind, 'valid'),
  ...layerOptions,
});
export type MaxPooling2dOptions = OptionsOf<typeof maxPooling2dOptions>;

/**
 * The largest element of each window, channel by channel.
 *
 * Input [batch, height, width, channels]; height and width shrink by the strides. Throws a ShapeError for inputs of another rank.
 *
 *     layers.maxPooling2d({ poolSize: 2 })
 */
export function maxPooling2d(options: MaxPooling2dOptions = {}): Configured<Layer> {
  const settings = maxPooling2dOptions.read(options);
  return withLayerConfig(poolingLayer('maxPooling2d', settings, maxPool2d), maxPooling2dOptions, settings);
}

export const maxPooling3dOptions = declareOptions('layers.maxPooling3d', {
  /** Size of a window in voxels: [depth, height, width], or one number for all. @default 2 */
  poolSize: optional(sizes(3), 2),
  /** Step of the windows in voxels: [depth, height, width], or one number for all. @default poolSize */
  strides: optional(sizes(3)),
  /** 'same' pads, so that the output has the size of the input divided by the strides. Padding is never the largest element. @default 'valid' */
  padding: optional(paddingKind, 'valid'),
  ...layerOptions,
});
export type MaxPooling3dOptions = OptionsOf<typeof maxPooling3dOptions>;

/**
 * The largest element of each window, channel by channel.
 *
 * Input [batch, depth, height, width, channels]; depth, height and width shrink by the strides. Throws a ShapeError for inputs of another rank.
 *
 *     layers.maxPooling3d({ poolSize: 2 })
 */
export function maxPooling3d(options: MaxPooling3dOptions = {}): Configured<Layer> {
  const settings = maxPooling3dOptions.read(options);
  return withLayerConfig(poolingLayer('maxPooling3d', settings, maxPool3d), maxPooling3dOptions, settings);
}
