// Transposed convolutions over any number of axes.
import { ArgumentError } from '../../../core/errors.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { parameterRules } from '../../parameterOptions.ts';
import { type WindowPadding, checkAxes } from '../../windows.ts';
import { type ConvolutionSettings, checkChannelGroups, finished } from './convolution.ts';

interface TransposeSettings extends ConvolutionSettings {
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly padding: WindowPadding;
  readonly outputPadding: readonly number[] | undefined;
  readonly dilationRate: readonly number[];
}

type Convolve = (x: Tensor, kernel: Tensor, options: object) => Tensor;

export function checkOutputPadding({ outputPadding, strides }: Pick<TransposeSettings, 'outputPadding' | 'strides'>, where: string): void {
  if (!outputPadding || outputPadding.every((n, axis) => n < strides[axis])) return;
  throw new ArgumentError(`${where}: outputPadding ${outputPadding.join('x')} must be less than the strides ${strides.join('x')}`);
}

export function transposeLayer(kind: string, settings: TransposeSettings, convolve: Convolve): Layer {
  const { filters, groups, kernelSize, strides, padding, outputPadding, dilationRate, useBias, kernelInitializer, biasInitializer } =
    settings;
  const axes = kernelSize.length;
  return defineLayer({
    kind,
    options: settings,
    ...parameterRules(settings),
    lora: { kernel: -1 },
    build: (shape, random) => {
      checkAxes(settings.name ?? kind, shape, axes);
      checkChannelGroups(settings.name ?? kind, shape, groups);
      return {
        parameters: {
          kernel: kernelInitializer([...kernelSize, filters / groups, shape[axes]], random),
          ...(useBias && { bias: biasInitializer([filters], random) }),
        },
      };
    },
    apply: ({ parameters: { kernel, bias } }, x) => {
      const own = outputPadding && { outputPadding };
      return finished(settings, convolve(x, kernel, { strides, padding, dilations: dilationRate, groups, ...own }), bias);
    },
  });
}
