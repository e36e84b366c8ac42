import { ArgumentError, checkOptions } from '../../core/errors.ts';
import { type Activation, type ActivationName, resolveActivation } from '../activations.ts';
import { type Layer, type LayerOptions, defineLayer, layerOptionNames } from '../layer.ts';

export interface ActivationOptions extends LayerOptions {
  activation: ActivationName | Activation;
}

/**
 * An activation as a layer of its own: y = activation(x), shape unchanged.
 *
 *     layers.activation({ activation: 'relu' })
 */
export function activation(options: ActivationOptions): Layer {
  checkOptions('layers.activation', options, ['activation', ...layerOptionNames]);
  if ((options.activation as unknown) === undefined)
    throw new ArgumentError("layers.activation: activation is missing; give a name such as 'relu' or a function");
  const fn = resolveActivation('layers.activation', options.activation);
  return defineLayer({ kind: 'activation', options, outputShape: (shape) => shape, apply: (_, x) => fn(x) });
}
