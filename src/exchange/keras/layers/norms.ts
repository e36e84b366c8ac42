// Normalizations, and preprocessing that learned its numbers from data.
import { ArgumentError } from '../../../core/errors.ts';
import { shown } from '../../../core/shown.ts';
import { type Shape, sizeOf } from '../../../core/shape.ts';
import type { Converter } from '../converter.ts';
import type { HostWeight } from '../hostWeight.ts';
import {
  type KerasOption,
  type OptionTable,
  constraint,
  dataFormat,
  ignored,
  initializer,
  interpolation,
  only,
  regularizer,
  same,
  word,
} from '../optionKinds.ts';
import { factoryOf, row, weightsOf } from './rows.ts';

/** One axis, which Keras 2 writes as a list. */
const oneAxis: KerasOption = {
  read: (value) => (Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value === null ? undefined : value),
  write: (value) => value,
};
const scaled: OptionTable = { scale: same, gamma_initializer: initializer, gamma_regularizer: regularizer, gamma_constraint: constraint };
const affine: OptionTable = {
  ...scaled,
  ...{ center: same, beta_initializer: initializer, beta_regularizer: regularizer, beta_constraint: constraint },
};
const gammaAndBeta = weightsOf('gamma', 'beta');

export const normRows: readonly Converter[] = [
  row(
    'BatchNormalization',
    'batchNormalization',
    {
      ...{ axis: oneAxis, momentum: same, epsilon: same, ...affine },
      ...{ moving_mean_initializer: initializer, moving_variance_initializer: initializer },
      ...{ renorm: only(false), renorm_clipping: ignored, renorm_momentum: ignored, fused: ignored, virtual_batch_size: only(null) },
      synchronized: ignored,
    },
    {
      aliases: ['BatchNormalizationV1', 'SyncBatchNormalization'],
      weights: [...gammaAndBeta, ...weightsOf('moving_mean', 'moving_variance')],
      complete: (written, _, { target, where, inputShape }) => {
        // TensorFlow.js normalizes other axes with the numbers of the wrong features.
        if (target === 'keras' || written.axis === -1 || written.axis === inputShape.length) return { config: written };
        throw new ArgumentError(`${where}: axis is ${shown(written.axis)}; TensorFlow.js computes only the last axis`);
      },
    },
  ),
  row('LayerNormalization', 'layerNormalization', { axis: same, epsilon: same, rms_scaling: only(false), ...affine }, {
    weights: gammaAndBeta,
    complete: (written, _, { target }) => {
      // TensorFlow.js has no constraints here.
      const { gamma_constraint: _gamma, beta_constraint: _beta, ...rest } = written;
      return { config: target === 'keras' ? written : rest };
    },
  }),
  row('GroupNormalization', 'groupNormalization', { groups: same, axis: oneAxis, epsilon: same, ...affine }, { weights: gammaAndBeta, targets: ['keras'] }),
  row('GroupNormalization', 'instanceNormalization', { axis: oneAxis, epsilon: same, ...affine }, {
    ...{ weights: gammaAndBeta, targets: ['keras'] },
    // Groups of one channel.
    complete: (written) => ({ config: { groups: -1, ...written } }),
  }),
  row('RMSNormalization', 'rmsNormalization', { axis: same, epsilon: same }, {
    ...{ weights: [{ name: 'scale', variable: 'gamma' }], targets: ['keras'] },
    complete: (written, { scale, gammaRegularizer, gammaConstraint }, { where, inputShape }) => {
      if (![-1, inputShape.length].includes([written.axis].flat()[0] as number) || [written.axis].flat().length > 1)
        throw new ArgumentError(`${where}: axis is ${shown(written.axis)}; Keras computes only the last axis here`);
      if (scale === false) throw new ArgumentError(`${where}: scale is false, which Keras does not have here; it must be true`);
      if (gammaRegularizer !== undefined || gammaConstraint !== undefined)
        throw new ArgumentError(`${where}: gamma has a regularizer or a constraint, which Keras does not have here; leave it out`);
      return { config: written };
    },
    implied: { gammaInitializer: true, gammaRegularizer: true, gammaConstraint: true, scale: true },
  }),
  row('UnitNormalization', 'unitNormalization', { axis: same }, { targets: ['keras'] }),
]; // prettier-ignore

/** Numbers of a weight as nested lists. */
function nested({ shape, data }: HostWeight): unknown {
  const part = (axes: Shape, begin: number): unknown => {
    if (axes.length === 0) return data[begin];
    const [count, ...rest] = axes;
    return Array.from({ length: count }, (_, i) => part(rest, begin + i * sizeOf(rest)));
  };
  return part(shape, 0);
}

