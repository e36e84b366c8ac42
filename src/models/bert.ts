// BERT with the names of Hugging Face's BertModel and BertForSequenceClassification.
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { boolean, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import { register } from '../core/registry.ts';
import { Tensor } from '../graph/tensor.ts';
import { type Layer, type Tensors, activations, defineLayer, formatBatches, input, layers } from '../nn/index.ts';
import type { Initializer } from '../nn/index.ts';
import { isShape } from '../nn/spec.ts';
import { add, embedding, slice } from '../ops/index.ts';
import { type Model, type WeightMap, createModel } from '../train/index.ts';
import { type BaseModel, applied, kernelRule, plainRules, tokenInitializer, tokenModelOptions } from './baseModel.ts';

export const bertOptions = declareOptions(
  'models.bert',
  {
    /** Number of blocks. @default 12 */
    layers: optional(positiveInteger, 12),
    /** Number of attention heads. It must divide the width. @default 12 */
    heads: optional(positiveInteger, 12),
    /** Number of features of a token. @default 768 */
    width: optional(positiveInteger, 768),
    /** Number of features between the two products of a block. @default 4 width */
    intermediate: optional(positiveInteger),
    /** Number of tokens. @default 30522 */
    vocabulary: optional(positiveInteger, 30522),
    /** Number of positions in the table, which is the longest possible input. @default 512 */
    window: optional(positiveInteger, 512),
    /** Number of types of tokens. @default 2 */
    types: optional(positiveInteger, 2),
    /** Number of tokens in an input. @default window */
    inputLength: optional(positiveInteger),
    /** Takes the types of the tokens as a second input. Without it all tokens are of type 0. @default false */
    segments: optional(boolean, false),
    /** Token 0 is padding: attention and losses leave it out. @default true */
    maskZero: optional(boolean, true),
    /** Adds the pooled features of the first token. @default true */
    pooler: optional(boolean, true),
    /** Number of classes of a classifier of the pooled features. Without it the model gives features. */
    classes: optional(positiveInteger),
    ...tokenModelOptions,
  },
  ({ heads, width, window, inputLength = window, pooler, classes }, where) => {
    if (width % heads !== 0) throw new ArgumentError(`${where}: ${heads} heads do not divide the width ${width}; choose a divisor`);
    if (inputLength > window) {
      throw new ArgumentError(`${where}: inputLength is ${inputLength}, and there are ${window} positions; choose a larger window`);
    }
    if (classes && !pooler) throw new ArgumentError(`${where}: classes needs the pooled features; leave out pooler: false`);
  },
);
export type BertOptions = OptionsOf<typeof bertOptions>;

interface TypeEmbeddingOptions {
  readonly name: string;
  readonly types: number;
  readonly width: number;
  readonly initializer: Initializer;
}

/** Adds the vector of the type of each token: x [batch, time, width], or a list [x, types] with types i32 [batch, time]. Keeps the mask of x. */
const typeEmbedding = /* @__PURE__ */ register('models.typeEmbedding', ({ name, types, width, initializer }: TypeEmbeddingOptions) =>
  defineLayer<Tensors, Tensor>({
    kind: 'typeEmbedding',
    options: { name },
    takes: 'tree',
    inputDtype: 'i32',
    outputShape: (shapes, where) => {
      const [x] = (isShape(shapes) ? [shapes] : shapes) as readonly (readonly number[])[];
      if (x.length === 2 && x[1] === width) return x;
      throw new ShapeError(`${where}: takes features [batch, time, ${width}], got ${formatBatches(shapes)}`);
    },
    build: (_, random) => ({ parameters: { embeddings: initializer([types, width], random) } }),
    apply: ({ parameters: { embeddings } }, inputs, { mask }) => {
      if (inputs instanceof Tensor) return { outputs: add(inputs, slice(embeddings, [0, 0], [1, width])), mask };
      const [x, ids] = inputs as readonly Tensor[];
      return { outputs: add(x, embedding(embeddings, ids)), mask: Array.isArray(mask) ? (mask as readonly Tensor[])[0] : undefined };
    },
  }),
);

function build(settings: SettingsOf<typeof bertOptions>): Model {
  const { layers: blocks, heads, width, vocabulary, window, types, segments, maskZero, pooler, classes, dropout: rate } = settings;
  const { inputLength = window, intermediate = 4 * width } = settings;
  const kernelInitializer = settings.kernelInitializer ?? tokenInitializer();
  const normal = (name: string): Layer => layers.layerNormalization({ name, epsilon: 1e-12 });
  const dropped = (name: string): Layer => layers.dropout({ name, rate });
  const plus = (name: string, x: Tensor, y: Tensor): Tensor => layers.add({ name }).apply<Tensor>([x, y]);

  const ids = input({ shape: [inputLength], dtype: 'i32', name: 'ids' });
  const typeIds = input({ shape: [inputLength], dtype: 'i32', name: 'types' });
  const placed = applied(
    ids,
    layers.embedding({
      ...{ name: 'embeddings.word_embeddings', inputDim: vocabulary, outputDim: width, embeddingsInitializer: kernelInitializer, maskZero },
    }),
    layers.positionEmbedding({ name: 'embeddings.position_embeddings', sequenceLength: window, initializer: kernelInitializer }),
  );
  const typed = typeEmbedding({ name: 'embeddings.token_type_embeddings', types, width, initializer: kernelInitializer });
  const embedded = typed.apply<Tensor>(segments ? [placed, typeIds] : placed);
  let x = applied(embedded, normal('embeddings.LayerNorm'), dropped('embeddings.dropout'));
  for (let i = 0; i < blocks; i++) {
    const name = `encoder.layer.${i}`;
    const attention = layers.multiHeadAttention({
      ...{ name: `${name}.attention`, numHeads: heads, keyDim: width / heads, dropout: rate, kernelInitializer },
    });
    const attended = applied(x, attention, dropped(`${name}.attention.output.dropout`));
    x = normal(`${name}.attention.output.LayerNorm`).apply(plus(`${name}.attention.output.add`, attended, x));
    const hidden = layers.dense({
      name: `${name}.intermediate.dense`,
      units: intermediate,
      activation: activations.gelu,
      kernelInitializer,
    });
    const projection = layers.dense({ name: `${name}.output.dense`, units: width, kernelInitializer });
    const projected = applied(x, hidden, projection, dropped(`${name}.output.dropout`));
    x = normal(`${name}.output.LayerNorm`).apply(plus(`${name}.output.add`, projected, x));
  }
  const inputs = segments ? { ids, types: typeIds } : ids;
  if (!pooler) return createModel({ inputs, outputs: x });
  const first = applied(
    x,
    layers.cropping1d({ name: 'pooler.first', cropping: [0, inputLength - 1] }),
    layers.reshape({ name: 'pooler.reshape', targetShape: [width] }),
  );
  const pooled = layers.dense({ name: 'pooler.dense', units: width, activation: activations.tanh, kernelInitializer }).apply(first);
  if (!classes) return createModel({ inputs, outputs: { sequence: x, pooled } });
  const classifier = layers.dense({ name: 'classifier', units: classes, kernelInitializer });
  return createModel({ inputs, outputs: applied(pooled, dropped('dropout'), classifier) });
}

const products = ['query', 'key', 'value'] as const;

const map: WeightMap = {
  rules: [
    ...products.flatMap((name) => [
      { names: `{m}.self.${name}.weight`, paths: `{m}/${name}Kernel`, axes: '(h d) f -> f h d' },
      { names: `{m}.self.${name}.bias`, paths: `{m}/${name}Bias`, axes: '(h d) -> h d' },
    ]),
    { names: '{m}.output.dense.weight', paths: '{m}/outputKernel', axes: 'o (h d) -> h d o' },
    { names: '{m}.output.dense.bias', paths: '{m}/outputBias' },
    kernelRule,
    ...plainRules,
  ],
  ignore: ['cls.{m}', 'pooler.{m}', 'classifier.{m}', 'qa_outputs.{m}', 'embeddings.position_ids'],
  aliases: [
    ['bert.{m}', '{m}'],
    // Names of older files.
    ['{m}.LayerNorm.gamma', '{m}.LayerNorm.weight'],
    ['{m}.LayerNorm.beta', '{m}.LayerNorm.bias'],
  ],
  metadata: { format: 'pt' },
};

/**
 * BERT, with the names of Hugging Face: `encoder.layer.0.attention`. 109,482,240 parameters as in bert-base-uncased.
 *
 * Input: ids i32 [batch, inputLength]; with `segments`, a record { ids, types }. Output: a record { sequence [batch, inputLength, width], pooled
 * [batch, width] }, the sequence with `pooler: false`, or logits [batch, classes] with `classes`. Devlin et al., BERT: Pre-training of Deep
 * Bidirectional Transformers for Language Understanding, 2018.
 *
 *     const model = bert({ classes: 2, inputLength: 128 });
 *     await model.loadWeights('bert.safetensors', { map: bert.map, skipMismatch: true });    // the classifier is new
 */
export const bert: BaseModel<BertOptions> = /* @__PURE__ */ Object.assign(
  (options: BertOptions = {}): Model => build(bertOptions.read(options)),
  { map },
);
