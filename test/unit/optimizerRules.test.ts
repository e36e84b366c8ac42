// The contract of an optimizer's rule: the parameter, slots of any shape, shared scalars, the loss at a second point. Then the options that all
// optimizers share: excluded paths, accumulation, and state kept over a change of the trained layers.
import { describe, expect, test } from 'vitest';
import { grad, valueAndGrad } from '../../src/autodiff/index.ts';
import { leavesOf } from '../../src/core/tree.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  type Optimizer,
  type OptimizerSettings,
  type Rule,
  makeOptimizer,
  onlyLearningRate,
  optimizers,
  schedules,
  slotsLike,
} from '../../src/optim/index.ts';
import { add, div, mean, mul, norm, scalar, sqrt, square, sub, sum, tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';

const compute = (...outputs: Tensor[]): number[][] => interpret(outputs, { mode: 'f64' }).map((data) => Array.from(data));
const read = (tree: unknown): number[][] => compute(...leavesOf(tree).map(({ value }) => value as Tensor));
const withRate = (learningRate: number, more: Partial<OptimizerSettings> = {}): OptimizerSettings => ({ learningRate, ...more });
const close = (values: readonly number[]): unknown[] => values.map((value) => expect.closeTo(value, 6) as unknown);

/** g scaled to the parameter's norm. */
const trustRatio: Rule<Tensor> = {
  name: 'trust',
  slots: slotsLike({}),
  shared: onlyLearningRate,
  step: ({ gradient, parameter, slots }, rate) => ({ delta: mul(mul(gradient, div(norm(parameter), norm(gradient))), rate), slots }),
};

/** Row means of g^2 in place of a full second moment. */
const factored: Rule<Tensor> = {
  name: 'factored',
  slots: (parameter) => ({ rows: tensor(new Array(parameter.shape[0]).fill(0), [parameter.shape[0], 1], 'f32') }),
  shared: onlyLearningRate,
  step({ gradient, slots }, rate) {
    const rows = add(slots.rows, mean(square(gradient), { axis: 1, keepDims: true }));
    return { delta: mul(div(gradient, sqrt(rows)), rate), slots: { rows } };
  },
};

/** Each step is the last one's divided by 2. */
const halving: Rule<Tensor> = {
  name: 'halving',
  slots: slotsLike({}),
  scalars: { share: 1 },
  shared: ({ scalars }) => scalars.share,
  nextScalars: (_, share) => ({ share: div(share, 2) }),
  step: ({ gradient, slots }, share) => ({ delta: mul(gradient, share), slots }),
};

/** Sharpness-aware minimization (Foret et al., 2020) with one parameter tensor: the gradient at p + rho g / |g|. */
const sharpness = (rho: number): Rule<{ rate: Tensor; gradients: readonly Tensor[] }> => ({
  name: 'sharpness',
  slots: slotsLike({}),
  needsLoss: true,
  shared({ learningRate, parameters, lossAndGradients }) {
    const ahead = parameters.map(({ parameter, gradient }) => add(parameter, mul(gradient, div(rho, norm(gradient)))));
    return { rate: learningRate, gradients: lossAndGradients(ahead).gradients };
  },
  step: ({ index, slots }, { rate, gradients }) => ({ delta: mul(gradients[index], rate), slots }),
});

describe('rules', () => {
  test('see the parameter', () => {
    const optimizer = makeOptimizer(trustRatio, withRate(0.5));
    const parameters = { w: tensor([3, 4]) };
    const next = optimizer.update({ w: tensor([0, 2]) }, optimizer.init(parameters), parameters);
    expect(read(next.parameters)).toEqual([[3, 4 - 0.5 * 5]]);
  });

  test('have slots of any shape', () => {
    const optimizer = makeOptimizer(factored, withRate(1));
    const parameters = [tensor([[1, 1], [1, 1]])]; // prettier-ignore
    const state = optimizer.init(parameters);
    expect((state.rows as Tensor[])[0].shape).toEqual([2, 1]);
    const next = optimizer.update([tensor([[3, 1], [0, 2]])], state, parameters); // prettier-ignore
    expect(read(next.state.rows)).toEqual([[5, 2]]);
    expect(read(next.parameters)).toEqual([close([1 - 3 / Math.sqrt(5), 1 - 1 / Math.sqrt(5), 1, 1 - 2 / Math.sqrt(2)])]);
    expect(() => optimizer.update(parameters, { ...state, rows: [tensor([1, 2])] }, parameters)).toThrow(
      'factored: state.rows[0] is [2]; for a parameter of shape [2,2] it must be [2,1]',
    );
  });

  test('have separate scalars', () => {
    const optimizer = makeOptimizer(halving, withRate(1));
    let parameters: Tensor[] = [scalar(0)];
    let state = optimizer.init(parameters);
    expect(Object.keys(state)).toEqual(['step', 'learningRate', 'share']);
    for (let i = 0; i < 3; i++) ({ parameters, state } = optimizer.update([scalar(1)], state, parameters));
    expect(compute(parameters[0], state.share as Tensor)).toEqual([[-1.75], [0.125]]);
    const { share: _, ...without } = state;
    expect(() => optimizer.update([scalar(1)], without, parameters)).toThrow('halving: state.share is missing; it must be a scalar tensor');
  });

  test('may evaluate the loss at other parameters', () => {
    const loss = ({ w }: { w: Tensor }): Tensor => sum(square(square(w)));
    const optimizer = makeOptimizer(sharpness(0.5), withRate(0.01));
    expect(optimizer.needsLoss).toBe(true);
    const parameters = { w: tensor([2]) };
    const state = optimizer.init(parameters);
    const lossAndGradients = (at: unknown): { loss: Tensor; gradients: unknown } => {
      const [value, gradients] = valueAndGrad(loss)(at as typeof parameters);
      return { loss: value, gradients };
    };
    const next = optimizer.update(grad(loss)(parameters), state, parameters, { lossAndGradients });
    expect(read(next.parameters)).toEqual([close([2 - 0.01 * 4 * 2.5 ** 3])]);
    expect(() => optimizer.update(parameters, state, parameters)).toThrow(
      'sharpness: update() needs the loss; pass { lossAndGradients: (parameters) => ({ loss, gradients }) } as the fourth argument',
    );
  });

  test('may return the parameter itself, and decay weights themselves', () => {
    const rule: Rule<Tensor> = {
      name: 'direct',
      slots: slotsLike({}),
      ownsWeightDecay: true,
      shared: onlyLearningRate,
      step: ({ parameter, gradient, weightDecay, slots }, rate) => ({
        parameter: sub(parameter, mul(add(gradient, mul(parameter, weightDecay)), rate)),
        slots,
      }),
    };
    const optimizer = makeOptimizer(rule, withRate(0.5, { weightDecay: 0.25, excludeFromWeightDecay: ['bias'] }));
    const parameters = { kernel: tensor([8]), bias: tensor([8]) };
    const next = optimizer.update({ kernel: tensor([0]), bias: tensor([0]) }, optimizer.init(parameters), parameters);
    expect(read(next.parameters)).toEqual([[7], [8]]);
  });

  test.each([
    [
      'a reserved name',
      { ...trustRatio, slots: slotsLike({ step: 0 }) },
      "optimizers.trust: a slot is called 'step'; choose another name than step,",
    ],
    [
      'slots that differ',
      { ...trustRatio, slots: ({ rank }: Tensor) => (rank ? { a: scalar(0) } : {}) },
      'optimizers.trust: b has the slots , but a has a; every parameter needs slots of the same names',
    ],
  ])('%s is refused', (_, rule, message) => {
    expect(() => makeOptimizer(rule as Rule<Tensor>, withRate(1)).init({ a: tensor([1]), b: scalar(1) })).toThrow(message);
  });
});

describe('excludeFromWeightDecay', () => {
  const parameters = { 'encoder/dense_1': { kernel: tensor([8]), bias: tensor([8]) }, norm: [{ gamma: tensor([8]) }] };
  const zero = { 'encoder/dense_1': { kernel: tensor([0]), bias: tensor([0]) }, norm: [{ gamma: tensor([0]) }] };
  const decayed = (excludeFromWeightDecay?: string[]): number[] => {
    const sgd = optimizers.sgd({ learningRate: 0.5, weightDecay: 0.25, ...(excludeFromWeightDecay && { excludeFromWeightDecay }) });
    return read(sgd.update(zero, sgd.init(parameters), parameters).parameters).flat();
  };

  test('matches paths as regular expressions', () => {
    expect(decayed()).toEqual([7, 7, 7]);
    expect(decayed(['bias$', 'norm/0'])).toEqual([7, 8, 8]);
    expect(decayed(['^encoder/'])).toEqual([8, 8, 7]);
  });

  test('is refused if it is no expression, or without a decay', () => {
    expect(() => optimizers.sgd({ weightDecay: 1, excludeFromWeightDecay: ['('] })).toThrow(
      "optimizers.sgd: excludeFromWeightDecay[0] is '('; it must be a text that is a regular expression",
    );
    const parameters = { dense_1: { kernel: tensor([1]), bias: tensor([1]) } };
    const excluding = (...excludeFromWeightDecay: string[]) => optimizers.adamW({ excludeFromWeightDecay });
    expect(() => excluding('biass').init(parameters)).toThrow(
      "optimizers.adamW: excludeFromWeightDecay has 'biass', which is found in no path of a parameter; the paths are dense_1/kernel, dense_1/bias; did you mean 'bias'?",
    );
    expect(() => excluding('bias', 'Dense_1/kernel').init(parameters)).toThrow("did you mean 'dense_1/kernel'?");
    const many = { all: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`w${i}`, tensor([1])])) };
    expect(() => excluding('gamma').init(many)).toThrow(/all\/w7 and 2 more$/);
    // Layers that were frozen when the state was made may be among the exclusions.
    expect(() => excluding('w').init({ b: tensor([1]) }, excluding('w').init(many))).not.toThrow();
    expect(() => optimizers.sgd({ excludeFromWeightDecay: ['bias'] })).toThrow(
      'optimizers.sgd: excludeFromWeightDecay without a weightDecay; give a weightDecay above 0',
    );
  });
});

