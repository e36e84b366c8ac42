// Parts of a search: spaces and their errors, samplers, schedulers, and the tables of the result.
import { describe, expect, expectTypeOf, test } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import { type ParametersOf, type TrialRecord, samplers, schedulers, space, tune } from '../../src/index.ts';
import { plots } from '../../src/plots/index.ts';
import { type NumberDimension, drawPrior } from '../../src/tune/dimensions.ts';
import { choiceDensity, numberDensity, weightsOf } from '../../src/tune/parzen.ts';
import { parametersOf, readSpace } from '../../src/tune/readSpace.ts';
import { gridValues, rankTrials } from '../../src/tune/samplers.ts';
import { bracketOf, bracketSizes } from '../../src/tune/schedulers.ts';

const quiet = { verbose: 0, seed: 1 } as const;
const numberOf = (distribution: unknown): NumberDimension => readSpace({ a: distribution }).dimensions[0] as NumberDimension;
const draws = (distribution: unknown, count = 2000): number[] => {
  const stream = RandomStream.fromSeed(4);
  return Array.from({ length: count }, () => drawPrior(numberOf(distribution), stream));
};

/** A trial with one report for each value, from epoch 0. */
const trial = (number: number, values: readonly number[], more: Partial<TrialRecord> = {}): TrialRecord => ({
  ...{ number, state: 'complete', parameters: {}, point: {}, seed: 1, value: Math.min(...values), epoch: 0, message: undefined },
  ...{ reports: values.map((value, epoch) => ({ epoch, value })), seconds: 0, compilations: 0, ...more },
});

const nested = {
  optimizer: space.choice({ adam: {}, sgd: { momentum: space.uniform(0, 0.9) } }),
  layers: [space.int(1, 3), space.choice([4, 8])],
  epochs: 20,
};

describe('spaces', () => {
  test.each([
    ['a distribution in place of a record', space.uniform(0, 1), 'it must be a record of parameters by name'],
    ['no distribution', { a: 1 }, 'tune: space has no distribution, so all trials would be equal'],
    ['equal bounds', { a: { b: space.uniform(1, 1) } }, 'tune: space.a.b is uniform(1, 1); low must be below high'],
    ['a bound that is no number', { a: space.uniform(0, NaN) }, 'tune: space.a is uniform(0, NaN); high is NaN, and must be a finite'],
    ['a logarithm of 0', { rate: space.logUniform(0, 1) }, 'tune: space.rate is logUniform(0, 1); low must be above 0'],
    ['an int with a fraction', { a: [space.int(0, 2.5)] }, 'tune: space.a.0 is int(0, 2.5, 1); low, high and step must be integers'],
    ['a large step', { a: space.int(0, 3, { step: 4 }) }, 'tune: space.a is int(0, 3, 4); step must be at most high - low'],
    ['a negative step', { a: space.quantized(0, 1, { step: -1 }) }, 'step must be a number above 0'],
    ['no deviation', { a: space.normal(0, 0) }, 'tune: space.a is normal(0, 0); stddev must be above 0'],
    ['an empty choice', { a: space.choice([]) }, 'tune: space.a is a choice without options'],
    ['a branch that is no record', { o: space.choice({ adam: 3 as never }) }, 'tune: space.o.adam is 3; the branch of a choice must be'],
    ['a branch with a kind', { o: space.choice({ adam: { kind: 1 } }) }, "tune: space.o.adam.kind has the name 'kind'"],
    ['an error in a branch', { o: space.choice({ sgd: { m: space.uniform(2, 1) } }) }, 'tune: space.o.sgd.m is uniform(2, 1)'],
    ['an unknown distribution', { a: { distribution: 'unifrm', low: 0, high: 1 } }, "did you mean 'uniform'?"],
    ['an unknown field', { a: { distribution: 'uniform', low: 0, hihg: 1 } }, "tune: space.a is uniform with the unknown field 'hihg'"],
    ['a function', { a: () => 1 }, 'it must be a distribution made by space.NAME()'],
    ['a name with a dot', { 'a.b': space.uniform(0, 1) }, 'has a name with a dot'],
  ])('%s', async (_, given, message) => {
    await expect(tune({ space: given as never, run: () => 1, ...quiet })).rejects.toThrow(message);
  });

  test('draws have the declared bounds, steps and scale', () => {
    const rates = draws(space.logUniform(1e-4, 1));
    expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-4);
    expect(Math.max(...rates)).toBeLessThanOrEqual(1);
    expect(rates.filter((rate) => rate < 1e-2).length / rates.length).toBeCloseTo(0.5, 1);
    const steps = draws(space.quantized(0.1, 0.75, { step: 0.2 }));
    expect([...new Set(steps)].sort()).toEqual([0.1, 0.3, 0.5, 0.7]);
    // The ends are as likely as the values between them.
    for (const value of [0.1, 0.7]) expect(steps.filter((step) => step === value).length / steps.length).toBeCloseTo(0.25, 1);
    const logarithmic = draws(space.int(1, 100, { log: true }));
    expect(logarithmic.every((value) => Number.isInteger(value) && value >= 1 && value <= 100)).toBe(true);
    expect(logarithmic.filter((value) => value <= 10).length / logarithmic.length).toBeGreaterThan(0.5);
    const normal = draws(space.normal(3, 2));
    expect(normal.reduce((sum, value) => sum + value, 0) / normal.length).toBeCloseTo(3, 0);
  });

  test('parameters have the form of the space, and its types', () => {
    const checked = readSpace(nested);
    expect(checked.dimensions.map(({ path }) => path)).toEqual(['optimizer', 'optimizer.sgd.momentum', 'layers.0', 'layers.1']);
    const point: Record<string, number> = { optimizer: 1, 'optimizer.sgd.momentum': 0.5, 'layers.0': 2, 'layers.1': 1 };
    expect(parametersOf(checked.root, ({ path }) => point[path])).toEqual({ optimizer: { kind: 'sgd', momentum: 0.5 }, layers: [2, 8], epochs: 20 }); // prettier-ignore
    type Found = ParametersOf<typeof nested>;
    expectTypeOf<Found['optimizer']['kind']>().toEqualTypeOf<'adam' | 'sgd'>();
    expectTypeOf<Extract<Found['optimizer'], { kind: 'sgd' }>['momentum']>().toEqualTypeOf<number>();
    expectTypeOf<Found['layers'][number]>().toEqualTypeOf<number>();
    expectTypeOf<Found['epochs']>().toEqualTypeOf<number>();
  });
});

