// A small GPT over characters: causal transformer blocks learn a book, and then continue a line with a cache of keys and values.
import { generate, layers, losses, optimizers, schedules, sequential, setSeed } from 'ombre';
import { bits, characterText } from './characterText.ts';
import { type Figures, type Run, printEpochs } from './example.ts';

/** Figures: bits per character of the last tenth of the text, which the training has not seen. */
export async function gpt({ isSmall, print, book }: Run): Promise<Figures> {
  setSeed(1);
  const [length, time, width, blocks, epochs, batchSize] = isSmall ? [10_000, 32, 32, 1, 4, 16] : [600_000, 128, 192, 4, 6, 32];
  const { vocabulary, train, test, encode, decode } = characterText((await book()).slice(0, length), time);

  const block = () =>
    layers.transformerEncoder({
      intermediateDim: 4 * width,
      numHeads: width / 16,
      activation: 'gelu',
      normalizeFirst: true,
      causal: true,
      dropout: isSmall ? 0 : 0.1,
    });
  const model = sequential([
    layers.embedding({ inputDim: vocabulary.length, outputDim: width, inputShape: [time] }),
    layers.positionEmbedding({ sequenceLength: time }),
    ...Array.from({ length: blocks }, block),
    layers.layerNormalization(),
    layers.dense({ units: vocabulary.length }),
  ]);
  const steps = epochs * Math.ceil(train.x.shape[0] / batchSize);
  const learningRate = schedules.cosineDecay({
    initialLearningRate: 0,
    warmupTarget: isSmall ? 0.01 : 0.002,
    warmupSteps: Math.ceil(steps / 20),
    decaySteps: steps,
  });
  model.compile({
    optimizer: optimizers.adamW({ learningRate, weightDecay: 0.01, clipNorm: 1 }),
    loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
  });
  await model.fit(train.x, train.y, { epochs, batchSize, verbose: 0, callbacks: [printEpochs(print)] });
  const { loss } = await model.evaluate(test.x, test.y, { batchSize, verbose: 0 });

  const ids = await generate(model, encode('The whale '), { maxNewTokens: isSmall ? 20 : 110, temperature: 0.7, topK: 40, seed: 1 });
  print(decode(await ids.data()));
  return { bitsPerCharacter: bits(loss) };
}