describe('gradientAccumulationSteps', () => {
  const train = (optimizer: Optimizer, gradients: readonly number[][]): { parameters: number[][]; state: number[][] } => {
    let parameters = { w: tensor([1, -2]) };
    let state = optimizer.init(parameters);
    for (const gradient of gradients) ({ parameters, state } = optimizer.update({ w: tensor(gradient) }, state, parameters));
    const { step, learningRate, firstMoment, secondMoment } = state;
    return { parameters: read(parameters), state: read({ step, learningRate, firstMoment, secondMoment }) };
  };
  const gradients = [[1, 4], [3, -2], [-2, 2], [0, 6]]; // prettier-ignore
  const means = [[2, 1], [-1, 4]]; // prettier-ignore
  const learningRate = schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 1, decayRate: 0.5 });

  test('updates by the mean of the gradients, as one update would', () => {
    const options = { learningRate, weightDecay: 0.1, globalClipNorm: 2 };
    const whole = train(optimizers.adam(options), means);
    const parts = train(optimizers.adam({ ...options, gradientAccumulationSteps: 2 }), gradients);
    expect(parts.parameters).toEqual(whole.parameters.map(close));
    expect(parts.state).toEqual(whole.state.map(close));
  });

  test('changes nothing but the sum in between', () => {
    const adam = optimizers.adam({ gradientAccumulationSteps: 3 });
    const parameters = { w: tensor([1, -2]) };
    const first = adam.update({ w: tensor([1, 2]) }, adam.init(parameters), parameters);
    const second = adam.update({ w: tensor([1, NaN]) }, first.state, first.parameters);
    expect(read(second.parameters)).toEqual([[1, -2]]);
    const { accumulated, accumulatedSteps, step, firstMoment } = second.state;
    expect(read([accumulated, accumulatedSteps, step, firstMoment])).toEqual([[2, NaN], [2], [0], [0, 0]]);
  });
});

describe('init with a previous state', () => {
  test('keeps step, rate and the slots that still have a parameter', () => {
    const adam = optimizers.adam({ learningRate: 0.5 });
    const parameters = { a: tensor([1]), b: tensor([2]) };
    const { state } = adam.update({ a: tensor([3]), b: tensor([4]) }, adam.init(parameters), parameters);
    const next = adam.init({ b: tensor([9]), c: tensor([[1]]) }, { ...state, learningRate: scalar(0.25) });
    expect(read([next.step, next.learningRate])).toEqual([[1], [0.25]]);
    expect(read(next.firstMoment)).toEqual([close([0.4]), [0]]);
    expect(Object.keys(next.firstMoment as object)).toEqual(['b', 'c']);
  });
});
