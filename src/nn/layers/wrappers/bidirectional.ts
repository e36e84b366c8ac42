import type { Configured } from '../../../core/config.ts';
import { ArgumentError, ShapeError } from '../../../core/errors.ts';
import { type Kind, kindOf, oneOf } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { Tensor } from '../../../graph/tensor.ts';
import { add, concat, div, expandDims, flip, mul, where } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import { type Layer, type TensorRecord, layerOf } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { type Tensors, shapesOf, specsOfBatch } from '../../spec.ts';
import { gru } from '../recurrent/gru.ts';
import { type RecurrentLayer, checkSequence, maskOfSequence } from '../recurrent/recurrentLayer.ts';

const isRecurrent = (value: unknown): value is RecurrentLayer =>
  (layerOf(value) as Partial<RecurrentLayer> | undefined)?.steps !== undefined;

const recurrentKind: Kind<RecurrentLayer> = /* @__PURE__ */ kindOf({
  rule: 'a recurrent layer, such as layers.lstm({ units: 64 })',
  accepts: isRecurrent,
});

export const bidirectionalOptions = declareOptions(
  'layers.bidirectional',
  {
    /** Recurrent layer that reads the steps in its own direction. */
    layer: required(recurrentKind, /* @__PURE__ */ gru({ units: 64 })),
    /** How the outputs of both directions become one. 'none' returns both. @default 'concat' */
    mergeMode: optional(oneOf('concat', 'sum', 'mul', 'ave', 'none'), 'concat'),
    /** Recurrent layer that reads the steps in the other direction. Without it, a layer with the options of `layer`. */
    backwardLayer: optional(recurrentKind),
    ...layerOptions,
  },
  ({ layer, backwardLayer }, where) => {
    if (!backwardLayer) return;
    const [a, b] = [layer.steps.settings, backwardLayer.steps.settings];
    if (layer === backwardLayer) throw new ArgumentError(`${where}: backwardLayer is layer; make a second layer, with goBackwards`);
    if (a.goBackwards === b.goBackwards) {
      throw new ArgumentError(`${where}: layer and backwardLayer read in one direction; give one of them goBackwards: true`);
    }
    for (const name of ['returnSequences', 'returnState', 'stateful'] as const) {
      if (a[name] !== b[name]) {
        throw new ArgumentError(`${where}: ${name} is ${a[name]} in layer and ${b[name]} in backwardLayer; both need the same`);
      }
    }
  },
);
export type BidirectionalOptions = OptionsOf<typeof bidirectionalOptions>;

const merges = {
  concat: (a: Tensor, b: Tensor) => concat([a, b], -1),
  sum: add,
  mul,
  ave: (a: Tensor, b: Tensor) => div(add(a, b), 2),
};

/**
 * A recurrent layer in both directions. The outputs of both are in the order of the steps, and are merged.
 *
 * Input [batch, time, features], or a list of it and the initial states, those of `layer` first. Output [batch, 2 units] with
 * `mergeMode: 'concat'`, otherwise [batch, units]; with a time axis if the layer has `returnSequences`. With `returnState`, a list of outputs
 * and states. Outputs of all steps are 0 in steps that a mask leaves out. Throws a ShapeError for other inputs, an ArgumentError for layers
 * that do not fit. Schuster and Paliwal, "Bidirectional Recurrent Neural Networks", 1997.
 *
 *     layers.bidirectional({ layer: layers.lstm({ units: 64, returnSequences: true }) })
 */
export function bidirectional(options: BidirectionalOptions): Configured<Layer & Pick<RecurrentLayer, 'resetState'>> {
  const settings = bidirectionalOptions.read(options);
  const { layer: forward, mergeMode } = settings;
  const backward = settings.backwardLayer ?? forward.steps.reversed();
  if (!backward) {
    throw new ArgumentError(
      'layers.bidirectional: layer has a cell of your own, of which no second one can be made; give backwardLayer, with goBackwards: true',
    );
  }
  const { returnSequences, returnState, goBackwards } = forward.steps.settings;
  const sizes = [forward, backward].map(({ steps }) => steps.stateSize);
  const label = settings.name ?? 'bidirectional';
  const layer = defineLayer<
    Tensors,
    Tensors,
    TensorRecord,
    TensorRecord,
    { readonly forward: RecurrentLayer; readonly backward: RecurrentLayer }
  >({
    kind: 'bidirectional',
    options: settings,
    takes: 'tree',
    layers: { forward, backward },
    apply({ layers: calls }, inputs, { mask: given }) {
      checkSequence(label, shapesOf(specsOfBatch(inputs)), sizes.flat());
      const mask = maskOfSequence(given);
      const [x, ...initial] = inputs instanceof Tensor ? [inputs] : (inputs as readonly Tensor[]);
      const run = (name: 'forward' | 'backward', states: readonly Tensor[]): readonly Tensor[] => {
        const tree: Tensors = states.length ? [x, ...states] : x;
        const results = calls[name](tree, { mask: states.length ? [mask] : mask });
        return results instanceof Tensor ? [results] : (results as readonly Tensor[]);
      };
      const found = [run('forward', initial.slice(0, sizes[0].length)), run('backward', initial.slice(sizes[0].length))];
      const outputs = found.map(([output], i) => {
        if (!returnSequences) return output;
        const inOrder = (i === 1) !== goBackwards ? flip(output, 1) : output;
        return mask ? where(expandDims(mask, -1), inOrder, 0) : inOrder;
      });
      const states = found.flatMap((results) => results.slice(1));
      if (mergeMode !== 'none' && mergeMode !== 'concat' && outputs[0].shape.join() !== outputs[1].shape.join()) {
        throw new ShapeError(
          `${label}: mergeMode '${mergeMode}' needs outputs of one size, got ${outputs.map(String).join(' and ')}; use 'concat'`,
        );
      }
      const merged = mergeMode === 'none' ? outputs : [merges[mergeMode](outputs[0], outputs[1])];
      const passed = returnSequences ? mask : undefined;
      const isList = returnState || mergeMode === 'none';
      return {
        outputs: isList ? [...merged, ...states] : merged[0],
        mask: isList && passed ? [...merged.map(() => passed), ...states.map(() => undefined)] : passed,
      };
    },
  });
  const made = Object.assign(layer, {
    resetState() {
      for (const each of [forward, backward]) each.resetState();
    },
  });
  return withLayerConfig(made, bidirectionalOptions, settings);
}
