// Options that several attention layers declare.
import { boolean, number } from '../../../core/optionKinds.ts';
import { optional } from '../../../core/options.ts';
import { initializerKind } from '../../initializers.ts';

export const causalOption = {
  /** A step attends only to itself and earlier steps. @default false */
  causal: /* @__PURE__ */ optional(boolean, false),
};

export const alibiOption = {
  /** Lowers the scores by the distance of query and key, times a slope for each head, as layers.alibi. @default false */
  alibi: /* @__PURE__ */ optional(boolean, false),
};

/** Options of the attention weights. */
export const attentionWeightOptions = {
  /** Probability that an attention weight is dropped while training. @default 0 */
  dropout: /* @__PURE__ */ optional(/* @__PURE__ */ number('0 to below 1'), 0),
  ...causalOption,
};

/** First values of the products. */
export const productOptions = {
  /** First values of the kernels. @default 'glorotUniform' */
  kernelInitializer: /* @__PURE__ */ optional(initializerKind, 'glorotUniform'),
  /** First values of the biases. @default 'zeros' */
  biasInitializer: /* @__PURE__ */ optional(initializerKind, 'zeros'),
};
