// Convolutions, pooling, padding, cropping and sizes.
import { ArgumentError } from '../../../core/errors.ts';
import { shown } from '../../../core/shown.ts';
import type { Converter } from '../converter.ts';
import {
  type KerasOption,
  type OptionTable,
  biasRules,
  constraint,
  dataFormat,
  ignored,
  initializer,
  interpolation,
  kernelRules,
  listOfOne,
  outputRules,
  regularizer,
  same,
  single,
} from '../optionKinds.ts';
import { factoryOf, kernelAndBias, row, weightsOf } from './rows.ts';

const outputs: OptionTable = { ...outputRules, ...biasRules, ...dataFormat };
const windows = (axes: 1 | 2 | 3): OptionTable => {
  const sizes = axes === 1 ? listOfOne : same;
  return { kernel_size: sizes, strides: sizes, padding: same, dilation_rate: sizes };
};
/** Rules of the kernel that Keras 2 writes for layers without such a kernel. */
const unusedRules: OptionTable = {
  ...{ kernel_initializer: ignored, kernel_regularizer: ignored, kernel_constraint: ignored, groups: ignored, filters: ignored },
};
const depthwise: OptionTable = {
  ...{ depth_multiplier: same, depthwise_initializer: initializer, depthwise_regularizer: regularizer },
  depthwise_constraint: constraint,
};

/** Options that TensorFlow.js has no words for are left out if they do nothing. */
const withoutGroups: NonNullable<Converter['complete']> = (written, _, { target, where }) => {
  if (target === 'keras') return { config: written };
  const { groups, output_padding: outputPadding, ...config } = written;
  if (groups !== undefined && groups !== 1)
    throw new ArgumentError(`${where}: groups is ${shown(groups)}, which TensorFlow.js does not have; it must be 1`);
  if (config.padding === 'causal')
    throw new ArgumentError(`${where}: padding is 'causal', which TensorFlow.js does not compute; pad before the layer`);
  if (outputPadding !== undefined)
    throw new ArgumentError(`${where}: outputPadding is given, which TensorFlow.js does not have; leave it out`);
  return { config };
};

const convolutions = ([1, 2, 3] as const).map((axes) =>
  row(
    `Conv${axes}D`,
    `conv${axes}d`,
    { filters: same, ...windows(axes), groups: same, ...outputs, ...kernelRules },
    { aliases: [`Convolution${axes}D`], weights: kernelAndBias, complete: withoutGroups },
  ),
);

const transposes = ([1, 2, 3] as const).map((axes) =>
  row(
    `Conv${axes}DTranspose`,
    `conv${axes}dTranspose`,
    { filters: same, ...windows(axes), output_padding: axes === 1 ? listOfOne : same, groups: same, ...outputs, ...kernelRules },
    {
      ...{ aliases: [`Convolution${axes}DTranspose`], weights: kernelAndBias },
      ...(axes === 1 && { targets: ['keras'] as const }),
      complete: (written, options, context) => {
        // Keras writes no groups for transposes.
        const { groups, ...rest } = written;
        if (groups !== undefined && groups !== 1)
          throw new ArgumentError(`${context.where}: groups is ${shown(groups)}, which the transposes of Keras do not have; it must be 1`);
        return withoutGroups(rest, options, context);
      },
    },
  ),
);

const depthwiseRows = ([1, 2] as const).map((axes) =>
  row(
    `DepthwiseConv${axes}D`,
    `depthwiseConv${axes}d`,
    { ...unusedRules, ...windows(axes), ...depthwise, ...outputs },
    {
      weights: [{ name: 'depthwise_kernel', variable: 'kernel' }, ...weightsOf('bias')],
      ...(axes === 1 && { targets: ['keras'] as const }),
      complete: (written, _, { where }) => {
        if (written.padding !== 'causal') return { config: written };
        throw new ArgumentError(`${where}: padding is 'causal', which Keras does not have here; pad before the layer`);
      },
    }, // prettier-ignore
  ),
);

const separableRows = ([1, 2] as const).map(
  (axes) =>
  row(
    `SeparableConv${axes}D`,
    `separableConv${axes}d`,
    {
      ...unusedRules,
      filters: same,
      ...windows(axes),
      ...depthwise,
      ...{ pointwise_initializer: initializer, pointwise_regularizer: regularizer, pointwise_constraint: constraint },
      ...outputs,
    },
    {
      aliases: [`SeparableConvolution${axes}D`],
      weights: [...weightsOf('depthwise_kernel'), { name: 'pointwise_kernel', variable: 'pointwiseKernel', leading: axes }, ...weightsOf('bias')],
      ...(axes === 1 && { targets: ['keras'] as const }),
    },
  ), // prettier-ignore
);

export const convolutionRows: readonly Converter[] = [...convolutions, ...transposes, ...depthwiseRows, ...separableRows];

