// Attention without products of its own: of dot products, or of sums.
import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { boolean, oneOf } from '../../../core/optionKinds.ts';
import { type OptionsOf, type SettingsIn, declareOptions, optional } from '../../../core/options.ts';
import type { RandomStream } from '../../../core/random.ts';
import type { Shape } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { add, cast, dropout, expandDims, lessEqual, matmul, mul, ones, reshape, squeeze, sum, tanh, where } from '../../../ops/index.ts';
import { iota } from '../../../ops/create/create.ts';
import { excluded, weightsOf } from '../../../ops/attention/scores.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializers } from '../../initializers.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { type Shapes, type Tensors, formatBatch } from '../../spec.ts';
import { type AttentionRun, attend, keyMask } from './heads.ts';
import { attentionInputs, attentionMasks, attentionShapes } from './inputs.ts';
import { attentionWeightOptions } from './options.ts';

const options = { ...attentionWeightOptions, ...layerOptions };

function checkFeatures(where: string, shapes: Shapes): ReturnType<typeof attentionShapes> {
  const found = attentionShapes(where, shapes);
  if (found.query[1] === found.key[1]) return found;
  throw new ShapeError(`${where}: query ${formatBatch(found.query)} and key ${formatBatch(found.key)} need equally many features`);
}

type Scores = (query: Tensor, key: Tensor) => Tensor;

/** softmax(scores) v with masks and dropout: queries [batch, time, features]. */
function attendScores(scores: Tensor, value: Tensor, { causal, dropout: rate, keys }: AttentionRun): Tensor {
  const [queries, steps] = scores.shape.slice(-2);
  const earlier = causal && lessEqual(reshape(iota(steps), [1, steps]), reshape(iota(queries), [queries, 1]));
  const hidden = keys ? where(expandDims(keys, 1), scores, excluded) : scores;
  const weights = weightsOf(cast(earlier ? where(earlier, hidden, excluded) : hidden, 'f32'), keys !== undefined);
  return matmul(cast(rate ? dropout(weights, { rate }) : weights, value.dtype), value);
}

type Simple = SettingsIn<typeof options>;

function scoredLayer(
  kind: string,
  settings: Simple,
  parameters: (features: number, random: RandomStream) => Record<string, Tensor>,
  scoresOf: (parameters: Readonly<Record<string, Tensor>>) => Scores | undefined,
  scaleOf: (parameters: Readonly<Record<string, Tensor>>, query: Tensor) => Tensor = (_, query) => query,
): Layer {
  return defineLayer<Tensors, Tensors>({
    kind,
    options: settings,
    takes: 'tree',
    outputShape: (shapes, where): Shape => {
      const { query, value } = checkFeatures(where, shapes);
      return [query[0], value[1]];
    },
    build: (shapes, random) => ({ parameters: parameters(checkFeatures(settings.name ?? kind, shapes).query[1], random) }),
    apply: ({ parameters: own }, inputs, { training, mask }) => {
      const masks = attentionMasks(inputs, mask);
      const run = { causal: settings.causal, dropout: training ? settings.dropout : 0, keys: keyMask(masks.keys) };
      const { query, key, value } = attentionInputs(inputs);
      const scores = scoresOf(own);
      const outputs = scores
        ? attendScores(scores(query, key), value, run)
        : squeeze(attend(expandDims(scaleOf(own, query), 1), expandDims(key, 1), expandDims(value, 1), run, 1), 1);
      return { outputs, mask: masks.query };
    },
  });
}

/** sum of weights tanh(scale (q + k)) over the features: [batch, queries, keys]. */
const additive = (query: Tensor, key: Tensor, weight: (summed: Tensor) => Tensor): Tensor =>
  sum(weight(add(expandDims(query, 2), expandDims(key, 1))), { axis: -1 });

export const attentionOptions = declareOptions('layers.attention', {
  /** Multiplies the scores by a trained factor. @default false */
  useScale: optional(boolean, false),
  /** 'dot': scores are q k^T. 'concat': w sum(tanh(scale (q + k))) with a trained w. @default 'dot' */
  scoreMode: optional(oneOf('dot', 'concat'), 'dot'),
  ...options,
});
export type AttentionLayerOptions = OptionsOf<typeof attentionOptions>;

/**
 * Dot-product attention: softmax(q k^T) v, without a factor for the size of the features, as in Keras.
 *
 * Input [batch, time, features] for self-attention, or a list [query, value] or [query, value, key]. Masks of value and key hide their
 * steps; a query that sees no step gets zeros. Luong et al., Effective Approaches to Attention-based Neural Machine Translation, 2015.
 *
 *     layers.attention().apply([query, value])
 */
export function attention(given: AttentionLayerOptions = {}): Configured<Layer> {
  const settings = attentionOptions.read(given);
  const { useScale, scoreMode } = settings;
  const layer = scoredLayer(
    'attention',
    settings,
    () => ({ ...(useScale && { scale: ones([]) }), ...(scoreMode === 'concat' && { scoreWeight: ones([]) }) }),
    ({ scale, scoreWeight }) =>
      scoreMode === 'concat'
        ? (query, key) =>
            mul(
              additive(query, key, (summed) => tanh(useScale ? mul(summed, scale) : summed)),
              scoreWeight,
            )
        : undefined,
    ({ scale }, query) => (useScale ? mul(query, scale) : query),
  );
  return withLayerConfig(layer, attentionOptions, settings);
}

export const additiveAttentionOptions = declareOptions('layers.additiveAttention', {
  /** Multiplies each feature of the sum by a trained factor. @default true */
  useScale: optional(boolean, true),
  ...options,
});
export type AdditiveAttentionOptions = OptionsOf<typeof additiveAttentionOptions>;

/**
 * Additive attention: softmax(sum(scale tanh(q + k))) v. Memory grows with queries times keys times features.
 *
 * Inputs as in attention. Bahdanau et al., Neural Machine Translation by Jointly Learning to Align and Translate, 2014.
 *
 * Inputs query [batch, tq, d], value and key [batch, tv, d], output [batch, tq, d].
 *
 *     layers.additiveAttention().apply([query, value])
 */
export function additiveAttention(given: AdditiveAttentionOptions = {}): Configured<Layer> {
  const settings = additiveAttentionOptions.read(given);
  const { useScale } = settings;
  const layer = scoredLayer(
    'additiveAttention',
    settings,
    (features, random): Record<string, Tensor> => (useScale ? { scale: initializers.glorotUniform()([features], random) } : {}),
    ({ scale }) =>
      (query, key) =>
        additive(query, key, (summed) => (useScale ? mul(tanh(summed), scale) : tanh(summed))),
  );
  return withLayerConfig(layer, additiveAttentionOptions, settings);
}
