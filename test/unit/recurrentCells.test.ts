// Cells, rnn, stackedRnnCells and bidirectional: values and gradients against PyTorch, masks, states, dropout, custom cells, errors.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import golden from '../golden/recurrentLayers.json';
import { ArgumentError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import { topological } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type CellLayer, type Layer, NetworkPass, type RecurrentLayer, defineLayer, input, layers, networkOf } from '../../src/nn/index.ts';
import { add, concat, flip, ones, random, tensor, zeros } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { createModel, sequential } from '../../src/train/index.ts';
import { type LayerCase, type Weights, buildCase, formula } from '../support/recurrentCases.ts';
import { quiet } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(3));

const cases = golden as Record<string, LayerCase>;
const all = { returnSequences: true, returnState: true } as const;
const kinds = ['simpleRnn', 'lstm', 'gru'] as const;
type Kind = (typeof kinds)[number];
const cellNames = { simpleRnn: 'simpleRnnCell', lstm: 'lstmCell', gru: 'gruCell' } as const;
const make = (kind: Kind, options: object = {}): RecurrentLayer => layers[kind]({ units: 3, ...options });
const cell = (kind: Kind, options: object = {}): CellLayer => layers[cellNames[kind]]({ units: 3, ...options });

function expectNear(found: ArrayLike<number>, wanted: readonly number[], tolerance: number): void {
  expect(found.length).toBe(wanted.length);
  const worst = Math.max(0, ...wanted.map((value, i) => (Number.isNaN(found[i]) ? Infinity : Math.abs(found[i] - value))));
  expect(worst).toBeLessThanOrEqual(tolerance);
}

const stacked = (kind: Kind): Layer => layers.rnn({ cell: layers.stackedRnnCells({ cells: [cell(kind), cell(kind)] }), ...all });
const both = (layer: RecurrentLayer, options: object = {}): Layer => layers.bidirectional({ layer, ...options });

const ofCases: Readonly<Record<string, () => Layer>> = Object.fromEntries(
  kinds.flatMap((kind): [string, () => Layer][] => [
    [kind, () => layers.rnn({ cell: cell(kind), ...all })],
    [`${kind} initial state`, () => layers.rnn({ cell: cell(kind), ...all })],
    [`${kind} backwards`, () => layers.rnn({ cell: cell(kind), ...all, goBackwards: true })],
    [`${kind} two layers`, () => stacked(kind)],
    [`${kind} bidirectional`, () => both(make(kind, all))],
  ]),
);

describe('PyTorch has the same results, states and gradients', () => {
  test.each([...Object.entries(ofCases), ['lstm bidirectional initial state', () => both(make('lstm', all))] as const])(
    '%s',
    (name, of) => {
      const { shapes, results, gradients } = cases[name];
      const built = buildCase(of(), shapes);
      const found = interpret([...built.results, ...built.gradients], { mode: 'f64', feeds: built.feeds });
      [...results, ...gradients].forEach((wanted, i) => expectNear(found[i], wanted, 1e-12));
    },
  );

  test.each(kinds)('%s, two cells step by step', (kind) => {
    const { shapes, results, gradients } = cases[`${kind} two layers`];
    const built = buildCase(layers.rnn({ cell: layers.stackedRnnCells({ cells: [stepwise(cell(kind)), cell(kind)] }), ...all }), shapes);
    const found = interpret([...built.results, ...built.gradients], { mode: 'f64', feeds: built.feeds });
    [...results, ...gradients].forEach((wanted, i) => expectNear(found[i], wanted, 1e-12));
  });

  test('rnn computes each built-in cell in one op, and others step by step', () => {
    const { shapes } = cases['gru two layers'];
    const ops = (layer: Layer): number => topological(buildCase(layer, shapes).results).filter(({ op }) => op.name === 'recurrence').length;
    expect(ops(stacked('gru'))).toBe(2);
    expect(ops(layers.rnn({ cell: layers.stackedRnnCells({ cells: [stepwise(cell('gru')), cell('gru')] }), ...all }))).toBe(0);
  });

  test('bidirectional over an rnn makes a second cell', () => {
    const { shapes, results } = cases['lstm bidirectional'];
    const built = buildCase(both(layers.rnn({ cell: cell('lstm'), ...all })), shapes);
    expectNear(interpret([built.results[0]], { mode: 'f64', feeds: built.feeds })[0], results[0], 1e-12);
    const deep = both(layers.rnn({ cell: layers.stackedRnnCells({ cells: [cell('gru'), cell('lstm')] }) }));
    expect(deep.outputShape([4, 2])).toEqual([6]);
  });
});

