// Connectionist temporal classification reads rows of digits without being shown the place of each digit. Graves et al., 2006.
import { type Tensor, datasets, layers, losses, metrics, optimizers, random, schedules, sequential, setSeed, tensor } from 'ombre'; // prettier-ignore
import type { Figures, Run } from './example.ts';

/** Class 0 is the blank. Class d + 1 is the digit d. */
const blank = 0;

interface Strips {
  /** Images [count, height, longest * width, 1]. */
  readonly x: Tensor;
  /** Classes [count, longest], filled up with the blank. */
  readonly y: Tensor;
  readonly texts: readonly string[];
}

/** Strips of digits side by side. Strips of fewer than `longest` digits begin at a random pixel. */
async function strips(digits: { x: Tensor; y: Tensor }, count: number, longest: number): Promise<Strips> {
  const [height, width] = digits.x.shape.slice(1);
  const images = (await digits.x.data()) as Float32Array;
  const labels = Array.from(await digits.y.data(), Number);
  const draws = (await random.uniform([count, longest + 2]).data()) as Float32Array;
  const x = new Float32Array(count * height * longest * width);
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    const [some, place, ...rest] = draws.subarray(i * (longest + 2), (i + 1) * (longest + 2));
    const chosen = rest.slice(0, longest - Math.floor((some * (longest + 1)) / 2)).map((draw) => Math.floor(draw * labels.length));
    const begin = Math.floor(place * ((longest - chosen.length) * width + 1));
    chosen.forEach((digit, k) => {
      for (let row = 0; row < height; row++) {
        const from = (digit * height + row) * width;
        x.set(images.subarray(from, from + width), ((i * height + row) * longest + k) * width + begin);
      }
    });
    texts.push(chosen.map((digit) => labels[digit]).join(''));
  }
  const classes = texts.flatMap((text) => Array.from({ length: longest }, (_, i) => (i < text.length ? Number(text[i]) + 1 : blank)));
  return { x: tensor(x, [count, height, longest * width, 1]), y: tensor(classes, [count, longest], 'i32'), texts };
}

/** The most probable class of each step [n, time], without repetitions and then without blanks. */
const decode = (steps: readonly (readonly number[])[]): string[] =>
  steps.map((row) => row.filter((found, i) => found !== blank && found !== row[i - 1]).map((found) => found - 1).join('')); // prettier-ignore

/** Figures: the share of new strips that are read without an error, and the edits per character that correct the others. */
export async function ctc({ isSmall, isLarge = false, print, show, watch, mnist }: Run): Promise<Figures> {
  setSeed(1);
  const { train, test } = await (isSmall ? datasets.digits() : mnist());
  const [longest, count, filters, units, epochs, batchSize] = isSmall
    ? [3, 800, 8, 24, 5, 16]
    : isLarge
      ? [6, 20_000, 32, 128, 8, 64]
      : [4, 4000, 16, 64, 6, 32];
  const strip = await strips(train, count, longest);
  const tests = await strips(test, 300, longest);

  const block = (count: number) => [
    layers.conv2d({ filters: count, kernelSize: 3, padding: 'same', useBias: false }),
    layers.batchNormalization({ momentum: 0.9 }),
    layers.relu(),
    layers.maxPooling2d(),
  ];
  const [height, width] = strip.x.shape.slice(1).map((size) => size / 4);
  const model = sequential([
    layers.identity({ inputShape: strip.x.shape.slice(1) }),
    ...block(filters),
    ...block(2 * filters),
    // Each column of the feature maps is one step of time.
    layers.permute({ dims: [2, 1, 3] }),
    layers.reshape({ targetShape: [width, height * 2 * filters] }),
    layers.bidirectional({ layer: layers.gru({ units, returnSequences: true }) }),
    layers.dense({ units: 11 }),
  ]);
  model.compile({
    optimizer: optimizers.adam({
      learningRate: schedules.cosineDecay({
        initialLearningRate: isSmall ? 1e-2 : isLarge ? 2e-3 : 5e-3,
        decaySteps: epochs * Math.ceil(count / batchSize),
      }),
      globalClipNorm: 5,
    }),
    loss: losses.ctc(),
  });
  await model.fit(strip.x, strip.y, { epochs, batchSize, verbose: 0, callbacks: watch() });

  const logits = await model.predict(tests.x);
  const read = decode((await logits.argMax({ axis: -1 }).array()) as number[][]);
  tests.texts.slice(0, 3).forEach((text, i) => print(`${text} is read as ${read[i]}`));
  await show('Strips', tests.x.slice([0], [3]));
  const right = tests.texts.filter((text, i) => read[i] === text).length;
  return { strips: right / read.length, characterErrorRate: metrics.charErrorRate().ofTexts(tests.texts, read) };
}
