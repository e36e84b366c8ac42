// Searches by tune with equal budgets and several seeds: samplers on the function of Branin, samplers and schedulers on a small network.
import { Command } from 'commander';
import { datasets, layers, optimizers, samplers, schedulers, sequential, setDevice, space, tune } from 'ombre';
import { median } from '../median.ts';

const options = new Command('npm run bench:tune --')
  .usage('[options]')
  .description('Compares TPE and ASHA with random search at equal budgets.')
  .option('--seeds <n>', 'searches of each kind on Branin', '20')
  .option('--trials <n>', 'trials of each search on Branin', '60')
  .option('--digits-seeds <n>', 'searches of each kind on the digits', '10')
  .option('--epochs <n>', 'epochs of each search on the digits', '180')
  .parse()
  .opts<{ seeds: string; trials: string; digitsSeeds: string; epochs: string }>();

interface Row {
  readonly search: string;
  readonly values: readonly number[];
  readonly trials: readonly number[];
}

const seedsOf = (count: string): number[] => Array.from({ length: Number(count) }, (_, i) => i + 1);

/** Quartiles over the seeds, and the seeds in which a search is better than random search with the same seed. */
function print(title: string, rows: readonly Row[], digits: number, isLower: boolean): void {
  const [{ values: base }] = rows;
  const quartile = (values: readonly number[], share: number): string =>
    values.toSorted((a, b) => a - b)[Math.round(share * (values.length - 1))].toFixed(digits);
  console.log(`\n${title}\n`);
  console.log('| search | median | quartiles | better than random | worse | trials (median) |\n| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const { search, values, trials } of rows) {
    // A search without a seed is not paired with random searches.
    const isPaired = values.length === base.length;
    const better = isPaired ? values.filter((value, i) => (isLower ? value < base[i] : value > base[i])).length : '';
    const worse = isPaired ? values.filter((value, i) => (isLower ? value > base[i] : value < base[i])).length : '';
    const spread = `${quartile(values, 0.25)} to ${quartile(values, 0.75)}`;
    console.log(`| ${search} | ${median(values).toFixed(digits)} | ${spread} | ${better} | ${worse} | ${median(trials)} |`);
  }
}

await setDevice('cpu');

/** Least value 0.397887, at three points. Dixon and Szego, Towards Global Optimisation 2, 1978. */
const branin = (a: number, b: number): number =>
  (b - (5.1 * a ** 2) / (4 * Math.PI ** 2) + (5 * a) / Math.PI - 6) ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(a) + 10;
const leastBranin = 0.39788735772973816;

const onBranin: Row[] = [];
for (const sampler of ['random', 'tpe', 'grid'] as const) {
  const trials = Number(options.trials);
  const values: number[] = [];
  const counts: number[] = [];
  // A grid has no seed, so it is searched once.
  for (const seed of seedsOf(sampler === 'grid' ? '1' : options.seeds)) {
    const { best, trials: ended } = await tune({
      ...{ space: { a: space.uniform(-5, 10), b: space.uniform(0, 15) }, trials, seed, verbose: 0 },
      sampler: sampler === 'grid' ? samplers.grid({ points: Math.floor(Math.sqrt(trials)) }) : sampler,
      run: ({ a, b }) => branin(a, b),
    });
    values.push(best.value - leastBranin);
    counts.push(ended.length);
  }
  onBranin.push({ search: sampler, values, trials: counts });
}
print(`Branin: distance of the best value from the least one, ${options.trials} trials, ${options.seeds} seeds`, onBranin, 4, true);

const { train } = await datasets.digits();
const data = { x: train.x.slice([0], [1000]), y: train.y.slice([0], [1000]) };
const fullEpochs = 9;
const searches = [
  ['random', 'random', 'none'],
  ['tpe', samplers.tpe({ startupTrials: 6 }), 'none'],
  ['random, median', 'random', 'median'],
  ['random, hyperband', 'random', 'hyperband'],
  ['random, asha', 'random', schedulers.asha()],
  ['tpe, asha', samplers.tpe({ startupTrials: 6 }), schedulers.asha()],
] as const;
const onDigits: Row[] = [];
for (const [search, sampler, scheduler] of searches) {
  const values: number[] = [];
  const counts: number[] = [];
  for (const seed of seedsOf(options.digitsSeeds)) {
    const budget = Number(options.epochs);
    let epochs = 0;
    const enough = new AbortController();
    // The search ends after the trial that uses up the budget.
    const { best, trials } = await tune({
      space: {
        learningRate: space.logUniform(1e-5, 1),
        units: space.int(4, 64, { log: true }),
        activation: space.choice(['relu', 'tanh', 'sigmoid']),
        dropout: space.uniform(0, 0.7),
        batchSize: space.choice([16, 32, 64]),
      },
      ...{ sampler, scheduler, seed, trials: budget, objective: 'val_accuracy', verbose: 0, keepBest: false, signal: enough.signal },
      build: ({ learningRate, units, activation, dropout }) => {
        const model = sequential([
          layers.flatten({ inputShape: [8, 8, 1] }),
          layers.dense({ units, activation }),
          layers.dropout({ rate: dropout }),
          layers.dense({ units: 10, activation: 'softmax' }),
        ]);
        model.compile({ optimizer: optimizers.adam({ learningRate }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
        return model;
      },
      fit: ({ batchSize }) => ({ ...data, epochs: fullEpochs, batchSize, validationSplit: 0.3 }),
      onTrial({ reports }) {
        epochs += reports.length;
        if (epochs >= budget) enough.abort();
      },
    });
    values.push(100 * best.value);
    counts.push(trials.length);
  }
  onDigits.push({ search, values, trials: counts });
}
const title = `Digits: best val_accuracy in percent, ${options.epochs} epochs in all (at most ${fullEpochs} a trial), ${options.digitsSeeds} seeds`;
print(title, onDigits, 1, false);
