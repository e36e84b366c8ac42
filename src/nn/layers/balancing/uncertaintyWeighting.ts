// Weights of losses that are learned together with the model.
import type { Configured } from '../../../core/config.ts';
import { ArgumentError } from '../../../core/errors.ts';
import { either, kindOf, number, oneOf } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { add, exp, mul, neg, scalar } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { isShape } from '../../spec.ts';
import type { Shapes, Tensors } from '../../spec.ts';
import { areScalars, scalarsOf, taskNames } from './tasks.ts';

/** Likelihood of a task: 'gaussian' for a squared error, 'softmax' for a cross-entropy. */
export type Likelihood = 'gaussian' | 'softmax';

const likelihoodKind = /* @__PURE__ */ oneOf<Likelihood>('gaussian', 'softmax');

export const uncertaintyWeightingOptions = declareOptions('layers.uncertaintyWeighting', {
  /** Likelihood of all tasks, or of each by its name: 'gaussian' for a squared error, 'softmax' for a cross-entropy. @default 'gaussian' */
  likelihood: optional(
    either(
      likelihoodKind,
      kindOf<Readonly<Record<string, Likelihood>>>({
        rule: "a record by task, such as { depth: 'gaussian', label: 'softmax' }",
        accepts: (value): value is Readonly<Record<string, Likelihood>> =>
          typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(likelihoodKind.accepts),
      }),
    ),
    'gaussian',
  ),
  /** First value of the logarithm of each variance. @default 0 */
  initialLogVariance: optional(number(), 0),
  ...layerOptions,
});
export type UncertaintyWeightingOptions = OptionsOf<typeof uncertaintyWeightingOptions>;

/**
 * Weighs the losses of tasks by learned variances: sum(c exp(-s) loss + s / 2), with a parameter s = log variance for each task, and c = 1/2 for
 * a Gaussian likelihood and 1 for a softmax. Outputs pass unchanged; scalar losses, in a training step, give the sum. Kendall et al.,
 * Multi-Task Learning Using Uncertainty to Weigh Losses, 2018.
 *
 *     const weigh = layers.uncertaintyWeighting({ likelihood: { depth: 'gaussian', label: 'softmax' } });
 *     const model = createModel({ inputs: x, outputs: weigh.apply({ depth, label }) });
 *     model.compile({ loss: { depth: 'mse', label: 'sparseCategoricalCrossentropy' }, trainStep: (step) => {
 *       const { loss, gradients } = step.gradients(() => step.apply(weigh, step.losses(step.forward(step.x))));
 *       step.update(gradients);
 *       return { loss };
 *     } });
 *
 * @throws ArgumentError for losses of other tasks than the outputs, and a likelihood of no output.
 */
export function uncertaintyWeighting(options: UncertaintyWeightingOptions = {}): Configured<Layer> {
  const settings = uncertaintyWeightingOptions.read(options);
  const { likelihood, initialLogVariance } = settings;
  const kind = 'uncertaintyWeighting';
  const layer = defineLayer<Tensors, Tensors>({
    takes: 'tree',
    kind,
    options: settings,
    masking: 'pass',
    precision: 'f32',
    outputShape: (shapes) => shapes,
    build(shapes) {
      const names = taskNames(shapes, (value) => isShape(value as Shapes));
      const odd = typeof likelihood === 'string' ? undefined : Object.keys(likelihood).find((name) => !names.includes(name));
      if (odd !== undefined) {
        throw new ArgumentError(`${kind}: likelihood has '${odd}', which is no output; the outputs are ${names.join(', ')}`);
      }
      return { parameters: Object.fromEntries(names.map((name) => [name, scalar(initialLogVariance)])) };
    },
    apply({ parameters }, inputs) {
      if (!areScalars(inputs)) return { outputs: inputs };
      const names = Object.keys(parameters);
      const terms = scalarsOf(kind, 'losses', names, inputs).map((loss, i): Tensor => {
        const name = names[i];
        const scaled = mul(loss, exp(neg(parameters[name])));
        const isSoftmax = (typeof likelihood === 'string' ? likelihood : likelihood[name]) === 'softmax';
        return add(isSoftmax ? scaled : mul(scaled, 0.5), mul(parameters[name], 0.5));
      });
      return { outputs: terms.reduce((a, b) => add(a, b)) };
    },
  });
  return withLayerConfig(layer, uncertaintyWeightingOptions, settings);
}
