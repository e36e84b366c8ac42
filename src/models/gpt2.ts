// GPT-2 with the names of Hugging Face's GPT2LMHeadModel.
import { ArgumentError } from '../core/errors.ts';
import { boolean, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { activations, type Layer, input, layers } from '../nn/index.ts';
import { type Model, type WeightMap, createModel } from '../train/index.ts';
import { type BaseModel, applied, plainRules, tokenInitializer, tokenModelOptions } from './baseModel.ts';

export const gpt2Options = declareOptions(
  'models.gpt2',
  {
    /** Number of blocks. @default 12 */
    layers: optional(positiveInteger, 12),
    /** Number of attention heads. It must divide the width. @default 12 */
    heads: optional(positiveInteger, 12),
    /** Number of features of a token. The two products of a block have 4 times as many between them. @default 768 */
    width: optional(positiveInteger, 768),
    /** Number of tokens. @default 50257 */
    vocabulary: optional(positiveInteger, 50257),
    /** Number of positions in the table, which is the longest possible input. @default 1024 */
    window: optional(positiveInteger, 1024),
    /** Number of tokens in an input. @default window */
    inputLength: optional(positiveInteger),
    /** Adds the logits of the next tokens. Without them the model gives features [batch, time, width]. @default true */
    includeTop: optional(boolean, true),
    ...tokenModelOptions,
  },
  ({ heads, width, window, inputLength = window }, where) => {
    if (width % heads !== 0) throw new ArgumentError(`${where}: ${heads} heads do not divide the width ${width}; choose a divisor`);
    if (inputLength > window) {
      throw new ArgumentError(`${where}: inputLength is ${inputLength}, and there are ${window} positions; choose a larger window`);
    }
  },
);
export type Gpt2Options = OptionsOf<typeof gpt2Options>;

function build(settings: SettingsOf<typeof gpt2Options>): Model {
  const { layers: blocks, heads, width, vocabulary, window, inputLength = window, dropout: rate, includeTop } = settings;
  const kernelInitializer = settings.kernelInitializer ?? tokenInitializer();
  const ids = input({ shape: [inputLength], dtype: 'i32', name: 'ids' });
  const tokens = layers.reversibleEmbedding({
    ...{ name: 'wte', inputDim: vocabulary, outputDim: width, embeddingsInitializer: kernelInitializer },
  });
  const normal = (name: string): Layer => layers.layerNormalization({ name, epsilon: 1e-5 });
  const dropped = (name: string): Layer => layers.dropout({ name, rate });
  const plus = (name: string, x: Tensor, y: Tensor): Tensor => layers.add({ name }).apply<Tensor>([x, y]);
  const positions = layers.positionEmbedding({ name: 'wpe', sequenceLength: window, initializer: kernelInitializer });
  let x = applied(ids, tokens, positions, dropped('drop'));
  for (let i = 0; i < blocks; i++) {
    const name = `h.${i}`;
    const attention = layers.multiHeadAttention({
      ...{ name: `${name}.attn`, numHeads: heads, keyDim: width / heads, causal: true, dropout: rate, kernelInitializer },
    });
    const hidden = layers.dense({ name: `${name}.mlp.c_fc`, units: 4 * width, activation: activations.geluTanh, kernelInitializer });
    const projection = layers.dense({ name: `${name}.mlp.c_proj`, units: width, kernelInitializer });
    x = plus(`${name}.add_1`, x, applied(x, normal(`${name}.ln_1`), attention, dropped(`${name}.attn.resid_dropout`)));
    x = plus(`${name}.add_2`, x, applied(x, normal(`${name}.ln_2`), hidden, projection, dropped(`${name}.mlp.dropout`)));
  }
  const features = normal('ln_f').apply(x);
  return createModel({ inputs: ids, outputs: includeTop ? tokens.reverse.apply(features) : features });
}

const products = ['query', 'key', 'value'] as const;

const map: WeightMap = {
  rules: [
    { names: '{m}.c_attn.weight', paths: products.map((name) => `{m}/${name}Kernel`), axes: 'f (p h d) -> p f h d' },
    { names: '{m}.c_attn.bias', paths: products.map((name) => `{m}/${name}Bias`), axes: '(p h d) -> p h d' },
    { names: '{m}.c_proj.weight', paths: '{m}/outputKernel', axes: '(h d) o -> h d o' },
    { names: '{m}.c_proj.bias', paths: '{m}/outputBias' },
    // Conv1D of Hugging Face has the inputs first, as here.
    { names: '{m}.weight', paths: '{m}/kernel' },
    ...plainRules,
  ],
  ignore: ['h.{n}.attn.bias', 'h.{n}.attn.masked_bias'],
  aliases: [['transformer.{m}', '{m}']],
  copies: { 'lm_head.weight': 'wte.weight' },
  metadata: { format: 'pt' },
};

/**
 * GPT-2, with the names of Hugging Face: `h.0.attn`. 124,439,808 parameters. `generate` runs it with a cache of keys and values.
 *
 * Input: ids i32 [batch, inputLength]. Output: logits [batch, inputLength, vocabulary], by the table of the token embeddings. Radford et al., Language
 * Models are Unsupervised Multitask Learners, 2019.
 *
 *     const model = gpt2({ layers: 4, heads: 4, width: 128, vocabulary: 96, window: 64 });
 *     const ids = await generate(model, [[5, 9, 2]], { maxNewTokens: 20 });
 */
export const gpt2: BaseModel<Gpt2Options> = /* @__PURE__ */ Object.assign(
  (options: Gpt2Options = {}): Model => build(gpt2Options.read(options)),
  { map },
);
