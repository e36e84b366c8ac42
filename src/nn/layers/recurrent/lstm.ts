import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions } from '../../../core/options.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { lstmCell as cellOf } from './cells.ts';
import { cellOptions, forgetOptions, sequenceOptions } from './options.ts';
import { type RecurrentLayer, checkStateful, recurrentLayer } from './recurrentLayer.ts';

export const lstmOptions = declareOptions(
  'layers.lstm',
  {
    ...cellOptions,
    ...forgetOptions,
    ...sequenceOptions,
    ...layerOptions,
  },
  checkStateful,
);
export type LstmOptions = OptionsOf<typeof lstmOptions>;

/**
 * A recurrent layer with long short-term memory, over the steps of a sequence. With z = x kernel + h recurrentKernel + bias, cut into the
 * gates i, f, g and o of `units` each, f the activation and s the recurrent activation:
 *
 *     c' = s(z_f) c + s(z_i) f(z_g),  h' = s(z_o) f(c')
 *
 * Input [batch, time, features], or a list of it and the initial h and c [batch, units]. Output [batch, units], or [batch, time, units] with
 * `returnSequences`. Steps that a mask leaves out keep the states. Throws a ShapeError for other inputs. PyTorch has the gates in the same
 * order, and two biases that are added. Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997.
 *
 *     layers.lstm({ units: 64, returnSequences: true })
 */
export function lstm(options: LstmOptions): Configured<RecurrentLayer> {
  const settings = lstmOptions.read(options);
  const reversed = (): RecurrentLayer => lstm({ ...settings, goBackwards: !settings.goBackwards });
  const layer = recurrentLayer('lstm', cellOf(settings), settings, reversed);
  return withLayerConfig(layer, lstmOptions, settings);
}
