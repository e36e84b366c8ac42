import type { Configured } from '../../../core/config.ts';
import { ArgumentError } from '../../../core/errors.ts';
import { type OptionsOf, declareOptions, required } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { flip, slice, squeeze, stack } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { TensorRecord } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { type Tensors, shapesOf, specsOfBatch } from '../../spec.ts';
import { unrolled } from './allSteps.ts';
import { type CellLayer, cellKind, gruCell } from './cellLayers.ts';
import { stepOptions } from './options.ts';
import {
  type RecurrentLayer,
  beginOf,
  checkSequence,
  checkStateful,
  dropoutMask,
  freshState,
  maskOfSequence,
  resetState,
  resultOfSteps,
} from './recurrentLayer.ts';

export const rnnOptions = declareOptions(
  'layers.rnn',
  {
    /** Cell that computes each step. */
    cell: required(cellKind, /* @__PURE__ */ gruCell({ units: 64 })),
    ...stepOptions,
    ...layerOptions,
  },
  checkStateful,
);
export type RnnOptions = OptionsOf<typeof rnnOptions>;

/**
 * A cell over the steps of a sequence: [y_t, ...states_t] = cell([x_t, ...states_(t-1)]).
 *
 * Input [batch, time, features], or a list of it and the initial states. Output [batch, units], or [batch, time, units] with
 * `returnSequences`. Steps that a mask leaves out keep the states. A cell of your own takes a graph with the ops of every step. Throws a
 * ShapeError for other inputs.
 *
 *     layers.rnn({ cell: layers.lstmCell({ units: 64 }), returnSequences: true })
 */
export function rnn(options: RnnOptions): Configured<RecurrentLayer> {
  const settings = rnnOptions.read(options);
  const { cell, goBackwards, returnSequences, stateful, batchSize } = settings;
  const { stateSize } = cell;
  const label = settings.name ?? 'rnn';
  const layer = defineLayer<Tensors, Tensors, TensorRecord, TensorRecord, { readonly cell: CellLayer }>({
    kind: 'rnn',
    options: settings,
    takes: 'tree',
    layers: { cell },
    build: () => (stateful ? { state: freshState(batchSize!, stateSize) } : {}),
    apply({ state, layers }, inputs, { training, mask: given }) {
      checkSequence(label, shapesOf(specsOfBatch(inputs)), stateSize);
      const { x, initial } = beginOf(label, inputs, state, stateSize, settings);
      const masks = (cell.sharedMasks?.(x.shape[2]) ?? []).flatMap(
        ({ rate, size }) => dropoutMask(rate, [x.shape[0], size], training) ?? [],
      );
      const turned = (t: Tensor): Tensor => (goBackwards ? flip(t, 1) : t);
      const sequenceMask = maskOfSequence(given);
      const mask = sequenceMask && turned(sequenceMask);
      if (cell.takesSequences) {
        const [outputs, last] = readStep(label, layers.cell([turned(x), ...initial, ...masks], { mask }), stateSize.length);
        const [batch, time] = x.shape;
        const final = (): Tensor => squeeze(slice(outputs, [0, time - 1], [batch, time]), 1);
        return resultOfSteps(returnSequences ? outputs : final(), last, mask, settings);
      }
      const { outputs, last } = unrolled(turned(x), initial, mask, (input, states) =>
        readStep(label, layers.cell([input, ...states, ...masks]), stateSize.length),
      );
      return resultOfSteps(returnSequences ? stack(outputs, 1) : outputs[outputs.length - 1], last, mask, settings);
    },
  });
  const reversed = (): RecurrentLayer | undefined =>
    cell.copy && rnn({ ...settings, cell: cell.copy(), goBackwards: !settings.goBackwards });
  const made: RecurrentLayer = Object.assign(layer, {
    steps: { settings, stateSize, reversed },
    resetState: () => resetState(layer, settings, stateSize),
  });
  return withLayerConfig(made, rnnOptions, settings);
}

/** Output and next states among the results of a cell. */
function readStep(where: string, results: Tensors, states: number): readonly [Tensor, readonly Tensor[]] {
  if (Array.isArray(results) && results.length === states + 1) return [results[0] as Tensor, results.slice(1) as Tensor[]];
  const got = Array.isArray(results) ? `a list of ${results.length}` : 'no list';
  throw new ArgumentError(
    `${where}: the cell returned ${got}; it must return [output, ...states] with ${states} states, as its stateSize says`,
  );
}
