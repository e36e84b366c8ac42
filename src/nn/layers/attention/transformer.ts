// Blocks of transformers: attention, then two dense products for each step, both with normalization and a path around them.
import type { Configured } from '../../../core/config.ts';
import { boolean, number, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, type SettingsIn, declareOptions, optional, required } from '../../../core/options.ts';
import { ArgumentError, ShapeError } from '../../../core/errors.ts';
import type { RandomStream } from '../../../core/random.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { add, dropout as dropoutOp, layerNorm, ones, zeros } from '../../../ops/index.ts';
import { activationKind } from '../../activationKind.ts';
import { relu } from '../../activations.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { loraProduct } from '../../lora.ts';
import { loraFactoryOptions } from '../../loraOptions.ts';
import { quantizationFactoryOptions } from '../../quantizationOptions.ts';
import { type Shapes, type Tensors, formatBatch, formatBatches, isShape } from '../../spec.ts';
import { type HeadSizes, attendHeads, headLora, headParameters, headScales, keyMask } from './heads.ts';
import { alibiOption, causalOption, productOptions } from './options.ts';

const blockOptions = {
  /** Size of the hidden features of the two dense products. */
  intermediateDim: /* @__PURE__ */ required(positiveInteger, 2048),
  /** Number of attention heads. It must divide the features. */
  numHeads: /* @__PURE__ */ required(positiveInteger, 8),
  /** Probability of dropout, for attention weights and for the results of attention and products. @default 0 */
  dropout: /* @__PURE__ */ optional(number('0 to below 1'), 0),
  /** Function between the two dense products. @default 'relu' */
  activation: /* @__PURE__ */ optional(activationKind({ relu }), 'relu'),
  /** Added to variances, so that nothing is divided by 0. @default 0.00001 */
  layerNormEpsilon: /* @__PURE__ */ optional(number('above 0'), 1e-5),
  /** Normalizes before attention and products, and not after them. @default false */
  normalizeFirst: /* @__PURE__ */ optional(boolean, false),
  ...alibiOption,
  ...productOptions,
  ...loraFactoryOptions,
  ...quantizationFactoryOptions,
  ...layerOptions,
};

const productScales = { hiddenKernel: [0], outputKernel: [0] };
const productLora = { hiddenKernel: 1, outputKernel: 1 };

type Parameters = Readonly<Record<string, Tensor>>;
type Block = SettingsIn<typeof blockOptions>;

/** Parameters of a block, for attentions with these prefixes. The memory of a decoder may have other features. */
function blockParameters(
  settings: Block,
  features: number,
  attentions: Readonly<Record<string, number>>,
  random: RandomStream,
): Record<string, Tensor> {
  const { intermediateDim, kernelInitializer, biasInitializer } = settings;
  const normal = (name: string): [string, Tensor][] => [
    [`${name}Gamma`, ones([features])],
    [`${name}Beta`, zeros([features])],
  ];
  const heads = Object.entries(attentions).flatMap(([prefix, of]) =>
    Object.entries(
      headParameters(
        sizesOf(settings, features),
        { query: features, key: of, value: of, output: features },
        { ...settings, useBias: true },
        random,
        prefix,
      ),
    ).concat(normal(`${prefix}Norm`)),
  );
  return Object.fromEntries([
    ...heads,
    ['hiddenKernel', kernelInitializer([features, intermediateDim], random)],
    ['hiddenBias', biasInitializer([intermediateDim], random)],
    ['outputKernel', kernelInitializer([intermediateDim, features], random)],
    ['outputBias', biasInitializer([features], random)],
    ...normal('outputNorm'),
  ]);
}

function sizesOf({ numHeads }: Block, features: number): HeadSizes {
  const dim = features / numHeads;
  return { heads: numHeads, keyHeads: numHeads, keyDim: dim, valueDim: dim };
}

/** One path around fn with normalization before or after. */
function around(settings: Block, parameters: Parameters, name: string, x: Tensor, training: boolean, fn: (x: Tensor) => Tensor): Tensor {
  const { dropout: rate, normalizeFirst, layerNormEpsilon: epsilon } = settings;
  const normal = (y: Tensor): Tensor =>
    layerNorm(y, { epsilon, gamma: parameters[`${name}NormGamma`], beta: parameters[`${name}NormBeta`] });
  const result = fn(normalizeFirst ? normal(x) : x);
  const sum = add(x, training && rate ? dropoutOp(result, { rate }) : result);
  return normalizeFirst ? sum : normal(sum);
}

function dense(settings: Block, parameters: Parameters, x: Tensor, training: boolean): Tensor {
  return around(settings, parameters, 'output', x, training, (y) => {
    const hidden = settings.activation(add(loraProduct(y, parameters, 'hiddenKernel'), parameters.hiddenBias));
    return add(loraProduct(hidden, parameters, 'outputKernel'), parameters.outputBias);
  });
}