const x = (): Tensor => random.uniform([3, 5, 4], { min: -1, max: 1, seed: 2 });
const counts = [[true, false, true, true, false], [false, true, true, false, true], [false, false, false, false, false]]; // prettier-ignore
const mask = (): Tensor => tensor(counts.map((row) => row.map(Number)), undefined, 'bool'); // prettier-ignore
const values = (x: Tensor): number[] => Array.from(interpret([x])[0]);

/** A layer after a mask of the steps that are -9. */
const masked = (layer: Layer): Layer => sequential([layers.masking({ maskValue: -9 }), layer]).asLayer;
const sequences = (): Tensor => mask().expandDims(-1).cast('f32').mul(x().add(9)).sub(9);

/** A cell that rnn runs step by step, because it does not say that it takes sequences. */
const stepwise = (of: CellLayer): CellLayer => Object.assign(of, { takesSequences: false });

test.each(kinds.flatMap((kind) => [false, true].map((steps) => [kind, steps] as const)))(
  'rnn over a cell of %s, step by step %s: a step that is left out keeps the states',
  async (kind, steps) => {
    const own = cell(kind, { biasInitializer: 'randomNormal' });
    const layer = layers.rnn({ cell: steps ? stepwise(own) : own, ...all });
    const [outputs, ...states] = masked(layer).apply<readonly Tensor[]>(sequences());
    const { kernel, recurrentKernel, bias } = layer.sublayers.cell.variables.value!.parameters;
    const weights = { kernel: await kernel.array(), recurrentKernel: await recurrentKernel.array(), bias: await bias.array() } as Weights;
    const given = (await x().array()) as number[][][];
    const wanted = given.map((sequence, i) => formula(kind, sequence, weights, counts[i]));
    expectNear(values(outputs), wanted.flatMap((steps) => steps.flatMap(([h]) => h)), 1e-6); // prettier-ignore
    states.forEach((state, i) => expectNear(values(state), wanted.flatMap((steps) => steps[4][i]), 1e-6)); // prettier-ignore
  },
);

