// Adafactor: second moments of matrices as the product of a row and a column.
import type { Configured } from '../../core/config.ts';
import { boolean, kindOf, number } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../../core/options.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, div, exp, expandDims, log, maximum, mean, minimum, mul, norm, rsqrt, square, sub, zeros } from '../../ops/index.ts';
import { type Optimizer, makeOptimizer } from '../optimizer.ts';
import { checkOptimizerSettings, optimizerOptions } from '../optimizerOptions.ts';
import { learningRateKind } from '../schedules/index.ts';

export const adafactorOptions = declareOptions(
  'optimizers.adafactor',
  {
    /** Step size, relative to the size of the parameter: a number, or a schedule of the step. @default 0.001 */
    learningRate: optional(learningRateKind, 0.001),
    /** Exponent of the decay of the second moment, 1 - t^beta2Decay. @default -0.8 */
    beta2Decay: optional(
      kindOf<number>({
        rule: 'a number below 0',
        accepts: (value): value is number => typeof value === 'number' && value < 0 && value > -Infinity,
      }),
      -0.8,
    ),
    /** Added to the squared gradient. @default 1e-30 */
    epsilon1: optional(number('at least 0'), 1e-30),
    /** Smallest size of a parameter. @default 0.001 */
    epsilon2: optional(number('at least 0'), 1e-3),
    /** Root mean square above which a step is scaled down. @default 1 */
    clipThreshold: optional(number('above 0'), 1),
    /** Limits the rate to 1 / sqrt(t). A schedule is used as it is. @default true */
    relativeStep: optional(boolean, true),
    ...optimizerOptions,
  },
  checkOptimizerSettings,
);
export type AdafactorOptions = OptionsOf<typeof adafactorOptions>;

const rootMeanSquare = (x: Tensor): Tensor => div(norm(x), Math.sqrt(Math.max(1, x.size)));

/**
 * Adafactor: divides g by the root of its second moment, which for a matrix [..., n, m] is kept as n + m numbers instead of n m. With
 * squares s = g^2 + epsilon1 and moving means r of their rows and c of their columns, u = g / sqrt(r c / mean(r)), clipped to the root mean square
 * clipThreshold, and p -= learningRate max(rms(p), epsilon2) u. Shazeer and Stern, Adafactor, 2018. The formula is Keras's.
 *
 *     optimizers.adafactor({ learningRate: 0.01 })
 */
export function adafactor(given: AdafactorOptions = {}): Configured<Optimizer> {
  const settings = adafactorOptions.read(given);
  const { beta2Decay, epsilon1, epsilon2, clipThreshold, relativeStep, learningRate: ofUser } = settings;
  interface Shared {
    readonly rate: Tensor;
    /** Share of the new squares in the second moment, t^beta2Decay. */
    readonly share: Tensor;
  }
  const moment = (before: Tensor, squares: Tensor, share: Tensor): Tensor => add(before, mul(sub(squares, before), share));
  const optimizer = makeOptimizer<Shared>(
    {
      name: 'adafactor',
      slots({ shape }) {
        const isMatrix = shape.length >= 2;
        return {
          rowMoment: zeros(isMatrix ? shape.slice(0, -1) : []),
          columnMoment: zeros(isMatrix ? [...shape.slice(0, -2), shape[shape.length - 1]] : []),
          fullMoment: zeros(isMatrix ? [] : shape),
        };
      },
      shared: ({ count, learningRate }) => ({
        rate: relativeStep && typeof ofUser === 'number' ? minimum(learningRate, rsqrt(count)) : learningRate,
        share: exp(mul(log(count), beta2Decay)),
      }),
      step({ gradient, parameter, slots: { rowMoment, columnMoment, fullMoment } }, { rate, share }) {
        const squares = add(square(gradient), epsilon1);
        const slots =
          gradient.rank >= 2
            ? {
                rowMoment: moment(rowMoment, mean(squares, { axis: -1 }), share),
                columnMoment: moment(columnMoment, mean(squares, { axis: -2 }), share),
                fullMoment,
              }
            : { rowMoment, columnMoment, fullMoment: moment(fullMoment, squares, share) };
        const scaled = mul(gradient, gradient.rank >= 2 ? rootOfFactors(slots.rowMoment, slots.columnMoment) : rsqrt(slots.fullMoment));
        const clipped = div(scaled, maximum(div(rootMeanSquare(scaled), clipThreshold), 1));
        return { delta: mul(clipped, mul(maximum(rootMeanSquare(parameter), epsilon2), rate)), slots };
      },
    },
    settings,
  );
  return withConfig(optimizer, adafactorOptions, settings);
}

/** 1 / sqrt(rows * columns / mean(rows)). Two roots: the product of two small moments may underflow. */
function rootOfFactors(rows: Tensor, columns: Tensor): Tensor {
  const relative = div(rows, mean(rows, { axis: -1, keepDims: true }));
  return mul(expandDims(rsqrt(relative), -1), expandDims(rsqrt(columns), -2));
}
