import type { Configured } from '../../../core/config.ts';
import { number } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { any, notEqual, squeeze, where } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import { checkRankAtLeast } from '../../inputChecks.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';

export const maskingOptions = declareOptions('layers.masking', {
  /** A step whose features all have this value is left out. @default 0 */
  maskValue: optional(number(), 0),
  ...layerOptions,
});
export type MaskingOptions = OptionsOf<typeof maskingOptions>;

/**
 * Makes a mask: a step counts if any of its features differs from `maskValue`. Features of other steps become 0.
 *
 * Input [batch, time, …, features], output of the same shape, mask [batch, time, …].
 *
 *     layers.masking({ maskValue: -1 })
 */
export function masking(options: MaskingOptions = {}): Configured<Layer> {
  const settings = maskingOptions.read(options);
  const layer = defineLayer({
    kind: 'masking',
    options: settings,
    outputShape: (shape, name) => {
      checkRankAtLeast(name, shape, 2, '[batch, time, …, features]');
      return shape;
    },
    apply: (_, x) => {
      const counts = any(notEqual(x, settings.maskValue), { axis: -1, keepDims: true });
      return { outputs: where(counts, x, 0), mask: squeeze(counts, -1) };
    },
  });
  return withLayerConfig(layer, maskingOptions, settings);
}
