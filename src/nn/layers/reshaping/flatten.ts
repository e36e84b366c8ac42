import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions } from '../../../core/options.ts';
import { sizeOf } from '../../../core/shape.ts';
import { reshape } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';

export const flattenOptions = declareOptions('layers.flatten', { ...layerOptions });
export type FlattenOptions = OptionsOf<typeof flattenOptions>;

/**
 * All axes but the first in one: [batch, a, b, …] to [batch, a * b * …].
 *
 *     layers.flatten()
 */
export function flatten(options: FlattenOptions = {}): Configured<Layer> {
  const settings = flattenOptions.read(options);
  const layer = defineLayer({
    kind: 'flatten',
    options: settings,
    outputShape: (shape) => [sizeOf(shape)],
    apply: (_, x) => reshape(x, [x.shape[0], sizeOf(x.shape.slice(1))]),
  });
  return withLayerConfig(layer, flattenOptions, settings);
}
