import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions, required } from '../../../core/options.ts';
import { activationKind } from '../../activationKind.ts';
import { relu } from '../../activations.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';

export const activationOptions = declareOptions('layers.activation', {
  /** Function of each element, or of the last axis (softmax), by its name or as a function. */
  activation: required(activationKind({ relu }), 'relu'),
  ...layerOptions,
});
export type ActivationOptions = OptionsOf<typeof activationOptions>;

/**
 * An activation as a layer of its own: y = activation(x), shape unchanged.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.activation({ activation: 'relu' })
 */
export function activation(options: ActivationOptions): Configured<Layer> {
  const settings = activationOptions.read(options);
  const layer = defineLayer({
    kind: 'activation',
    options: settings,
    masking: 'pass',
    outputShape: (shape) => shape,
    apply: (_, x) => settings.activation(x),
  });
  return withLayerConfig(layer, activationOptions, settings);
}
