// A model of characters: an LSTM learns the next character of a book, and then continues a line.
import { generate, layers, losses, optimizers, sequential, setSeed } from 'ombre';
import { bits, characterText } from './characterText.ts';
import type { Figures, Run } from './example.ts';

/** Figures: bits per character of the last tenth of the text, which the training has not seen. */
export async function characters({ isSmall, print, watch, book }: Run): Promise<Figures> {
  setSeed(1);
  const [length, time, units, epochs, batchSize] = isSmall ? [12_000, 32, 32, 4, 8] : [600_000, 100, 256, 8, 64];
  const { vocabulary, train, test, encode, decode } = characterText((await book()).slice(0, length), time);

  const model = sequential([
    layers.embedding({ inputDim: vocabulary.length, outputDim: isSmall ? 16 : 64 }),
    layers.lstm({ units, returnSequences: true }),
    layers.dense({ units: vocabulary.length }),
  ]);
  model.compile({
    optimizer: optimizers.adam({ learningRate: isSmall ? 0.02 : 0.003, clipNorm: 1 }),
    loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
  });
  await model.fit(train.x, train.y, { epochs, batchSize, verbose: 0, callbacks: watch() });
  const { loss } = await model.evaluate(test.x, test.y, { batchSize, verbose: 0 });

  const prompt = 'The whale ';
  const ids = await generate(model, encode(prompt), { maxNewTokens: isSmall ? 20 : 200, temperature: 0.7, seed: 1 });
  print(decode(await ids.data()));
  return { bitsPerCharacter: bits(loss) };
}