describe('cells', () => {
  test.each(kinds)('%s: a loop over the cell is the layer', (kind) => {
    const layer = make(kind, all);
    const [, ...wanted] = layer.apply<readonly Tensor[]>(x());
    const one = cell(kind);
    expect(one.stateSize).toEqual(wanted.map(() => 3));
    let states: readonly Tensor[] = wanted.map(() => zeros([3, 3]));
    for (let t = 0; t < 5; t++) {
      const step = x().slice([0, t], [3, t + 1]).squeeze(1); // prettier-ignore
      if (t === 0) {
        one.apply<readonly Tensor[]>([step, ...states]);
        one.variables.value = layer.variables.value;
      }
      const [output, ...next] = one.apply<readonly Tensor[]>([step, ...states]);
      expect(values(output)).toEqual(values(next[0]));
      states = next;
    }
    wanted.forEach((state, i) => expectNear(values(states[i]), values(state), 1e-6));
  });

  test('custom: a layer with stateSize', () => {
    // Two states of different sizes: a running sum of the inputs, and a count of the steps.
    const own = Object.assign(
      defineLayer<readonly Tensor[], readonly Tensor[]>({
        kind: 'total',
        options: {},
        takes: 'tree',
        outputShape: ([, sum, count]) => [sum, sum, count],
        apply: (_, [step, sum, count]) => [add(sum, step), add(sum, step), add(count, 1)],
      }),
      { stateSize: [4, 1] },
    );
    const [outputs, sum, count] = layers.rnn({ cell: own, ...all }).apply<readonly Tensor[]>(x());
    expectNear(values(sum), values(x().sum({ axis: 1 })), 1e-6);
    expect(values(count)).toEqual([5, 5, 5]);
    expect(outputs.shape).toEqual([3, 5, 4]);
    expect(() => both(layers.rnn({ cell: own }))).toThrow(
      'layer has a cell of your own, of which no second one can be made; give backwardLayer',
    );
    const backwardLayer = layers.rnn({ cell: own, goBackwards: true });
    expect(both(layers.rnn({ cell: own }), { backwardLayer }).outputShape([5, 4])).toEqual([8]);
  });

  test.each(kinds.flatMap((kind) => [false, true].map((steps) => [kind, steps] as const)))(
    '%s in an rnn drops the same in all steps, step by step %s',
    (kind, steps) => {
      const options = { recurrentInitializer: 'zeros', units: 4 } as const;
      const own = layers[cellNames[kind]]({ ...options, dropout: 0.5, recurrentDropout: 0.3 });
      const dropping = layers.rnn({ cell: steps ? stepwise(own) : own, returnSequences: true });
      const equal = ones([3, 5, 4]);
      const outputs = dropping.apply(equal, { training: true });
      expect(values(outputs)).not.toEqual(values(dropping.apply(equal)));
      if (kind !== 'simpleRnn') return;
      // Equal inputs with equal masks give equal outputs in all steps.
      const rows = values(outputs);
      for (let row = 0; row < 3; row++) {
        for (let t = 1; t < 5; t++)
          expect(rows.slice((row * 5 + t) * 4, (row * 5 + t + 1) * 4)).toEqual(rows.slice(row * 20, row * 20 + 4));
      }
    },
  );

  test('stacked cells hand masks to their own cells', () => {
    const options = { units: 4, useBias: false, recurrentInitializer: 'zeros', kernelInitializer: 'identity' } as const;
    const cells = [layers.simpleRnnCell({ ...options, recurrentDropout: 0.9 }), layers.simpleRnnCell({ ...options, dropout: 0.5 })];
    const layer = layers.rnn({ cell: layers.stackedRnnCells({ cells }), returnSequences: true });
    const rows = values(layer.apply(ones([3, 5, 4]), { training: true }));
    // A feature is dropped in all steps of a sequence or in none. The first cell has no product that its mask could change.
    const kept = Math.tanh(2 * Math.tanh(1));
    rows.forEach((value) => expect(Math.min(Math.abs(value), Math.abs(value - kept))).toBeLessThan(1e-6));
    rows.forEach((value, i) => expect(value).toBe(rows[Math.floor(i / 20) * 20 + (i % 4)]));
    expect(new Set(rows.map((value) => value > 0.5)).size).toBe(2);
  });

  test('stacked cells give the same in one call and step by step, also with masks', () => {
    const cells = [cell('gru'), cell('lstm')];
    const whole = layers.rnn({ cell: layers.stackedRnnCells({ cells }), ...all });
    const found = masked(whole).apply<readonly Tensor[]>(sequences());
    const loop = layers.rnn({ cell: stepwise(layers.stackedRnnCells({ cells })), ...all });
    const wanted = masked(loop).apply<readonly Tensor[]>(sequences());
    found.forEach((result, i) => expectNear(values(result), values(wanted[i]), 1e-6));
  });

  test('a stateful rnn keeps the states of training, and resetState sets them to 0', () => {
    const layer = layers.rnn({ cell: cell('lstm'), stateful: true, batchSize: 3 });
    const before = values(layer.apply(x()));
    layer.apply(x(), { training: true });
    expect(values(layer.apply(x()))).not.toEqual(before);
    layer.resetState();
    expect(values(layer.apply(x()))).toEqual(before);
    expect(() => layer.apply(x().slice([0], [2]))).toThrow('rnn: is stateful with batchSize 3, got a batch of 2');
  });
});

