// One value per channel: maxima and means over all axes between batch and channels.
import type { Configured } from '../../../core/config.ts';
import { boolean } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { Tensor } from '../../../graph/tensor.ts';
import { cast, div, expandDims, max, maximum as larger, mean, sum, where as choose } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, LayerOptions } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { checkAxes } from '../../windows.ts';

const globalOptions = {
  /** Keeps the pooled axes, with size 1. @default false */
  keepDims: /* @__PURE__ */ optional(boolean, false),
  ...layerOptions,
};

type Reduce = (x: Tensor, axis: readonly number[], keepDims: boolean, mask: Tensor | undefined) => Tensor;

const average: Reduce = (x, axis, keepDims, mask) => {
  if (!mask) return mean(x, { axis, keepDims });
  const counted = cast(mask, 'f32');
  const count = larger(sum(counted, { axis, keepDims }), 1);
  // A step that does not count may hold NaN.
  return div(sum(choose(mask, x, 0), { axis, keepDims }), count);
};

const maximum: Reduce = (x, axis, keepDims, mask) => max(mask ? choose(mask, x, -Infinity) : x, { axis, keepDims });

function globalLayer(kind: string, settings: LayerOptions & { readonly keepDims: boolean }, axes: number, reduce: Reduce): Layer {
  const { keepDims } = settings;
  return defineLayer({
    kind,
    options: settings,
    outputShape: (shape, where) => {
      checkAxes(where, shape, axes);
      return keepDims ? [...new Array<number>(axes).fill(1), shape[axes]] : [shape[axes]];
    },
    apply: (_, x, { mask }) => {
      const steps = axes === 1 && mask instanceof Tensor ? expandDims(mask, -1) : undefined;
      return reduce(x, Array.from({ length: axes }, (_, i) => i + 1), keepDims, steps); // prettier-ignore
    },
  });
}

export const globalMaxPooling1dOptions = declareOptions('layers.globalMaxPooling1d', { ...globalOptions });
export type GlobalMaxPooling1dOptions = OptionsOf<typeof globalMaxPooling1dOptions>;

/**
 * The largest element of each channel: [batch, steps, channels] to [batch, channels]. Steps that a mask leaves out do not count. Throws a ShapeError for inputs of another rank.
 *
 *     layers.globalMaxPooling1d()
 */
export function globalMaxPooling1d(options: GlobalMaxPooling1dOptions = {}): Configured<Layer> {
  const settings = globalMaxPooling1dOptions.read(options);
  return withLayerConfig(globalLayer('globalMaxPooling1d', settings, 1, maximum), globalMaxPooling1dOptions, settings);
}

export const globalMaxPooling2dOptions = declareOptions('layers.globalMaxPooling2d', { ...globalOptions });
export type GlobalMaxPooling2dOptions = OptionsOf<typeof globalMaxPooling2dOptions>;

/**
 * The largest element of each channel: [batch, height, width, channels] to [batch, channels]. Throws a ShapeError for inputs of another rank.
 *
 *     layers.globalMaxPooling2d()
 */
export function globalMaxPooling2d(options: GlobalMaxPooling2dOptions = {}): Configured<Layer> {
  const settings = globalMaxPooling2dOptions.read(options);
  return withLayerConfig(globalLayer('globalMaxPooling2d', settings, 2, maximum), globalMaxPooling2dOptions, settings);
}

export const globalMaxPooling3dOptions = declareOptions('layers.globalMaxPooling3d', { ...globalOptions });
export type GlobalMaxPooling3dOptions = OptionsOf<typeof globalMaxPooling3dOptions>;

/**
 * The largest element of each channel: [batch, depth, height, width, channels] to [batch, channels]. Throws a ShapeError for inputs of another rank.
 *
 *     layers.globalMaxPooling3d()
 */
export function globalMaxPooling3d(options: GlobalMaxPooling3dOptions = {}): Configured<Layer> {
  const settings = globalMaxPooling3dOptions.read(options);
  return withLayerConfig(globalLayer('globalMaxPooling3d', settings, 3, maximum), globalMaxPooling3dOptions, settings);
}

export const globalAveragePooling1dOptions = declareOptions('layers.globalAveragePooling1d', { ...globalOptions });
export type GlobalAveragePooling1dOptions = OptionsOf<typeof globalAveragePooling1dOptions>;

/**
 * The mean of each channel: [batch, steps, channels] to [batch, channels]. Steps that a mask leaves out do not count. Throws a ShapeError for inputs of another rank.
 *
 *     layers.globalAveragePooling1d()
 */
export function globalAveragePooling1d(options: GlobalAveragePooling1dOptions = {}): Configured<Layer> {
  const settings = globalAveragePooling1dOptions.read(options);
  return withLayerConfig(globalLayer('globalAveragePooling1d', settings, 1, average), globalAveragePooling1dOptions, settings);
}

export const globalAveragePooling2dOptions = declareOptions('layers.globalAveragePooling2d', { ...globalOptions });
export type GlobalAveragePooling2dOptions = OptionsOf<typeof globalAveragePooling2dOptions>;

/**
 * The mean of each channel: [batch, height, width, channels] to [batch, channels]. Throws a ShapeError for inputs of another rank.
 *
 *     layers.globalAveragePooling2d()
 */
export function globalAveragePooling2d(options: GlobalAveragePooling2dOptions = {}): Configured<Layer> {
  const settings = globalAveragePooling2dOptions.read(options);
  return withLayerConfig(globalLayer('globalAveragePooling2d', settings, 2, average), globalAveragePooling2dOptions, settings);
}

export const globalAveragePooling3dOptions = declareOptions('layers.globalAveragePooling3d', { ...globalOptions });
export type GlobalAveragePooling3dOptions = OptionsOf<typeof globalAveragePooling3dOptions>;

/**
 * The mean of each channel: [batch, depth, height, width, channels] to [batch, channels]. Throws a ShapeError for inputs of another rank.
 *
 *     layers.globalAveragePooling3d()
 */
export function globalAveragePooling3d(options: GlobalAveragePooling3dOptions = {}): Configured<Layer> {
  const settings = globalAveragePooling3dOptions.read(options);
  return withLayerConfig(globalLayer('globalAveragePooling3d', settings, 3, average), globalAveragePooling3dOptions, settings);
}
