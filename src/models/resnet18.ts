// ResNet-18 with the names of torchvision.models.resnet18.
import { positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Layer, activations, initializers, input, layers } from '../nn/index.ts';
import { type Model, type WeightMap, createModel } from '../train/index.ts';
import { type BaseModel, applied, imageModelOptions, kernelRule, padded, plainRules } from './baseModel.ts';

export const resnet18Options = declareOptions('models.resnet18', {
  ...imageModelOptions,
  /** Channels of the first stage. The other stages have 2, 4 and 8 times as many. @default 64 */
  width: optional(positiveInteger, 64),
});
export type Resnet18Options = OptionsOf<typeof resnet18Options>;

function convolved(x: Tensor, name: string, filters: number, kernelSize: number, strides: number): Tensor {
  const convolution = layers.conv2d({
    ...{ name, filters, kernelSize, strides, useBias: false, padding: strides === 1 ? 'same' : 'valid' },
    kernelInitializer: initializers.varianceScaling({ scale: 2, mode: 'fanOut', distribution: 'untruncatedNormal' }),
  });
  return convolution.apply(strides > 1 && kernelSize > 1 ? padded(x, kernelSize, name) : x);
}

const normal = (name: string): Layer => layers.batchNormalization({ name, momentum: 0.9, epsilon: 1e-5 });
const relu = (name: string): Layer => layers.activation({ name, activation: activations.relu });

/** Two convolutions of 3 x 3 and a path around them (BasicBlock). The path has a convolution of 1 x 1 if the shape changes. */
function block(x: Tensor, name: string, filters: number, strides: number, changes: boolean): Tensor {
  const first = applied(convolved(x, `${name}.conv1`, filters, 3, strides), normal(`${name}.bn1`), relu(`${name}.relu1`));
  const second = applied(convolved(first, `${name}.conv2`, filters, 3, 1), normal(`${name}.bn2`));
  const around = changes ? applied(convolved(x, `${name}.downsample.0`, filters, 1, strides), normal(`${name}.downsample.1`)) : x;
  return relu(`${name}.relu2`).apply(layers.add({ name: `${name}.add` }).apply<Tensor>([second, around]));
}

function build({ width, inputShape, includeTop, classes, classifierActivation }: SettingsOf<typeof resnet18Options>): Model {
  const images = input({ shape: inputShape });
  const stem = applied(convolved(images, 'conv1', width, 7, 2), normal('bn1'), relu('relu'));
  // All values are 0 or more after the activation, so that zeros as padding change no maximum.
  const pooled = layers.maxPooling2d({ name: 'maxpool', poolSize: 3, strides: 2 }).apply(padded(stem, 3, 'maxpool'));
  const features = [1, 2, 4, 8].reduce((x, factor, i) => {
    const strides = i === 0 ? 1 : 2;
    const name = `layer${i + 1}`;
    return block(block(x, `${name}.0`, width * factor, strides, i > 0), `${name}.1`, width * factor, 1, false);
  }, pooled);
  const vector = layers.globalAveragePooling2d({ name: 'avgpool' }).apply(features);
  const top = layers.dense({ name: 'fc', units: classes, activation: classifierActivation });
  return createModel({ inputs: images, outputs: includeTop ? top.apply(vector) : vector });
}

const map: WeightMap = {
  rules: [kernelRule, ...plainRules],
  ignore: ['{m}.num_batches_tracked', 'fc.{w}'],
  metadata: { format: 'pt' },
};

/**
 * ResNet-18 for images, with the names of torchvision: `layer1.0.conv1`. 11,689,512 parameters with 1,000 classes. It gives logits.
 *
 * Input f32 [batch, height, width, channels]; torchvision's weights expect values from 0 to 1, minus the mean [0.485, 0.456, 0.406], divided by
 * [0.229, 0.224, 0.225]. The feature maps before pooling are `model.getLayer('layer4.1.relu2').output`. He et al., Deep Residual Learning for
 * Image Recognition, 2015.
 *
 *     const body = resnet18({ includeTop: false });
 *     await body.loadWeights('resnet18.safetensors', { map: resnet18.map });
 */
export const resnet18: BaseModel<Resnet18Options> = /* @__PURE__ */ Object.assign(
  (options: Resnet18Options = {}): Model => build(resnet18Options.read(options)),
  { map },
);