describe('bidirectional', () => {
  const parts = (layer: Layer): [Layer, Layer] => [layer.sublayers.forward, layer.sublayers.backward];

  test.each(['concat', 'sum', 'mul', 'ave'] as const)('merges by %s', (mergeMode) => {
    const layer = both(make('gru', { returnSequences: true }), { mergeMode });
    const merged = layer.apply(x());
    const [a, backwards] = parts(layer).map((part) => part.apply(x()));
    const b = flip(backwards, 1);
    const wanted = { concat: () => concat([a, b], -1), sum: () => a.add(b), mul: () => a.mul(b), ave: () => a.add(b).div(2) }[mergeMode]();
    expect(merged.shape).toEqual(wanted.shape);
    expectNear(values(merged), values(wanted), 1e-7);
  });

  test("'none' returns both, and the last outputs are those of the last steps of each direction", () => {
    const layer = both(make('gru'), { mergeMode: 'none' });
    expect(layer.outputShape([5, 4])).toEqual([[3], [3]]);
    const found = layer.apply<readonly Tensor[]>(x()).map(values);
    expect(found).toEqual(parts(layer).map((part) => values(part.apply(x()))));
    expect(both(make('lstm', all)).outputShape([5, 4])).toEqual([[5, 6], [3], [3], [3], [3]]);
    const mirrored = both(make('gru', { goBackwards: true, returnSequences: true }));
    const outputs = mirrored.apply(x());
    const [a, b] = parts(mirrored).map((part) => part.apply(x()));
    expectNear(values(outputs), values(concat([flip(a, 1), b], -1)), 1e-7);
  });

  test('outputs are 0 in steps that are left out, and the mask passes on', async () => {
    const layer = both(make('lstm', { returnSequences: true }));
    const model = masked(layer);
    const outputs = model.apply(sequences());
    expect(values(outputs).every((value, i) => (value !== 0) === counts.flat()[Math.floor(i / 6)])).toBe(true);
    const network = networkOf(model);
    const { mask: passed } = new NetworkPass(network, network.current()!).run(sequences(), false);
    expect(Array.from(await (passed as Tensor).data())).toEqual(counts.flat().map(Number));
  });

  test('trains both directions by fit', async () => {
    const model = sequential([
      both(make('lstm', { returnSequences: true }), { inputShape: [5, 4] }),
      both(make('gru')),
      layers.dense({ units: 1 }),
    ]);
    model.compile({ loss: 'mse', optimizer: 'adam' });
    expect(model.variables().map(({ path }) => path)).toContain('bidirectional_1/backward/recurrentKernel');
    const before = (await model.getWeights()).map(values);
    const { history } = await model.fit(x(), ones([3, 1]), { epochs: 8, ...quiet });
    expect(history.loss.at(-1)).toBeLessThan(history.loss[0]);
    const after = (await model.getWeights()).map(values);
    after.forEach((weights, i) => expect(weights).not.toEqual(before[i]));
  });
});

test('states of an encoder begin a decoder', async () => {
  const [source, target] = [input({ shape: [5, 4] }), input({ shape: [3, 2] })];
  const [, h, c] = layers.lstm({ units: 3, returnState: true }).apply<readonly Tensor[]>(source);
  const decoded = layers.lstm({ units: 3, returnSequences: true }).apply<Tensor>([target, h, c]);
  const model = createModel({ inputs: [source, target], outputs: layers.dense({ units: 1 }).apply(decoded) });
  model.compile({ loss: 'mse', optimizer: 'sgd' });
  const targets = random.normal([3, 3, 2], { seed: 4 });
  const before = values(await model.predict([x(), targets]));
  expect(before.length).toBe(9);
  await model.fit([x(), targets], ones([3, 3, 1]), { epochs: 1, ...quiet });
  const other = values(await model.predict([x().mul(-1), targets]));
  expect(other).not.toEqual(values(await model.predict([x(), targets])));
});

