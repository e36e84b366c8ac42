// Weights of losses that follow the norms of their gradients.
import type { Configured } from '../../../core/config.ts';
import { ArgumentError } from '../../../core/errors.ts';
import { number } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { isBranch } from '../../../core/tree.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { div, equal, greater, maximum, mean, mul, pow, reshape, scalar, sign, stack, sub, sum, where } from '../../../ops/index.ts';
import { sliceAxis } from '../../../ops/shape/slice.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, TensorRecord } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { type Shapes, type Tensors, isShape } from '../../spec.ts';
import { areScalars, scalarsOf, taskNames } from './tasks.ts';

export const gradNormWeightsOptions = declareOptions('layers.gradNormWeights', {
  /** Strength of the pull towards one training rate of all tasks. @default 1.5 */
  alpha: optional(number('at least 0'), 1.5),
  /** Step size of the weights. @default 0.025 */
  learningRate: optional(number('above 0'), 0.025),
  ...layerOptions,
});
export type GradNormWeightsOptions = OptionsOf<typeof gradNormWeightsOptions>;

/** Smallest weight: a weight of 0 would have no gradient to grow by. */
const leastWeight = 1e-6;

/**
 * The weights w of the losses for gradNorm(). Outputs pass unchanged. Applied to { losses, norms }, two records of scalars, it returns w and
 * takes one step down |w n - mean(w n) r^alpha|. n are the norms. r are the losses over their first values, divided by the mean of these
 * ratios. Then w is scaled to the sum of the number of tasks. Chen et al., GradNorm, 2018.
 *
 *     const weigh = layers.gradNormWeights({ alpha: 1.5 });
 *     const model = createModel({ inputs: x, outputs: weigh.apply({ depth, label }) });
 *
 * @throws ArgumentError for losses or norms of other tasks than the outputs.
 */
export function gradNormWeights(options: GradNormWeightsOptions = {}): Configured<Layer> {
  const settings = gradNormWeightsOptions.read(options);
  const { alpha, learningRate } = settings;
  const kind = 'gradNormWeights';
  const layer = defineLayer<Tensors, Tensors>({
    takes: 'tree',
    kind,
    options: settings,
    masking: 'pass',
    precision: 'f32',
    outputShape: (shapes) => shapes,
    build(shapes) {
      const names = taskNames(shapes, (value) => isShape(value as Shapes));
      const entries = names.flatMap((name) => [[weightOf(name), scalar(1)] as const, [firstLossOf(name), scalar(0)] as const]);
      return { state: { ...Object.fromEntries(entries), started: scalar(0) } };
    },
    apply({ state }, inputs) {
      if (!areScalars(inputs)) return { outputs: inputs };
      const { losses, norms } = partsOf(inputs);
      const names = Object.keys(state).flatMap((key) => (key.endsWith(weightEnd) ? [key.slice(0, -weightEnd.length)] : []));
      const [lossNow, norm] = [scalarsOf(kind, 'losses', names, losses), scalarsOf(kind, 'norms', names, norms)].map((all) => stack(all));
      const weights = stack(names.map((name) => state[weightOf(name)]));
      const first = where(greater(state.started, 0), stack(names.map((name) => state[firstLossOf(name)])), lossNow);
      const next = nextWeights({ weights, losses: lossNow, first, norms: norm, alpha, learningRate });
      const at = (values: Tensor, i: number): Tensor => reshape(sliceAxis(values, 0, i, 1), []);
      const entries = names.flatMap((name, i) => [[weightOf(name), at(next, i)] as const, [firstLossOf(name), at(first, i)] as const]);
      const nextState: TensorRecord = { ...Object.fromEntries(entries), started: scalar(1) };
      return { outputs: Object.fromEntries(names.map((name) => [name, state[weightOf(name)]])), state: nextState };
    },
  });
  return withLayerConfig(layer, gradNormWeightsOptions, settings);
}

const weightEnd = '_weight';
const weightOf = (name: string): string => name + weightEnd;
const firstLossOf = (name: string): string => `${name}_firstLoss`;

function partsOf(inputs: unknown): { losses: unknown; norms: unknown } {
  if (isBranch(inputs) && 'losses' in inputs && 'norms' in inputs) return inputs as { losses: unknown; norms: unknown };
  throw new ArgumentError('gradNormWeights: takes scalars as { losses, norms }, two records by task; use gradNorm(step, layer, tasks)');
}

interface Balance {
  /** All [tasks]. */
  readonly weights: Tensor;
  readonly losses: Tensor;
  readonly first: Tensor;
  readonly norms: Tensor;
  readonly alpha: number;
  readonly learningRate: number;
}

/** d|w n - target| / dw = n sign(w n - target), with the target held fixed. */
function nextWeights({ weights, losses, first, norms, alpha, learningRate }: Balance): Tensor {
  const isZero = equal(first, 0);
  const ratios = where(isZero, 1, div(losses, where(isZero, 1, first)));
  const meanRatio = mean(ratios);
  const rates = where(equal(meanRatio, 0), 1, div(ratios, where(equal(meanRatio, 0), 1, meanRatio)));
  const lengths = mul(weights, norms);
  const target = mul(mean(lengths), pow(maximum(rates, 0), alpha));
  const moved = maximum(sub(weights, mul(mul(sign(sub(lengths, target)), norms), learningRate)), leastWeight);
  return mul(moved, div(weights.size, sum(moved)));
}
