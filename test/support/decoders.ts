// Small causal language models with random weights, for tests of generate().
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, defineLayer, input, layers } from '../../src/nn/index.ts';
import { cast, matmul, ones, softmax, tensor, transpose, triL, where } from '../../src/ops/index.ts';
import { type Model, createModel, sequential } from '../../src/train/index.ts';

const wide = 'randomNormal';
const initializer = { kernelInitializer: wide } as const;

/** Attention with one head to earlier steps. Scores decrease with the distance. */
const alibiAttention = (): Layer =>
  defineLayer({
    kind: 'alibiAttention',
    options: {},
    layers: { alibi: layers.alibi(), project: layers.dense({ units: 8 }) },
    apply: ({ layers: { alibi, project } }, x: Tensor) => {
      const [batch, time, features] = x.shape;
      const q = project(x).reshape([batch, 1, time, features]);
      const earlier = cast(triL(ones([time, time])), 'bool');
      const weights = softmax(where(earlier, alibi(matmul(q, transpose(q, [0, 1, 3, 2]))), -1e9), { axis: -1 });
      return matmul(weights, q).reshape([batch, time, features]).add(x);
    },
  });

/** ids [batch, time] below 11 -> logits [batch, time, 11]. */
const decoder = (...middle: readonly Layer[]): Model =>
  sequential([
    layers.embedding({ inputDim: 11, outputDim: 8, embeddingsInitializer: wide, inputShape: [16] }),
    ...middle,
    layers.layerNormalization(),
    layers.dense({ units: 11, ...initializer }),
  ]);

const block = (): Layer => layers.transformerEncoder({ intermediateDim: 12, numHeads: 2, causal: true, normalizeFirst: true });

export const decoders = {
  'learned positions': () => decoder(layers.positionEmbedding({ sequenceLength: 16, initializer: wide }), block(), block()),
  'sines and grouped heads': () =>
    decoder(layers.sinusoidal(), layers.groupQueryAttention({ headDim: 3, numQueryHeads: 4, numKeyValueHeads: 2, causal: true })),
  rotary: () =>
    decoder(layers.rotaryEmbedding(), layers.multiHeadAttention({ numHeads: 2, keyDim: 4, valueDim: 3, causal: true }), block()),
  'alibi in a layer of its own': () => decoder(alibiAttention()),
  alibi: () =>
    decoder(
      layers.multiHeadAttention({ numHeads: 2, keyDim: 4, causal: true, alibi: true }),
      layers.transformerEncoder({ intermediateDim: 12, numHeads: 4, causal: true, alibi: true }),
    ),
  tied: () => {
    const tokens = layers.reversibleEmbedding({ inputDim: 11, outputDim: 8, embeddingsInitializer: wide, inputShape: [16] });
    return sequential([tokens, layers.sinusoidal(), block(), tokens.reverse]);
  },
  recurrent: () => decoder(layers.lstm({ units: 8, returnSequences: true })),
} satisfies Record<string, () => Model>;

/** Rows of a tensor of ids. */
export const rowsOf = async (ids: Promise<Tensor>): Promise<number[][]> => (await (await ids).array()) as number[][];

const time = 16;
const ids = (name: string): Tensor => input({ shape: [time], dtype: 'i32', name });
const embed = (x: Tensor, maskZero = false): Tensor =>
  layers.embedding({ inputDim: 11, outputDim: 8, embeddingsInitializer: wide, maskZero }).apply(x);
const logits = (x: Tensor): Tensor => layers.dense({ units: 11, ...initializer }).apply(layers.layerNormalization().apply(x));
const placed = (x: Tensor): Tensor => layers.positionEmbedding({ sequenceLength: time, initializer: wide }).apply(x);

/** A model with inputs other than the tokens, and data for them for three prompts. */
export interface WithMemory {
  readonly make: () => Model;
  readonly inputs: Readonly<Record<string, readonly (readonly (number | readonly number[])[])[]>>;
}

