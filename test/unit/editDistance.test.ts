// Edit distances of texts, which the host compares. Values of those of tokens are in metricFamilies.test.ts.
import { describe, expect, test } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { metrics } from '../../src/metrics/index.ts';
import { tensor, zeros } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';

const { editDistance, wordErrorRate, charErrorRate } = metrics;
const read = (x: Tensor): number => interpret([x])[0][0];
const tokens = (rows: number[][]): Tensor => tensor(rows, undefined, 'i32');

describe('texts', () => {
  // torchmetrics documents these values.
  test.each([
    ['editDistance', 'kitten', 'sitting', 3],
    ['editDistance', 'wall-e', '', 6],
    ['editDistance', '', 'ab', 2],
    ['editDistance', 'ça va 👍', 'ca va 👎', 2],
    ['wordErrorRate', ' the  cat\tsat\n', 'the bat sat', 1 / 3],
    ['wordErrorRate', 'a', 'b c d', 3],
    ['charErrorRate', 'kitten', 'sitting', 0.5],
    ['charErrorRate', 'a👍', 'a', 0.5],
    ['charErrorRate', '', '', 0],
    ['wordErrorRate', ' ', 'word', Infinity],
  ] as const)('%s of %o and %o', (name, target, prediction, want) => {
    const metric = metrics[name]();
    expect(metric.ofTexts([target], [prediction])).toBeCloseTo(want, 12);
    expect(read(metric.result(metric.updateTexts(metric.init(), [target], [prediction])))).toBeCloseTo(want, 6);
  });

  test('rates are edits over the length of all targets, and distances have a mean or a sum', () => {
    const [targets, predictions] = [['this is the reference', 'there is another one'], ['this is the prediction', 'there is an other sample']]; // prettier-ignore
    expect(wordErrorRate().ofTexts(targets, predictions)).toBe(0.5);
    expect(charErrorRate().ofTexts(targets, predictions)).toBeCloseTo(14 / 41, 12);
    expect(editDistance().ofTexts(['rain', 'lnaguaeg'], ['shine', 'language'])).toBe(3.5);
    expect(editDistance({ reduction: 'sum' }).ofTexts(['rain', 'lnaguaeg'], ['shine', 'language'])).toBe(7);
    expect(editDistance({ substitutionCost: 2 }).ofTexts(['rain'], ['shine'])).toBe(5);
  });

  test('texts, weights and tokens are added to one state', () => {
    const metric = wordErrorRate({ maskTokenId: 0 });
    let state = metric.updateTexts(metric.init(), ['a b', 'c d e'], ['a', 'x y'], [2, 0]);
    state = metric.update(state, tokens([[1, 2, 3, 0]]), tokens([[0, 1, 3, 4]]));
    // 2 * 1 edit of 2 * 2 words, and 2 edits of 3 words.
    expect(read(metric.result(state))).toBeCloseTo(4 / 7, 6);
    expect(metric.direction).toBe('min');
  });
});

test('tokens have the distances of texts, for all lengths', () => {
  for (const [T, U] of [
    [0, 0],
    [0, 3],
    [4, 0],
    [1, 1],
    [7, 3],
    [5, 8],
  ] as const) {
    // prettier-ignore
    const rows = (width: number, step: number): number[][] => Array.from({ length: 3 }, (_, n) => Array.from({ length: width }, (_, j) => 1 + (((n + 2) * j * step + n) % 3))); // prettier-ignore
    const [targets, predictions] = [rows(T, 1), rows(U, 2)];
    const texts = (all: number[][]): string[] => all.map((row) => row.join(''));
    const of = (all: number[][], width: number): Tensor => (width ? tokens(all) : zeros([3, 0], 'i32'));
    for (const substitutionCost of [0, 1, 2]) {
      const metric = editDistance({ substitutionCost, reduction: 'sum' });
      const value = read(metric.result(metric.update(metric.init(), of(targets, T), of(predictions, U))));
      expect(value, `${T} and ${U}`).toBe(metric.ofTexts(texts(targets), texts(predictions)));
    }
  }
});

test('a token that does not count is no substitution', () => {
  const metric = editDistance({ substitutionCost: 0.5, maskTokenId: 0 });
  const value = (target: number[], prediction: number[]): number => read(metric.result(metric.update(metric.init(), tokens([target]), tokens([prediction])))); // prettier-ignore
  expect([value([1, 0], [2, 3]), value([2, 3], [0, 1]), value([0, 1, 0], [0, 0, 1])]).toEqual([1.5, 1.5, 0]);
});

test('steps of weight 0, as of a masked output, do not count', () => {
  const metric = editDistance({ reduction: 'sum' });
  const weight = tensor([[1, 1, 0], [0, 0, 0], [2, 2, 2]]); // prettier-ignore
  const state = metric.update(metric.init(), tokens([[1, 2, 5], [1, 1, 1], [1, 2, 3]]), tokens([[1, 3, 9], [2, 2, 2], [3, 2, 1]]), weight); // prettier-ignore
  expect(read(metric.result(state))).toBe(1 + 0 + 2 * 2);
});

test.each([
  ['shapes', () => editDistance().update(editDistance().init(), tokens([[1]]), tensor([1])), 'editDistance: targets [1,1] do not fit predictions [1]; targets are tokens [n, T], predictions tokens [n, U] or scores [n, U, classes]'], // prettier-ignore
  ['samples', () => wordErrorRate().update(wordErrorRate().init(), tokens([[1]]), tokens([[1], [2]])), 'wordErrorRate: targets [1,1] do not fit predictions [2,1]'], // prettier-ignore
  ['weights', () => editDistance().update(editDistance().init(), tokens([[1]]), tokens([[1]]), tensor([1, 2])), 'editDistance: sampleWeight [2] does not fit losses of shape [1]'], // prettier-ignore
  ['one text', () => charErrorRate().ofTexts('a' as never, ['a']), "charErrorRate: targets of texts are or hold 'a'; they must be a list of texts, such as ['a cat']"], // prettier-ignore
  ['a number', () => charErrorRate().ofTexts(['a'], [1 as never]), 'charErrorRate: predictions of texts are or hold 1; they must be a list of texts'], // prettier-ignore
  ['counts', () => charErrorRate().ofTexts(['a'], []), 'charErrorRate: got 1 targets and 0 predictions; give one prediction for each target'], // prettier-ignore
  ['weights of texts', () => charErrorRate().updateTexts(charErrorRate().init(), ['a'], ['a'], [NaN]), 'charErrorRate: sampleWeight is [NaN]; it must be a list of 1 numbers, one for each pair'], // prettier-ignore
] as const)('errors: %s', (_, fn, message) => {
  expect(fn).toThrow(message);
});
