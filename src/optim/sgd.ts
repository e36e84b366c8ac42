// Stochastic gradient descent, with momentum where asked for.
import { ArgumentError } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, equal, mul, where } from '../ops/index.ts';
import { checkNumber } from './check.ts';
import { type Optimizer, type OptimizerOptions, checkOptimizerOptions, makeOptimizer } from './optimizer.ts';

export interface SgdOptions extends OptimizerOptions {
  /** Share of the last step that is taken again; 0. */
  momentum?: number;
  /** Looks ahead along the momentum; false. Sutskever et al., On the importance of initialization and momentum, 2013. */
  nesterov?: boolean;
  /** Share of the gradient that the momentum leaves out, from the second update on; 0. */
  dampening?: number;
}

/**
 * Stochastic gradient descent: p -= learningRate * g. With momentum m: v = m v + (1 - dampening) g (v = g at the first update) and
 * p -= learningRate * v; with nesterov p -= learningRate * (g + m v).
 *
 *     const sgd = optimizers.sgd({ learningRate: 0.01, momentum: 0.9 });
 *     const state = sgd.init(parameters);
 *     const next = sgd.update(gradients, state, parameters);   // { parameters, state }
 *
 * @throws ArgumentError for nesterov without momentum or with dampening.
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const where_ = 'optimizers.sgd';
  checkOptimizerOptions('sgd', options, ['momentum', 'nesterov', 'dampening']);
  const { learningRate = 0.01, momentum = 0, nesterov = false, dampening = 0 } = options;
  checkNumber(where_, 'momentum', momentum, 'in 0..1');
  checkNumber(where_, 'dampening', dampening, 'in 0..1');
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new ArgumentError(
      `${where_}: nesterov with momentum ${momentum} and dampening ${dampening}; it needs a momentum above 0 and no dampening`,
    );
  }
  return makeOptimizer<{ rate: Tensor; fresh: Tensor | undefined }>(
    {
      name: 'sgd',
      slots: momentum ? { momentum: 0 } : {},
      scalars: ({ count, learningRate: rate }) => ({
        rate,
        fresh: momentum && dampening ? where(equal(count, 1), 1, 1 - dampening) : undefined,
      }),
      step(gradient, slots, { rate, fresh }) {
        if (!momentum) return { delta: mul(gradient, rate), slots };
        const velocity = add(mul(slots.momentum, momentum), fresh ? mul(gradient, fresh) : gradient);
        const direction = nesterov ? add(gradient, mul(velocity, momentum)) : velocity;
        return { delta: mul(direction, rate), slots: { momentum: velocity } };
      },
    },
    { ...options, learningRate },
  );
}
