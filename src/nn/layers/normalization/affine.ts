// Trained factors and offsets of normalization layers.
import { boolean } from '../../../core/optionKinds.ts';
import { optional } from '../../../core/options.ts';
import type { RandomStream } from '../../../core/random.ts';
import type { Shape } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type Constraint, constraintKind } from '../../constraints.ts';
import { type Initializer, initializerKind } from '../../initializers.ts';
import { type Regularizer, regularizerKind } from '../../regularizers.ts';

/** A trained factor gamma. */
export const scaleOptions = {
  /** Multiplies each feature by a trained factor gamma. @default true */
  scale: /* @__PURE__ */ optional(boolean, true),
  /** First values of gamma. @default 'ones' */
  gammaInitializer: /* @__PURE__ */ optional(initializerKind, 'ones'),
  /** Penalty of gamma, added to the loss. */
  gammaRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Rule that gamma is brought back to after each update. */
  gammaConstraint: /* @__PURE__ */ optional(constraintKind),
};

/** A trained factor gamma, and a trained offset beta. */
export const affineOptions = {
  ...scaleOptions,
  /** Adds a trained offset beta to each feature. @default true */
  center: /* @__PURE__ */ optional(boolean, true),
  /** First values of beta. @default 'zeros' */
  betaInitializer: /* @__PURE__ */ optional(initializerKind, 'zeros'),
  /** Penalty of beta, added to the loss. */
  betaRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Rule that beta is brought back to after each update. */
  betaConstraint: /* @__PURE__ */ optional(constraintKind),
};

interface Scale {
  readonly scale: boolean;
  readonly gammaInitializer: Initializer;
  readonly gammaRegularizer: Regularizer | undefined;
  readonly gammaConstraint: Constraint | undefined;
}

interface Affine extends Scale {
  readonly center: boolean;
  readonly betaInitializer: Initializer;
  readonly betaRegularizer: Regularizer | undefined;
  readonly betaConstraint: Constraint | undefined;
}

const hasOffset = (settings: Scale | Affine): settings is Affine => 'center' in settings;

/** Fresh parameters for features of a shape. */
export function affineParameters(settings: Scale | Affine, shape: Shape, random: RandomStream): Record<string, Tensor> {
  return {
    ...(settings.scale && { gamma: settings.gammaInitializer(shape, random) }),
    ...(hasOffset(settings) && settings.center && { beta: settings.betaInitializer(shape, random) }),
  };
}

/** The rules of these options, for the definition of a layer. */
export const affineRules = (settings: Scale | Affine) => ({
  regularizers: { gamma: settings.gammaRegularizer, ...(hasOffset(settings) && { beta: settings.betaRegularizer }) },
  constraints: { gamma: settings.gammaConstraint, ...(hasOffset(settings) && { beta: settings.betaConstraint }) },
});
