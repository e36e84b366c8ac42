import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions, required } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { equal, div, mul, sqrt, square, sum, where as choose } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, TensorRecord } from '../../layer.ts';
import { layerKind, layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { type Tensors, shapesOf, specsOfBatch } from '../../spec.ts';
import { dense } from '../core/dense.ts';
import { wrappedKernel } from './wrappedKernel.ts';

export const weightNormalizationOptions = declareOptions('layers.weightNormalization', {
  /** Layer with a kernel or embeddings. */
  layer: required(layerKind, /* @__PURE__ */ dense({ units: 64 })),
  ...layerOptions,
});
export type WeightNormalizationOptions = OptionsOf<typeof weightNormalizationOptions>;

/** Sum of squares over all axes but the last. */
const squares = (kernel: Tensor): Tensor => sum(square(kernel), { axis: kernel.shape.slice(1).map((_, axis) => axis) });

/**
 * A layer whose kernel is a direction and a length: kernel = scale v / |v|, for each index of the last axis. The layer's own kernel is v, and
 * `scale` is a parameter of the wrapper. At first it is |v|, so that the layer computes as it would without the wrapper.
 *
 * Inputs and outputs are those of the layer; scale [size of the kernel's last axis]. A v of zeros gives a kernel of zeros. As PyTorch's
 * weight_norm with the axis of the outputs. Throws an ArgumentError for a layer without kernel or embeddings.
 * Salimans and Kingma, Weight Normalization, 2016.
 *
 *     layers.weightNormalization({ layer: layers.dense({ units: 64 }) })
 */
export function weightNormalization(options: WeightNormalizationOptions): Configured<Layer> {
  const settings = weightNormalizationOptions.read(options);
  const { layer: inner } = settings;
  const where = settings.name ?? 'weightNormalization';
  const layer = defineLayer<Tensors, Tensors, { scale: Tensor }, TensorRecord, { readonly layer: Layer }>({
    kind: 'weightNormalization',
    options: settings,
    takes: 'tree',
    inputDtype: inner.inputDtype,
    layers: { layer: inner },
    build: (shape, _, { layer: read }) => ({ parameters: { scale: sqrt(squares(wrappedKernel(where, inner, read(shape)).kernel)) } }),
    apply({ parameters: { scale }, layers }, inputs, { mask }) {
      const { name, kernel } = wrappedKernel(where, inner, layers.layer.parameters(shapesOf(specsOfBatch(inputs))));
      const found = squares(kernel);
      // The square root has no derivative at 0.
      const factor = div(scale, sqrt(choose(equal(found, 0), 1, found)));
      return layers.layer.flow(inputs, { mask, parameters: { [name]: mul(kernel, factor) } });
    },
  });
  return withLayerConfig(layer, weightNormalizationOptions, settings);
}
