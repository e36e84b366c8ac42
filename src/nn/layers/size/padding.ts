// Layers that add a border.
import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { oneOf } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { concat, pad } from '../../../ops/index.ts';
import { sliceAxis } from '../../../ops/shape/slice.ts';
import type { Sides } from '../../../ops/conv/extent.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, LayerOptions } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';
import { checkAxes } from '../../windows.ts';
import { sidesKind } from './border.ts';

type Mode = 'constant' | 'reflect' | 'edge' | 'circular';

const borderMode = /* @__PURE__ */ oneOf('constant', 'reflect', 'edge', 'circular');

/** Longest border that an axis of this size can give. */
const longest: Readonly<Record<Mode, (size: number) => number>> = {
  constant: () => Infinity,
  edge: (size) => (size > 0 ? Infinity : 0),
  reflect: (size) => size - 1,
  circular: (size) => size,
};

/** The other end of an axis, at each side. */
function wrapped(x: Tensor, axis: number, [before, after]: Sides): Tensor {
  const size = x.shape[axis];
  const parts = [...(before ? [sliceAxis(x, axis, size - before, before)] : []), x, ...(after ? [sliceAxis(x, axis, 0, after)] : [])];
  return parts.length > 1 ? concat(parts, axis) : x;
}

function paddingLayer(kind: string, settings: LayerOptions & { readonly mode: Mode }, sides: readonly Sides[]): Layer {
  const { mode } = settings;
  return defineLayer({
    kind,
    options: settings,
    outputShape: (shape, where) => {
      checkAxes(where, shape, sides.length);
      sides.forEach((side, axis) => {
        const most = longest[mode](shape[axis]);
        if (Math.max(...side) <= most) return;
        throw new ShapeError(
          `${where}: mode '${mode}' gives a border of at most ${most} from ${shape[axis]} elements (inputs ${formatBatch(shape)}); pad less`,
        );
      });
      return [...sides.map(([before, after], axis) => before + shape[axis] + after), shape[sides.length]];
    },
    apply: (_, x) =>
      mode === 'circular' ? sides.reduce((y, side, axis) => wrapped(y, axis + 1, side), x) : pad(x, [[0, 0], ...sides, [0, 0]], { mode }),
  });
}

export const zeroPadding1dOptions = declareOptions('layers.zeroPadding1d', {
  /** Number of steps that are added at each side: one number, or [before, after]. @default 1 */
  padding: optional(sidesKind(1), 1),
  /** Values of the border: zeros, the input mirrored without its outermost elements, its outermost elements, or its other end. @default 'constant' */
  mode: optional(borderMode, 'constant'),
  ...layerOptions,
});
export type ZeroPadding1dOptions = OptionsOf<typeof zeroPadding1dOptions>;

/**
 * Adds a border to sequences: zeros, or values of the input.
 *
 * Input [batch, steps, channels]. Throws a ShapeError for inputs of another rank.
 *
 *     layers.zeroPadding1d({ padding: 1 })
 */
export function zeroPadding1d(options: ZeroPadding1dOptions = {}): Configured<Layer> {
  const settings = zeroPadding1dOptions.read(options);
  return withLayerConfig(paddingLayer('zeroPadding1d', settings, settings.padding), zeroPadding1dOptions, settings);
}

export const zeroPadding2dOptions = declareOptions('layers.zeroPadding2d', {
  /** Number of pixels that are added at each side: one number, [height, width], or [[top, bottom], [left, right]]. @default 1 */
  padding: optional(sidesKind(2), 1),
  /** Values of the border: zeros, the input mirrored without its outermost elements, its outermost elements, or its other end. @default 'constant' */
  mode: optional(borderMode, 'constant'),
  ...layerOptions,
});
export type ZeroPadding2dOptions = OptionsOf<typeof zeroPadding2dOptions>;

/**
 * Adds a border to images: zeros, or values of the input.
 *
 * Input [batch, height, width, channels]. Throws a ShapeError for inputs of another rank.
 *
 *     layers.zeroPadding2d({ padding: [[0, 1], [0, 1]] })
 */
export function zeroPadding2d(options: ZeroPadding2dOptions = {}): Configured<Layer> {
  const settings = zeroPadding2dOptions.read(options);
  return withLayerConfig(paddingLayer('zeroPadding2d', settings, settings.padding), zeroPadding2dOptions, settings);
}

export const zeroPadding3dOptions = declareOptions('layers.zeroPadding3d', {
  /** Number of voxels that are added at each side: one number, [depth, height, width], or [[front, back], [top, bottom], [left, right]]. @default 1 */
  padding: optional(sidesKind(3), 1),
  /** Values of the border: zeros, the input mirrored without its outermost elements, its outermost elements, or its other end. @default 'constant' */
  mode: optional(borderMode, 'constant'),
  ...layerOptions,
});
export type ZeroPadding3dOptions = OptionsOf<typeof zeroPadding3dOptions>;

/**
 * Adds a border to volumes: zeros, or values of the input.
 *
 * Input [batch, depth, height, width, channels]. Throws a ShapeError for inputs of another rank.
 *
 *     layers.zeroPadding3d({ padding: [[0, 1], [0, 1], [0, 1]] })
 */
export function zeroPadding3d(options: ZeroPadding3dOptions = {}): Configured<Layer> {
  const settings = zeroPadding3dOptions.read(options);
  return withLayerConfig(paddingLayer('zeroPadding3d', settings, settings.padding), zeroPadding3dOptions, settings);
}
