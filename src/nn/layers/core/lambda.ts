import type { Configured } from '../../../core/config.ts';
import { callable } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, required } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import type { Tensors } from '../../spec.ts';

/** A function of a batch. Lists and records of tensors come as they are. */
export type LambdaFunction = (x: Tensor, options: { readonly training: boolean }) => Tensors;

export const lambdaOptions = declareOptions('layers.lambda', {
  /** Function of a batch, made of ops. It sees the real batch size. Its results begin with the batch axis. */
  fn: required(callable<LambdaFunction>('a function of a tensor'), (x) => x),
  ...layerOptions,
});
export type LambdaOptions = OptionsOf<typeof lambdaOptions>;

/**
 * A function of your own as a layer, without variables: y = fn(x). Masks end here.
 *
 * Input [batch, …], output [batch, …] with the shape of the result.
 *
 *     layers.lambda({ fn: (x) => x.square() })
 *
 * @throws ShapeError if a result does not begin with the batch axis.
 */
export function lambda(options: LambdaOptions): Configured<Layer> {
  const settings = lambdaOptions.read(options);
  const layer = defineLayer<Tensor, Tensors>({
    kind: 'lambda',
    options: settings,
    apply: (_, x, { training }) => ({ outputs: settings.fn(x, { training }) }),
  });
  return withLayerConfig(layer, lambdaOptions, settings);
}
