// Recurrent layers: values and gradients against PyTorch, masks against the written formula, states, dropout, errors.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import golden from '../golden/recurrentLayers.json';
import { ArgumentError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import { setSeed } from '../../src/core/random.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import { traceFunction } from '../../src/engine/traceFunction.ts';
import { valueAndGrad } from '../../src/autodiff/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, NetworkPass, type RecurrentLayer, layers, networkOf } from '../../src/nn/index.ts';
import { mean, random, square, tensor, zeros } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { optimizers } from '../../src/optim/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { sequential } from '../../src/train/index.ts';
import { softwareTarget } from '../support/graphs.ts';
import { type LayerCase, type Weights, buildCase, formula, outputsOf } from '../support/recurrentCases.ts';
import { quiet } from '../support/models.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(3));

const cases = golden as Record<string, LayerCase>;
const all = { returnSequences: true, returnState: true } as const;
const kinds = ['simpleRnn', 'lstm', 'gru'] as const;
type Kind = (typeof kinds)[number];
const make = (kind: Kind, options: object = {}): RecurrentLayer => layers[kind]({ units: 3, ...options });

function expectNear(found: ArrayLike<number>, wanted: readonly number[], tolerance: number): void {
  expect(found.length).toBe(wanted.length);
  const worst = Math.max(0, ...wanted.map((value, i) => (Number.isNaN(found[i]) ? Infinity : Math.abs(found[i] - value))));
  expect(worst).toBeLessThanOrEqual(tolerance);
}

/** The layers of cases that PyTorch computes too. */
const ofCases: Readonly<Record<string, () => Layer>> = {
  ...Object.fromEntries(
    kinds.flatMap((kind): [string, () => Layer][] => [
      [kind, () => make(kind, all)],
      [`${kind} initial state`, () => make(kind, all)],
      [`${kind} backwards`, () => make(kind, { ...all, goBackwards: true })],
    ]),
  ),
  'simpleRnn relu': () => make('simpleRnn', { ...all, activation: 'relu' }),
};

describe('PyTorch has the same results, states and gradients', () => {
  test.each(Object.entries(ofCases))('%s', (name, layerOf) => {
    const { shapes, results, gradients } = cases[name];
    const built = buildCase(layerOf(), shapes);
    const found = interpret([...built.results, ...built.gradients], { mode: 'f64', feeds: built.feeds });
    [...results, ...gradients].forEach((wanted, i) => expectNear(found[i], wanted, 1e-12));
  });

  // A custom function uses the ops of each step instead of the op for all steps.
  test.each(kinds)('%s of ops for each step', (kind) => {
    const { shapes, results, gradients } = cases[`${kind} initial state`];
    const built = buildCase(make(kind, { ...all, activation: (x: Tensor) => x.tanh() }), shapes);
    const found = interpret([...built.results, ...built.gradients], { mode: 'f64', feeds: built.feeds });
    [...results, ...gradients].forEach((wanted, i) => expectNear(found[i], wanted, 1e-12));
  });
});

const counts = [[true, false, true, true, false], [false, true, true, false, true], [false, false, false, false, false]]; // prettier-ignore
const x = (): Tensor => random.uniform([3, 5, 4], { min: -1, max: 1, seed: 2 });
const maskOf = (rows: readonly (readonly boolean[])[]): Tensor => tensor(rows.map((row) => row.map(Number)), undefined, 'bool'); // prettier-ignore

async function weightsOf(layer: Layer): Promise<Weights> {
  const { kernel, recurrentKernel, bias } = layer.variables.value!.parameters;
  return { kernel: await kernel.array(), recurrentKernel: await recurrentKernel.array(), bias: await bias.array() } as Weights;
}

describe('masks', () => {
  const variants: [string, Kind, object, Parameters<typeof formula>[0]][] = [
    ...kinds.map((kind): [string, Kind, object, Kind] => [kind, kind, {}, kind]),
    ...kinds.map((kind): [string, Kind, object, Kind] => [`${kind} of ops`, kind, { activation: (t: Tensor) => t.tanh() }, kind]),
    ['gru, reset before', 'gru', { resetAfter: false }, 'gru resetBefore'],
  ];

  test.each(variants)('%s: a step that is left out keeps the state', async (_, kind, options, formulaKind) => {
    const layer = make(kind, { ...all, biasInitializer: 'randomNormal', ...options });
    layer.apply(x());
    const [sequences, weights] = [(await x().array()) as number[][][], await weightsOf(layer)];
    const [outputs, ...states] = outputsOf(layer, x(), { mask: maskOf(counts) }) as readonly Tensor[];
    const found = interpret([outputs, ...states]);
    const wanted = sequences.map((sequence, i) => formula(formulaKind, sequence, weights, counts[i]));
    expectNear(found[0], wanted.flatMap((steps) => steps.flatMap(([h]) => h)), 1e-6); // prettier-ignore
    states.forEach((__, i) => expectNear(found[i + 1], wanted.flatMap((steps) => steps[4][i]), 1e-6)); // prettier-ignore
    // Backwards, over sequences and masks that are turned around.
    const turned = make(kind, { ...all, goBackwards: true, ...options });
    turned.variables.value = layer.variables.value;
    const mirrored = maskOf(counts.map((row) => [...row].reverse()));
    expectNear(interpret([(outputsOf(turned, x().flip(1), { mask: mirrored }) as readonly Tensor[])[0]])[0], [...found[0]], 0);
  });

  test('zeroOutputForMask sets outputs to 0 and keeps the states', () => {
    const [plain, cleared] = [false, true].map((zeroOutputForMask) => make('gru', { ...all, zeroOutputForMask }));
    plain.apply(x());
    cleared.variables.value = plain.variables.value;
    const [a, b] = [plain, cleared].map((layer) => interpret(outputsOf(layer, x(), { mask: maskOf(counts) }) as readonly Tensor[]));
    expect(Array.from(b[1])).toEqual(Array.from(a[1]));
    expect(Array.from(b[0])).toEqual(Array.from(a[0], (value, i) => (counts.flat()[Math.floor(i / 3)] ? value : 0)));
  });

  test('NaN in steps that are left out reaches no gradient', () => {
    const layer = make('lstm', { returnSequences: true });
    layer.apply(x());
    const poisoned = tensor([[[1, 1, 1, 1], [NaN, Infinity, 1, 1], [1, 1, 1, 1]]], undefined, 'f32'); // prettier-ignore
    const { parameters } = layer.variables.value!;
    const loss = (kernel: Tensor): Tensor => {
      const variables = { parameters: { ...parameters, recurrentKernel: kernel }, state: {} };
      return mean(square(layer.call(variables, poisoned, { training: true, mask: maskOf([[true, false, true]]) }).outputs as Tensor));
    };
    const [value, gradient] = valueAndGrad(loss)(parameters.recurrentKernel);
    for (const found of interpret([value, gradient])) expect([...found].every(Number.isFinite)).toBe(true);
  });

  test.each<[object, number[] | undefined]>([
    [{ returnSequences: true }, [1, 1, 0, 1, 0, 0]],
    [{ returnSequences: true, returnState: true }, [1, 1, 0, 1, 0, 0]],
    [{ returnSequences: true, goBackwards: true }, [0, 1, 1, 0, 0, 1]],
    [{}, undefined],
  ])('pass on with the outputs of all steps: %j', async (options, wanted) => {
    const layer = make('lstm', options);
    const model = sequential([layers.embedding({ inputDim: 5, outputDim: 2, maskZero: true }), layer]).asLayer;
    const tokens = tensor([[1, 2, 0], [3, 0, 0]], undefined, 'i32'); // prettier-ignore
    model.apply(tokens);
    const network = networkOf(model);
    const { mask } = new NetworkPass(network, network.current()!).run(tokens, false);
    const found = (Array.isArray(mask) ? mask[0] : mask) as Tensor | undefined;
    expect(found && Array.from(await found.data())).toEqual(wanted);
  });
});

describe('options', () => {
  test.each(kinds)('%s returns the last output, all outputs, and states', (kind) => {
    const states = kind === 'lstm' ? [[3], [3]] : [[3]];
    expect(make(kind).outputShape([5, 4])).toEqual([3]);
    expect(make(kind, { returnSequences: true }).outputShape([5, 4])).toEqual([5, 3]);
    expect(make(kind, { returnState: true }).outputShape([5, 4])).toEqual([[3], ...states]);
    expect(make(kind, all).outputShape([[5, 4], ...states])).toEqual([[5, 3], ...states]);
    const [sequences, last] = [make(kind, all), make(kind)];
    const [outputs, h] = interpret(sequences.apply<readonly Tensor[]>(x()));
    last.variables.value = sequences.variables.value;
    expect(Array.from(interpret([last.apply(x())])[0])).toEqual(Array.from(h));
    expect(Array.from(outputs).slice(12, 15)).toEqual(Array.from(h).slice(0, 3));
  });

  test('weights have the shapes and first values of Keras', async () => {
    const parameters = (layer: Layer) => layer.build([5, 4]).parameters;
    const shapes = (layer: Layer) => Object.fromEntries(Object.entries(parameters(layer)).map(([name, t]) => [name, t.shape]));
    expect(shapes(make('lstm'))).toEqual({ kernel: [4, 12], recurrentKernel: [3, 12], bias: [12] });
    expect(shapes(make('gru'))).toEqual({ kernel: [4, 9], recurrentKernel: [3, 9], bias: [2, 9] });
    expect(shapes(make('gru', { resetAfter: false }))).toEqual({ kernel: [4, 9], recurrentKernel: [3, 9], bias: [9] });
    expect(shapes(make('simpleRnn', { useBias: false }))).toEqual({ kernel: [4, 3], recurrentKernel: [3, 3] });
    expect(Array.from(await parameters(make('lstm')).bias.data())).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    expect(Array.from(await parameters(make('lstm', { unitForgetBias: false })).bias.data())).toEqual(new Array(12).fill(0));
    const kernel = parameters(make('lstm')).recurrentKernel;
    expectNear(interpret([kernel.matmul(kernel.transpose())])[0], [1, 0, 0, 0, 1, 0, 0, 0, 1], 1e-6);
  });

  test.each(kinds)('%s without a bias', (kind) => {
    const layer = make(kind, { useBias: false });
    const other = make(kind, kind === 'lstm' ? { unitForgetBias: false } : {});
    other.apply(x());
    layer.apply(x());
    const { kernel, recurrentKernel } = other.variables.value!.parameters;
    layer.variables.value = { parameters: { kernel, recurrentKernel }, state: {} };
    expectNear(interpret([layer.apply(x())])[0], [...interpret([other.apply(x())])[0]], 1e-6);
  });

  test.each(kinds)('%s drops the same inputs and outputs in all steps of training', (kind) => {
    const layer = make(kind, { dropout: 0.5, recurrentDropout: 0.5, returnSequences: true });
    layer.apply(x());
    const plain = make(kind, { returnSequences: true });
    plain.variables.value = layer.variables.value;
    const values = (given: Layer, training: boolean): number[] => [...interpret([outputsOf(given, x(), { training }) as Tensor])[0]];
    expect(values(layer, false)).toEqual(values(plain, false));
    expect(values(layer, true)).not.toEqual(values(plain, false));
    expect(values(plain, true)).toEqual(values(plain, false));
    // All inputs dropped and all outputs dropped: every step depends on the bias only.
    const nothing = layers.simpleRnn({ units: 3, dropout: 1, recurrentDropout: 1, returnSequences: true, biasInitializer: 'ones' });
    nothing.apply(x());
    expectNear(values(nothing, true), new Array<number>(45).fill(Math.tanh(1)), 1e-6);
  });

  test('regularizers and constraints belong to the parameters that they are named after', async () => {
    const layer = make('simpleRnn', { recurrentRegularizer: 'l2', kernelRegularizer: 'l1', recurrentConstraint: 'nonNeg' });
    layer.apply(x());
    const network = networkOf(layer);
    const { losses } = new NetworkPass(network, network.current()!).run(x(), true);
    const { kernel, recurrentKernel } = layer.variables.value!.parameters;
    const penalties = [mean(kernel.abs()).mul(12 * 0.01), mean(square(recurrentKernel)).mul(9 * 0.01)];
    const found = interpret(losses.map((loss) => loss)).map(([value]) => value);
    expectNear(found.sort(), interpret(penalties).map(([value]) => value).sort(), 1e-6); // prettier-ignore
    const constrained = layer.constrain(layer.variables.value!.parameters);
    expect(Math.min(...(await constrained.recurrentKernel.data()))).toBe(0);
    expect(Math.min(...(await constrained.kernel.data()))).toBeLessThan(0);
  });
});

describe('stateful layers', () => {
  test.each(kinds)('%s begins where the batch before ended, in training', async (kind) => {
    const layer = make(kind, { stateful: true, batchSize: 3, returnSequences: true });
    const whole = make(kind, { returnSequences: true });
    whole.apply(x());
    layer.apply(x());
    layer.variables.value = { ...layer.variables.value!, parameters: whole.variables.value!.parameters };
    const [first, second] = [x().slice([0, 0], [3, 2]), x().slice([0, 2], [3, 5])];
    const a = layer.apply(first, { training: true });
    const wanted = await whole.apply(x()).data();
    // Evaluation starts from the state, and leaves it.
    for (const training of [false, false, true]) {
      const b = layer.apply(second, { training });
      const found = [await a.data(), await b.data()];
      const rows = [0, 1, 2].flatMap((row) => [...found[0].slice(row * 6, row * 6 + 6), ...found[1].slice(row * 9, row * 9 + 9)]);
      expectNear(rows, [...wanted], 1e-6);
    }
    layer.resetState();
    expectNear(await layer.apply(x()).data(), [...wanted], 1e-6);
  });

  test('train by fit, and keep the state of the last batch', async () => {
    const layer = layers.gru({ units: 2, stateful: true, batchSize: 4, inputShape: [3, 2] });
    const model = sequential([layer, layers.dense({ units: 1 })]);
    model.compile({ loss: 'mse', optimizer: 'sgd' });
    await model.fit(random.normal([8, 3, 2], { seed: 1 }), zeros([8, 1]), { batchSize: 4, epochs: 1, ...quiet });
    expect((await layer.variables.value!.state.state0.data()).some((value) => value !== 0)).toBe(true);
    layer.resetState();
    expect(Array.from(await layer.variables.value!.state.state0.data())).toEqual(new Array(8).fill(0));
    await expect(model.fit(random.normal([6, 3, 2]), zeros([6, 1]), { batchSize: 4, ...quiet })).rejects.toThrow(
      'is stateful with batchSize 4, got a batch of 2; all batches need this size',
    );
  });
});

test('a sequence of 1,000 steps compiles in less than 2 seconds and takes at most 40 dispatches', () => {
  const build = (time: number, layer: Layer): { milliseconds: number; dispatches: number } => {
    const { parameters } = layer.build([time, 8]);
    const loss = (p: typeof parameters, batch: Tensor): Tensor =>
      mean(square(layer.call({ parameters: p, state: {} }, batch, { training: true }).outputs as Tensor));
    const start = performance.now();
    const { graph, donations } = traceFunction(valueAndGrad(loss), [parameters, zeros([8, time, 8])], 'step', new Set());
    const { dispatches } = compileGraph(graph, { name: 'step', target: softwareTarget, donations });
    return { milliseconds: performance.now() - start, dispatches: dispatches.length };
  };
  for (const kind of kinds) {
    const layer = (): Layer => layers[kind]({ units: 32, returnSequences: true });
    const { milliseconds, dispatches } = build(1000, layer());
    expect(milliseconds).toBeLessThan(2000);
    expect(dispatches).toBeLessThanOrEqual(40);
  }
});

test('an LSTM learns to remember the first of many steps', async () => {
  const [n, time] = [64, 40];
  const first = (i: number): number => (i % 2 ? 1 : -1);
  const values = Array.from({ length: n }, (_, i) =>
    Array.from({ length: time }, (__, t) => [t === 0 ? first(i) : Math.sin(7 * i + 3 * t) / 4]),
  );
  const model = sequential([layers.lstm({ units: 8, inputShape: [time, 1] }), layers.dense({ units: 1 })]);
  model.compile({ loss: 'mse', optimizer: optimizers.adam({ learningRate: 0.02 }) });
  const { history } = await model.fit(values, values.map((_, i) => [first(i)]), { epochs: 40, batchSize: 32, seed: 1, ...quiet }); // prettier-ignore
  expect(history.loss.at(-1)).toBeLessThan(0.1);
});

describe('errors', () => {
  test.each<[string, () => unknown, typeof OmbreError, string]>([
    ['rank', () => layers.lstm({ units: 3, inputShape: [4] }).outputShape([4]), ShapeError, 'lstm: takes inputs [batch, time, features], got inputs of shape [batch,4]'], // prettier-ignore
    ['states', () => make('lstm').outputShape([[5, 4], [3]]), ShapeError, 'lstm: takes a sequence [batch, time, features], or a list of it and the initial states; got [[batch,5,4], [batch,3]], and the initial states are [batch,3], [batch,3]'], // prettier-ignore
    ['state', () => make('gru').outputShape([[5, 4], [4]]), ShapeError, 'and the initial states are [batch,3]'],
    ['record', () => make('gru').outputShape({ x: [5, 4] }), ShapeError, 'gru: takes a sequence [batch, time, features], or a list'],
    ['batchSize', () => make('gru', { stateful: true }), ArgumentError, 'layers.gru: stateful needs batchSize, the number of sequences in a batch'], // prettier-ignore
    ['units', () => layers.lstm({ units: 0 }), ArgumentError, 'layers.lstm: units is 0; it must be a positive integer'],
    ['activation', () => make('lstm', { activation: 'tann' }), ArgumentError, "layers.lstm: activation is 'tann'; it must be one of"],
  ])('%s', (_, act, type, message) => {
    expect(act).toThrow(type);
    expect(act).toThrow(message);
  });
});
