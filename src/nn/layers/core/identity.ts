import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions } from '../../../core/options.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';

export const identityOptions = declareOptions('layers.identity', { ...layerOptions });
export type IdentityOptions = OptionsOf<typeof identityOptions>;

/**
 * Passes its input on.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.identity()
 */
export function identity(options: IdentityOptions = {}): Configured<Layer> {
  const settings = identityOptions.read(options);
  const layer = defineLayer({
    kind: 'identity',
    options: settings,
    masking: 'pass',
    outputShape: (shape) => shape,
    apply: (_, x) => x,
  });
  return withLayerConfig(layer, identityOptions, settings);
}
