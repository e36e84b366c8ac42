// Layers that only move elements.
import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { kindOf, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, required } from '../../../core/options.ts';
import { broadcastTo, expandDims, transpose } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import { checkRank } from '../../inputChecks.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';

export const permuteOptions = declareOptions('layers.permute', {
  /** Order of the axes of a sample, counted from 1: [2, 1] swaps the first two. */
  dims: required(
    kindOf<readonly number[]>({
      rule: 'a list of the numbers from 1 on, each once',
      accepts: (value): value is readonly number[] =>
        Array.isArray(value) && value.length > 0 && Array.from(value).every((_, i) => (value as unknown[]).includes(i + 1)),
    }),
    [1],
  ),
  ...layerOptions,
});
export type PermuteOptions = OptionsOf<typeof permuteOptions>;

/**
 * The axes of each sample in another order; the batch axis stays. Throws a ShapeError for inputs of another rank.
 *
 * Input [batch, …], output [batch, …] with its axes in another order.
 *
 *     layers.permute({ dims: [2, 1] })   // [batch, 10, 64] -> [batch, 64, 10]
 */
export function permute(options: PermuteOptions): Configured<Layer> {
  const settings = permuteOptions.read(options);
  const { dims } = settings;
  const layer = defineLayer({
    kind: 'permute',
    options: settings,
    outputShape: (shape, where) => {
      if (shape.length === dims.length) return dims.map((axis) => shape[axis - 1]);
      throw new ShapeError(
        `${where}: dims ${dims.join(', ')} do not fit inputs of shape ${formatBatch(shape)}; name each of their axes once`,
      );
    },
    apply: (_, x) => transpose(x, [0, ...dims]),
  });
  return withLayerConfig(layer, permuteOptions, settings);
}

export const repeatVectorOptions = declareOptions('layers.repeatVector', {
  /** Number of steps of the output. */
  n: required(positiveInteger, 1),
  ...layerOptions,
});
export type RepeatVectorOptions = OptionsOf<typeof repeatVectorOptions>;

/**
 * The same features at n steps: [batch, features] to [batch, n, features]. Throws a ShapeError for inputs of another rank.
 *
 *     layers.repeatVector({ n: 5 })
 */
export function repeatVector(options: RepeatVectorOptions): Configured<Layer> {
  const settings = repeatVectorOptions.read(options);
  const { n } = settings;
  const layer = defineLayer({
    kind: 'repeatVector',
    options: settings,
    outputShape: (shape, where) => {
      checkRank(where, shape, 1, '[batch, features]');
      return [n, shape[0]];
    },
    apply: (_, x) => broadcastTo(expandDims(x, 1), [x.shape[0], n, x.shape[1]]),
  });
  return withLayerConfig(layer, repeatVectorOptions, settings);
}
