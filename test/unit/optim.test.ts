// Optimizers (200 updates of each are in trajectories.test.ts): ten updates against PyTorch (test/golden/optimizers.json, made by scripts/golden/optimizers.py), options that PyTorch lacks
// against their formulas, schedules, errors.
import { describe, expect, test } from 'vitest';
import golden from '../golden/optimizers.json';
import { ArgumentError, OmbreError } from '../../src/core/errors.ts';
import { leavesOf } from '../../src/core/tree.ts';
import { topological } from '../../src/graph/graph.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type Optimizer, type OptimizerState, optimizerByName, optimizers, schedules } from '../../src/optim/index.ts';
import { scalar, tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import '../../src/train/names.ts';
import { noteDifference, noteVectors } from '../support/findings.ts';

type Flat = Record<'kernel' | 'bias', number[]>;
interface Golden {
  shapes: Flat;
  initial: Flat;
  gradients: Flat[];
  cases: { name: keyof typeof optimizers; options: object; trajectory: Flat[] }[];
}
const { shapes, initial, gradients, cases } = golden as unknown as Golden;

const f64 = (shape: number[], data: number[]): Tensor => hostTensor({ shape, dtype: 'f32' }, Float64Array.from(data));
/** Nested, to see that any tree will do. */
const treeOf = (flat: Flat): { dense: { kernel: Tensor }; bias: Tensor[] } => ({
  dense: { kernel: f64(shapes.kernel, flat.kernel) },
  bias: [f64(shapes.bias, flat.bias)],
});
const compute = (outputs: Tensor[]): number[][] => interpret(outputs, { mode: 'f64' }).map((data) => Array.from(data));
const read = (tree: unknown): number[][] => compute(leavesOf(tree).map(({ value }) => value as Tensor));
const make = (name: keyof typeof optimizers, options: object): Optimizer => (optimizers[name] as (options: object) => Optimizer)(options);

/** Learning rates are f32: 0.1 in it is 1.5e-8 off. */
function expectClose(actual: readonly number[], expected: readonly number[], tolerance = 2e-7): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((x, i) =>
    expect(Math.abs(x - expected[i]), `element ${i}: ${x} for ${expected[i]}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(expected[i])),
    ),
  );
}

describe('ten updates against PyTorch, in f64', () => {
  test.each(cases.map((c) => [`${c.name} ${JSON.stringify(c.options)}`, c] as const))('%s', (_, c) => {
    const optimizer = make(c.name, c.options);
    let parameters = treeOf(initial);
    let state = optimizer.init(parameters);
    const seen: Tensor[] = [];
    for (const gradient of gradients) {
      ({ parameters, state } = optimizer.update(treeOf(gradient), state, parameters));
      seen.push(parameters.dense.kernel, parameters.bias[0]);
    }
    compute(seen).forEach((values, i) => {
      const golden = c.trajectory[Math.floor(i / 2)][i % 2 ? 'bias' : 'kernel'];
      noteDifference('optimizers, f64', c.name, values, golden);
      expectClose(values, golden);
    });
    expect(compute([state.step])).toEqual([[10]]);
    expect(state.step.dtype).toBe('i32');
    noteVectors(seen.length);
  });
});

describe('state', () => {
  const parameters = treeOf(initial);
  const paths = (tree: unknown): string[] => leavesOf(tree).map(({ path }) => path);

  test.each([
    ['sgd', {}, []],
    ['sgd', { momentum: 0.9 }, ['momentum']],
    ['adagrad', {}, ['accumulator']],
    ['adadelta', {}, ['squaredGradient', 'squaredDelta']],
    ['rmsprop', { centered: true, momentum: 0.1 }, ['squaredGradient', 'meanGradient', 'momentum']],
    ['adam', { amsgrad: true }, ['firstMoment', 'secondMoment', 'largestSecondMoment']],
    ['adamW', { emaDecay: 0.9 }, ['firstMoment', 'secondMoment', 'average']],
  ] as const)('%s %o has the slots %o, like the parameters before and after an update', (name, options, slots) => {
    const optimizer = make(name, options);
    const before = optimizer.init(parameters);
    const { state, parameters: next } = optimizer.update(parameters, before, parameters);
    for (const s of [before, state]) {
      expect(Object.keys(s)).toEqual(['step', 'learningRate', ...slots]);
      for (const slot of slots) expect(paths(s[slot])).toEqual(paths(parameters));
    }
    expect(paths(next)).toEqual(paths(parameters));
    expect(leavesOf(state).map(({ value }) => (value as Tensor).shape)).toEqual(
      leavesOf(before).map(({ value }) => (value as Tensor).shape),
    );
  });

  test('accumulators begin at initialAccumulatorValue', () => {
    expect(read(optimizers.adagrad().init({ w: tensor([1, 2]) }).accumulator)).toEqual([[0.1, 0.1]]);
  });

  test('a written learning rate is used from the next update on', () => {
    const sgd = optimizers.sgd({ learningRate: 0.5 });
    const state: OptimizerState = { ...sgd.init([scalar(1)]), learningRate: scalar(0.25) };
    const next = sgd.update([scalar(2)], state, [scalar(1)]);
    expect(compute([next.parameters[0], next.state.learningRate])).toEqual([[0.5], [0.25]]);
  });

  test('f16 parameters stay f16, with f32 slots', () => {
    const parameter = hostTensor({ shape: [2], dtype: 'f16' }, Float32Array.of(1, 2));
    const adam = optimizers.adam({ learningRate: 0.5 });
    const next = adam.update([parameter], adam.init([parameter]), [parameter]);
    expect(next.parameters[0].dtype).toBe('f16');
    expect((next.state.secondMoment as Tensor[])[0].dtype).toBe('f32');
    expectClose(compute(next.parameters)[0], [0.5, 1.5], 1e-3);
  });

  test('no parameters, no update', () => {
    const adam = optimizers.adam({ globalClipNorm: 1 });
    const next = adam.update({}, adam.init({}), {});
    expect(next.parameters).toEqual({});
    expect(compute([next.state.step])).toEqual([[1]]);
  });

  test("Adam's bias corrections are scalars, made once for all parameters", () => {
    const adam = optimizers.adam();
    const { parameters: next } = adam.update(parameters, adam.init(parameters), parameters);
    const nodes = topological(leavesOf(next).map(({ value }) => value as Tensor)).filter((node) => node.op.name === 'expm1');
    expect(nodes.map((node) => node.types[0].shape)).toEqual([[], []]);
  });

  test('the first bias correction keeps its digits in f32', () => {
    // Adam's first step is learningRate * sign(gradient), for any size of the gradient.
    const adam = optimizers.adam({ learningRate: 1, epsilon: 0 });
    const { parameters: next } = adam.update([tensor([3, -1e-4])], adam.init([tensor([0, 0])]), [tensor([0, 0])]);
    expectClose(Array.from(interpret(next)[0]), [-1, 1], 5e-7);
  });
});

describe('options of all optimizers', () => {
  const step = (options: object, ...given: number[][]): number[][] => {
    const sgd = optimizers.sgd({ learningRate: 1, ...options });
    const parameters = given.map((g) => tensor(g.map(() => 0)));
    return compute(
      sgd.update(
        given.map((g) => tensor(g)),
        sgd.init(parameters),
        parameters,
      ).parameters,
    ).map((p) => p.map((x) => 0 - x));
  };

  test('clipValue', () =>
    expect(step({ clipValue: 2 }, [3, -4], [1, 0])).toEqual([
      [2, -2],
      [1, 0],
    ]));
  test('clipNorm scales each tensor down, never up', () => {
    const [a, b] = step({ clipNorm: 2.5 }, [3, -4], [1, 0]);
    expectClose(a, [1.5, -2]);
    expect(b).toEqual([1, 0]);
  });
  test('globalClipNorm scales all tensors together', () => {
    const [a, b] = step({ globalClipNorm: 6.5 }, [3, -4], [12, 0]);
    expectClose(a, [1.5, -2]);
    expectClose(b, [6, 0]);
    expect(step({ globalClipNorm: 20 }, [3, -4], [12, 0])).toEqual([
      [3, -4],
      [12, 0],
    ]);
  });
  test('clipping by norm where squares overflow or vanish in f32', () => {
    const [a, b] = step({ clipNorm: 1 }, [3e25, -4e25], [3e-30, 4e-30]);
    expectClose(a, [0.6, -0.8]);
    expectClose(b.map((x) => x * 1e30), [3, 4]); // prettier-ignore
    const [c, d] = step({ globalClipNorm: 6.5 }, [3e25, -4e25], [12e25, 0]);
    expectClose(c, [1.5, -2]);
    expectClose(d, [6, 0]);
    const [e] = step({ globalClipNorm: 1e-25 }, [3e-20, -4e-20]);
    expectClose(e.map((x) => x * 1e25), [0.6, -0.8]); // prettier-ignore
    // As in PyTorch: nothing is left beside an infinite gradient.
    expect(step({ globalClipNorm: 1 }, [Infinity], [3])).toEqual([[NaN], [0]]);
  });
  test('a gradient of 0 stays 0', () =>
    expect(
      step({ clipNorm: 1 }, [0, 0])
        .flat()
        .every((x) => x === 0),
    ).toBe(true));

  test('weightDecay takes learningRate * weightDecay of the parameter away, outside the momentum', () => {
    const sgd = optimizers.sgd({ learningRate: 0.5, momentum: 0.9, weightDecay: 0.25 });
    const next = sgd.update([tensor([0])], sgd.init([tensor([8])]), [tensor([8])]);
    expect(compute(next.parameters)).toEqual([[7]]);
    expect(read(next.state.momentum)).toEqual([[0]]);
  });

  test('emaDecay averages the parameters after each update, from the first on', () => {
    const sgd = optimizers.sgd({ learningRate: 1, emaDecay: 0.75 });
    const first = sgd.update([scalar(1)], sgd.init([scalar(5)]), [scalar(5)]);
    const second = sgd.update([scalar(2)], first.state, first.parameters);
    expect([read(first.state.average), read(second.state.average)].flat(2)).toEqual([4, 0.75 * 4 + 0.25 * 2]);
  });
});

describe('schedules', () => {
  const at = (schedule: (step: Tensor) => Tensor, ...steps: number[]): number[] =>
    compute(steps.map((s) => schedule(tensor(s, [], 'i32')))).map(([x]) => x);

  /** In f32, as a user gets it. */
  const inF32 = (schedule: (step: Tensor) => Tensor, step: number): number => interpret([schedule(tensor(step, [], 'i32'))])[0][0];

  test('steps beyond 2^24 differ from their neighbours', () => {
    const n = 2 ** 25;
    const polynomial = schedules.polynomialDecay({ initialLearningRate: 1, endLearningRate: 0, decaySteps: n, power: 0.5 });
    expect(inF32(polynomial, n - 1) / 2 ** -12.5).toBeCloseTo(1, 5);
    expect(inF32(polynomial, n - 3) / (Math.sqrt(3) * 2 ** -12.5)).toBeCloseTo(1, 5);
    const cycle = schedules.polynomialDecay({ initialLearningRate: 1, endLearningRate: 0, decaySteps: 2, cycle: true });
    expect(inF32(cycle, n - 1) * n).toBeCloseTo(1, 5);
    const warm = schedules.cosineDecay({ initialLearningRate: 0, warmupTarget: 1, warmupSteps: n, decaySteps: 3 });
    expect(inF32(warm, n + 1)).toBeCloseTo(0.75, 6);
    expect(inF32(warm, n + 3)).toBeCloseTo(0, 6);
    const staircase = schedules.exponentialDecay({ initialLearningRate: 1, decaySteps: n + 1, decayRate: 0.5, staircase: true });
    expect([inF32(staircase, n), inF32(staircase, n + 1)]).toEqual([1, 0.5]);
    const far = schedules.polynomialDecay({ initialLearningRate: 1, endLearningRate: 0, decaySteps: 3e9 });
    expect(inF32(far, 1.5e9)).toBeCloseTo(0.5, 6);
  });

  test('constant', () => expect(at(schedules.constant({ learningRate: 0.25 }), 0, 1000)).toEqual([0.25, 0.25]));

  test('exponentialDecay', () => {
    const options = { initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.5 };
    expectClose(at(schedules.exponentialDecay(options), 0, 5, 20), [0.1, 0.1 * Math.SQRT1_2, 0.025], 1e-12);
    expectClose(at(schedules.exponentialDecay({ ...options, staircase: true }), 0, 9, 10, 25), [0.1, 0.1, 0.05, 0.025], 1e-12);
  });

  test('inverseTimeDecay', () => {
    const options = { initialLearningRate: 1, decaySteps: 10, decayRate: 0.5 };
    expectClose(at(schedules.inverseTimeDecay(options), 0, 5, 20), [1, 0.8, 0.5], 1e-12);
    expectClose(at(schedules.inverseTimeDecay({ ...options, staircase: true }), 5, 10), [1, 2 / 3], 1e-12);
  });

  test('cosineDecay', () => {
    const plain = schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 100 });
    expectClose(at(plain, 0, 25, 50, 100, 1000), [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0, 0], 1e-12);
    expectClose(at(schedules.cosineDecay({ initialLearningRate: 2, decaySteps: 100, alpha: 0.1 }), 50, 200), [1.1, 0.2], 1e-12);
    const warm = schedules.cosineDecay({ initialLearningRate: 0, warmupTarget: 1, warmupSteps: 10, decaySteps: 100 });
    expectClose(at(warm, 0, 5, 10, 60, 110, 200), [0, 0.5, 1, 0.5, 0, 0], 1e-12);
  });

  test('polynomialDecay', () => {
    const options = { initialLearningRate: 1.25, endLearningRate: 0.25, decaySteps: 10 };
    expectClose(at(schedules.polynomialDecay(options), 0, 5, 10, 50), [1.25, 0.75, 0.25, 0.25], 1e-12);
    expectClose(at(schedules.polynomialDecay({ ...options, power: 2 }), 5), [0.5], 1e-12);
    expectClose(at(schedules.polynomialDecay({ ...options, cycle: true }), 0, 10, 15), [1.25, 0.25, 0.5], 1e-12);
  });

  test('piecewiseConstantDecay', () => {
    const late = schedules.piecewiseConstantDecay({ boundaries: [2.5, 2 ** 25], values: [1, 0.5, 0.25] });
    expect(at(late, 2, 3, 2 ** 25, 2 ** 25 + 1)).toEqual([1, 0.5, 0.5, 0.25]);
    expect(at(schedules.piecewiseConstantDecay({ boundaries: [2, 5], values: [1, 0.5, 0.25] }), 0, 2, 3, 5, 6)).toEqual([
      1, 1, 0.5, 0.5, 0.25,
    ]);
  });

  test('an optimizer uses and reports the rate of the step before the update', () => {
    const sgd = optimizers.sgd({ learningRate: schedules.exponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 0.5 }) });
    const start = sgd.init([scalar(0)]);
    const first = sgd.update([scalar(1)], start, [scalar(0)]);
    const second = sgd.update([scalar(1)], first.state, first.parameters);
    const rates = compute([start.learningRate, first.state.learningRate, second.state.learningRate]).flat();
    expectClose(rates, [1, 1, 0.5], 1e-12);
    expectClose(compute(second.parameters)[0], [-1.5], 1e-12);
  });
});

describe('errors', () => {
  const w = tensor([1, 2]);
  const sgd = optimizers.sgd({ momentum: 0.5 });
  const state = sgd.init({ w });
  const names = Object.keys(optimizers).join(', ');
  const error = (fn: () => unknown): string => {
    try {
      fn();
    } catch (e) {
      if (e instanceof OmbreError) return e.message;
      throw e;
    }
    return 'nothing was thrown';
  };

  test.each([
    [
      'adam: rate',
      () => optimizers.adam({ learningRate: -1 }),
      'optimizers.adam: learningRate is -1; it must be a number above 0 or a schedule such as schedules.cosineDecay({...})',
    ],
    [
      'sgd: rate',
      () => optimizers.sgd({ learningRate: NaN }),
      'optimizers.sgd: learningRate is NaN; it must be a number above 0 or a schedule such as schedules.cosineDecay({...})',
    ],
    ['adam: beta', () => optimizers.adam({ beta1: 1 }), 'optimizers.adam: beta1 is 1; it must be a number of at least 0 and less than 1'],
    [
      'adam: text',
      () => optimizers.adam({ epsilon: '1' as unknown as number }),
      "optimizers.adam: epsilon is '1'; it must be a number of at least 0",
    ],
    [
      'adagrad: start',
      () => optimizers.adagrad({ initialAccumulatorValue: -1 }),
      'optimizers.adagrad: initialAccumulatorValue is -1; it must be a number of at least 0',
    ],
    [
      'adadelta: rho',
      () => optimizers.adadelta({ rho: 1 }),
      'optimizers.adadelta: rho is 1; it must be a number of at least 0 and less than 1',
    ],
    ['rmsprop: momentum', () => optimizers.rmsprop({ momentum: 2 }), 'optimizers.rmsprop: momentum is 2; it must be a number from 0 to 1'],
    [
      'nesterov',
      () => optimizers.sgd({ nesterov: true }),
      'optimizers.sgd: nesterov with momentum 0 and dampening 0; it needs a momentum above 0 and no dampening',
    ],
    ['decay', () => optimizers.adamW({ weightDecay: -1 }), 'optimizers.adamW: weightDecay is -1; it must be a number of at least 0'],
    [
      'average',
      () => optimizers.adam({ emaDecay: 1 }),
      'optimizers.adam: emaDecay is 1; it must be a number of at least 0 and less than 1',
    ],
    ['clip', () => optimizers.adam({ clipNorm: 0 }), 'optimizers.adam: clipNorm is 0; it must be a number above 0'],
    [
      'clips',
      () => optimizers.adam({ clipNorm: 1, clipValue: 1 }),
      'optimizers.adam: clipNorm and clipValue exclude each other; give one of them',
    ],
    [
      'unknown option',
      () => optimizers.sgd({ lr: 1 } as object),
      "optimizers.sgd: unknown option 'lr'; it takes learningRate, momentum, nesterov, dampening, weightDecay, excludeFromWeightDecay, gradientAccumulationSteps, clipNorm, clipValue, globalClipNorm, adaptiveGradientClipping, emaDecay",
    ],
    ['unknown name', () => optimizerByName('Adamw2'), `unknown optimizer 'Adamw2'; did you mean 'adamW'? The names are ${names}`],
    ['integers', () => sgd.init({ n: tensor([1], [1], 'i32') }), 'sgd: parameters.n is i32[1]; only floats can be trained'],
    ['no tensor', () => sgd.init({ w: 3 }), 'sgd: parameters.w is number; parameters are a tree of tensors'],
    [
      'missing gradient',
      () => sgd.update({}, state, { w }),
      'sgd: gradients.w is missing; it must be a tree of tensors like the parameters',
    ],
    [
      'extra gradient',
      () => sgd.update({ w, v: w }, state, { w }),
      'sgd: gradients.v has no parameter; it must be a tree like the parameters',
    ],
    ['shape', () => sgd.update({ w: tensor([1]) }, state, { w }), 'sgd: gradients.w is [1], its parameter [2]; they must have one shape'],
    [
      'state of another tree',
      () => sgd.update({ v: w }, state, { v: w }),
      'sgd: state.momentum.w has no parameter; it must be a tree like the parameters',
    ],
    [
      'exponentialDecay',
      () => schedules.exponentialDecay({ initialLearningRate: 1, decaySteps: 0, decayRate: 0.5 }),
      'schedules.exponentialDecay: decaySteps is 0; it must be a number above 0',
    ],
    [
      'cosineDecay without target',
      () => schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 1, warmupSteps: 5 }),
      'schedules.cosineDecay: warmupSteps is 5 without a warmupTarget; give the rate to rise to',
    ],
    [
      'no options',
      () => schedules.constant(undefined as never),
      'schedules.constant: learningRate is missing; it must be a number above 0, such as schedules.constant({ learningRate: 0.01 })',
    ],
    [
      'piecewise lengths',
      () => schedules.piecewiseConstantDecay({ boundaries: [1], values: [1] }),
      'schedules.piecewiseConstantDecay: 1 boundaries and 1 values; it takes one value more than boundaries',
    ],
    [
      'piecewise order',
      () => schedules.piecewiseConstantDecay({ boundaries: [2, 1], values: [1, 2, 3] }),
      'schedules.piecewiseConstantDecay: boundaries are 2, 1; they must rise',
    ],
  ])('%s', (_, fn, message) => expect(error(fn)).toBe(message));

  test('option errors are ArgumentErrors', () => expect(() => optimizers.adam({ beta2: -1 })).toThrow(ArgumentError));
  test('a right name gives the optimizer', () => expect(optimizerByName('rmsprop').name).toBe('rmsprop'));
});