const source = [[3, 1, 4, 1, 5, 9, 0, 0], [2, 7, 0, 0, 0, 0, 0, 0], [8, 2, 8, 1, 8, 2, 8, 4]]; // prettier-ignore
const image = [0, 1, 2].map((i) => [0, 1, 2, 3].map((j) => [Math.sin(i + j), Math.cos(2 * i - j), (i + 1) / (j + 1)]));

export const withMemory = {
  'encoder and decoder blocks, masks': {
    inputs: { source },
    make: () => {
      const [from, target] = [input({ shape: [8], dtype: 'i32', name: 'source' }), ids('target')];
      const encoded = layers.transformerEncoder({ intermediateDim: 12, numHeads: 2 }).apply(layers.sinusoidal().apply(embed(from, true)));
      let x = placed(embed(target, true));
      for (let i = 0; i < 2; i++) {
        const block = layers.transformerDecoder({ intermediateDim: 12, numHeads: 2, normalizeFirst: i > 0, alibi: i > 0 });
        x = block.apply<Tensor>([x, encoded]);
      }
      return createModel({ inputs: [from, target], outputs: logits(x) });
    },
  },
  'a recurrent encoder, cross attention between ops': {
    inputs: { source },
    make: () => {
      const [target, from] = [ids('target'), input({ shape: [8], dtype: 'i32' })];
      const memory = layers.bidirectional({ layer: layers.gru({ units: 4, returnSequences: true }) }).apply(embed(from));
      const x = embed(target);
      const attended = layers.multiHeadAttention({ numHeads: 2, keyDim: 4, causal: true, alibi: true }).apply(x).mul(0.5).add(x);
      const cross = layers
        .groupQueryAttention({ headDim: 3, numQueryHeads: 4, numKeyValueHeads: 2 })
        .apply<Tensor>([attended, memory, memory]);
      return createModel({ inputs: { target, source: from }, outputs: logits(cross.add(attended).tanh()) });
    },
  },
  'an image, and ops on features and steps': {
    inputs: { image },
    make: () => {
      const [target, picture] = [ids('target'), input({ shape: [4, 3], name: 'image' })];
      const x = placed(embed(target));
      const seen = layers.multiHeadAttention({ numHeads: 2, keyDim: 3 }).apply<Tensor>([x, picture]);
      const summary = layers.dense({ units: 8 }).apply(layers.flatten().apply(picture));
      const repeated = layers.repeatVector({ n: time }).apply(summary);
      const joined = layers.concatenate().apply<Tensor>([seen, repeated, x.mul(softmax(repeated)).slice([0, 0, 2])]);
      const steps = tensor(Float32Array.from({ length: time * 22 }, (_, i) => Math.sin(i)), [time, 22]); // prettier-ignore
      const shifted = joined.add(steps).sub(joined.mean({ axis: 2, keepDims: true }));
      const own = layers.transformerEncoder({ intermediateDim: 12, numHeads: 2, causal: true });
      const product = shifted.matmul(tensor(Float32Array.from({ length: 176 }, (_, i) => Math.cos(3 * i)), [22, 8])); // prettier-ignore
      return createModel({ inputs: [target, picture], outputs: logits(own.apply(product)) });
    },
  },
  'a model inside a model': {
    inputs: { source },
    make: () => {
      const [tokens, memory] = [ids('tokens'), input({ shape: [8, 8], name: 'memory' })];
      const block = layers.transformerDecoder({ intermediateDim: 12, numHeads: 2 }).apply<Tensor>([placed(embed(tokens)), memory.mul(2)]);
      const inner = createModel({ inputs: [tokens, memory], outputs: block });
      const [target, from] = [ids('target'), input({ shape: [8], dtype: 'i32', name: 'source' })];
      return createModel({ inputs: [target, from], outputs: logits(inner.apply([target, embed(from)])) });
    },
  },
} satisfies Record<string, WithMemory>;