describe('samplers', () => {
  test('grid: all combinations once; branches have their own parameters; the last one changes fastest', async () => {
    const seen: unknown[] = [];
    await tune({
      ...{ space: nested, sampler: samplers.grid({ points: 2 }), ...quiet },
      run: ({ optimizer, layers }) => (seen.push([Object.values(optimizer), ...layers]), 1),
    });
    const both = [[1, 4], [1, 8], [3, 4], [3, 8]]; // prettier-ignore
    expect(seen).toEqual([['adam'], ['sgd', 0], ['sgd', 0.9]].flatMap((optimizer) => both.map((rest) => [optimizer, ...rest])));
    expect(gridValues(numberOf(space.logUniform(0.01, 1)), 3)).toEqual([0.01, expect.closeTo(0.1, 12), 1]);
    expect(gridValues(numberOf(space.int(1, 4)), 9)).toEqual([1, 2, 3, 4]);
    expect(gridValues(numberOf(space.normal(0, 1)), 3)).toEqual([expect.closeTo(-0.9674, 4), expect.closeTo(0, 12), expect.closeTo(0.9674, 4)]); // prettier-ignore
    expect(() => samplers.grid({ points: 0 })).toThrow('samplers.grid');
  });

  test('densities of TPE: their integral is 1, and draws are within the bounds', () => {
    for (const distribution of [space.uniform(-1, 3), space.logUniform(1e-3, 1), space.normal(1, 0.5)]) {
      const dimension = numberOf(distribution);
      const density = numberDensity(dimension, [0.3, 0.9, 0.31], 1);
      const [from, to] = Number.isFinite(dimension.scaleLow) ? [dimension.scaleLow, dimension.scaleHigh] : [-9, 11];
      const cells = 20_000;
      const at = (i: number): number => from + ((i + 0.5) / cells) * (to - from);
      const sum = Array.from({ length: cells }, (_, i) => Math.exp(density.logOf(dimension.log ? Math.exp(at(i)) : at(i))));
      expect((sum.reduce((a, b) => a + b, 0) / cells) * (to - from)).toBeCloseTo(1, 4);
      const stream = RandomStream.fromSeed(2);
      for (let i = 0; i < 200; i++) {
        const value = density.draw(stream);
        expect(value >= dimension.low && value <= dimension.high).toBe(true);
      }
    }
    const steps = numberDensity(numberOf(space.int(2, 20, { step: 3 })), [5, 8], 1);
    expect([2, 5, 8, 11, 14, 17, 20].reduce((sum, value) => sum + Math.exp(steps.logOf(value)), 0)).toBeCloseTo(1, 6);
    const choice = choiceDensity({ kind: 'choice', path: 'a', labels: ['x', 'y'] }, [1, 1, 0], 1);
    expect([0, 1].map((branch) => Math.exp(choice.logOf(branch)))).toEqual([expect.closeTo(1.5 / 4, 12), expect.closeTo(2.5 / 4, 12)]);
    expect(weightsOf(27).slice(0, 4)).toEqual([1 / 27, 1, 1, 1]);
  });

  test('TPE draws near good trials, in both directions; complete trials come before pruned ones', async () => {
    const options = { space: { a: space.uniform(0, 1), kind: space.choice(['x', 'y', 'z']) }, trials: 40, ...quiet };
    const score = ({ a, kind }: { a: number; kind: string }): number => (a - 0.3) ** 2 + (kind === 'y' ? 0 : 0.1);
    const near = (trials: readonly TrialRecord[]): number =>
      trials.slice(20).filter(({ point }) => Math.abs(point.a - 0.3) < 0.15 && point.kind === 1).length;
    const min = await tune({ ...options, run: score });
    const max = await tune({ ...options, run: (parameters) => -score(parameters), objective: 'score', direction: 'max' });
    const random = await tune({ ...options, run: score, sampler: 'random' });
    expect(max.trials.map(({ point }) => point)).toEqual(min.trials.map(({ point }) => point));
    expect(near(min.trials)).toBeGreaterThan(3 * near(random.trials));
    const list = [trial(0, [0.1], { state: 'pruned' }), trial(1, [5, 4]), trial(2, [0.3, 0.2], { state: 'pruned' }), trial(3, [3, 2]), trial(4, [1], { state: 'failed', value: undefined })]; // prettier-ignore
    expect(rankTrials(list, 'min').map(({ number }) => number)).toEqual([3, 1, 2, 0]);
    expect(rankTrials(list, 'max').map(({ number }) => number)).toEqual([1, 3, 2, 0]);
  });
});

