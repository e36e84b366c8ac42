// Optimizers that divide each element's step by the size of its past gradients: Adagrad, Adadelta, RMSprop.
import type { Tensor } from '../graph/tensor.ts';
import { add, div, maximum, mul, sqrt, square, sub } from '../ops/index.ts';
import { checkNumber } from './check.ts';
import { type Optimizer, type OptimizerOptions, type Rule, checkOptimizerOptions, makeOptimizer } from './optimizer.ts';

const onlyRate: Rule<Tensor>['scalars'] = ({ learningRate }) => learningRate;

/** decay * average + (1 - decay) * x */
const moving = (average: Tensor, x: Tensor, decay: number): Tensor => add(mul(average, decay), mul(x, 1 - decay));

export interface AdagradOptions extends OptimizerOptions {
  /** 0.1. */
  initialAccumulatorValue?: number;
  /** 1e-7. */
  epsilon?: number;
}

/**
 * Adagrad: s += g^2, p -= learningRate * g / (sqrt(s) + epsilon). Duchi, Hazan and Singer, Adaptive Subgradient Methods, 2011.
 *
 *     optimizers.adagrad({ learningRate: 0.01 })
 */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  checkOptimizerOptions('adagrad', options, ['initialAccumulatorValue', 'epsilon']);
  const { learningRate = 0.001, initialAccumulatorValue = 0.1, epsilon = 1e-7 } = options;
  checkNumber('optimizers.adagrad', 'initialAccumulatorValue', initialAccumulatorValue, 'at least 0');
  checkNumber('optimizers.adagrad', 'epsilon', epsilon, 'at least 0');
  return makeOptimizer(
    {
      name: 'adagrad',
      slots: { accumulator: initialAccumulatorValue },
      scalars: onlyRate,
      step(gradient, slots, rate) {
        const accumulator = add(slots.accumulator, square(gradient));
        return { delta: mul(div(gradient, add(sqrt(accumulator), epsilon)), rate), slots: { accumulator } };
      },
    },
    { ...options, learningRate },
  );
}

export interface AdadeltaOptions extends OptimizerOptions {
  /** Decay of both averages; 0.95. */
  rho?: number;
  /** Inside the roots; 1e-7. */
  epsilon?: number;
}

/**
 * Adadelta: s = rho s + (1 - rho) g^2, d = g sqrt(u + epsilon) / sqrt(s + epsilon), u = rho u + (1 - rho) d^2, p -= learningRate * d.
 * Zeiler, ADADELTA, 2012; the paper has no learning rate, that is learningRate: 1.
 *
 *     optimizers.adadelta({ learningRate: 1 })
 */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  checkOptimizerOptions('adadelta', options, ['rho', 'epsilon']);
  const { learningRate = 0.001, rho = 0.95, epsilon = 1e-7 } = options;
  checkNumber('optimizers.adadelta', 'rho', rho, 'in 0..1, without 1');
  checkNumber('optimizers.adadelta', 'epsilon', epsilon, 'above 0');
  return makeOptimizer(
    {
      name: 'adadelta',
      slots: { squaredGradient: 0, squaredDelta: 0 },
      scalars: onlyRate,
      step(gradient, slots, rate) {
        const squaredGradient = moving(slots.squaredGradient, square(gradient), rho);
        const delta = mul(div(sqrt(add(slots.squaredDelta, epsilon)), sqrt(add(squaredGradient, epsilon))), gradient);
        return { delta: mul(delta, rate), slots: { squaredGradient, squaredDelta: moving(slots.squaredDelta, square(delta), rho) } };
      },
    },
    { ...options, learningRate },
  );
}

export interface RmspropOptions extends OptimizerOptions {
  /** Decay of the averages; 0.9. */
  rho?: number;
  /** 0. */
  momentum?: number;
  /** 1e-7. */
  epsilon?: number;
  /** Divides by the standard deviation of the gradient instead of its root mean square; false. */
  centered?: boolean;
}

/**
 * RMSprop: s = rho s + (1 - rho) g^2, d = g / (sqrt(s) + epsilon), p -= learningRate * d; centered takes the squared mean of g from s, momentum m
 * takes v = m v + d for d. Hinton, lecture 6e, 2012.
 *
 *     optimizers.rmsprop({ learningRate: 1e-3, momentum: 0.9 })
 */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const name = 'optimizers.rmsprop';
  checkOptimizerOptions('rmsprop', options, ['rho', 'momentum', 'epsilon', 'centered']);
  const { learningRate = 0.001, rho = 0.9, momentum = 0, epsilon = 1e-7, centered = false } = options;
  checkNumber(name, 'rho', rho, 'in 0..1, without 1');
  checkNumber(name, 'momentum', momentum, 'in 0..1');
  checkNumber(name, 'epsilon', epsilon, 'at least 0');
  return makeOptimizer(
    {
      name: 'rmsprop',
      slots: { squaredGradient: 0, ...(centered ? { meanGradient: 0 } : {}), ...(momentum ? { momentum: 0 } : {}) },
      scalars: onlyRate,
      step(gradient, slots, rate) {
        const squaredGradient = moving(slots.squaredGradient, square(gradient), rho);
        const meanGradient = centered ? moving(slots.meanGradient, gradient, rho) : undefined;
        // A variance; rounding may take it below 0, where the root is NaN.
        const spread = meanGradient ? maximum(sub(squaredGradient, square(meanGradient)), 0) : squaredGradient;
        const scaled = div(gradient, add(sqrt(spread), epsilon));
        const velocity = momentum ? add(mul(slots.momentum, momentum), scaled) : undefined;
        return {
          delta: mul(velocity ?? scaled, rate),
          slots: { squaredGradient, ...(meanGradient && { meanGradient }), ...(velocity && { momentum: velocity }) },
        };
      },
    },
    { ...options, learningRate },
  );
}
