import type { Configured } from '../../../core/config.ts';
import { number } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, required } from '../../../core/options.ts';
import { dropout as dropoutOp } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';

export const dropoutOptions = declareOptions('layers.dropout', {
  /** Probability that an element is set to zero, from 0 to 1. */
  rate: required(number('0 to 1'), 0.5),
  ...layerOptions,
});
export type DropoutOptions = OptionsOf<typeof dropoutOptions>;

/**
 * While training, zeroes elements with probability `rate` and divides the others by 1 - rate; otherwise passes its input on. Rate 1 gives zeros.
 * Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.dropout({ rate: 0.2 })
 */
export function dropout(options: DropoutOptions): Configured<Layer> {
  const settings = dropoutOptions.read(options);
  const { rate } = settings;
  const layer = defineLayer({
    kind: 'dropout',
    options: settings,
    masking: 'pass',
    outputShape: (shape) => shape,
    apply: (_, x, { training }) => (training && rate > 0 ? dropoutOp(x, { rate }) : x),
  });
  return withLayerConfig(layer, dropoutOptions, settings);
}
