// Similarity of images.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { number, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { alignEqual, fitWeight } from '../losses/index.ts';
import { add, broadcastTo, concat, depthwiseConv2d, div, equal, log, mean, mul, split, square, sub, tensor, where } from '../ops/index.ts';
import { countValue } from './accumulate.ts';
import { type MeanState, addToMean, meanOf, noMean } from './mean.ts';
import { type Metric, makeMetric, metricOptions } from './metric.ts';
import { elementsOf } from './percentage.ts';

const rangeTable = {
  /** Difference of the largest and the smallest possible value: 1 for images in 0..1, 255 for bytes. @default 1 */
  maxValue: /* @__PURE__ */ optional(number('above 0'), 1),
};

export const psnrOptions = declareOptions('metrics.psnr', { ...rangeTable, ...metricOptions });
export type PsnrOptions = OptionsOf<typeof psnrOptions>;

/**
 * Peak signal-to-noise ratio in decibels, 10 log10(maxValue^2 / MSE), of the mean squared error over all elements seen, as torchmetrics.
 * Infinite for equal images, 0 before the first. Targets and predictions of one shape, such as [n, height, width, channels].
 *
 *     model.compile({ loss: 'mse', metrics: [metrics.psnr({ maxValue: 255 })] })
 */
export const psnr = (options: PsnrOptions = {}): Configured<Metric<MeanState>> =>
  makeMetric<Metric<MeanState>, (typeof psnrOptions)['options']>(psnrOptions, options, (name, { maxValue }) => ({
    direction: 'max',
    init: noMean,
    update: (state, targets, predictions, sampleWeight) =>
      withScope(name, () => {
        const { t, p, weight } = elementsOf(name, targets, predictions, sampleWeight);
        return addToMean(state, square(sub(t, p)), weight);
      }),
    result: (state) => {
      const decibels = mul(sub(2 * Math.log(maxValue), log(meanOf(state))), 10 / Math.LN10);
      return where(equal(countValue(state.count), 0), 0, decibels);
    },
  }));

export const ssimOptions = declareOptions('metrics.ssim', {
  ...rangeTable,
  /** Size of the Gaussian window in pixels. @default 11 */
  filterSize: optional(positiveInteger, 11),
  /** Standard deviation of the window in pixels. @default 1.5 */
  filterSigma: optional(number('above 0'), 1.5),
  /** Factor of the constant (k1 maxValue)^2, which keeps the luminance term stable. @default 0.01 */
  k1: optional(number('at least 0'), 0.01),
  /** Factor of the constant (k2 maxValue)^2, which keeps the contrast term stable. @default 0.03 */
  k2: optional(number('at least 0'), 0.03),
  ...metricOptions,
});
export type SsimOptions = OptionsOf<typeof ssimOptions>;

/** Weights of a Gaussian window along one axis; their sum is 1. */
function gaussian(size: number, sigma: number): number[] {
  const heights = Array.from({ length: size }, (_, i) => Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma ** 2)));
  const total = heights.reduce((a, b) => a + b, 0);
  return heights.map((height) => height / total);
}

/** Gaussian mean of each channel over windows inside the image. */
function blur(x: Tensor, window: readonly number[]): Tensor {
  const channels = x.shape[3];
  const along = (height: number, width: number): Tensor =>
    broadcastTo(tensor([...window], [height, width, 1, 1]), [height, width, channels, 1]);
  return depthwiseConv2d(depthwiseConv2d(x, along(window.length, 1)), along(1, window.length));
}

/**
 * Structural similarity, the mean over images of (2 μt μp + c1) (2 σtp + c2) / ((μt² + μp² + c1) (σt² + σp² + c2)) over Gaussian windows
 * and channels, -1 to 1. Targets and predictions [n, height, width, channels], at least filterSize high and wide. (TensorFlow's image.ssim.)
 *
 *     metrics.ssim({ maxValue: 255 })
 *
 * (Z. Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004.)
 */
export const ssim = (options: SsimOptions = {}): Configured<Metric<MeanState>> =>
  makeMetric<Metric<MeanState>, (typeof ssimOptions)['options']>(ssimOptions, options, (name, settings) => {
    const { maxValue, filterSize, filterSigma } = settings;
    const [c1, c2] = [(settings.k1 * maxValue) ** 2, (settings.k2 * maxValue) ** 2];
    const window = gaussian(filterSize, filterSigma);
    return {
      direction: 'max',
      init: noMean,
      update: (state, targets, predictions, sampleWeight) =>
        withScope(name, () => {
          const { targets: t, predictions: p } = alignEqual(name, targets, predictions);
          const [samples, height, width] = p.shape;
          if (p.rank !== 4 || height < filterSize || width < filterSize) {
            throw new ShapeError(
              `${name}: predictions are ${formatShape(predictions.shape)}; it takes images [n, height, width, channels] of at least ` +
                `${filterSize} x ${filterSize} pixels, the filterSize`,
            );
          }
          const parts = [t, p, mul(t, p), add(square(t), square(p))];
          const [meanT, meanP, products, squares] = split(blur(concat(parts, -1), window), 4, -1);
          const means = mul(mul(meanT, meanP), 2);
          const meanSquares = add(square(meanT), square(meanP));
          const luminance = div(add(means, c1), add(meanSquares, c1));
          const contrast = div(add(sub(mul(products, 2), means), c2), add(sub(squares, meanSquares), c2));
          const perImage = mean(mul(luminance, contrast), { axis: [1, 2, 3] });
          return addToMean(state, perImage, sampleWeight && fitWeight(name, sampleWeight, [samples]));
        }),
      result: meanOf,
    };
  });
