// L-BFGS: quasi-Newton steps from the last changes of parameters and gradients.
import type { Configured } from '../../core/config.ts';
import { integer, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import {
  abs, add, concat, div, equal, expandDims, full, greater, lessEqual, matmul, minimum, mul, neg, reshape, slice, stack, sub, sum, where, zeros,
} from '../../ops/index.ts'; // prettier-ignore
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optimizerOptions } from '../optimizerOptions.ts';
import type { ParameterUpdate, Update } from '../rule.ts';
import { learningRateKind } from '../schedules/index.ts';

export const lbfgsOptions = declareOptions(
  'optimizers.lbfgs',
  {
    /** Step size: a number, or a schedule of the step. The first step is at most as long as the gradient's inverse norm allows. @default 1 */
    learningRate: optional(learningRateKind, 1),
    /** Number of past changes that approximate the curvature. @default 10 */
    historySize: optional(integer('above 0'), 10),
    /** Smallest product of the changes of parameters and gradients that enters the history. @default 1e-10 */
    curvatureTolerance: optional(number('at least 0'), 1e-10),
    /** Number of halvings of a step that does not lower the loss enough. Each is one more forward pass. @default 0 */
    lineSearchSteps: optional(integer('at least 0'), 0),
    /** Share of the slope that the loss must fall by, for the line search. @default 0.0001 */
    armijo: optional(number('above 0'), 1e-4),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type LbfgsOptions = OptionsOf<typeof lbfgsOptions>;

/**
 * L-BFGS: p -= learningRate H g, with H from the last historySize changes s of parameters and y of gradients. The first step is scaled by
 * min(1, 1 / sum |g|). For a loss that does not change between updates: whole batches, no dropout. One update is one iteration of PyTorch's
 * LBFGS with max_iter = 1. Liu and Nocedal, On the Limited Memory BFGS Method, 1989.
 *
 *     optimizers.lbfgs({ lineSearchSteps: 10 })
 */
export function lbfgs(given: LbfgsOptions = {}): Configured<Optimizer> {
  const settings = lbfgsOptions.read(given);
  const { historySize: size, curvatureTolerance, lineSearchSteps, armijo } = settings;
  interface Shared {
    readonly rate: Tensor;
    readonly directions: readonly Tensor[];
    readonly changes: readonly { readonly steps: Tensor; readonly differences: Tensor }[];
  }
  const optimizer = makeOptimizer<Shared>(
    {
      name: 'lbfgs',
      needsLoss: lineSearchSteps > 0,
      slots: ({ shape }) => ({
        steps: zeros([size, ...shape]),
        differences: zeros([size, ...shape]),
        lastStep: zeros(shape),
        lastGradient: zeros(shape),
      }),
      shared(update) {
        const { count, learningRate, parameters } = update;
        const isFirst = equal(count, 1);
        const differences = parameters.map(({ gradient, slots }) => sub(gradient, slots.lastGradient));
        const curvature = total(parameters.map(({ slots }, i) => sum(mul(slots.lastStep, differences[i]))));
        const isKept = greater(curvature, where(isFirst, Infinity, curvatureTolerance));
        const changes = parameters.map(({ slots }, i) => ({
          steps: where(isKept, pushed(slots.steps, slots.lastStep), slots.steps),
          differences: where(isKept, pushed(slots.differences, differences[i]), slots.differences),
        }));
        const directions = quasiNewton(parameters, changes, size);
        const absolute = total(parameters.map(({ gradient }) => sum(abs(gradient))));
        const rate = where(isFirst, mul(minimum(div(1, where(greater(absolute, 0), absolute, 1)), 1), learningRate), learningRate);
        return { rate: lineSearchSteps ? searched(update, directions, rate, lineSearchSteps, armijo) : rate, directions, changes };
      },
      step({ gradient, index }, { rate, directions, changes }) {
        const step = mul(directions[index], rate);
        return { delta: neg(step), slots: { ...changes[index], lastStep: step, lastGradient: gradient } };
      },
    },
    settings,
  );
  return withConfig(optimizer, lbfgsOptions, settings);
}

const total = (values: readonly Tensor[]): Tensor => values.reduce((a, b) => add(a, b));

/** A history without its oldest entry and with a new one at the end. */
const pushed = (history: Tensor, entry: Tensor): Tensor => concat([slice(history, [1]), expandDims(entry, 0)], 0);

/**
 * -H g by the two-loop recursion. It needs only products of g, s and y with each other: one matrix product gives all of them, and the loops run
 * over numbers. Chen et al., Large-scale L-BFGS using MapReduce, 2014. Entries of a history that is not full yet are 0 and have no effect.
 */
function quasiNewton(
  parameters: readonly ParameterUpdate[],
  changes: readonly { readonly steps: Tensor; readonly differences: Tensor }[],
  size: number,
): Tensor[] {
  // Rows: size steps, size differences, the gradient.
  const bases = parameters.map(({ gradient }, i) =>
    reshape(concat([changes[i].steps, changes[i].differences, expandDims(gradient, 0)], 0), [2 * size + 1, gradient.size]),
  );
  const products = total(bases.map((basis) => matmul(basis, basis, { transposeB: true })));
  const at = (row: number, column: number): Tensor => reshape(slice(products, [row, column], [row + 1, column + 1]), []);
  const inverse = (x: Tensor): Tensor => where(greater(x, 0), div(1, where(greater(x, 0), x, 1)), 0);
  const inverses = Array.from({ length: size }, (_, i) => inverse(at(i, size + i)));
  // The direction as weights of the rows.
  let weights: Tensor[] = Array.from({ length: 2 * size + 1 }, (_, row) => (row === 2 * size ? -1 : 0)).map((value) => full([], value));
  const product = (row: number): Tensor => total(weights.map((weight, column) => mul(weight, at(row, column))));
  const changed = (row: number, amount: Tensor): Tensor[] => weights.map((weight, i) => (i === row ? add(weight, amount) : weight));
  const alphas: Tensor[] = [];
  for (let i = size - 1; i >= 0; i--) {
    alphas[i] = mul(inverses[i], product(i));
    weights = changed(size + i, neg(alphas[i]));
  }
  const last = size - 1;
  const square = at(size + last, size + last);
  const scale = where(greater(square, 0), mul(at(last, size + last), inverse(square)), 1);
  weights = weights.map((weight) => mul(weight, scale));
  for (let i = 0; i < size; i++) {
    const beta = mul(inverses[i], product(size + i));
    weights = changed(i, sub(alphas[i], beta));
  }
  const row = expandDims(stack(weights), 0);
  return bases.map((basis, i) => reshape(matmul(row, basis), parameters[i].gradient.shape));
}

/** The first of rate, rate / 2, rate / 4 ... at which the loss has fallen enough; the smallest if there is none. */
function searched(
  { parameters, lossAndGradients }: Update,
  directions: readonly Tensor[],
  rate: Tensor,
  halvings: number,
  armijo: number,
): Tensor {
  const lossAt = (at: Tensor | number): Tensor =>
    lossAndGradients(parameters.map(({ parameter }, i) => add(parameter, mul(directions[i], at)))).loss;
  const start = lossAt(0);
  const slope = total(parameters.map(({ gradient }, i) => sum(mul(gradient, directions[i]))));
  const rates = Array.from({ length: halvings + 1 }, (_, i) => mul(rate, 2 ** -i));
  return rates
    .slice(0, -1)
    .reduceRight(
      (smaller, candidate) => where(lessEqual(lossAt(candidate), add(start, mul(mul(candidate, armijo), slope))), candidate, smaller),
      rates[halvings],
    );
}
