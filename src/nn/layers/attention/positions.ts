// Positions of steps: learned, of sines, as rotations, and as a bias of attention scores.
import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { number, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import type { Shape } from '../../../core/shape.ts';
import { type Tensor, hostTensor } from '../../../graph/tensor.ts';
import { add, cast, concat, mul, neg, reshape, slice } from '../../../ops/index.ts';
import { constraintKind } from '../../constraints.ts';
import { rowsAt } from '../../decoding.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializerKind } from '../../initializers.ts';
import { checkRank, checkRankAtLeast } from '../../inputChecks.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { regularizerKind } from '../../regularizers.ts';
import { formatBatch } from '../../spec.ts';
import { alibiBias } from './alibi.ts';

export const positionEmbeddingOptions = declareOptions('layers.positionEmbedding', {
  /** Largest number of steps. */
  sequenceLength: required(positiveInteger, 128),
  /** First values of the table. @default 'glorotUniform' */
  initializer: optional(initializerKind, 'glorotUniform'),
  /** Penalty of the table, added to the loss. */
  regularizer: optional(regularizerKind),
  /** Rule that the table is brought back to after each update. */
  constraint: optional(constraintKind),
  ...layerOptions,
});
export type PositionEmbeddingOptions = OptionsOf<typeof positionEmbeddingOptions>;

/**
 * Adds a trained vector for each position: y[b, t] = x[b, t] + positions[t].
 *
 * Input [batch, time, features], positions [sequenceLength, features]. Throws a ShapeError for longer sequences.
 *
 *     layers.positionEmbedding({ sequenceLength: 256 })
 */
export function positionEmbedding(options: PositionEmbeddingOptions): Configured<Layer> {
  const settings = positionEmbeddingOptions.read(options);
  const { sequenceLength, initializer } = settings;
  const layer = defineLayer({
    kind: 'positionEmbedding',
    options: settings,
    masking: 'pass',
    regularizers: { positions: settings.regularizer },
    constraints: { positions: settings.constraint },
    outputShape: (shape, where) => {
      checkRank(where, shape, 2, '[batch, time, features]');
      if (shape[0] <= sequenceLength) return shape;
      throw new ShapeError(
        `${where}: inputs ${formatBatch(shape)} have more steps than sequenceLength ${sequenceLength}; choose a larger one`,
      );
    },
    build: (shape, random) => ({ parameters: { positions: initializer([sequenceLength, shape[1]], random) } }),
    apply: ({ parameters: { positions } }, x, { decoding }) =>
      add(x, decoding?.position ? rowsAt(positions, decoding.position) : slice(positions, [0], [x.shape[1]])),
  });
  return withLayerConfig(layer, positionEmbeddingOptions, settings);
}

const waveOptions = {
  /** Longest wavelength in steps, divided by 2 pi. @default 10000 */
  maxWavelength: /* @__PURE__ */ optional(number('above 0'), 10000),
};

/** A table [steps, features] of numbers that the host computes in f64. */
function table(steps: number, features: number, at: (step: number, feature: number) => number): Tensor {
  const data = Float32Array.from({ length: steps * features }, (_, i) => at(Math.floor(i / features), i % features));
  return hostTensor({ shape: [steps, features], dtype: 'f32' }, data);
}

export const sinusoidalOptions = declareOptions('layers.sinusoidal', { ...waveOptions, ...layerOptions });
export type SinusoidalOptions = OptionsOf<typeof sinusoidalOptions>;

/**
 * Adds sines and cosines of the position: features 2 i and 2 i + 1 get sin and cos of t / maxWavelength^(2 i / features).
 *
 * Input [batch, time, features]. Vaswani et al., Attention Is All You Need, section 3.5, 2017.
 *
 *     layers.sinusoidal()
 */
export function sinusoidal(options: SinusoidalOptions = {}): Configured<Layer> {
  const settings = sinusoidalOptions.read(options);
  const { maxWavelength } = settings;
  const layer = defineLayer({
    kind: 'sinusoidal',
    options: settings,
    masking: 'pass',
    outputShape: (shape, where) => {
      checkRank(where, shape, 2, '[batch, time, features]');
      return shape;
    },
    apply: (_, x, { decoding }) => {
      const [features, at] = [x.shape[2], decoding?.position];
      const waves = table(at ? decoding!.length : x.shape[1], features, (t, i) => {
        const angle = t / maxWavelength ** ((2 * Math.floor(i / 2)) / features);
        return i % 2 ? Math.cos(angle) : Math.sin(angle);
      });
      return add(x, cast(at ? rowsAt(waves, at) : waves, x.dtype));
    },
  });
  return withLayerConfig(layer, sinusoidalOptions, settings);
}

export const rotaryEmbeddingOptions = declareOptions('layers.rotaryEmbedding', {
  ...waveOptions,
  /** Positions are divided by it, for sequences that are longer than those of the training. @default 1 */
  scalingFactor: optional(number('above 0'), 1),
  ...layerOptions,
});
export type RotaryEmbeddingOptions = OptionsOf<typeof rotaryEmbeddingOptions>;

/**
 * Rotates pairs of features by angles that grow with the position: products of two rotated vectors depend on the distance of their steps.
 * Features i and i + features / 2 are a pair, with the angle t / maxWavelength^(2 i / features).
 *
 * Input [batch, time, ..., features] with an even number of features, such as queries or keys. Su et al., RoFormer, 2021.
 *
 *     layers.rotaryEmbedding().apply(queries)
 */
export function rotaryEmbedding(options: RotaryEmbeddingOptions = {}): Configured<Layer> {
  const settings = rotaryEmbeddingOptions.read(options);
  const { maxWavelength, scalingFactor } = settings;
  const layer = defineLayer({
    kind: 'rotaryEmbedding',
    options: settings,
    masking: 'pass',
    outputShape: (shape, where) => {
      checkRankAtLeast(where, shape, 2, '[batch, time, …, features]');
      if (shape[shape.length - 1] % 2 === 0) return shape;
      throw new ShapeError(`${where}: inputs ${formatBatch(shape)} have an odd number of features; pairs of features are rotated`);
    },
    apply: (_, x, { decoding }) => {
      const at = decoding?.position;
      const [steps, features] = [at ? decoding.length : x.shape[1], x.shape[x.rank - 1]];
      const half = features / 2;
      const shape: Shape = [...(at ? [x.shape[0], 1] : [steps]), ...new Array<number>(x.rank - 3).fill(1), features];
      const angleAt = (t: number, i: number): number => t / scalingFactor / maxWavelength ** ((2 * (i % half)) / features);
      const rowsOf = (waves: Tensor): Tensor => (at ? rowsAt(waves, at) : waves);
      const [cosines, sines] = [Math.cos, Math.sin].map((wave) =>
        cast(reshape(rowsOf(table(steps, features, (t, i) => wave(angleAt(t, i)))), shape), x.dtype),
      );
      const last = x.shape.map(() => 0);
      const from = (begin: number): number[] => [...last.slice(1), begin];
      const first = slice(x, from(0), [...x.shape.slice(0, -1), half]);
      const second = slice(x, from(half), [...x.shape]);
      return add(mul(x, cosines), mul(concat([neg(second), first], x.rank - 1), sines));
    },
  });
  return withLayerConfig(layer, rotaryEmbeddingOptions, settings);
}

export const alibiOptions = declareOptions('layers.alibi', {
  /** Slopes are 2^(-maxBias h / heads) for the heads h = 1 ... heads. @default 8 */
  maxBias: optional(number('above 0'), 8),
  ...layerOptions,
});
export type AlibiOptions = OptionsOf<typeof alibiOptions>;

/**
 * Lowers attention scores by the distance of query and key, times a slope for each head. The last query belongs to the last key.
 *
 * Input: scores [batch, heads, queries, keys]. The attention layers do the same with `alibi: true`. Press et al., Train Short, Test Long: Attention with Linear Biases, 2021.
 *
 *     layers.alibi().apply(scores)
 */
export function alibi(options: AlibiOptions = {}): Configured<Layer> {
  const settings = alibiOptions.read(options);
  const { maxBias } = settings;
  const layer = defineLayer({
    kind: 'alibi',
    options: settings,
    outputShape: (shape, where) => {
      checkRank(where, shape, 3, '[batch, heads, queries, keys]');
      return shape;
    },
    apply: (_, scores) => {
      const [, heads, queries, keys] = scores.shape;
      return add(scores, cast(alibiBias(heads, queries, keys, { maxBias }), scores.dtype));
    },
  });
  return withLayerConfig(layer, alibiOptions, settings);
}
