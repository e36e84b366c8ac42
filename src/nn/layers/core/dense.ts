import type { Configured } from '../../../core/config.ts';
import { boolean, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { add } from '../../../ops/index.ts';
import { activationKind } from '../../activationKind.ts';
import { linear } from '../../activations.ts';
import { initializerKind } from '../../initializers.ts';
import { defineLayer } from '../../defineLayer.ts';
import { checkRankAtLeast } from '../../inputChecks.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { loraProduct } from '../../lora.ts';
import { loraFactoryOptions } from '../../loraOptions.ts';
import { quantizationFactoryOptions } from '../../quantizationOptions.ts';
import { kernelAndBiasOptions, parameterRules } from '../../parameterOptions.ts';

export const denseOptions = declareOptions('layers.dense', {
  /** Number of outputs. */
  units: required(positiveInteger, 64),
  /** Function of the outputs, by its name or as a function. @default 'linear' */
  activation: optional(activationKind({ linear }), 'linear'),
  /** Adds a trained bias to each output. @default true */
  useBias: optional(boolean, true),
  /** First values of the kernel. @default 'glorotUniform' */
  kernelInitializer: optional(initializerKind, 'glorotUniform'),
  /** First values of the bias. @default 'zeros' */
  biasInitializer: optional(initializerKind, 'zeros'),
  ...loraFactoryOptions,
  ...quantizationFactoryOptions,
  ...kernelAndBiasOptions,
  ...layerOptions,
});
export type DenseOptions = OptionsOf<typeof denseOptions>;

/**
 * Every output from every input: y = activation(x kernel + bias), over the last axis.
 *
 * Input [batch, …, in], kernel [in, units], bias [units], output [batch, …, units]. Throws a ShapeError for inputs without that axis.
 *
 *     layers.dense({ units: 128, activation: 'relu', inputShape: [784] })
 */
export function dense(options: DenseOptions): Configured<Layer> {
  const settings = denseOptions.read(options);
  const { units, activation, useBias, kernelInitializer, biasInitializer } = settings;
  const layer = defineLayer({
    kind: 'dense',
    options: settings,
    ...parameterRules(settings),
    masking: 'pass',
    lora: { kernel: -1 },
    appliesLora: true,
    quantize: { kernel: [0] },
    unpacks: true,
    outputShape: (shape, where) => {
      checkRankAtLeast(where, shape, 1, '[batch, …, features]');
      return [...shape.slice(0, -1), units];
    },
    build: (shape, random) => ({
      parameters: {
        kernel: kernelInitializer([shape[shape.length - 1], units], random),
        ...(useBias && { bias: biasInitializer([units], random) }),
      },
    }),
    apply: ({ parameters }, x) => {
      const product = loraProduct(x, parameters, 'kernel');
      const { bias } = parameters as { readonly bias?: Tensor };
      return activation(bias ? add(product, bias) : product);
    },
  });
  return withLayerConfig(layer, denseOptions, settings);
}
