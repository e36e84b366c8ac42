// Multi-head attention, and its form in which several heads of queries share keys and values.
import type { Configured } from '../../../core/config.ts';
import { ArgumentError } from '../../../core/errors.ts';
import { boolean, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, type SettingsIn, declareOptions, optional, required } from '../../../core/options.ts';
import type { Shape } from '../../../core/shape.ts';
import { constraintKind } from '../../constraints.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { loraFactoryOptions } from '../../loraOptions.ts';
import { quantizationFactoryOptions } from '../../quantizationOptions.ts';
import { regularizerKind } from '../../regularizers.ts';
import type { Tensors } from '../../spec.ts';
import { type HeadSizes, attendHeads, headLora, headParameters, headScales, keyMask } from './heads.ts';
import { attentionInputs, attentionMasks, attentionShapes } from './inputs.ts';
import { alibiOption, attentionWeightOptions, productOptions } from './options.ts';

const headOptions = {
  ...attentionWeightOptions,
  ...alibiOption,
  /** Adds trained biases to the products. @default true */
  useBias: /* @__PURE__ */ optional(boolean, true),
  ...productOptions,
  /** Penalty of each kernel, added to the loss. */
  kernelRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Penalty of each bias, added to the loss. */
  biasRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Penalty of the outputs, divided by the batch size and added to the loss. */
  activityRegularizer: /* @__PURE__ */ optional(regularizerKind),
  /** Rule that each kernel is brought back to after each update. */
  kernelConstraint: /* @__PURE__ */ optional(constraintKind),
  /** Rule that each bias is brought back to after each update. */
  biasConstraint: /* @__PURE__ */ optional(constraintKind),
  ...loraFactoryOptions,
  ...quantizationFactoryOptions,
  ...layerOptions,
};

/** The same rule for all kernels, and another for all biases. */
const forAll = <T>(kernel: T, bias: T): Record<string, T> =>
  Object.fromEntries(['query', 'key', 'value', 'output'].flatMap((name) => [[`${name}Kernel`, kernel], [`${name}Bias`, bias]])); // prettier-ignore

type Common = SettingsIn<typeof headOptions>;

function attentionLayer(kind: string, settings: Common, sizes: HeadSizes, outputDim: number | undefined): Layer {
  return defineLayer<Tensors, Tensors>({
    kind,
    options: settings,
    takes: 'tree',
    regularizers: forAll(settings.kernelRegularizer, settings.biasRegularizer),
    constraints: forAll(settings.kernelConstraint, settings.biasConstraint),
    activityRegularizer: settings.activityRegularizer,
    lora: headLora(),
    appliesLora: true,
    quantize: headScales(),
    unpacks: true,
    outputShape: (shapes, where): Shape => {
      const { query } = attentionShapes(where, shapes);
      return [query[0], outputDim ?? query[1]];
    },
    build: (shapes, random) => {
      const { query, key, value } = attentionShapes(settings.name ?? kind, shapes);
      const features = { query: query[1], key: key[1], value: value[1], output: outputDim ?? query[1] };
      return { parameters: headParameters(sizes, features, settings, random) };
    },
    apply: ({ parameters }, inputs, { training, mask, decoding }) => {
      const masks = attentionMasks(inputs, mask);
      const { causal, alibi, dropout } = settings;
      const run = { causal, alibi, dropout: training ? dropout : 0, keys: keyMask(masks.keys), decoding };
      return { outputs: attendHeads(attentionInputs(inputs), parameters, run), mask: masks.query };
    },
  });
}

export const multiHeadAttentionOptions = declareOptions('layers.multiHeadAttention', {
  /** Number of heads. */
  numHeads: required(positiveInteger, 8),
  /** Size of the queries and keys of a head. */
  keyDim: required(positiveInteger, 64),
  /** Size of the values of a head. @default keyDim */
  valueDim: optional(positiveInteger),
  /** Number of output features. @default the features of the query */
  outputDim: optional(positiveInteger),
  ...headOptions,
});
export type MultiHeadAttentionOptions = OptionsOf<typeof multiHeadAttentionOptions>;

/**
 * Attention over several heads: softmax(q k^T / sqrt(keyDim)) v for each, with trained products for q, k, v and the output.
 *
 * Input [batch, time, features] for self-attention, or a list [query, value] or [query, value, key]. Output [batch, time of the query,
 * outputDim]. Masks of value and key hide their steps; a query that sees no step gets zeros. Kernels have Keras's layout: queryKernel
 * [features, numHeads, keyDim], outputKernel [numHeads, valueDim, outputDim]. Vaswani et al., Attention Is All You Need, 2017.
 *
 *     layers.multiHeadAttention({ numHeads: 8, keyDim: 64, causal: true })
 */
export function multiHeadAttention(options: MultiHeadAttentionOptions): Configured<Layer> {
  const settings = multiHeadAttentionOptions.read(options);
  const { numHeads, keyDim, valueDim = keyDim, outputDim } = settings;
  const sizes = { heads: numHeads, keyHeads: numHeads, keyDim, valueDim };
  return withLayerConfig(attentionLayer('multiHeadAttention', settings, sizes, outputDim), multiHeadAttentionOptions, settings);
}

export const groupQueryAttentionOptions = declareOptions(
  'layers.groupQueryAttention',
  {
    /** Size of a head. */
    headDim: required(positiveInteger, 64),
    /** Number of heads of queries. */
    numQueryHeads: required(positiveInteger, 8),
    /** Number of heads of keys and values. It must divide numQueryHeads. */
    numKeyValueHeads: required(positiveInteger, 1),
    ...headOptions,
  },
  ({ numQueryHeads, numKeyValueHeads }, where) => {
    if (numQueryHeads % numKeyValueHeads === 0) return;
    throw new ArgumentError(
      `${where}: ${numKeyValueHeads} heads of keys do not divide ${numQueryHeads} heads of queries; choose a divisor`,
    );
  },
);
export type GroupQueryAttentionOptions = OptionsOf<typeof groupQueryAttentionOptions>;

/**
 * Attention whose heads of queries share heads of keys and values: numKeyValueHeads of 1 is multi-query attention.
 *
 * Inputs and output as in multiHeadAttention. Ainslie et al., GQA, 2023.
 *
 * Inputs query [batch, tq, d], value and key [batch, tv, d], output [batch, tq, d].
 *
 *     layers.groupQueryAttention({ headDim: 64, numQueryHeads: 8, numKeyValueHeads: 2, causal: true })
 */
export function groupQueryAttention(options: GroupQueryAttentionOptions): Configured<Layer> {
  const settings = groupQueryAttentionOptions.read(options);
  const { headDim, numQueryHeads, numKeyValueHeads } = settings;
  const sizes = { heads: numQueryHeads, keyHeads: numKeyValueHeads, keyDim: headDim, valueDim: headDim };
  return withLayerConfig(attentionLayer('groupQueryAttention', settings, sizes, undefined), groupQueryAttentionOptions, settings);
}
