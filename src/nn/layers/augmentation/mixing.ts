// Augmentations that mix two samples, and their labels with them.
import type { Configured } from '../../../core/config.ts';
import { DtypeError, ShapeError } from '../../../core/errors.ts';
import { number } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { isFloat } from '../../../core/dtype.ts';
import { Tensor } from '../../../graph/tensor.ts';
import { add, gather, mean, cast, mul, reshape, sqrt, sub, where as choose } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { CallOptions, Layer } from '../../layer.ts';
import { withLayerConfig } from '../../layerOptions.ts';
import { type Shapes, type Tensors, formatBatches, isShape } from '../../spec.ts';
import { checkAxes } from '../../windows.ts';
import { drawBoxes } from './boxes.ts';
import { type Draws, drawBeta, drawOrder, drawsOf } from './draws.ts';
import { type Seeded, factor, augmentationOptions } from './options.ts';

/** Images, and the labels that are mixed with them. */
export interface MixedSamples {
  readonly images: Tensor;
  readonly labels?: Tensor;
}

/** A layer over images, or over a record of images and labels. */
export interface MixingLayer extends Layer {
  apply(x: Tensor, options?: CallOptions): Tensor;
  /** Mixed images and labels, in a record of the same names. */
  apply<Samples extends MixedSamples>(x: Samples, options?: CallOptions): Samples;
  apply<O extends Tensors = Tensors>(x: Tensors, options?: CallOptions): O;
}

/** Mixed images, and the share of the first sample in each, [batch, 1]. */
interface Mixture {
  readonly images: Tensor;
  readonly share: Tensor;
}

type Mix = (images: Tensor, others: Tensor, draws: Draws) => Mixture;

function checkShapes(where: string, shapes: Shapes): Shapes {
  const fix = 'give images [batch, height, width, channels], or { images, labels }';
  if (isShape(shapes)) checkAxes(where, shapes, 2);
  else {
    if (Array.isArray(shapes)) throw new ShapeError(`${where}: got a list ${formatBatches(shapes)}; ${fix}`);
    const { images, labels, ...others } = shapes as Readonly<Record<string, Shapes | undefined>>;
    const isWhole = images && isShape(images) && (labels === undefined || isShape(labels)) && Object.keys(others).length === 0;
    if (!isWhole) throw new ShapeError(`${where}: got ${formatBatches(shapes)}; ${fix}`);
    checkAxes(where, images, 2);
  }
  return shapes;
}

/** share y + (1 - share) other, for labels of any rank. */
function mixLabels(where: string, labels: Tensor, share: Tensor, order: Tensor): Tensor {
  if (!isFloat(labels.dtype)) {
    throw new DtypeError(`${where}: labels are ${labels.dtype}, which have no mixture; give one number for each class, as by oneHot()`);
  }
  const weight = reshape(share, [labels.shape[0], ...new Array<number>(labels.rank - 1).fill(1)]);
  return add(mul(labels, weight), mul(gather(labels, order), sub(1, weight)));
}

const mixingLayer = (kind: string, settings: Seeded, mix: Mix): MixingLayer =>
  defineLayer<Tensors, Tensors>({
    kind,
    options: settings,
    takes: 'tree',
    precision: 'f32',
    outputShape: (shapes, where) => checkShapes(where, shapes),
    apply: (_, inputs, { training }) => {
      if (!training) return inputs;
      const { images, labels } = inputs instanceof Tensor ? { images: inputs } : (inputs as unknown as MixedSamples);
      const draws = drawsOf(settings.seed);
      const order = drawOrder(draws, images.shape[0]);
      const mixture = mix(images, gather(images, order), draws);
      if (inputs instanceof Tensor) return mixture.images;
      if (!labels) return { images: mixture.images };
      return { images: mixture.images, labels: mixLabels(settings.name ?? kind, labels, mixture.share, order) };
    },
  });

export const mixUpOptions = declareOptions('layers.mixUp', {
  /** Both parameters of the Beta distribution of the weights; small numbers keep most samples nearly as they are. @default 0.2 */
  alpha: optional(number('above 0'), 0.2),
  ...augmentationOptions,
});
export type MixUpOptions = OptionsOf<typeof mixUpOptions>;

/**
 * Mixes each image with a random other one of the batch while training, and their labels alike: y = w x + (1 - w) x', with w of Beta(alpha, alpha).
 * Otherwise passes its input on. Zhang et al., mixup: Beyond Empirical Risk Minimization, 2017.
 *
 * Input and output: images [batch, height, width, channels], or { images, labels } with labels [batch, ...] in floats, such as one-hot. Throws a
 * ShapeError for other shapes, and a DtypeError for whole-number labels. A training step mixes x and y:
 *
 *     const mix = layers.mixUp();
 *     const trainStep = (step) => {
 *       const { images, labels } = mix.apply({ images: step.x, labels: step.y }, { training: true });
 *       const { loss, gradients } = step.gradients(() => step.loss(step.forward(images), labels));
 *       step.update(gradients);
 *       return { loss };
 *     };
 */
export function mixUp(options: MixUpOptions = {}): Configured<MixingLayer> {
  const settings = mixUpOptions.read(options);
  const layer = mixingLayer('mixUp', settings, (images, others, draws) => {
    const [batch] = images.shape;
    const share = reshape(drawBeta(draws, batch, settings.alpha), [batch, 1]);
    const weight = reshape(share, [batch, 1, 1, 1]);
    return { share, images: add(mul(images, weight), mul(others, sub(1, weight))) };
  });
  return withLayerConfig(layer, mixUpOptions, settings);
}

export const cutMixOptions = declareOptions('layers.cutMix', {
  /** Parameter alpha of Beta(alpha, alpha), which gives the share that stays: a range, or the largest number. @default 1 */
  factor: optional(factor(0, 1, 'from 0'), 1),
  ...augmentationOptions,
});
export type CutMixOptions = OptionsOf<typeof cutMixOptions>;

/**
 * Pastes a rectangle of a random other image into each image while training; labels are mixed by the share of pixels. Otherwise passes its input on.
 * The sides are sqrt(1 - w) of the image, with w of Beta(alpha, alpha). Yun et al., CutMix, 2019.
 *
 * Input and output: images [batch, height, width, channels], or { images, labels } as of mixUp, with the same errors. Keras takes the area of the
 * rectangle before it is cut to whole pixels as the share; this is the share of pixels.
 *
 *     const { images, labels } = layers.cutMix().apply({ images: x, labels: y }, { training: true });
 */
export function cutMix(options: CutMixOptions = {}): Configured<MixingLayer> {
  const settings = cutMixOptions.read(options);
  const layer = mixingLayer('cutMix', settings, (images, others, draws) => {
    const [batch, height, width] = images.shape;
    const alpha = add(draws.uniform([1, batch], settings.factor), 1e-6);
    const side = sqrt(sub(1, reshape(drawBeta(draws, batch, alpha), [batch, 1, 1, 1])));
    const isPasted = drawBoxes(draws, [height, width], side, side);
    const pasted = mean(cast(isPasted, 'f32'), { axis: [1, 2, 3] });
    return { share: reshape(sub(1, pasted), [batch, 1]), images: choose(isPasted, others, images) };
  });
  return withLayerConfig(layer, cutMixOptions, settings);
}
