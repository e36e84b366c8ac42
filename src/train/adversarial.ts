// Attacks by name, and on a compiled model.
import { ArgumentError } from '../core/errors.ts';
import type { Configured } from '../core/config.ts';
import { Tensor } from '../graph/tensor.ts';
import { type NestedValues, tensor } from '../ops/index.ts';
import { type Attack, type FgsmOptions, type PgdOptions, fgsm as makeFgsm, pgd as makePgd } from './attacks.ts';
import { Model } from './model.ts';

/** adversarial.fgsm: an attack from options, or its examples for a compiled model. */
export interface FgsmFactory {
  (options: FgsmOptions): Configured<Attack>;
  /** Examples for a compiled model with its present weights, by its loss in inference mode. */
  (model: Model, x: Tensor | NestedValues, y: Tensor | NestedValues, options: FgsmOptions): Tensor;
}

/** adversarial.pgd: an attack from options, or its examples for a compiled model. */
export interface PgdFactory {
  (options: PgdOptions): Configured<Attack>;
  /** Examples for a compiled model with its present weights, by its loss in inference mode. */
  (model: Model, x: Tensor | NestedValues, y: Tensor | NestedValues, options: PgdOptions): Tensor;
}

/* @__NO_SIDE_EFFECTS__ */
function attackOn<Options, Made>(name: string, make: (options: Options) => Configured<Attack>): Made {
  const attackOf = (first: unknown, ...more: unknown[]): unknown => {
    if (!(first instanceof Model)) {
      if (more.length === 0) return make(first as Options);
      throw new ArgumentError(`adversarial.${name}: takes options, or (model, x, y, options) with a compiled model`);
    }
    const [x, y, options] = more;
    const [inputs, targets] = [x, y].map((given) => (given instanceof Tensor ? given : tensor(given as NestedValues)));
    return make(options as Options)((at) => first.lossAt(`adversarial.${name}`, at, targets), inputs);
  };
  return attackOf as Made;
}

/**
 * Fast gradient sign method: x + epsilon sign(g), with g the gradient of the loss with respect to x; for the norm 2, x + epsilon g / |g|, where
 * |g| is the norm of a sample. Goodfellow et al., Explaining and Harnessing Adversarial Examples, 2014.
 *
 *     const attack = adversarial.fgsm({ epsilon: 0.1, clipRange: [0, 1] });
 *     const examples = attack((x) => losses.sparseCategoricalCrossentropy()(y, model.apply(x)), x);
 *     const same = adversarial.fgsm(model, x, y, { epsilon: 0.1, clipRange: [0, 1] });
 *
 * Adversarial training is a step of the user's own, and one program:
 *
 *     trainStep: (step) => {
 *       const x = attack((x) => step.loss(step.forward(x, { training: false })), step.x);
 *       const { loss, gradients } = step.gradients(() => step.loss(step.forward(x)));
 *       step.update(gradients);
 *       return { loss };
 *     }
 *
 * @throws DtypeError for x without floats, ShapeError for a loss of another shape.
 */
const fgsm: FgsmFactory = /* @__PURE__ */ attackOn<FgsmOptions, FgsmFactory>('fgsm', makeFgsm);

/**
 * Projected gradient descent: `steps` steps of size stepSize along sign(g), or g / |g| for the norm 2, from a random point of the ball. After
 * each step x goes back into the ball and into clipRange. Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, 2017.
 *
 *     const attack = adversarial.pgd({ epsilon: 0.1, steps: 20, clipRange: [0, 1] });
 *     const examples = attack((x) => losses.sparseCategoricalCrossentropy()(y, model.apply(x)), x);
 *     const same = adversarial.pgd(model, x, y, { epsilon: 0.1, steps: 20, clipRange: [0, 1] });
 *
 * @throws DtypeError for x without floats, ShapeError for a loss of another shape.
 */
const pgd: PgdFactory = /* @__PURE__ */ attackOn<PgdOptions, PgdFactory>('pgd', makePgd);

/** Attacks on inputs, by name. */
export const adversarial: { readonly fgsm: FgsmFactory; readonly pgd: PgdFactory } = { fgsm, pgd };
