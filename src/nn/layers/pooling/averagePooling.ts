// Means of windows, over one, two or three axes.
import type { Configured } from '../../../core/config.ts';
import { sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { avgPool1d, avgPool2d, avgPool3d } from '../../../ops/index.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { paddingKind } from '../../windows.ts';
import { poolingLayer } from './pooling.ts';

export const averagePooling1dOptions = declareOptions('layers.averagePooling1d', {
  /** Size of a window in steps. @default 2 */
  poolSize: optional(sizes(1), 2),
  /** Step of the windows in steps. @default poolSize */
  strides: optional(sizes(1)),
  /** 'same' pads, so that the output has the size of the input divided by the strides. Padding is not counted. @default 'valid' */
  padding: optional(paddingKind, 'valid'),
  ...layerOptions,
});
export type AveragePooling1dOptions = OptionsOf<typeof averagePooling1dOptions>;

/**
 * The mean of each window, channel by channel.
 *
 * Input [batch, steps, channels]; the number of steps shrinks by the strides. Throws a ShapeError for inputs of another rank.
 *
 *     layers.averagePooling1d({ poolSize: 2 })
 */
export function averagePooling1d(options: AveragePooling1dOptions = {}): Configured<Layer> {
  const settings = averagePooling1dOptions.read(options);
  return withLayerConfig(poolingLayer('averagePooling1d', settings, avgPool1d), averagePooling1dOptions, settings);
}

export const averagePooling2dOptions = declareOptions('layers.averagePooling2d', {
  /** Size of a window in pixels: [height, width], or one number for both. @default 2 */
  poolSize: optional(sizes(2), 2),
  /** Step of the windows in pixels: [height, width], or one number for both. @default poolSize */
  strides: optional(sizes(2)),
  /** 'same' pads, so that the output has the size of the input divided by the strides. Padding is not counted. @default 'valid' */
  padding: optional(paddingKind, 'valid'),
  ...layerOptions,
});
export type AveragePooling2dOptions = OptionsOf<typeof averagePooling2dOptions>;

/**
 * The mean of each window, channel by channel.
 *
 * Input [batch, height, width, channels]; height and width shrink by the strides. Throws a ShapeError for inputs of another rank.
 *
 *     layers.averagePooling2d({ poolSize: 2 })
 */
export function averagePooling2d(options: AveragePooling2dOptions = {}): Configured<Layer> {
  const settings = averagePooling2dOptions.read(options);
  return withLayerConfig(poolingLayer('averagePooling2d', settings, avgPool2d), averagePooling2dOptions, settings);
}

export const averagePooling3dOptions = declareOptions('layers.averagePooling3d', {
  /** Size of a window in voxels: [depth, height, width], or one number for all. @default 2 */
  poolSize: optional(sizes(3), 2),
  /** Step of the windows in voxels: [depth, height, width], or one number for all. @default poolSize */
  strides: optional(sizes(3)),
  /** 'same' pads, so that the output has the size of the input divided by the strides. Padding is not counted. @default 'valid' */
  padding: optional(paddingKind, 'valid'),
  ...layerOptions,
});
export type AveragePooling3dOptions = OptionsOf<typeof averagePooling3dOptions>;

/**
 * The mean of each window, channel by channel.
 *
 * Input [batch, depth, height, width, channels]; depth, height and width shrink by the strides. Throws a ShapeError for inputs of another rank.
 *
 *     layers.averagePooling3d({ poolSize: 2 })
 */
export function averagePooling3d(options: AveragePooling3dOptions = {}): Configured<Layer> {
  const settings = averagePooling3dOptions.read(options);
  return withLayerConfig(poolingLayer('averagePooling3d', settings, avgPool3d), averagePooling3dOptions, settings);
}
