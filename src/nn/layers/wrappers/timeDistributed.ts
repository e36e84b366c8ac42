import type { Configured } from '../../../core/config.ts';
import { type OptionsOf, declareOptions, required } from '../../../core/options.ts';
import { broadcastTo, expandDims, reshape } from '../../../ops/index.ts';
import { Tensor } from '../../../graph/tensor.ts';
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
 * A layer applied to every step of a sequence: y[b, t] = layer(x[b, t]). The mask of the steps passes on. The layer gets it too: masked steps are
 * left out of the statistics of batchNormalization.
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
    apply({ layers }, x, { mask }) {
      checkRankAtLeast(settings.name ?? 'timeDistributed', x.shape.slice(1), 1, '[batch, time, …]');
      const [batch, time, ...step] = x.shape;
      const y = layers.layer(reshape(x, [batch * time, ...step]), { mask: mask instanceof Tensor ? stepMask(mask, step) : undefined });
      return reshape(y, [batch, time, ...y.shape.slice(1)]);
    },
  });
  return withLayerConfig(layer, timeDistributedOptions, settings);
}

/** Mask of the batch that the layer sees. A step that is a sequence is masked as a whole. */
function stepMask(mask: Tensor, step: readonly number[]): Tensor {
  const [batch, time, ...inner] = mask.shape;
  const flat = reshape(mask, [batch * time, ...inner]);
  return inner.length === 0 && step.length > 1 ? broadcastTo(expandDims(flat, -1), [batch * time, step[0]]) : flat;
}
