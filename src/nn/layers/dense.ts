import { checkOptions } from '../../core/errors.ts';
import { add, matmul } from '../../ops/index.ts';
import { type Activation, type ActivationName, resolveActivation } from '../activations.ts';
import { type Initializer, type InitializerName, resolveInitializer } from '../initializers.ts';
import { type Layer, type LayerOptions, checkPositive, checkRankAtLeast, defineLayer, layerOptionNames } from '../layer.ts';

export interface DenseOptions extends LayerOptions {
  units: number;
  activation?: ActivationName | Activation;
  useBias?: boolean;
  kernelInitializer?: InitializerName | Initializer;
  biasInitializer?: InitializerName | Initializer;
}

/**
 * Every output from every input: y = activation(x kernel + bias), over the last axis.
 *
 * Input [batch, …, in], kernel [in, units], bias [units], output [batch, …, units]. Throws a ShapeError for inputs without that axis.
 *
 *     layers.dense({ units: 128, activation: 'relu', inputShape: [784] })
 */
export function dense(options: DenseOptions): Layer {
  const known = ['units', 'activation', 'useBias', 'kernelInitializer', 'biasInitializer', ...layerOptionNames];
  checkOptions('layers.dense', options, known);
  const { units, useBias = true, kernelInitializer = 'glorotUniform', biasInitializer = 'zeros' } = options;
  checkPositive('layers.dense', 'units', units);
  const activation = resolveActivation('layers.dense', options.activation);
  const kernelInit = resolveInitializer('layers.dense', kernelInitializer);
  const biasInit = resolveInitializer('layers.dense', biasInitializer);
  return defineLayer({
    kind: 'dense',
    options,
    outputShape: (shape, where) => {
      checkRankAtLeast(where, shape, 1, '[batch, …, features]');
      return [...shape.slice(0, -1), units];
    },
    build: (shape, random) => ({
      parameters: {
        kernel: kernelInit([shape[shape.length - 1], units], random),
        ...(useBias && { bias: biasInit([units], random) }),
      },
    }),
    apply: ({ parameters: { kernel, bias } }, x) => {
      const product = matmul(x, kernel);
      return activation(bias ? add(product, bias) : product);
    },
  });
}
