// Small causal language models with random weights, for tests of generate().
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, defineLayer, layers } from '../../src/nn/index.ts';
import { cast, matmul, ones, softmax, transpose, triL, where } from '../../src/ops/index.ts';
import { type Model, sequential } from '../../src/train/index.ts';

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
  alibi: () => decoder(alibiAttention()),
  tied: () => {
    const tokens = layers.reversibleEmbedding({ inputDim: 11, outputDim: 8, embeddingsInitializer: wide, inputShape: [16] });
    return sequential([tokens, layers.sinusoidal(), block(), tokens.reverse]);
  },
  recurrent: () => decoder(layers.lstm({ units: 8, returnSequences: true })),
} satisfies Record<string, () => Model>;

/** Rows of a tensor of ids. */
export const rowsOf = async (ids: Promise<Tensor>): Promise<number[][]> => (await (await ids).array()) as number[][];