describe('schedulers', () => {
  const prunes = (scheduler: ReturnType<typeof schedulers.asha>, values: number[], trials: TrialRecord[], more: object = {}): boolean =>
    scheduler.prunes({ number: trials.length, reports: trial(0, values).reports, trials, direction: 'min', epochs: 27, ...more });

  test('asha: a trial goes on if it is among the best third at a rung', () => {
    const asha = schedulers.asha();
    const before = [5, 4, 3, 2, 1].map((value, i) => trial(i, [value, value, value]));
    expect(prunes(asha, [1.5], before)).toBe(false);
    expect(prunes(asha, [2.5], before)).toBe(true);
    // Epoch 2 is between the rungs 1 and 3, and at the rung the best value so far counts.
    expect(prunes(asha, [0, 9], before)).toBe(false);
    expect(prunes(asha, [0, 9, 9], before)).toBe(false);
    expect(prunes(asha, [0, 9, 9], before, { direction: 'max' })).toBe(false);
    expect(prunes(asha, [2.5], before, { direction: 'max' })).toBe(true);
    // The last epoch is no rung, and failed trials are no rivals.
    expect(prunes(asha, [9], before, { epochs: 1 })).toBe(false);
    expect(prunes(asha, [9], before.map((one) => ({ ...one, state: 'failed' })))).toBe(false); // prettier-ignore
    expect(prunes(schedulers.asha({ minEpochs: 2 }), [9], before)).toBe(false);
    expect(() => schedulers.asha({ reductionFactor: 1 })).toThrow('schedulers.asha: reductionFactor is 1; it must be a number above 1');
  });

  test('hyperband: the brackets of its table, rungs by bracket, and rivals of the same bracket only', () => {
    // Li et al., 2018, table 1: R = 81, eta = 3.
    expect(bracketSizes(81, 1, 3)).toEqual([81, 34, 15, 8, 5]);
    const sizes = bracketSizes(9, 1, 3);
    expect(sizes).toEqual([9, 5, 3]);
    const brackets = Array.from({ length: 34 }, (_, number) => bracketOf(number, sizes));
    expect(brackets.slice(0, 17)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 0, 0, 0, 0]);
    expect(brackets.slice(17)).toEqual(brackets.slice(0, 17));
    const hyperband = schedulers.hyperband({ maxEpochs: 9 });
    const before = [1, 1, 1].map((value, i) => trial(i, [value, value, value]));
    expect(prunes(hyperband, [2], before, { number: 3 })).toBe(true);
    expect(prunes(hyperband, [2], before, { number: 4 })).toBe(false);
    expect(prunes(hyperband, [2, 2, 2], before, { number: 4 })).toBe(true);
    expect(prunes(hyperband, [2, 2, 2], before, { number: 5 })).toBe(false);
    expect(prunes(hyperband, [2], before.slice(1), { number: 3 })).toBe(false);
    expect(() => prunes(schedulers.hyperband(), [1], [], { epochs: undefined })).toThrow('the number of epochs of a trial is unknown; pass maxEpochs'); // prettier-ignore
  });

  test('median: a best value that is worse than the median of running averages', () => {
    const before = [[4, 2], [6, 4], [5, 1]].map((values, i) => trial(i, values)); // prettier-ignore
    const median = schedulers.median({ startupTrials: 3 });
    // Averages after epoch 0 are 4, 6, 5; after epoch 1 they are 3, 5, 3.
    expect(prunes(median, [5], before)).toBe(false);
    expect(prunes(median, [5.1], before)).toBe(true);
    expect(prunes(median, [5, 4], before)).toBe(true);
    expect(prunes(median, [3, 9], before)).toBe(false);
    expect(prunes(median, [9], before.slice(1))).toBe(false);
    expect(prunes(median, [9, 9, 9], before)).toBe(false);
    expect(prunes(schedulers.median({ startupTrials: 3, warmupEpochs: 1 }), [9], before)).toBe(false);
    expect(prunes(median, [4.9], before, { direction: 'max' })).toBe(true);
    expect(prunes(schedulers.none(), [9], before)).toBe(false);
  });
});

