import { checkOptions } from '../../core/errors.ts';
import { sizeOf } from '../../core/shape.ts';
import { reshape } from '../../ops/index.ts';
import { type Layer, type LayerOptions, defineLayer, layerOptionNames } from '../layer.ts';

/**
 * All axes but the first in one: [batch, a, b, …] to [batch, a * b * …].
 *
 *     layers.flatten()
 */
export function flatten(options: LayerOptions = {}): Layer {
  checkOptions('layers.flatten', options, layerOptionNames);
  return defineLayer({
    kind: 'flatten',
    options,
    outputShape: (shape) => [sizeOf(shape)],
    apply: (_, x) => reshape(x, [x.shape[0], sizeOf(x.shape.slice(1))]),
  });
}
