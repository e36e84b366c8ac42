// Options of the parameters that many layers have.
import { type SettingsIn, optional } from '../core/options.ts';
import { constraintKind } from './constraints.ts';
import { regularizerKind } from './regularizers.ts';

/** Penalties and constraints of the bias and the outputs. */
export const biasAndOutputRuleOptions = {
  /** Penalty of the bias, added to the loss. */
  biasRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Penalty of the outputs, divided by the batch size and added to the loss. */
  activityRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Rule that the bias is brought back to after each update. */
  biasConstraint: /* @__PURE__ */ optional(constraintKind),
};

/** Spread into the declaration of layers with a kernel and a bias. */
export const kernelAndBiasOptions = {
  /** Penalty of the kernel, added to the loss. */
  kernelRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Rule that the kernel is brought back to after each update. */
  kernelConstraint: /* @__PURE__ */ optional(constraintKind),
  ...biasAndOutputRuleOptions,
};

type Rules = SettingsIn<typeof kernelAndBiasOptions>;

/** The rules of these options, for the definition of a layer. */
export const parameterRules = (rules: Rules) => ({
  regularizers: { kernel: rules.kernelRegularizer, bias: rules.biasRegularizer },
  constraints: { kernel: rules.kernelConstraint, bias: rules.biasConstraint },
  activityRegularizer: rules.activityRegularizer,
});
