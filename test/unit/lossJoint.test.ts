// Losses over several outputs, and the circle loss: values and gradients, weights, models, errors.
import { beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { jointLosses, losses } from '../../src/losses/index.ts';
import { input, layers } from '../../src/nn/index.ts';
import { abs, alias, sub, sum, tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { createModel } from '../../src/train/index.ts';
import '../../src/train/names.ts';
import { noteVectors } from '../support/findings.ts';
import { compareJoint, jointCases } from '../tables/lossJoint.ts';

test.each(jointCases.map((row) => [row.name, row] as const))('%s, in f64', (_, row) => {
  const results = interpret(row.build('f64'), { mode: 'f64' });
  expect(compareJoint(row, results, 1e-10).complaints).toEqual([]);
  noteVectors(row.expected.length);
});

test.each(jointCases.map((row) => [row.name, row] as const))('%s, in f32', (_, row) => {
  expect(compareJoint(row, interpret(row.build('f32')), 2e-5).complaints).toEqual([]);
});

test('every joint loss has a row', () => {
  expect(Object.keys(jointLosses).filter((name) => !jointCases.some(({ loss }) => loss === name))).toEqual([]);
});

const [x, y, z] = [tensor([[1, 2], [3, -1]]), tensor([[0.5, 1], [2, 1]]), tensor([[-1, 2], [1, 1]])]; // prettier-ignore
const numbers = (...outputs: Tensor[]): number[][] => interpret(outputs, { mode: 'f64' }).map((data) => Array.from(data));

describe('outputs and weights', () => {
  test('a record and a list are the same', () => {
    const loss = losses.tripletMargin();
    const [[a], [b]] = numbers(loss(undefined, { negative: z, anchor: x, positive: y }), loss(undefined, [x, y, z]));
    expect(a).toBe(b);
    expect([loss.name, loss.config?.kind]).toEqual(['tripletMargin', 'losses.tripletMargin']);
  });

  test('a distance of one’s own', () => {
    const manhattan = (a: Tensor, b: Tensor): Tensor => sum(abs(sub(a, b)), { axis: -1 });
    const [[own], [named]] = numbers(
      losses.tripletMarginWithDistance({ distance: manhattan })(undefined, [x, y, z]),
      losses.tripletMarginWithDistance({ distance: 'manhattan' })(undefined, [x, y, z]),
    );
    expect(own).toBe(named);
    expect(() => losses.tripletMarginWithDistance({ distance: (a, b) => sub(a, b) })(undefined, [x, y, z])).toThrow(
      'tripletMarginWithDistance: distance returned [2,2] for embeddings [2,2]; it must return one value per sample, [2]: reduce the last axis',
    );
  });

  test('the weight of a sample is the smallest of its outputs’ weights', () => {
    const loss = losses.cosineEmbedding({ reduction: 'none' });
    const t = tensor([1, -1]);
    const [[a, b], weighted] = numbers(loss(t, [x, y]), loss(t, [x, y], [tensor([2, 0.5]), tensor([[3], [0.25]])]));
    expect(weighted).toEqual([2 * a, 0.25 * b]);
  });

  test.each(['tripletMargin', 'infoNce', 'ntXent', 'marginRanking'] as const)('%s: a sample of weight 0 changes nothing', (name) => {
    const bad = [NaN, Infinity];
    const extended = (rows: number[][]): Tensor => alias(tensor([...rows, bad]));
    const rows = [[[1, 2], [3, -1]], [[0.5, 1], [2, 1]], [[-1, 2], [1, 1]]].slice(0, name === 'tripletMargin' ? 3 : 2); // prettier-ignore
    const loss = losses[name]({ reduction: 'sum' });
    const signs = name === 'marginRanking' ? ([[1, -1], [1, 1]] as const) : undefined; // prettier-ignore
    const [given, clean] = [rows.map(extended), rows.map((r) => alias(tensor(r)))];
    const value = loss(signs && tensor([...signs, [1, 1]]), given, tensor([2, 1, 0]));
    const want = loss(signs && tensor(signs), clean, tensor([2, 1]));
    const [got, ...slopes] = numbers(value, ...gradients(value, given));
    const [expected, ...wanted] = numbers(want, ...gradients(want, clean));
    expect(got[0]).toBeCloseTo(expected[0], 12);
    slopes.forEach((slope, k) => [...wanted[k], 0, 0].forEach((g, i) => expect(slope[i]).toBeCloseTo(g, 12)));
  });

  test('circle: a sample of weight 0 forms no pairs', () => {
    const loss = losses.circle({ gamma: 2 });
    const rows = [[1, 0], [0.6, 0.8], [0.8, -0.6]]; // prettier-ignore
    const [given, clean] = [alias(tensor([...rows, [NaN, 1]])), alias(tensor(rows))];
    const value = loss(tensor([1, 1, 2, 1]), given, tensor([1, 1, 1, 0]));
    const want = loss(tensor([1, 1, 2]), clean);
    const [[got], slope, [expected], wanted, count] = numbers(
      value,
      gradients(value, [given])[0],
      want,
      gradients(want, [clean])[0],
      loss.countSamples(tensor([1, 1, 2, 1]), given, tensor([true, true, true, false]))!,
    );
    expect(got).toBeCloseTo(expected, 12);
    expect(slope.slice(0, 6).map((g) => g.toFixed(10))).toEqual(wanted.map((g) => g.toFixed(10)));
    expect(slope.slice(6)).toEqual([0, 0]);
    // The third sample has no partner, and its loss is 0.
    expect(count).toEqual([2]);
  });
});

describe('in a model', () => {
  beforeAll(() => setDevice('cpu'));
  const quiet = { verbose: 0, seed: 3 } as const;

  /** A model that embeds each input by the same layer. */
  function embedding(names: readonly string[]): ReturnType<typeof createModel> {
    const embed = layers.dense({ units: 2 });
    const inputs = Object.fromEntries(names.map((name) => [name, input({ shape: [3], name })]));
    return createModel({ inputs, outputs: Object.fromEntries(names.map((name) => [name, embed.apply(inputs[name])])) });
  }

  test('a name is a joint loss over all outputs, without targets', async () => {
    const model = embedding(['query', 'key']);
    model.compile({ optimizer: 'adam', loss: 'infoNce' });
    const data = { query: [[1, 0, 0], [0, 1, 0], [1, 1, 0]], key: [[0.9, 0.1, 0.5], [0, 1, 0.2], [1, 1, -1]] }; // prettier-ignore
    const { history } = await model.fit(data, undefined, { epochs: 20, ...quiet });
    expect(history.loss[19]).toBeLessThan(history.loss[0]);
  });

  test('targets and weights reach it', async () => {
    const model = embedding(['first', 'second']);
    model.compile({ optimizer: 'sgd', loss: losses.cosineEmbedding() });
    const data = { first: [[1, 0, 0], [0, 1, 0]], second: [[0, 1, 0], [0, 1, 1]] }; // prettier-ignore
    const { loss } = await model.evaluate(data, [1, -1], { sampleWeight: [0, 0] });
    expect(loss).toBe(0);
    const both = await model.evaluate(data, [1, -1]);
    const first = await model.evaluate(data, [1, -1], { sampleWeight: [2, 0] });
    expect(Number.isFinite(both.loss) && Number.isFinite(first.loss)).toBe(true);
  });

  test('one output of several cannot have it', () => {
    const model = embedding(['first', 'second']);
    for (const loss of ['infoNce', losses.infoNce()] as const) {
      expect(() => model.compile({ loss: { first: loss as never } })).toThrow(
        'compile: loss.first is a joint loss, which is over all outputs',
      );
    }
    expect(() => model.compile({ loss: losses.infoNce as never })).toThrow(
      'compile: losses.infoNce makes a loss and was not called; write losses.infoNce()',
    );
  });
});

test.each([
  ['one tensor', () => losses.tripletMargin()(undefined, x), 'tripletMargin: predictions are a tensor f32[2,2]; they must be the outputs { anchor, positive, negative }, or a list of 3 in this order'], // prettier-ignore
  ['a list that is too short', () => losses.infoNce()(undefined, [x]), 'infoNce: predictions are a list of 1; they must be the outputs { query, key }, or a list of 2 in this order'], // prettier-ignore
  ['other names', () => losses.infoNce()(undefined, { first: x, second: y }), 'infoNce: predictions are { first, second }; they must be the outputs { query, key }, or a list of 2 in this order'], // prettier-ignore
  ['no tensor', () => losses.infoNce()(undefined, [x, 1] as never), 'infoNce: key is the number 1; it must be a tensor'],
  ['shapes that differ', () => losses.vicReg()(undefined, [x, tensor([[1, 2, 3]])]), 'vicReg: the outputs have the shapes first [2,2], second [1,3]; they must have one shape [n, ...]: give their layers as many units'], // prettier-ignore
  ['rank 3', () => losses.ntXent()(undefined, [tensor([[[1]]]), tensor([[[1]]])]), 'ntXent: outputs have the shape [1,1,1]; they must be embeddings [n, d]'], // prettier-ignore
  ['one sample', () => losses.barlowTwins()(undefined, [tensor([[1]]), tensor([[1]])]), 'barlowTwins: outputs have the shape [1,1]; they must be embeddings [n, d], and 2 samples or more'], // prettier-ignore
  ['weights of a whole batch', () => losses.vicReg()(undefined, [x, y], tensor([1, 2])), 'vicReg: sampleWeight and masks have no meaning for a loss with one value for the batch; leave them out, or filter the samples'], // prettier-ignore
  ['no targets', () => losses.marginRanking()(undefined, [x, y]), 'marginRanking: targets is undefined; it must be a tensor'],
  ['two targets', () => losses.marginRanking()([x, y], [x, y]), 'marginRanking: targets hold 2 tensors; give one for all outputs'],
  ['targets that do not fit', () => losses.cosineEmbedding()(tensor([1]), [x, y]), 'cosineEmbedding: targets [1] do not fit outputs [2,2]; give one target 1 or -1 per sample, shape [2]'], // prettier-ignore
  [
    'weights that do not fit',
    () => losses.infoNce()(undefined, [x, y], tensor([1, 2, 3])),
    'infoNce: sampleWeight [3] does not fit losses of shape [2]',
  ],
  ['labels that do not fit', () => losses.circle()(tensor([1, 2, 3]), x), 'circle: targets [3] do not fit predictions [2,2]; targets are labels [n] of embeddings [n, d]: give one label per sample, and flatten the embeddings'], // prettier-ignore
  ['an unknown distance', () => losses.tripletMarginWithDistance({ distance: 'l2' as 'cosine' }), "losses.tripletMarginWithDistance: distance is 'l2'; it must be 'euclidean', 'squaredEuclidean', 'manhattan' or 'cosine' or a function (x, y) => distances"], // prettier-ignore
] as const)('errors: %s', (_, fn, message) => {
  expect(fn).toThrow(message);
});