function checkBlock(where: string, shape: Shapes, { numHeads }: Block): readonly number[] {
  if (!isShape(shape) || shape.length !== 2) {
    throw new ShapeError(`${where}: takes inputs [batch, time, features], got ${formatBatches(shape)}`);
  }
  if (shape[1] % numHeads === 0) return shape;
  throw new ArgumentError(
    `${where}: ${numHeads} heads do not divide ${shape[1]} features of inputs ${formatBatch(shape)}; choose a divisor`,
  );
}

export const transformerEncoderOptions = declareOptions('layers.transformerEncoder', {
  ...blockOptions,
  ...causalOption,
});
export type TransformerEncoderOptions = OptionsOf<typeof transformerEncoderOptions>;

/**
 * A block of self-attention and two dense products for each step, as PyTorch's TransformerEncoderLayer: x = norm(x + attention(x)), then x =
 * norm(x + products(x)). With `causal` it is a block of a language model.
 *
 * Input and output [batch, time, features]. A mask hides its steps from attention. Vaswani et al., Attention Is All You Need, 2017.
 *
 *     layers.transformerEncoder({ intermediateDim: 512, numHeads: 4, activation: 'gelu', normalizeFirst: true, causal: true })
 */
export function transformerEncoder(options: TransformerEncoderOptions): Configured<Layer> {
  const settings = transformerEncoderOptions.read(options);
  const { causal, alibi, dropout } = settings;
  const layer = defineLayer({
    kind: 'transformerEncoder',
    options: settings,
    masking: 'pass',
    lora: { ...headLora('attention'), ...productLora },
    appliesLora: true,
    quantize: { ...headScales('attention'), ...productScales },
    unpacks: true,
    outputShape: (shape, where) => checkBlock(where, shape, settings),
    build: (shape, random) => ({ parameters: blockParameters(settings, shape[1], { attention: shape[1] }, random) }),
    apply: ({ parameters }, x, { training, mask, decoding }) => {
      const run = { causal, alibi, dropout: training ? dropout : 0, keys: keyMask([mask]), decoding };
      const attended = around(settings, parameters, 'attention', x, training, (y) =>
        attendHeads({ query: y, key: y, value: y }, parameters, run, 'attention'),
      );
      return dense(settings, parameters, attended, training);
    },
  });
  return withLayerConfig(layer, transformerEncoderOptions, settings);
}

export const transformerDecoderOptions = declareOptions('layers.transformerDecoder', blockOptions);
export type TransformerDecoderOptions = OptionsOf<typeof transformerDecoderOptions>;

/**
 * A block of causal self-attention, attention to a memory, and two dense products for each step, as PyTorch's TransformerDecoderLayer.
 *
 * Input: a list [x, memory], [batch, time, features] and [batch, steps, features of the memory]. Output as x. Masks hide their steps.
 * Vaswani et al., Attention Is All You Need, 2017.
 *
 *     layers.transformerDecoder({ intermediateDim: 512, numHeads: 4 }).apply([target, encoded])
 */
export function transformerDecoder(options: TransformerDecoderOptions): Configured<Layer> {
  const settings = transformerDecoderOptions.read(options);
  const { alibi, dropout } = settings;
  const shapesOf = (where: string, shapes: Shapes): readonly (readonly number[])[] => {
    const list = Array.isArray(shapes) && !isShape(shapes) ? (shapes as readonly Shapes[]) : [];
    const [x, memory] = list;
    if (list.length !== 2 || !isShape(memory) || memory.length !== 2) {
      throw new ShapeError(`${where}: takes a list [x, memory] of tensors [batch, time, features], got ${formatBatches(shapes)}`);
    }
    return [checkBlock(where, x, settings), memory];
  };
  const layer = defineLayer<Tensors, Tensors>({
    kind: 'transformerDecoder',
    options: settings,
    takes: 'tree',
    lora: { ...headLora('attention'), ...headLora('memory'), ...productLora },
    appliesLora: true,
    quantize: { ...headScales('attention'), ...headScales('memory'), ...productScales },
    unpacks: true,
    outputShape: (shapes, where) => shapesOf(where, shapes)[0],
    build: (shapes, random) => {
      const [x, memory] = shapesOf(settings.name ?? 'transformerDecoder', shapes);
      return { parameters: blockParameters(settings, x[1], { attention: x[1], memory: memory[1] }, random) };
    },
    apply: ({ parameters }, inputs, { training, mask, decoding }) => {
      const [x, memory] = inputs as readonly Tensor[];
      const [ofX, ofMemory] = Array.isArray(mask) ? (mask as readonly Tensor[]) : [];
      const run = { dropout: training ? dropout : 0, decoding };
      const attended = around(settings, parameters, 'attention', x, training, (y) =>
        attendHeads({ query: y, key: y, value: y }, parameters, { ...run, causal: true, alibi, keys: keyMask([ofX]) }, 'attention'),
      );
      const remembered = around(settings, parameters, 'memory', attended, training, (y) =>
        attendHeads({ query: y, key: memory, value: memory }, parameters, { ...run, causal: false, keys: keyMask([ofMemory]) }, 'memory'),
      );
      return { outputs: dense(settings, parameters, remembered, training), mask: ofX };
    },
  });
  return withLayerConfig(layer, transformerDecoderOptions, settings);
}