test('mixed precision computes cells in f32', async () => {
  const model = sequential([
    both(make('lstm', { returnSequences: true }), { inputShape: [5, 4] }),
    layers.rnn({ cell: cell('gru') }),
    layers.dense({ units: 1 }),
  ]);
  model.compile({ loss: 'mse', optimizer: 'sgd', dtypePolicy: 'mixedFloat16' });
  const { history } = await model.fit(x(), ones([3, 1]), { epochs: 3, ...quiet });
  expect(history.loss.every(Number.isFinite)).toBe(true);
  expect(history.loss[2]).toBeLessThan(history.loss[0]);
});

describe('errors', () => {
  const gru = (): RecurrentLayer => make('gru');
  const bad = Object.assign(defineLayer<readonly Tensor[]>({ kind: 'bad', options: {}, takes: 'tree', apply: (_, [first]) => first }), { stateSize: [3] }); // prettier-ignore
  test.each<[string, () => unknown, typeof OmbreError, string]>([
    ['cell', () => layers.rnn({ cell: layers.dense({ units: 2 }) as never }), ArgumentError, 'layers.rnn: cell is'],
    ['no cells', () => layers.stackedRnnCells({ cells: [] }), ArgumentError, 'layers.stackedRnnCells: cells is []; it must be a list of one or more cells'], // prettier-ignore
    ['one cell twice', () => layers.stackedRnnCells({ cells: new Array<CellLayer>(2).fill(cell('gru')) }), ArgumentError, 'cells has one cell twice; make a cell for each place'], // prettier-ignore
    ['sequence for a cell', () => cell('lstm').outputShape([5, 4]), ShapeError, 'lstmCell: takes a list of x [batch,features] and the states [batch,3], [batch,3], got [batch,5,4]; for sequences, use layers.rnn({ cell })'], // prettier-ignore
    ['states of a cell', () => cell('gru').outputShape([[4], [2]]), ShapeError, 'gruCell: takes a list of x [batch,features] and the states [batch,3], got [[batch,4], [batch,2]]'], // prettier-ignore
    ['states of stacked cells', () => layers.stackedRnnCells({ cells: [cell('gru')] }).outputShape([[4], [2]]), ShapeError, 'stackedRnnCells: takes a list of x'], // prettier-ignore
    ['results of a cell', () => layers.rnn({ cell: bad }).outputShape([5, 4]), ArgumentError, 'rnn: the cell returned no list; it must return [output, ...states] with 1 states'], // prettier-ignore
    ['rank', () => layers.rnn({ cell: cell('gru') }).outputShape([4]), ShapeError, 'rnn: takes inputs [batch, time, features], got inputs of shape [batch,4]'], // prettier-ignore
    ['no recurrent layer', () => layers.bidirectional({ layer: layers.dense({ units: 2 }) as never }), ArgumentError, 'layers.bidirectional: layer is'], // prettier-ignore
    ['direction', () => both(gru(), { backwardLayer: gru() }), ArgumentError, 'layer and backwardLayer read in one direction; give one of them goBackwards: true'], // prettier-ignore
    ['other options', () => both(gru(), { backwardLayer: make('gru', { goBackwards: true, returnState: true }) }), ArgumentError, 'returnState is false in layer and true in backwardLayer'], // prettier-ignore
    ['sizes', () => both(gru(), { mergeMode: 'sum', backwardLayer: make('gru', { goBackwards: true, units: 2 }) }).outputShape([5, 4]), ShapeError, "bidirectional: mergeMode 'sum' needs outputs of one size"], // prettier-ignore
    ['initial states', () => both(gru()).outputShape([[5, 4], [3]]), ShapeError, 'and the initial states are [batch,3], [batch,3]'],
  ])('%s', (_, act, type, message) => {
    expect(act).toThrow(type);
    expect(act).toThrow(message);
  });
});
