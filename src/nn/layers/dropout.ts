import { ArgumentError, asText, checkOptions } from '../../core/errors.ts';
import { dropout as dropoutOp } from '../../ops/index.ts';
import { type Layer, type LayerOptions, defineLayer, layerOptionNames } from '../layer.ts';

export interface DropoutOptions extends LayerOptions {
  /** Share of elements set to zero, from 0 to 1. */
  rate: number;
}

/**
 * While training, zeroes elements with probability `rate` and divides the others by 1 - rate; otherwise passes its input on. Rate 1 gives zeros.
 * Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
 *
 *     layers.dropout({ rate: 0.2 })
 */
export function dropout(options: DropoutOptions): Layer {
  checkOptions('layers.dropout', options, ['rate', ...layerOptionNames]);
  const { rate } = options;
  if (typeof rate !== 'number' || !(rate >= 0 && rate <= 1)) {
    throw new ArgumentError(`layers.dropout: rate is ${asText(rate)}; it must be a number from 0 to 1`);
  }
  return defineLayer({
    kind: 'dropout',
    options,
    outputShape: (shape) => shape,
    apply: (_, x, { training }) => (training && rate > 0 ? dropoutOp(x, { rate }) : x),
  });
}
