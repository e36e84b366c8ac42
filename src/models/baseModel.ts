// Parts that base models share.
import { boolean, positiveInteger, number, shape } from '../core/optionKinds.ts';
import { optional } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Layer, initializers, layers } from '../nn/index.ts';
import { activationKind } from '../nn/activationKind.ts';
import { linear } from '../nn/activations.ts';
import { initializerKind } from '../nn/initializers.ts';
import type { Model, WeightMap } from '../train/index.ts';

/** Makes a model. `map` is for `loadWeights` and `saveWeights` with files that have the public names. */
export interface BaseModel<Options> {
  (options?: Options): Model;
  readonly map: WeightMap;
}

/** Options of the models of images. */
export const imageModelOptions = {
  /** Number of classes. @default 1000 */
  classes: /* @__PURE__ */ optional(positiveInteger, 1000),
  /** Adds the layer of the classes. Without it the model gives pooled features [batch, features]. @default true */
  includeTop: /* @__PURE__ */ optional(boolean, true),
  /** Size of the images: [height, width, channels]. @default [224,224,3] */
  inputShape: /* @__PURE__ */ optional(shape, [224, 224, 3]),
  /** Function of the outputs, by its name or as a function. The public models give logits. @default 'linear' */
  classifierActivation: /* @__PURE__ */ optional(/* @__PURE__ */ activationKind({ linear }), 'linear'),
};

/** Options of the models of tokens. */
export const tokenModelOptions = {
  /** Probability of dropout, for embeddings, attention weights and the results of blocks. @default 0.1 */
  dropout: /* @__PURE__ */ optional(number('0 to below 1'), 0.1),
  /** First values of kernels and tables. The default is a normal distribution with the standard deviation 0.02. */
  kernelInitializer: /* @__PURE__ */ optional(initializerKind),
};

export const tokenInitializer = (): ReturnType<typeof initializers.truncatedNormal> => initializers.truncatedNormal({ stddev: 0.02 });

/** Rules of layers whose weights have one layout in PyTorch and here. */
export const plainRules = [
  { names: '{m}.bias', paths: '{m}/bias' },
  { names: '{m}.weight', paths: '{m}/gamma' },
  { names: '{m}.bias', paths: '{m}/beta' },
  { names: '{m}.running_mean', paths: '{m}/movingMean' },
  { names: '{m}.running_var', paths: '{m}/movingVariance' },
  { names: '{m}.weight', paths: '{m}/embeddings' },
  { names: '{m}.weight', paths: '{m}/positions' },
] as const satisfies WeightMap['rules'];

/** Rule of convolutions and of Linear: PyTorch has the outputs first. */
export const kernelRule = { names: '{m}.weight', paths: '{m}/kernel', axes: 'o i ... -> ... i o' } as const;

/** Zeros around images, as PyTorch pads a window of this size. */
export const padded = (x: Tensor, kernelSize: number, name: string): Tensor =>
  layers.zeroPadding2d({ padding: Math.floor(kernelSize / 2), name: `${name}.padding` }).apply(x);

export const applied = (x: Tensor, ...list: readonly Layer[]): Tensor => list.reduce((y, layer) => layer.apply(y), x);
