// A small GPT over characters: causal transformer blocks learn a book, and then continue a line with a cache of keys and values.
import { type Callback, type Model, generate, layers, losses, optimizers, schedules, sequential, setSeed } from 'ombre';
import { type Windows, bits, characterText } from './characterText.ts';
import type { Figures, Run } from './example.ts';

/** Sizes of a small GPT: characters, steps, width of a step's vector, and number of blocks. */
export interface GptSizes {
  readonly characters: number;
  readonly time: number;
  readonly width: number;
  readonly blocks: number;
  readonly dropout: number;
}

/** Ids [batch, time] -> logits [batch, time, characters]. */
export function gptModel({ characters, time, width, blocks, dropout }: GptSizes): Model {
  const block = () =>
    layers.transformerEncoder({
      intermediateDim: 4 * width,
      numHeads: width / 16,
      activation: 'gelu',
      normalizeFirst: true,
      causal: true,
      dropout,
    });
  return sequential([
    layers.embedding({ inputDim: characters, outputDim: width, inputShape: [time] }),
    layers.positionEmbedding({ sequenceLength: time }),
    ...Array.from({ length: blocks }, block),
    layers.layerNormalization(),
    layers.dense({ units: characters }),
  ]);
}

/** Trains by AdamW. The rate rises to `learningRate` in a twentieth of the steps, and falls along a cosine. */
export async function learn(model: Model, { x, y }: Windows, options: Training): Promise<void> {
  const { epochs, batchSize, learningRate, callbacks } = options;
  const steps = epochs * Math.ceil(x.shape[0] / batchSize);
  const rate = schedules.cosineDecay({
    initialLearningRate: 0,
    warmupTarget: learningRate,
    warmupSteps: Math.ceil(steps / 20),
    decaySteps: steps,
  });
  model.compile({
    optimizer: optimizers.adamW({ learningRate: rate, weightDecay: 0.01, clipNorm: 1 }),
    loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
  });
  await model.fit(x, y, { epochs, batchSize, verbose: 0, callbacks });
}

interface Training {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly callbacks: Callback[];
}

/** Figures: bits per character of the last tenth of the text, which the training has not seen. */
export async function gpt({ isSmall, isLarge = false, print, watch, book }: Run): Promise<Figures> {
  setSeed(1);
  const [length, time, width, blocks, epochs, batchSize] = isSmall
    ? [10_000, 32, 32, 1, 4, 4]
    : isLarge
      ? [600_000, 128, 192, 4, 6, 16]
      : [200_000, 64, 96, 2, 8, 16];
  const { vocabulary, train, test, encode, decode } = characterText((await book()).slice(0, length), time);

  const model = gptModel({ characters: vocabulary.length, time, width, blocks, dropout: isLarge ? 0.1 : 0 });
  await learn(model, train, { epochs, batchSize, learningRate: isSmall ? 0.01 : isLarge ? 0.002 : 0.004, callbacks: watch() });
  const { loss } = await model.evaluate(test.x, test.y, { batchSize, verbose: 0 });

  const ids = await generate(model, encode('The whale '), { maxNewTokens: isSmall ? 20 : 110, temperature: 0.7, topK: 40, seed: 1 });
  print(decode(await ids.data()));
  return { bitsPerCharacter: bits(loss) };
}
