import { checkOptions } from '../../core/errors.ts';
import { maxPool2d } from '../../ops/index.ts';
import { pairOf } from '../../ops/conv/geometry.ts';
import { type Layer, type LayerOptions, checkRank, defineLayer, layerOptionNames } from '../layer.ts';
import { type PairOption, type WindowPadding, checkPadding, windowedShape } from '../windows.ts';

export interface MaxPooling2dOptions extends LayerOptions {
  poolSize?: PairOption;
  /** The pool size where absent: windows side by side. */
  strides?: PairOption;
  padding?: WindowPadding;
}

/**
 * The largest element of each window, channel by channel.
 *
 * Input [batch, height, width, channels]; height and width shrink by the strides. Throws a ShapeError for inputs of another rank.
 *
 *     layers.maxPooling2d({ poolSize: 2 })
 */
export function maxPooling2d(options: MaxPooling2dOptions = {}): Layer {
  const name = 'layers.maxPooling2d';
  checkOptions(name, options, ['poolSize', 'strides', 'padding', ...layerOptionNames]);
  const { padding = 'valid' } = options;
  checkPadding(name, padding);
  const poolSize = pairOf(name, 'poolSize', options.poolSize ?? 2);
  const strides = pairOf(name, 'strides', options.strides ?? poolSize);
  return defineLayer({
    kind: 'maxPooling2d',
    options,
    outputShape: (shape, where) => {
      checkRank(where, shape, 3, '[batch, height, width, channels]');
      return [...windowedShape(where, shape, { size: poolSize, strides, dilations: [1, 1], padding }), shape[2]];
    },
    apply: (_, x) => maxPool2d(x, { poolSize, strides, padding }),
  });
}
