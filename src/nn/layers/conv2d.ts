import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { add, conv2d as convolve } from '../../ops/index.ts';
import { pairOf } from '../../ops/conv/geometry.ts';
import { type Activation, type ActivationName, resolveActivation } from '../activations.ts';
import { type Initializer, type InitializerName, resolveInitializer } from '../initializers.ts';
import { type Layer, type LayerOptions, checkPositive, checkRank, defineLayer, layerOptionNames } from '../layer.ts';
import { type PairOption, type WindowPadding, checkPadding, windowedShape } from '../windows.ts';

export interface Conv2dOptions extends LayerOptions {
  filters: number;
  kernelSize: PairOption;
  strides?: PairOption;
  padding?: WindowPadding;
  dilationRate?: PairOption;
  groups?: number;
  activation?: ActivationName | Activation;
  useBias?: boolean;
  kernelInitializer?: InitializerName | Initializer;
  biasInitializer?: InitializerName | Initializer;
}

const optionNames = [
  ...['filters', 'kernelSize', 'strides', 'padding', 'dilationRate', 'groups', 'activation', 'useBias'],
  ...['kernelInitializer', 'biasInitializer', ...layerOptionNames],
];

/**
 * A bank of filters slid over images: y = activation(conv2d(x, kernel) + bias).
 *
 * Input [batch, height, width, channels], kernel [kernelHeight, kernelWidth, channels / groups, filters], bias [filters].
 * Throws a ShapeError for inputs of another rank, smaller than the kernel, or whose channels `groups` does not divide.
 *
 *     layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [28, 28, 1] })
 */
export function conv2d(options: Conv2dOptions): Layer {
  const name = 'layers.conv2d';
  checkOptions(name, options, optionNames);
  const {
    filters,
    padding = 'valid',
    groups = 1,
    useBias = true,
    kernelInitializer = 'glorotUniform',
    biasInitializer = 'zeros',
  } = options;
  checkPositive(name, 'filters', filters);
  checkPositive(name, 'groups', groups);
  checkPadding(name, padding);
  if (filters % groups !== 0) throw new ArgumentError(`${name}: ${filters} filters do not divide into ${groups} groups`);
  const size = pairOf(name, 'kernelSize', options.kernelSize);
  const strides = pairOf(name, 'strides', options.strides ?? 1);
  const dilations = pairOf(name, 'dilationRate', options.dilationRate ?? 1);
  const activation = resolveActivation(name, options.activation);
  const kernelInit = resolveInitializer(name, kernelInitializer);
  const biasInit = resolveInitializer(name, biasInitializer);
  return defineLayer({
    kind: 'conv2d',
    options,
    outputShape: (shape, where) => {
      checkRank(where, shape, 3, '[batch, height, width, channels]');
      if (shape[2] % groups !== 0) {
        throw new ShapeError(`${where}: ${shape[2]} channels do not divide into ${groups} groups; choose another groups`);
      }
      return [...windowedShape(where, shape, { size, strides, dilations, padding }), filters];
    },
    build: (shape, random) => ({
      parameters: {
        kernel: kernelInit([...size, shape[2] / groups, filters], random),
        ...(useBias && { bias: biasInit([filters], random) }),
      },
    }),
    apply: ({ parameters: { kernel, bias } }, x) => {
      const y = convolve(x, kernel, { strides, padding, dilations, groups });
      return activation(bias ? add(y, bias) : y);
    },
  });
}
