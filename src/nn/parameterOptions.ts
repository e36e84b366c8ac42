// Options of the parameters that many layers have.
import { optional } from '../core/options.ts';
import { type Constraint, constraintKind } from './constraints.ts';
import { type Regularizer, regularizerKind } from './regularizers.ts';

/** Spread into the declaration of layers with a kernel and a bias. */
export const kernelAndBiasOptions = {
  /** Penalty of the kernel, added to the loss. */
  kernelRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Penalty of the bias, added to the loss. */
  biasRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Penalty of the outputs, divided by the batch size and added to the loss. */
  activityRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Rule that the kernel is brought back to after each update. */
  kernelConstraint: /* @__PURE__ */ optional(constraintKind),
  /** Rule that the bias is brought back to after each update. */
  biasConstraint: /* @__PURE__ */ optional(constraintKind),
};

interface Rules {
  readonly kernelRegularizer: Regularizer | undefined;
  readonly biasRegularizer: Regularizer | undefined;
  readonly activityRegularizer: Regularizer | undefined;
  readonly kernelConstraint: Constraint | undefined;
  readonly biasConstraint: Constraint | undefined;
}

/** The rules of these options, for the definition of a layer. */
export const parameterRules = (rules: Rules) => ({
  regularizers: { kernel: rules.kernelRegularizer, bias: rules.biasRegularizer },
  constraints: { kernel: rules.kernelConstraint, bias: rules.biasConstraint },
  activityRegularizer: rules.activityRegularizer,
});
