import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions } from '../../../core/options.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { gruCell as cellOf } from './cells.ts';
import { cellOptions, resetOptions, sequenceOptions } from './options.ts';
import { type RecurrentLayer, checkStateful, recurrentLayer } from './recurrentLayer.ts';

export const gruOptions = declareOptions(
  'layers.gru',
  {
    ...cellOptions,
    ...resetOptions,
    ...sequenceOptions,
    ...layerOptions,
  },
  checkStateful,
);
export type GruOptions = OptionsOf<typeof gruOptions>;

/**
 * A gated recurrent layer, over the steps of a sequence. With the gates z, r and n of `units` each, x_g = x kernel + bias[0] and
 * y_g = h recurrentKernel + bias[1] by gate, f the activation and s the recurrent activation:
 *
 *     h' = z h + (1 - z) f(x_n + r y_n),  z = s(x_z + y_z),  r = s(x_r + y_r)
 *
 * Input [batch, time, features], or a list of it and the initial state [batch, units]. Output [batch, units], or [batch, time, units] with
 * `returnSequences`. Steps that a mask leaves out keep the state. Throws a ShapeError for other inputs. PyTorch has the gates in the order
 * r, z, n. With `resetAfter: false`, y_n is (r h) recurrentKernel, and compiling takes time in proportion to the number of steps. Cho et al.,
 * "Learning Phrase Representations using RNN Encoder-Decoder", 2014.
 *
 *     layers.gru({ units: 64, returnSequences: true })
 */
export function gru(options: GruOptions): Configured<RecurrentLayer> {
  const settings = gruOptions.read(options);
  const reversed = (): RecurrentLayer => gru({ ...settings, goBackwards: !settings.goBackwards });
  const layer = recurrentLayer('gru', cellOf(settings), settings, reversed);
  return withLayerConfig(layer, gruOptions, settings);
}
