import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { integer, number } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { type Shape, normalizeAxis } from '../../../core/shape.ts';
import { Tensor } from '../../../graph/tensor.ts';
import { add, batchNorm, broadcastTo, cast, div, expandDims, mean, mul, square, sub, sum, variance, where } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializerKind } from '../../initializers.ts';
import { checkRankAtLeast } from '../../inputChecks.ts';
import type { Layer, Masks } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';
import { affineOptions, affineParameters, affineRules } from './affine.ts';
import { featuresLast } from './featuresLast.ts';

export const batchNormalizationOptions = declareOptions('layers.batchNormalization', {
  /** Axis of the features, counted with the batch axis. All other axes are averaged over. @default -1 */
  axis: optional(integer(), -1),
  /** Share of the moving statistics that a batch leaves as it is, from 0 to 1. @default 0.99 */
  momentum: optional(number('0 to 1'), 0.99),
  /** Added to the variance, so that nothing is divided by 0. @default 0.001 */
  epsilon: optional(number('above 0'), 1e-3),
  /** First values of the moving mean. @default 'zeros' */
  movingMeanInitializer: optional(initializerKind, 'zeros'),
  /** First values of the moving variance. @default 'ones' */
  movingVarianceInitializer: optional(initializerKind, 'ones'),
  ...affineOptions,
  ...layerOptions,
});
export type BatchNormalizationOptions = OptionsOf<typeof batchNormalizationOptions>;

/**
 * Scales each feature to mean 0 and variance 1: y = gamma (x - mean) / √(variance + epsilon) + beta.
 *
 * Training takes mean and variance of the batch, over all axes but `axis`, and moves the moving statistics:
 * moving = momentum moving + (1 - momentum) batch, with the biased variance. Otherwise, and while the layer is not trainable, it takes the moving
 * statistics. Steps that a mask leaves out do not count.
 *
 * Throws a ShapeError for inputs without features. Ioffe and Szegedy, "Batch Normalization", 2015.
 *
 * Input [batch, …], output of the same shape.
 *
 *     layers.batchNormalization()
 */
export function batchNormalization(options: BatchNormalizationOptions = {}): Configured<Layer> {
  const settings = batchNormalizationOptions.read(options);
  const { axis, momentum, epsilon } = settings;
  /** Axis of the features, counted with the batch axis. */
  const featuresOf = (shape: Shape, where: string): number => {
    checkRankAtLeast(where, shape, 1, '[batch, …, features]');
    const features = normalizeAxis(where, axis, shape.length + 1);
    if (features > 0) return features;
    throw new ShapeError(`${where}: axis ${axis} of inputs ${formatBatch(shape)} is the batch axis; choose the axis of the features`);
  };
  const layer: Layer = defineLayer({
    kind: 'batchNormalization',
    options: settings,
    masking: 'pass',
    precision: 'f32',
    ...affineRules(settings),
    outputShape(shape, where) {
      featuresOf(shape, where);
      return shape;
    },
    build(shape, random) {
      const features = [shape[featuresOf(shape, 'batchNormalization') - 1]];
      return {
        parameters: affineParameters(settings, features, random),
        state: {
          movingMean: settings.movingMeanInitializer(features, random),
          movingVariance: settings.movingVarianceInitializer(features, random),
        },
      };
    },
    apply({ parameters: { gamma, beta }, state: { movingMean, movingVariance } }, input, { training, mask }) {
      const features = featuresOf(input.shape.slice(1), 'batchNormalization');
      const { moved: x, back } = featuresLast(input, features);
      const normalized = (average: Tensor, spread: Tensor): Tensor =>
        back(batchNorm(x, average, spread, { epsilon, ...(gamma && { gamma }), ...(beta && { beta }) }));
      if (!training || !layer.trainable) return normalized(movingMean, movingVariance);
      const { average, spread } = statistics(x, mask);
      const moved = (moving: Tensor, batch: Tensor): Tensor => add(mul(moving, momentum), mul(batch, 1 - momentum));
      return {
        outputs: normalized(average, spread),
        state: { movingMean: moved(movingMean, average), movingVariance: moved(movingVariance, spread) },
      };
    },
  });
  return withLayerConfig(layer, batchNormalizationOptions, settings);
}

/** Mean and biased variance of each feature, over the steps that count. */
function statistics(x: Tensor, mask: Masks): { readonly average: Tensor; readonly spread: Tensor } {
  const axis = Array.from({ length: x.rank - 1 }, (_, i) => i);
  const f = cast(x, 'f32');
  if (!(mask instanceof Tensor)) return { average: mean(f, { axis }), spread: variance(f, { axis }) };
  let wide = mask;
  while (wide.rank < x.rank) wide = expandDims(wide, -1);
  const counts = broadcastTo(wide, x.shape);
  const total = (t: Tensor): Tensor => sum(where(counts, t, 0), { axis });
  const count = add(sum(cast(counts, 'f32'), { axis }), 1e-7);
  const average = div(total(f), count);
  return { average, spread: div(total(square(sub(f, average))), count) };
}
