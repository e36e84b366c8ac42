import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions, required } from '../../../core/options.ts';
import { reshape } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import { checkRankAtLeast } from '../../inputChecks.ts';
import type { Layer } from '../../layer.ts';
import { layerKind, layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { flatten } from '../reshaping/flatten.ts';

export const timeDistributedOptions = declareOptions('layers.timeDistributed', {
  /** Layer or model that is applied to each step. All steps share its weights. */
  layer: required(layerKind, /* @__PURE__ */ flatten()),
  ...layerOptions,
});
export type TimeDistributedOptions = OptionsOf<typeof timeDistributedOptions>;

/**
 * A layer applied to every step of a sequence: y[b, t] = layer(x[b, t]). The mask of the steps passes on.
 *
 * Input [batch, time, …], output [batch, time, …] with the layer's output shape.
 *
 *     layers.timeDistributed({ layer: layers.conv2d({ filters: 8, kernelSize: 3 }) })
 */
export function timeDistributed(options: TimeDistributedOptions): Configured<Layer> {
  const settings = timeDistributedOptions.read(options);
  const layer = defineLayer({
    kind: 'timeDistributed',
    options: settings,
    masking: 'pass',
    layers: { layer: settings.layer },
    apply({ layers }, x) {
      checkRankAtLeast(settings.name ?? 'timeDistributed', x.shape.slice(1), 1, '[batch, time, …]');
      const [batch, time, ...step] = x.shape;
      const y = layers.layer(reshape(x, [batch * time, ...step]));
      return reshape(y, [batch, time, ...y.shape.slice(1)]);
    },
  });
  return withLayerConfig(layer, timeDistributedOptions, settings);
}
