// Dense layers, embeddings, activations, merges, shapes, dropout and noise.
import { register } from '../../../core/registry.ts';
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
  regularizer,
  same,
} from '../optionKinds.ts';
import { kernelAndBias, row, weightsOf } from './rows.ts';

const outputs = { activation, activity_regularizer: regularizer };
const seed = { seed: ignored };

/** x above theta, else 0. */
const thresholdedRelu = register(
  'keras.thresholdedRelu',
  ({ theta }: { theta: number }) =>
    (x: Tensor) =>
      where(greater(x, theta), x, mul(zerosLike(x), 1)),
);

export const denseRows: readonly Converter[] = [
  row('Dense', 'dense', { units: same, ...outputs, ...kernelRules, ...biasRules }, { weights: kernelAndBias }),
  row(
    'EinsumDense',
    'einsumDense',
    {
      ...{ equation: same, output_shape: same, bias_axes: same },
      ...outputs,
      ...kernelRules,
      ...{ bias_initializer: initializer, bias_regularizer: regularizer, bias_constraint: constraint },
    },
    { weights: kernelAndBias, targets: ['keras'] },
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

const slope = { ...named(same, 'negativeSlope'), aliases: ['alpha'], tensorFlowJsName: 'alpha' };

export const activationRows: readonly Converter[] = [
  row('LeakyReLU', 'leakyRelu', { negative_slope: slope }),
  row('ELU', 'elu', { alpha: same }),
  row('PReLU', 'prelu', { alpha_initializer: initializer, alpha_regularizer: regularizer, alpha_constraint: constraint, shared_axes: same }, { weights: weightsOf('alpha') }), // prettier-ignore
  row('ReLU', 'relu', { max_value: same, negative_slope: same, threshold: same }, {
    complete: (written, _, { target }) => {
      // TensorFlow.js has no slope and no threshold.
      if (target === 'keras') return { config: written };
      const { negative_slope: below, threshold, ...rest } = written;
      return { config: below || threshold ? written : rest };
    },
  }), // prettier-ignore
  row('Softmax', 'softmax', { axis: { read: (value) => (Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value), write: (value) => value } }), // prettier-ignore
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
