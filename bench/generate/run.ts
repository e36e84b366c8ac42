// Tokens a second of generate(), with the cache of keys and values and without it. The two take turns; the figures are medians of the rounds.
import { Command } from 'commander';
import { type Model, deviceInfo, generate, lastProgram, layers, sequential, setDevice } from 'ombre';
import { median } from '../median.ts';
import { machine, resultPath, save } from '../results.ts';

interface Form {
  readonly name: string;
  readonly width: number;
  readonly heads: number;
  readonly blocks: number;
  readonly window: number;
  readonly vocabulary: number;
  readonly newTokens: number;
}

const forms: readonly Form[] = [
  { name: 'tiny', width: 64, heads: 4, blocks: 2, window: 256, vocabulary: 256, newTokens: 40 },
  { name: 'small', width: 256, heads: 8, blocks: 6, window: 512, vocabulary: 5000, newTokens: 200 },
  { name: 'gpt2', width: 768, heads: 12, blocks: 12, window: 1024, vocabulary: 50_257, newTokens: 200 },
];

const options = new Command('npm run bench:generate --')
  .usage('[options]')
  .description('Tokens a second of a decoder, with the cache of keys and values and without it.')
  .option('--forms <names>', forms.map(({ name }) => name).join(','), 'tiny,small')
  .option('--rounds <n>', 'rounds', '3')
  .option('--prompt <n>', 'tokens of the prompt', '16')
  .option('--results <folder>', 'folder of all figures, as generate-TIME.json', 'bench/results')
  .option('--build', 'only build bench/dist/generate.mjs, for another machine')
  .parse(process.argv)
  .opts<{ forms: string; rounds: string; prompt: string; results: string }>();

const decoder = ({ width, heads, blocks, window, vocabulary }: Form): Model =>
  sequential([
    layers.embedding({ inputDim: vocabulary, outputDim: width, inputShape: [window] }),
    layers.positionEmbedding({ sequenceLength: window }),
    ...Array.from({ length: blocks }, () =>
      layers.transformerEncoder({ numHeads: heads, intermediateDim: 4 * width, normalizeFirst: true, causal: true }),
    ),
    layers.layerNormalization(),
    layers.dense({ units: vocabulary }),
  ]);

interface Figure extends Form {
  readonly tokensPerSecond: { readonly cached: number; readonly recomputed: number };
  readonly dispatches: { readonly cached: number; readonly recomputed: number };
}

async function measure(form: Form, rounds: number, promptLength: number): Promise<Figure> {
  const model = decoder(form);
  const prompt = Array.from({ length: promptLength }, (_, i) => (7 * i + 3) % form.vocabulary);
  const dispatches = { cached: 0, recomputed: 0 };
  const run = async (useCache: boolean): Promise<number> => {
    const begin = performance.now();
    const tokens = await generate(model, prompt, { maxNewTokens: form.newTokens, temperature: 0, useCache });
    await tokens.data();
    dispatches[useCache ? 'cached' : 'recomputed'] = lastProgram()?.dispatches.length ?? 0;
    return (1000 * form.newTokens) / (performance.now() - begin);
  };
  // The first runs compile, and choose kernels.
  for (const useCache of [true, false, true, false]) await run(useCache);
  const rates = { cached: [] as number[], recomputed: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const useCache of round % 2 ? [false, true] : [true, false]) rates[useCache ? 'cached' : 'recomputed'].push(await run(useCache));
  }
  return { ...form, tokensPerSecond: { cached: median(rates.cached), recomputed: median(rates.recomputed) }, dispatches };
}

try {
  const date = new Date().toISOString();
  await setDevice('webgpu');
  console.log(`${deviceInfo().description}\n`);
  const figures: Figure[] = [];
  for (const form of forms.filter(({ name }) => options.forms.split(',').includes(name))) {
    const figure = await measure(form, Number(options.rounds), Number(options.prompt));
    figures.push(figure);
    const { tokensPerSecond: rate, dispatches: count, blocks, width, window } = figure;
    console.log(
      `${form.name}: ${blocks} blocks of ${width} features, window ${window}: ${rate.cached.toFixed(0)} tokens/s with the cache ` +
        `(${count.cached} dispatches), ${rate.recomputed.toFixed(0)} without (${count.recomputed})`,
    );
  }
  const path = resultPath(options.results, 'generate', date);
  save(path, { date, machine: machine(), device: deviceInfo().description, figures });
  console.log(`\n${path}`);
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  process.exitCode = 1;
}
// Dawn's event loop would keep the process alive.
process.exit();
