// Dense layers, embeddings, activations, merges, shapes, dropout and noise.
import { ArgumentError } from '../../../core/errors.ts';
import { register } from '../../../core/registry.ts';
import { shown } from '../../../core/shown.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { greater, mul, where, zerosLike } from '../../../ops/index.ts';
import { layers } from '../../../nn/index.ts';
import type { Converter } from '../converter.ts';
import {
  activation,
  biasRules,
  constraint,
  dataFormat,
  ignored,
  initializer,
  kernelRules,
  named,
  only,
  outputRules,
  regularizer,
  same,
  single,
} from '../optionKinds.ts';
import { kernelAndBias, row, weightsOf } from './rows.ts';

const seed = { seed: ignored };

/** x above theta, else 0. */
const thresholdedRelu = register(
  'keras.thresholdedRelu',
  ({ theta }: { theta: number }) =>
    (x: Tensor) =>
      where(greater(x, theta), x, mul(zerosLike(x), 1)),
);

export const denseRows: readonly Converter[] = [
  row('Dense', 'dense', { units: same, ...outputRules, ...kernelRules, ...biasRules }, { weights: kernelAndBias }),
  row(
    'EinsumDense',
    'einsumDense',
    {
      ...{ equation: same, output_shape: same, bias_axes: same },
      ...outputRules,
      ...kernelRules,
      ...{ bias_initializer: initializer, bias_regularizer: regularizer, bias_constraint: constraint },
    },
    {
      ...{ weights: kernelAndBias, targets: ['keras'] },
      complete: (written, _, { layer, inputShape }) => {
        // Keras takes the shape of the bias from the sizes of the output, and from no input.
        const sizes = layer.outputShape(inputShape) as readonly number[];
        const given = written.output_shape as readonly unknown[];
        return {
          config: { ...written, ...(written.bias_axes !== undefined && { output_shape: sizes.slice(sizes.length - given.length) }) },
        };
      },
    },
  ),
  row(
    'Embedding',
    'embedding',
    {
      ...{ input_dim: same, output_dim: same, mask_zero: same, input_length: ignored },
      ...{ embeddings_initializer: initializer, embeddings_regularizer: regularizer, embeddings_constraint: constraint },
    },
    { weights: weightsOf('embeddings') },
  ),
  row('Activation', 'activation', { activation }),
  row('Identity', 'identity', {}, { targets: ['keras'] }),
  row('Masking', 'masking', { mask_value: same }),
];

const belowZero = { ...named(same, 'negativeSlope'), aliases: ['alpha'], tensorFlowJsName: 'alpha' };

export const activationRows: readonly Converter[] = [
  row('LeakyReLU', 'leakyRelu', { negative_slope: belowZero }),
  row('ELU', 'elu', { alpha: same }, {
    complete: (written, _, { target, where }) => {
      if (target === 'keras' || written.alpha === 1) return { config: written };
      throw new ArgumentError(`${where}: alpha is ${shown(written.alpha)}, which TensorFlow.js does not have; it must be 1`);
    },
  }), // prettier-ignore
  row('PReLU', 'prelu', { alpha_initializer: initializer, alpha_regularizer: regularizer, alpha_constraint: constraint, shared_axes: same }, { weights: weightsOf('alpha') }), // prettier-ignore
  row('ReLU', 'relu', { max_value: same, negative_slope: same, threshold: same }, {
    complete: (written, _, { target, where }) => {
      if (target === 'keras') return { config: written };
      const { negative_slope: slope, threshold, ...config } = written;
      if (slope || threshold) throw new ArgumentError(`${where}: negativeSlope or threshold is not 0, which TensorFlow.js does not have; use layers.leakyRelu`);
      return { config };
    },
  }), // prettier-ignore
  row('Softmax', 'softmax', { axis: single }, {
    complete: (written, _, { target, where, inputShape }) => {
      if (target === 'keras' || written.axis === -1 || written.axis === inputShape.length) return { config: written };
      throw new ArgumentError(`${where}: axis is ${shown(written.axis)}; TensorFlow.js computes only the last axis`);
    },
  }), // prettier-ignore
  {
    className: 'ThresholdedReLU',
    kind: 'keras.thresholdedRelu',
    options: { theta: same },
    targets: ['tensorFlowJs'],
    make: ({ theta = 1, ...common }) => ({ layer: layers.lambda({ fn: thresholdedRelu({ theta: theta as number }), ...common }) }),
  },
];

const flatRows = ['Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum'] as const;
const flatNames = {
  Add: 'add',
  Subtract: 'subtract',
  Multiply: 'multiply',
  Average: 'average',
  Maximum: 'maximum',
  Minimum: 'minimum',
} as const;

export const mergeRows: readonly Converter[] = [
  ...flatRows.map((className) => row(className, flatNames[className], {}, className === 'Subtract' ? { targets: ['keras'] } : {})),
  row('Concatenate', 'concatenate', { axis: same }),
  row('Dot', 'dot', { axes: same, normalize: same }),
];

export const shapeRows: readonly Converter[] = [
  row('Flatten', 'flatten', dataFormat),
  row('Reshape', 'reshape', { target_shape: same }),
  row('Permute', 'permute', { dims: same }),
  row('RepeatVector', 'repeatVector', { n: same }),
];

const dropped = { rate: same, noise_shape: only(null), ...seed };

export const noiseRows: readonly Converter[] = [
  row('Dropout', 'dropout', dropped),
  row('SpatialDropout1D', 'spatialDropout1d', dropped),
  row('SpatialDropout2D', 'spatialDropout2d', { ...dropped, ...dataFormat }, { targets: ['keras'] }),
  row('SpatialDropout3D', 'spatialDropout3d', { ...dropped, ...dataFormat }, { targets: ['keras'] }),
  row('GaussianNoise', 'gaussianNoise', { stddev: same, ...seed }),
  row('GaussianDropout', 'gaussianDropout', { rate: same, ...seed }),
  row('AlphaDropout', 'alphaDropout', dropped),
  row('ActivityRegularization', 'activityRegularization', { l1: same, l2: same }, { targets: ['keras'] }),
];