/** Nested lists of Keras without their axes of size 1, of which there is one for each axis of the input. */
function squeezed(value: unknown, axes: number): unknown {
  let inner = value;
  const rankOf = (list: unknown): number => (Array.isArray(list) ? 1 + rankOf(list[0]) : 0);
  while (Array.isArray(inner) && inner.length === 1 && rankOf(inner) > axes) inner = inner[0] as unknown;
  return inner;
}

const axisCount = (axis: unknown): number => (Array.isArray(axis) ? axis.length : axis === undefined ? 0 : 1);

const normalization = row(
  'Normalization',
  'normalization',
  { axis: { read: (value) => (value === null ? [] : value), write: (value) => (Array.isArray(value) && value.length === 0 ? null : value) }, mean: same, variance: same, invert: same },
  {
    targets: ['keras'],
    make: ({ mean, variance, ...rest }, context) => {
      const count = axisCount(rest.axis ?? -1);
      const given = mean === undefined && variance === undefined;
      const moments = given ? [nested(context.weight('mean', 0)), nested(context.weight('variance', 1))] : [mean, variance];
      const [average, spread] = moments.map((value) => squeezed(value, count));
      return { layer: factoryOf('normalization')({ ...rest, mean: average, variance: spread }) };
    },
    complete: (written, { mean }, { where }) => {
      if (mean === undefined) throw new ArgumentError(`${where}: has no mean and variance yet; call await layer.adapt(data) first`);
      return { config: written };
    },
  },
); // prettier-ignore

const category: OptionTable = { output_mode: word };

export const preprocessingRows: readonly Converter[] = [
  normalization,
  row('Rescaling', 'rescaling', { scale: same, offset: same }, {
    complete: (written, _, { target, where }) => {
      if (target === 'keras' || (typeof written.scale === 'number' && typeof written.offset === 'number')) return { config: written };
      throw new ArgumentError(`${where}: scale and offset are lists, and TensorFlow.js has only numbers`);
    },
  }),
  row('CategoryEncoding', 'categoryEncoding', { num_tokens: same, ...category, sparse: only(false) }),
  row(
    'Discretization',
    'discretization',
    { bin_boundaries: same, num_bins: ignored, epsilon: ignored, ...category, sparse: only(false) },
    { targets: ['keras'] },
  ),
  row('Resizing', 'resizing', {
    ...{ height: same, width: same, interpolation, antialias: same, ...dataFormat },
    ...{ crop_to_aspect_ratio: only(false), pad_to_aspect_ratio: only(false), fill_mode: ignored, fill_value: ignored },
  }, { targets: ['keras'] }),
]; // prettier-ignore

const seeded: OptionTable = { seed: same, ...dataFormat };
const filled: OptionTable = { fill_mode: word, interpolation: word, fill_value: same, ...seeded };
const range: OptionTable = { value_range: same };
const keras = { targets: ['keras'] as const };

/** Augmentations. They do nothing outside of training. */
export const augmentationRows: readonly Converter[] = [
  row('RandomFlip', 'randomFlip', { mode: word, ...seeded }, keras),
  row('RandomRotation', 'randomRotation', { factor: same, ...filled }, keras),
  row('RandomTranslation', 'randomTranslation', { height_factor: same, width_factor: same, ...filled }, keras),
  row('RandomZoom', 'randomZoom', { height_factor: same, width_factor: same, ...filled }, keras),
  row('RandomShear', 'randomShear', { x_factor: same, y_factor: same, ...filled }, keras),
  row('RandomContrast', 'randomContrast', { factor: same, ...range, ...seeded }, keras),
  row('RandomBrightness', 'randomBrightness', { factor: same, ...range, ...seeded }, keras),
  row('RandomCrop', 'randomCrop', { height: same, width: same, ...seeded }, keras),
  row('RandomErasing', 'randomErasing', { factor: same, scale: same, fill_value: same, ...range, ...seeded }, keras),
  row('RandomGaussianBlur', 'gaussianBlur', { factor: same, kernel_size: same, sigma: same, ...range, ...seeded }, keras),
  row('RandomColorJitter', 'colorJitter', { brightness_factor: same, contrast_factor: same, saturation_factor: same, hue_factor: same, ...range, ...seeded }, keras),
  row('RandomGrayscale', 'grayscale', { factor: same, ...seeded }, keras),
]; // prettier-ignore
