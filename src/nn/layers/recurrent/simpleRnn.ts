import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions } from '../../../core/options.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { simpleCell } from './cells.ts';
import { cellOptions, sequenceOptions } from './options.ts';
import { type RecurrentLayer, checkStateful, recurrentLayer } from './recurrentLayer.ts';

export const simpleRnnOptions = declareOptions(
  'layers.simpleRnn',
  {
    ...cellOptions,
    ...sequenceOptions,
    ...layerOptions,
  },
  checkStateful,
);
export type SimpleRnnOptions = OptionsOf<typeof simpleRnnOptions>;

/**
 * A recurrent layer: h' = activation(x kernel + h recurrentKernel + bias) over the steps of a sequence.
 *
 * Input [batch, time, features], or a list of it and the initial state [batch, units]. Output [batch, units], or [batch, time, units] with
 * `returnSequences`. Steps that a mask leaves out keep the state. Throws a ShapeError for other inputs. Elman, "Finding Structure in Time",
 * 1990.
 *
 *     layers.simpleRnn({ units: 32, returnSequences: true })
 */
export function simpleRnn(options: SimpleRnnOptions): Configured<RecurrentLayer> {
  const settings = simpleRnnOptions.read(options);
  const reversed = (): RecurrentLayer => simpleRnn({ ...settings, goBackwards: !settings.goBackwards });
  const layer = recurrentLayer('simpleRnn', simpleCell(settings), settings, reversed);
  return withLayerConfig(layer, simpleRnnOptions, settings);
}
