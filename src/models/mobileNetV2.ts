// MobileNetV2 with the names of torchvision.models.mobilenet_v2, and the map of Keras's names.
import { number, oneOf } from '../core/optionKinds.ts';
import { type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Layer, activations, initializers, input, layers } from '../nn/index.ts';
import { type Model, type WeightMap, type WeightRule, createModel } from '../train/index.ts';
import { type BaseModel, applied, imageModelOptions, kernelRule, padded, plainRules } from './baseModel.ts';

export const mobileNetV2Options = declareOptions('models.mobileNetV2', {
  ...imageModelOptions,
  /** Factor of the numbers of channels. They are rounded to multiples of 8. @default 1 */
  width: optional(number('above 0'), 1),
  /**
   * Library whose weights the model computes with. Keras pads images before strides at the bottom and the right, and has the epsilon 0.001.
   * @default 'torchvision'
   */
  convention: optional(oneOf('torchvision', 'keras'), 'torchvision'),
});
export type MobileNetV2Options = OptionsOf<typeof mobileNetV2Options>;

/** Blocks by stage: expansion, channels, number, strides of the first (table 2 of the paper). */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** The multiple of 8 nearest to a number of channels, and at least 90 % of it. */
function channelsOf(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

type Convention = 'torchvision' | 'keras';

const normal = (name: string, convention: Convention): Layer =>
  layers.batchNormalization({ name, ...(convention === 'keras' ? { momentum: 0.999, epsilon: 1e-3 } : { momentum: 0.9, epsilon: 1e-5 }) });

/** Zeros before a window of 3 x 3 with strides of 2. Keras puts them so that the last window ends at the last pixel. */
function paddedFor(x: Tensor, name: string, convention: Convention): Tensor {
  if (convention === 'torchvision') return padded(x, 3, name);
  const [, height, width] = x.shape;
  return layers.zeroPadding2d({ name: `${name}.padding`, padding: [[height % 2, 1], [width % 2, 1]] }).apply(x); // prettier-ignore
}

interface Step {
  readonly name: string;
  readonly filters: number;
  readonly kernelSize: 1 | 3;
  readonly strides?: number;
  /** Module of the normalization. */
  readonly normal: string;
  readonly isLinear?: boolean;
  readonly isDepthwise?: boolean;
}

/** A convolution, normalization and ReLU6. */
function step(x: Tensor, { name, filters, kernelSize, strides = 1, isLinear, isDepthwise, normal: after }: Step, convention: Convention): Tensor {
  const windows = { name, kernelSize, strides, useBias: false, padding: strides === 1 ? 'same' : 'valid' } as const;
  const initializer = initializers.varianceScaling({ scale: 2, mode: 'fanOut', distribution: 'untruncatedNormal' });
  const convolution = isDepthwise
    ? layers.depthwiseConv2d({ ...windows, depthwiseInitializer: initializer })
    : layers.conv2d({ ...windows, filters, kernelInitializer: initializer });
  const y = applied(strides > 1 ? paddedFor(x, name, convention) : x, convolution, normal(after, convention));
  return isLinear ? y : layers.activation({ name: `${name}.relu6`, activation: activations.relu6 }).apply(y);
} // prettier-ignore

/** Inverted residual: expansion by 1 x 1, depthwise 3 x 3, and a linear projection. */
function block(x: Tensor, name: string, expansion: number, filters: number, strides: number, convention: Convention): Tensor {
  const inputs = x.shape[3];
  const hidden = inputs * expansion;
  const at = (i: number): string => `${name}.conv.${i}`;
  const [wide, deep] = expansion === 1 ? [undefined, 0] : [at(0), 1];
  const expanded = wide ? step(x, { name: `${wide}.0`, normal: `${wide}.1`, filters: hidden, kernelSize: 1 }, convention) : x;
  const depthwise = { name: `${at(deep)}.0`, normal: `${at(deep)}.1`, filters: hidden, kernelSize: 3, strides, isDepthwise: true } as const;
  const projection = { name: at(deep + 1), normal: at(deep + 2), filters, kernelSize: 1, isLinear: true } as const;
  const y = step(step(expanded, depthwise, convention), projection, convention);
  return strides === 1 && inputs === filters ? layers.add({ name: `${name}.add` }).apply<Tensor>([x, y]) : y;
}

function build(settings: SettingsOf<typeof mobileNetV2Options>): Model {
  const { width, convention, inputShape, includeTop, classes, classifierActivation } = settings;
  const images = input({ shape: inputShape });
  const stem = { name: 'features.0.0', normal: 'features.0.1', filters: channelsOf(32 * width), kernelSize: 3, strides: 2 } as const;
  let x = step(images, stem, convention);
  let index = 1;
  for (const [expansion, channels, count, strides] of stages) {
    for (let i = 0; i < count; i++) {
      x = block(x, `features.${index++}`, expansion, channelsOf(channels * width), i === 0 ? strides : 1, convention);
    }
  }
  const last = { name: 'features.18.0', normal: 'features.18.1', filters: channelsOf(1280 * Math.max(1, width)), kernelSize: 1 } as const;
  const features = layers.globalAveragePooling2d({ name: 'avgpool' }).apply(step(x, last, convention));
  if (!includeTop) return createModel({ inputs: images, outputs: features });
  const top = layers.dense({ name: 'classifier.1', units: classes, activation: classifierActivation });
  return createModel({ inputs: images, outputs: applied(features, layers.dropout({ name: 'classifier.0', rate: 0.2 }), top) });
}

const depthwiseAxes = '(c m) 1 h w -> h w c m';

const map: WeightMap = {
  rules: [
    { names: 'features.1.conv.0.0.weight', paths: 'features.1.conv.0.0/kernel', axes: depthwiseAxes },
    { names: 'features.{n}.conv.1.0.weight', paths: 'features.{n}.conv.1.0/kernel', axes: depthwiseAxes },
    kernelRule,
    ...plainRules,
  ],
  ignore: ['{m}.num_batches_tracked', 'classifier.{w}'],
  metadata: { format: 'pt' },
};

/** Keras's names: `block_1_expand/kernel`, `block_1_expand_BN/gamma`. Layouts are the same. */
const kerasMap: WeightMap = {
  rules: [
    ...kerasRules('Conv1', 'bn_Conv1', 'features.0.0', 'features.0.1'),
    ...Array.from({ length: 17 }, (_, i) => {
      const [from, to] = [i === 0 ? 'expanded_conv' : `block_${i}`, `features.${i + 1}.conv.`];
      const steps = i === 0 ? ['depthwise', 'project'] : ['expand', 'depthwise', 'project'];
      return steps.flatMap((name, k) => {
        const [own, after] = name === 'project' ? [`${to}${k}`, `${to}${k + 1}`] : [`${to}${k}.0`, `${to}${k}.1`];
        return kerasRules(`${from}_${name}`, `${from}_${name}_BN`, own, after, name === 'depthwise' ? 'depthwise_kernel' : 'kernel');
      });
    }).flat(),
    ...kerasRules('Conv_1', 'Conv_1_bn', 'features.18.0', 'features.18.1'),
    { names: 'predictions/{w}', paths: 'classifier.1/{w}' },
  ],
  ignore: ['predictions/{w}'],
  aliases: [['Logits/{w}', 'predictions/{w}']],
};

function kerasRules(from: string, normalFrom: string, to: string, normalTo: string, kernel = 'kernel'): WeightRule[] {
  return [
    { names: `${from}/${kernel}`, paths: `${to}/kernel` },
    { names: `${normalFrom}/gamma`, paths: `${normalTo}/gamma` },
    { names: `${normalFrom}/beta`, paths: `${normalTo}/beta` },
    { names: `${normalFrom}/moving_mean`, paths: `${normalTo}/movingMean` },
    { names: `${normalFrom}/moving_variance`, paths: `${normalTo}/movingVariance` },
  ];
}

/**
 * MobileNetV2 for images, with the names of torchvision: `features.1.conv.0.0`. 3,504,872 parameters with 1,000 classes. It gives logits.
 *
 * Input f32 [batch, height, width, channels]; torchvision's weights expect values from 0 to 1, minus the mean [0.485, 0.456, 0.406], divided by
 * [0.229, 0.224, 0.225]. `kerasMap` is for the names of Keras, with `convention: 'keras'` and values from -1 to 1. Sandler et al., MobileNetV2:
 * Inverted Residuals and Linear Bottlenecks, 2018.
 *
 *     const body = mobileNetV2({ includeTop: false, inputShape: [96, 96, 3] });
 *     await body.loadWeights('mobilenet_v2.safetensors', { map: mobileNetV2.map });
 */
export const mobileNetV2: BaseModel<MobileNetV2Options> & { readonly kerasMap: WeightMap } = /* @__PURE__ */ Object.assign(
  (options: MobileNetV2Options = {}): Model => build(mobileNetV2Options.read(options)),
  { map, kerasMap },
);
