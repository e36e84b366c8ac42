import type { Configured } from '../../../core/config.ts';
import { sizes } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { maxPool2d } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import { checkRank } from '../../inputChecks.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { paddingKind, windowedShape } from '../../windows.ts';

export const maxPooling2dOptions = declareOptions('layers.maxPooling2d', {
  /** Size of a window in pixels: [height, width], or one number for both. @default 2 */
  poolSize: optional(sizes(2), 2),
  /** Step of the windows in pixels: [height, width], or one number for both. @default poolSize */
  strides: optional(sizes(2)),
  /** 'same' pads, so that the output has the size of the input divided by the strides. Padding is never the largest element. @default 'valid' */
  padding: optional(paddingKind, 'valid'),
  ...layerOptions,
});
export type MaxPooling2dOptions = OptionsOf<typeof maxPooling2dOptions>;

/**
 * The largest element of each window, channel by channel.
 *
 * Input [batch, height, width, channels]; height and width shrink by the strides. Throws a ShapeError for inputs of another rank.
 *
 *     layers.maxPooling2d({ poolSize: 2 })
 */
export function maxPooling2d(options: MaxPooling2dOptions = {}): Configured<Layer> {
  const settings = maxPooling2dOptions.read(options);
  const { poolSize, strides = poolSize, padding } = settings;
  const layer = defineLayer({
    kind: 'maxPooling2d',
    options: settings,
    outputShape: (shape, where) => {
      checkRank(where, shape, 3, '[batch, height, width, channels]');
      return [...windowedShape(where, shape, { size: poolSize, strides, dilations: [1, 1], padding }), shape[2]];
    },
    apply: (_, x) => maxPool2d(x, { poolSize, strides, padding }),
  });
  return withLayerConfig(layer, maxPooling2dOptions, settings);
}
