// Layers that remove a border.
import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { sliceAxis } from '../../../ops/shape/slice.ts';
import type { Sides } from '../../../ops/conv/extent.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, LayerOptions } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';
import { checkAxes } from '../../windows.ts';
import { sidesKind } from './border.ts';

function croppingLayer(kind: string, settings: LayerOptions, sides: readonly Sides[]): Layer {
  return defineLayer({
    kind,
    options: settings,
    outputShape: (shape, where) => {
      checkAxes(where, shape, sides.length);
      const left = sides.map(([before, after], axis) => shape[axis] - before - after);
      if (left.every((size) => size > 0)) return [...left, shape[sides.length]];
      throw new ShapeError(`${where}: nothing is left of inputs ${formatBatch(shape)} without ${JSON.stringify(sides)}; crop less`);
    },
    apply: (_, x) => sides.reduce((y, [before, after], axis) => sliceAxis(y, axis + 1, before, y.shape[axis + 1] - before - after), x),
  });
}

export const cropping1dOptions = declareOptions('layers.cropping1d', {
  /** Number of steps that are removed at each side: one number, or [before, after]. @default 1 */
  cropping: optional(sidesKind(1), 1),
  ...layerOptions,
});
export type Cropping1dOptions = OptionsOf<typeof cropping1dOptions>;

/**
 * Removes the border of sequences.
 *
 * Input [batch, steps, channels]. Throws a ShapeError for inputs of another rank, or with nothing left.
 *
 *     layers.cropping1d({ cropping: 1 })
 */
export function cropping1d(options: Cropping1dOptions = {}): Configured<Layer> {
  const settings = cropping1dOptions.read(options);
  return withLayerConfig(croppingLayer('cropping1d', settings, settings.cropping), cropping1dOptions, settings);
}

export const cropping2dOptions = declareOptions('layers.cropping2d', {
  /** Number of pixels that are removed at each side: one number, [height, width], or [[top, bottom], [left, right]]. @default 1 */
  cropping: optional(sidesKind(2), 1),
  ...layerOptions,
});
export type Cropping2dOptions = OptionsOf<typeof cropping2dOptions>;

/**
 * Removes the border of images.
 *
 * Input [batch, height, width, channels]. Throws a ShapeError for inputs of another rank, or with nothing left.
 *
 *     layers.cropping2d({ cropping: [[0, 1], [0, 1]] })
 */
export function cropping2d(options: Cropping2dOptions = {}): Configured<Layer> {
  const settings = cropping2dOptions.read(options);
  return withLayerConfig(croppingLayer('cropping2d', settings, settings.cropping), cropping2dOptions, settings);
}

export const cropping3dOptions = declareOptions('layers.cropping3d', {
  /** Number of voxels that are removed at each side: one number, [depth, height, width], or [[front, back], [top, bottom], [left, right]]. @default 1 */
  cropping: optional(sidesKind(3), 1),
  ...layerOptions,
});
export type Cropping3dOptions = OptionsOf<typeof cropping3dOptions>;

/**
 * Removes the border of volumes.
 *
 * Input [batch, depth, height, width, channels]. Throws a ShapeError for inputs of another rank, or with nothing left.
 *
 *     layers.cropping3d({ cropping: [[0, 1], [0, 1], [0, 1]] })
 */
export function cropping3d(options: Cropping3dOptions = {}): Configured<Layer> {
  const settings = cropping3dOptions.read(options);
  return withLayerConfig(croppingLayer('cropping3d', settings, settings.cropping), cropping3dOptions, settings);
}

export const centerCropOptions = declareOptions('layers.centerCrop', {
  /** Height of the output in pixels. */
  height: required(positiveInteger, 1),
  /** Width of the output in pixels. */
  width: required(positiveInteger, 1),
  ...layerOptions,
});
export type CenterCropOptions = OptionsOf<typeof centerCropOptions>;

/**
 * The middle of images: [batch, height, width, channels]. An odd pixel is removed at the end. Throws a ShapeError for smaller images.
 *
 *     layers.centerCrop({ height: 224, width: 224 })
 */
export function centerCrop(options: CenterCropOptions): Configured<Layer> {
  const settings = centerCropOptions.read(options);
  const { height, width } = settings;
  const layer = defineLayer({
    kind: 'centerCrop',
    options: settings,
    outputShape: (shape, where) => {
      checkAxes(where, shape, 2);
      if (shape[0] >= height && shape[1] >= width) return [height, width, shape[2]];
      throw new ShapeError(`${where}: cannot crop ${height}x${width} pixels out of inputs ${formatBatch(shape)}; resize them first`);
    },
    apply: (_, x) => {
      const rows = sliceAxis(x, 1, Math.floor((x.shape[1] - height) / 2), height);
      return sliceAxis(rows, 2, Math.floor((x.shape[2] - width) / 2), width);
    },
  });
  return withLayerConfig(layer, centerCropOptions, settings);
}
