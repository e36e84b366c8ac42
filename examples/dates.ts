// Sequence to sequence with attention: dates as people write them become dates of ISO 8601, such as `March 5, 2021` -> `2021-03-05`.
import { type Tensor, createModel, input, layers, losses, random, setSeed, tensor } from 'ombre';
import type { Figures, Run } from './example.ts';

const months = 'January February March April May June July August September October November December'.split(' ');
const longest = 18;
const outputLength = 10;
// Id 0 is padding, and begins the output.
const characters = ['', ...' ,-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'];
const two = (n: number): string => String(n).padStart(2, '0');

/** A date as a person writes it and as ISO 8601, from four numbers in [0, 1). */
function dateOf([a, b, c, d]: Float32Array): { written: string; iso: string } {
  const [year, month, day] = [1950 + Math.floor(a * 100), 1 + Math.floor(b * 12), 1 + Math.floor(c * 28)];
  const name = months[month - 1];
  const forms = [
    `${name} ${day}, ${year}`,
    `${day} ${name} ${year}`,
    `${day} ${name.slice(0, 3)} ${year}`,
    `${name.slice(0, 3)} ${two(day)} ${year}`,
    `${month}/${day}/${year}`,
    `${two(day)}.${two(month)}.${year}`,
  ];
  return { written: forms[Math.floor(d * forms.length)], iso: `${year}-${two(month)}-${two(day)}` };
}

const idsOf = (texts: readonly string[], length: number): Tensor =>
  tensor(
    texts.flatMap((text) => Array.from({ length }, (_, i) => Math.max(0, characters.indexOf(text[i] ?? '')))),
    [texts.length, length],
    'i32',
  );

/** Figures: the shares of characters and of whole dates that are right, of test dates that the model writes without help. */
export async function dates({ isSmall, print, watch }: Run): Promise<Figures> {
  setSeed(1);
  const [count, units, epochs, batchSize] = isSmall ? [600, 32, 6, 8] : [20_000, 64, 6, 64];
  const draws = (await random.uniform([count + 200, 4]).data()) as Float32Array;
  const pairs = Array.from({ length: count + 200 }, (_, i) => dateOf(draws.subarray(4 * i, 4 * i + 4)));

  // The encoder reads the written date in both directions. Each step of the decoder looks at all steps of the encoder.
  const written = input({ shape: [longest], dtype: 'i32' });
  const before = input({ shape: [outputLength], dtype: 'i32' });
  const embed = (ids: Tensor) => layers.embedding({ inputDim: characters.length, outputDim: units }).apply(ids);
  const encoded = layers.bidirectional({ layer: layers.gru({ units: units / 2, returnSequences: true }) }).apply(embed(written));
  const decoded = layers.gru({ units, returnSequences: true }).apply(embed(before));
  const attended = layers.attention().apply([decoded, encoded]);
  const joined = layers.concatenate().apply([decoded, attended]);
  const hidden = layers.gru({ units, returnSequences: true }).apply(joined as Tensor);
  const model = createModel({ inputs: { written, before }, outputs: layers.dense({ units: characters.length }).apply(hidden) });

  model.compile({ optimizer: 'adam', loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }), metrics: ['accuracy'] });
  model.learningRate = 0.005;
  const train = pairs.slice(0, count);
  const inputs = {
    written: idsOf(train.map((pair) => pair.written), longest),
    before: idsOf(train.map((pair) => ` ${pair.iso}`), outputLength),
  }; // prettier-ignore
  const targets = idsOf(train.map((pair) => pair.iso), outputLength); // prettier-ignore
  await model.fit(inputs, targets, { epochs, batchSize, verbose: 0, callbacks: watch() });

  // The model writes one character after the other. Each pass gives the next one.
  const tests = pairs.slice(count);
  const questions = idsOf(tests.map((pair) => pair.written), longest); // prettier-ignore
  const answers = tests.map(() => ' ');
  for (let i = 0; i < outputLength; i++) {
    const logits = await model.predict({ written: questions, before: idsOf(answers, outputLength) });
    const next = await logits.argMax({ axis: -1 }).data();
    answers.forEach((answer, row) => (answers[row] = answer + characters[Number(next[row * outputLength + i])]));
  }
  const whole = tests.filter(({ iso }, row) => answers[row] === ` ${iso}`).length;
  const single = tests.map(({ iso }, row) => Array.from(iso).filter((character, i) => answers[row][i + 1] === character).length);
  tests.slice(0, 3).forEach((pair, row) => print(`${pair.written} ->${answers[row]} (${pair.iso})`));
  return { characters: single.reduce((a, b) => a + b) / (tests.length * outputLength), dates: whole / tests.length };
}