const poolingRows = (['Max', 'Average'] as const).flatMap((how) =>
  ([1, 2, 3] as const).map((axes) => {
    const sizes = axes === 1 ? listOfOne : same;
    const name = how === 'Max' ? (`maxPooling${axes}d` as const) : (`averagePooling${axes}d` as const);
    const short = how === 'Max' ? 'Max' : 'Avg';
    return row(`${how}Pooling${axes}D`, name, { pool_size: sizes, strides: sizes, padding: same, ...dataFormat }, { aliases: [`${short}Pool${axes}D`] }); // prettier-ignore
  }),
);

const globalRows = (['Max', 'Average'] as const).flatMap((how) =>
  ([1, 2, 3] as const).map((axes) => {
    const name = how === 'Max' ? (`globalMaxPooling${axes}d` as const) : (`globalAveragePooling${axes}d` as const);
    return row(
      `Global${how}Pooling${axes}D`,
      name,
      { keepdims: { ...same, name: 'keepDims' }, ...dataFormat },
      {
        aliases: [`Global${how === 'Max' ? 'Max' : 'Avg'}Pool${axes}D`],
        ...(axes === 3 && { targets: ['keras'] as const }),
        complete: (written, _, { target, where }) => {
          const { keepdims, ...rest } = written;
          if (target === 'keras') return { config: written };
          if (keepdims === true) throw new ArgumentError(`${where}: keepDims is true, which TensorFlow.js does not have; reshape after it`);
          return { config: rest };
        },
      },
    );
  }),
);

const adaptiveRows = (['Max', 'Average'] as const).flatMap((how): Converter[] => {
  const name = how === 'Max' ? 'adaptiveMaxPooling' : 'adaptiveAveragePooling';
  const converters = ([1, 2, 3] as const).map(
    (axes) =>
    row(
      `Adaptive${how}Pooling${axes}D`,
      name,
      { output_size: same, ...dataFormat },
      {
        targets: ['keras'],
        make: ({ outputSize, ...rest }) => ({
          // One number is the size along all axes.
          layer: factoryOf(name)({ ...rest, outputSize: typeof outputSize === 'number' ? new Array<number>(axes).fill(outputSize) : outputSize }),
        }),
        complete: (written, _, { inputShape }) => {
          const count = inputShape.length - 1;
          const size = written.output_size;
          return {
            className: `Adaptive${how}Pooling${count}D`,
            config: { ...written, output_size: Array.isArray(size) && size.length === count ? size : new Array<unknown>(count).fill([size].flat()[0]) },
          };
        },
      },
    ), // prettier-ignore
  );
  return converters;
});

export const poolRows: readonly Converter[] = [...poolingRows, ...globalRows, ...adaptiveRows];

/** Only Keras has a mode other than zeros, and it has none. */
const zerosOnly: Converter['complete'] = (written, { mode }, { where }) => {
  if (mode === undefined || mode === 'constant') return { config: written };
  throw new ArgumentError(`${where}: mode is ${shown(mode)}, which Keras does not have; it must be 'constant'`);
};

/** Sizes before and after the only axis. */
const pair: KerasOption = {
  read: same.read,
  write: (value) => (Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value),
};

export const sizeRows: readonly Converter[] = [
  row('ZeroPadding1D', 'zeroPadding1d', { padding: pair, ...dataFormat }, { targets: ['keras'], complete: zerosOnly }),
  row('ZeroPadding2D', 'zeroPadding2d', { padding: same, ...dataFormat }, { complete: zerosOnly }),
  row('ZeroPadding3D', 'zeroPadding3d', { padding: same, ...dataFormat }, { targets: ['keras'], complete: zerosOnly }),
  row('Cropping1D', 'cropping1d', { cropping: pair }, { targets: ['keras'] }),
  row('Cropping2D', 'cropping2d', { cropping: same, ...dataFormat }),
  row('Cropping3D', 'cropping3d', { cropping: same, ...dataFormat }, { targets: ['keras'] }),
  row('UpSampling1D', 'upSampling1d', { size: single }, { targets: ['keras'] }),
  row(
    'UpSampling2D',
    'upSampling2d',
    { size: same, interpolation, ...dataFormat },
    {
      complete: (written, _, { target, where }) => {
        if (target === 'keras' || written.interpolation === 'nearest') return { config: written };
        throw new ArgumentError(`${where}: interpolation is 'bilinear', which has other corners in TensorFlow.js; it must be 'nearest'`);
      },
    },
  ),
  row('UpSampling3D', 'upSampling3d', { size: same, ...dataFormat }, { targets: ['keras'] }),
  row('CenterCrop', 'centerCrop', { height: same, width: same, ...dataFormat }, { targets: ['keras'] }),
];
