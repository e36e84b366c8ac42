// Pooling to a given size, for any size of the input.
import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { type Kind, kindOf, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, required } from '../../../core/options.ts';
import type { Shape } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { adaptiveAvgPool, adaptiveMaxPool } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, LayerOptions } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';

/** Sizes of an output: one for all axes, or one for each. */
export type OutputSize = number | readonly number[];

const outputSizeKind: Kind<OutputSize> = /* @__PURE__ */ kindOf({
  rule: 'a positive integer, or a list of one to three',
  accepts: (value): value is OutputSize =>
    positiveInteger.accepts(value) ||
    (Array.isArray(value) && value.length >= 1 && value.length <= 3 && Array.from<unknown>(value).every((n) => positiveInteger.accepts(n))),
});

const adaptiveOptions = {
  /** Size of the output along each axis between batch and channels, such as [height, width], or one number for all. */
  outputSize: /* @__PURE__ */ required(outputSizeKind, 1),
  ...layerOptions,
};

type Pool = (x: Tensor, options: { readonly size: OutputSize }) => Tensor;

function adaptiveLayer(kind: string, settings: LayerOptions & { readonly outputSize: OutputSize }, pool: Pool): Layer {
  const { outputSize } = settings;
  const outputShape = (shape: Shape, where: string): Shape => {
    const axes = shape.length - 1;
    const sizes = typeof outputSize === 'number' ? new Array<number>(axes).fill(outputSize) : outputSize;
    if (axes < 1 || axes > 3 || sizes.length !== axes) {
      const wanted = typeof outputSize === 'number' ? 'one to three axes' : `${outputSize.length} axes`;
      throw new ShapeError(`${where}: takes inputs with ${wanted} between batch and channels, got inputs of shape ${formatBatch(shape)}`);
    }
    return [...sizes, shape[axes]];
  };
  return defineLayer({ kind, options: settings, outputShape, apply: (_, x) => pool(x, { size: outputSize }) });
}

export const adaptiveAveragePoolingOptions = declareOptions('layers.adaptiveAveragePooling', { ...adaptiveOptions });
export type AdaptiveAveragePoolingOptions = OptionsOf<typeof adaptiveAveragePoolingOptions>;

/**
 * Means of a given number of windows, for any size of the input, like PyTorch's AdaptiveAvgPool. Windows may overlap.
 *
 * Input [batch, ...axes, channels] with one to three axes. Throws a ShapeError for inputs of another rank.
 *
 *     layers.adaptiveAveragePooling({ outputSize: [7, 7] })
 */
export function adaptiveAveragePooling(options: AdaptiveAveragePoolingOptions): Configured<Layer> {
  const settings = adaptiveAveragePoolingOptions.read(options);
  return withLayerConfig(adaptiveLayer('adaptiveAveragePooling', settings, adaptiveAvgPool), adaptiveAveragePoolingOptions, settings);
}

export const adaptiveMaxPoolingOptions = declareOptions('layers.adaptiveMaxPooling', { ...adaptiveOptions });
export type AdaptiveMaxPoolingOptions = OptionsOf<typeof adaptiveMaxPoolingOptions>;

/**
 * Maxima of a given number of windows, for any size of the input, like PyTorch's AdaptiveMaxPool. Windows may overlap.
 *
 * Input [batch, ...axes, channels] with one to three axes. Throws a ShapeError for inputs of another rank.
 *
 *     layers.adaptiveMaxPooling({ outputSize: [7, 7] })
 */
export function adaptiveMaxPooling(options: AdaptiveMaxPoolingOptions): Configured<Layer> {
  const settings = adaptiveMaxPoolingOptions.read(options);
  return withLayerConfig(adaptiveLayer('adaptiveMaxPooling', settings, adaptiveMaxPool), adaptiveMaxPoolingOptions, settings);
}
