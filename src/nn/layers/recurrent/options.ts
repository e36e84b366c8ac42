// Options that recurrent layers and their cells share.
import { boolean, number, positiveInteger } from '../../../core/optionKinds.ts';
import { optional, required } from '../../../core/options.ts';
import { activationKind } from '../../activationKind.ts';
import { sigmoid, tanh } from '../../activations.ts';
import { constraintKind } from '../../constraints.ts';
import { initializerKind } from '../../initializers.ts';
import { regularizerKind } from '../../regularizers.ts';

/** Options of every cell: sizes, functions, parameters and dropout. */
export const cellOptions = {
  /** Size of the output and of each state. */
  units: /* @__PURE__ */ required(positiveInteger, 64),
  /** Function of the new output, by its name or as a function. @default 'tanh' */
  activation: /* @__PURE__ */ optional(/* @__PURE__ */ activationKind({ tanh }), 'tanh'),
  /** Adds a trained bias. @default true */
  useBias: /* @__PURE__ */ optional(boolean, true),
  /** First values of the kernel, which multiplies the inputs. @default 'glorotUniform' */
  kernelInitializer: /* @__PURE__ */ optional(initializerKind, 'glorotUniform'),
  /** First values of the recurrent kernel, which multiplies the output of the step before. @default 'orthogonal' */
  recurrentInitializer: /* @__PURE__ */ optional(initializerKind, 'orthogonal'),
  /** First values of the bias. @default 'zeros' */
  biasInitializer: /* @__PURE__ */ optional(initializerKind, 'zeros'),
  /** Penalty of the kernel, added to the loss. */
  kernelRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Penalty of the recurrent kernel, added to the loss. */
  recurrentRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Penalty of the bias, added to the loss. */
  biasRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Rule that the kernel is brought back to after each update. */
  kernelConstraint: /* @__PURE__ */ optional(constraintKind),
  /** Rule that the recurrent kernel is brought back to after each update. */
  recurrentConstraint: /* @__PURE__ */ optional(constraintKind),
  /** Rule that the bias is brought back to after each update. */
  biasConstraint: /* @__PURE__ */ optional(constraintKind),
  /** Share of the input features that training sets to 0, the same ones in all steps of a sequence. @default 0 */
  dropout: /* @__PURE__ */ optional(number('0 to 1'), 0),
  /** Share of the recurrent outputs that training sets to 0 before the recurrent kernel, the same ones in all steps. @default 0 */
  recurrentDropout: /* @__PURE__ */ optional(number('0 to 1'), 0),
};

/** Options of cells with gates. */
const gateOptions = {
  /** Function of the gates, by its name or as a function. @default 'sigmoid' */
  recurrentActivation: /* @__PURE__ */ optional(/* @__PURE__ */ activationKind({ sigmoid }), 'sigmoid'),
};

/** Options of an LSTM besides those of every cell. */
export const forgetOptions = {
  ...gateOptions,
  /** First values of the bias of the forget gate are 1. Jozefowicz et al., 2015. @default true */
  unitForgetBias: /* @__PURE__ */ optional(boolean, true),
};

/** Options of a GRU besides those of every cell. */
export const resetOptions = {
  ...gateOptions,
  /** Multiplies by the reset gate after the recurrent kernel instead of before. The bias is then [2, 3 units]. @default true */
  resetAfter: /* @__PURE__ */ optional(boolean, true),
};

/** Options of the steps of any cell. */
export const stepOptions = {
  /** Returns the outputs of all steps instead of the last one. @default false */
  returnSequences: /* @__PURE__ */ optional(boolean, false),
  /** Returns a list: the outputs, then the last states. @default false */
  returnState: /* @__PURE__ */ optional(boolean, false),
  /** Reads the steps from the last to the first. Outputs come in the order in which they are computed. @default false */
  goBackwards: /* @__PURE__ */ optional(boolean, false),
  /** Starts each training batch from the last states of the batch before. Needs `batchSize`. @default false */
  stateful: /* @__PURE__ */ optional(boolean, false),
  /** Number of sequences in a batch of a stateful layer. */
  batchSize: /* @__PURE__ */ optional(positiveInteger),
  /** Sets outputs of steps that a mask leaves out to 0 instead of the output before. Only with `returnSequences`. @default false */
  zeroOutputForMask: /* @__PURE__ */ optional(boolean, false),
};

/** Options of the steps of a layer with a cell of its own. */
export const sequenceOptions = {
  /** Penalty of the outputs, divided by the batch size and added to the loss. */
  activityRegularizer: /* @__PURE__ */ optional(regularizerKind),
  ...stepOptions,
};