describe('the result', () => {
  const search = () =>
    tune({
      ...{ space: { ...nested, rate: space.logUniform(1, 100) }, trials: 8, sampler: 'random', ...quiet },
      run({ optimizer, layers }, { number }) {
        if (number === 2) throw new Error('a "quoted", message');
        return layers[0] + (optimizer.kind === 'sgd' ? optimizer.momentum : 0);
      },
    });

  test('toCsv has a line for each trial, with empty cells for missing values', async () => {
    const result = await search();
    const { trials } = result;
    const lines = result.toCsv().split('\n');
    expect(lines[0]).toBe('trial,state,value,epoch,epochs,seed,seconds,compilations,optimizer,optimizer.sgd.momentum,layers.0,layers.1,rate,message'); // prettier-ignore
    expect(lines).toHaveLength(10);
    expect(lines[3]).toMatch(/^2,failed,,,0,\d+,\d+\.\d{3},0,(adam,|sgd,0\.\d+),[123],[48],[\d.]+,"a ""quoted"", message"$/);
    const adam = trials.find(({ parameters }) => parameters.optimizer.kind === 'adam')!;
    expect(lines[adam.number + 1]).toContain(',adam,,');
  });

  test('pictures: positions are within 0 and 1, parameters of other branches are missing', async () => {
    const result = await search();
    const { trials, best } = result;
    const { axes, lines } = result.parallelCoordinates();
    expect(axes.map(({ name, scale }) => `${name} ${scale}`)).toEqual(['optimizer choice', 'optimizer.sgd.momentum linear', 'layers.0 linear', 'layers.1 choice', 'rate log', 'val_loss linear']); // prettier-ignore
    expect(lines.map(({ trial }) => trial)).toEqual([0, 1, 3, 4, 5, 6, 7]);
    for (const { trial, positions } of lines) {
      expect(positions[1] === null).toBe(trials[trial].parameters.optimizer.kind === 'adam');
      expect(positions.every((position) => position === null || (position >= 0 && position <= 1))).toBe(true);
    }
    expect(lines.find(({ trial }) => trial === best.number)!.positions[5]).toBe(0);
    expect(result.scatter()[1].points).toHaveLength(lines.filter(({ positions }) => positions[1] !== null).length);
  });

  test('ombre/plots draws the trials: failed ones are left out, and parameters of branches have paths', async () => {
    const { trials } = await search();
    // Long names are cut off.
    for (const svg of [plots.parallelCoordinates(trials, { valueName: 'val_loss' }), plots.scatter(trials)]) {
      for (const name of ['optimizer.kind', 'optimizer.mom', 'layers.0']) expect(svg).toContain(name);
    }
    const failed = trials.filter(({ state }) => state === 'failed');
    expect(() => plots.scatter(failed)).toThrow('plots.scatter: no trial has a finite value');
  });
});
