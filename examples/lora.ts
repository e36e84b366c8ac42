// LoRA: a small GPT that has learned a book learns the log of a ship, while its weights stay as they are. Small matrices are trained beside
// them, and have a file of their own. The log is generated, because the examples have only one book. Hu et al., LoRA: Low-Rank Adaptation
// of Large Language Models, 2021.
import { type FileTarget, type Model, generate, loadModel, losses, random, setSeed } from 'ombre';
import { bits, characterText, parts } from './characterText.ts';
import type { Figures, Run } from './example.ts';
import { gptModel, learn } from './gpt.ts';

const winds = ['north', 'north east', 'east', 'south east', 'south', 'south west', 'west', 'north west'];
const forces = ['calm', 'light', 'fresh', 'strong', 'a gale'];
const counts = ['no whales', 'one whale', 'two whales', 'three whales'];

/** Entries of a log, such as `wind from the south west, fresh. two whales seen. course east. `. */
async function logOf(entries: number): Promise<string> {
  const draws = await random.uniform([entries, 4]).data();
  const pick = (list: readonly string[], at: number): string => list[Math.floor(Number(draws[at]) * list.length)];
  const entry = (_: unknown, i: number): string =>
    `wind from the ${pick(winds, 4 * i)}, ${pick(forces, 4 * i + 1)}. ${pick(counts, 4 * i + 2)} seen. course ${pick(winds, 4 * i + 3)}. `;
  return Array.from({ length: entries }, entry).join('');
}

/**
 * Figures: bits per character of new entries before and after the training, and by the first model with the adapters of their file. Then
 * the bytes of both files, and the number of weights of the first model that changed.
 */
export async function lora({ isSmall, isLarge = false, print, watch, book }: Run): Promise<Figures> {
  setSeed(1);
  const [length, time, width, blocks, batchSize, rank] = isSmall
    ? [10_000, 32, 32, 1, 16, 4]
    : isLarge
      ? [600_000, 128, 192, 4, 32, 8]
      : [200_000, 64, 96, 2, 16, 8];
  const { vocabulary, train, encode, decode } = characterText((await book()).slice(0, length), time);
  const log = parts(encode(await logOf(isSmall ? 80 : isLarge ? 3000 : 1000)), time);
  const bitsOf = async (model: Model): Promise<number> =>
    bits((await model.evaluate(log.test.x, log.test.y, { batchSize, verbose: 0 })).loss);

  const model = gptModel({ characters: vocabulary.length, time, width, blocks, dropout: 0 });
  await learn(model, train, { epochs: 3, batchSize, learningRate: isSmall ? 0.01 : isLarge ? 0.002 : 0.004, callbacks: watch('The book') });
  const before = await bitsOf(model);
  const file = await bytesOf((target) => model.save(target, { optimizer: false }));
  const weights = await weightsOf(model);

  // Kernels and embeddings are frozen. The sum of a kernel and a product of two small matrices takes the place of each.
  model.enableLora({ rank, alpha: 2 * rank, trainOthers: false });
  // Layers that take no LoRA are frozen too, because the file of the adapters does not have them.
  for (const layer of model.layers) layer.trainable = layer.lora !== undefined;
  const rate = isSmall ? 0.02 : 0.005;
  await learn(model, log.train, { epochs: isSmall ? 6 : 3, batchSize, learningRate: rate, callbacks: watch('The log, by the adapters') });
  const after = await bitsOf(model);
  const adapters = await bytesOf((target) => model.saveWeights(target, { only: 'lora' }));
  const later = await weightsOf(model);
  const changed = [...weights].flatMap(([path, values]) => values.filter((value, i) => value !== later.get(path)?.[i])).length;

  // The first file and the adapters are all that another program needs.
  const again = await loadModel(file);
  again.compile({ optimizer: 'adam', loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }) });
  again.enableLora({ rank, alpha: 2 * rank, trainOthers: false });
  await again.loadWeights(adapters);
  const reloaded = await bitsOf(again);
  const ids = await generate(again, encode('wind '), { maxNewTokens: isSmall ? 20 : 110, temperature: 0.7, seed: 1 });
  print(decode(await ids.data()));
  print(`${before.toFixed(2)} bits per character before, ${after.toFixed(2)} after; ${adapters.length} bytes beside ${file.length}`);
  return { before, after, reloaded, adapterBytes: adapters.length, fileBytes: file.length, changed };
}

/** All values of a model, by their paths. */
async function weightsOf(model: Model): Promise<Map<string, number[]>> {
  const lists = model.variables().map(async ({ path, tensor }) => [path, Array.from(await tensor.data(), Number)] as const);
  return new Map(await Promise.all(lists));
}

/** The bytes that are written. A path, an address or a name of the page's storage works as well. */
async function bytesOf(write: (target: FileTarget) => Promise<void>): Promise<Uint8Array> {
  let bytes = new Uint8Array();
  await write((content) => {
    bytes = content;
  });
  return bytes;
}
