// Data of pictures about classifiers: against scikit-learn, and against the metrics.
import { beforeAll, describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { metrics } from '../../src/metrics/index.ts';
import { tensor } from '../../src/ops/index.ts';
import { calibrationCurve, confusionCounts, precisionRecallCurve, rocCurve, trainingCurves } from '../../src/plots/index.ts';
import { golden } from '../support/plotModels.ts';

beforeAll(() => setDevice('cpu'));

const { targets, scores, weight, probabilities } = golden;

/** Compares lists of numbers to 1e-6. */
function close(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => expect(value, `element ${i}`).toBeCloseTo(expected[i], 6));
}

describe('rocCurve', () => {
  test.each(golden.roc.map((expected, i) => ({ expected, weighted: i === 1 })))(
    'is that of scikit-learn: weighted $weighted',
    async ({ expected, weighted }) => {
      const options = weighted ? { sampleWeight: weight } : {};
      const curve = await rocCurve(targets, scores, { ...options, dropCollinear: false });
      close(curve.falsePositiveRate, expected.falsePositiveRate);
      close(curve.truePositiveRate, expected.truePositiveRate);
      close(curve.thresholds.slice(1), expected.thresholds);
      expect(curve.thresholds[0]).toBe(Infinity);
      expect(curve.area).toBeCloseTo(expected.area, 6);
      const corners = await rocCurve(targets, scores, options);
      expect(corners.area).toBeCloseTo(expected.area, 6);
      expect(corners.thresholds.length).toBeLessThan(curve.thresholds.length);
      expect(curve.thresholds).toEqual(expect.arrayContaining([...corners.thresholds]));
    },
  );

  test('takes one class of several, and promises', async () => {
    const columns = scores.map((score) => [0.5, score]);
    const { area } = await rocCurve(targets, Promise.resolve(tensor(columns)), { classId: 1 });
    expect(area).toBeCloseTo(golden.roc[0].area, 6);
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['one kind of targets', () => rocCurve([1, 1], [0.1, 0.2]), 'rocCurve: no target is negative, so the curve is not defined'],
    ['other shapes', () => rocCurve([1, 0, 1], [0.1, 0.2]), 'rocCurve: targets are [3] and scores [2]; give targets [n] with scores [n]'],
    ['no class', () => rocCurve([1, 0], [[0.1, 0.9], [0.2, 0.8]]), 'rocCurve: scores are [2,2]; give the column of one class, such as classId: 1'], // prettier-ignore
    ['NaN', () => rocCurve([1, 0], [NaN, 0.2]), 'rocCurve: the score of sample 0 is NaN'],
    ['a negative weight', () => rocCurve([1, 0], [0.1, 0.2], { sampleWeight: [1, -1] }), 'rocCurve: sampleWeight[1] is -1; weights are'],
    ['other weights', () => rocCurve([1, 0], [0.1, 0.2], { sampleWeight: [1] }), 'sampleWeight is [1], but there are 2 samples'],
    ['an unknown option', () => rocCurve([1, 0], [0.1, 0.2], { classID: 1 } as never), "unknown option 'classID'"],
  ])('refuses %s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });
});

describe('precisionRecallCurve', () => {
  test.each(golden.precisionRecall.map((expected, i) => ({ expected, weighted: i === 1 })))(
    'is that of scikit-learn: weighted $weighted',
    async ({ expected, weighted }) => {
      const curve = await precisionRecallCurve(targets, scores, weighted ? { sampleWeight: weight } : {});
      close(curve.precision, expected.precision);
      close(curve.recall, expected.recall);
      close(curve.thresholds.slice(1), expected.thresholds);
      expect(curve.averagePrecision).toBeCloseTo(expected.averagePrecision, 6);
    },
  );

  test('refuses targets without positives', async () => {
    await expect(precisionRecallCurve([0, 0], [0.1, 0.2])).rejects.toThrow('precisionRecallCurve: no target is positive');
  });
});

describe('calibrationCurve', () => {
  test.each(['uniform', 'quantile'] as const)('is that of scikit-learn: %s', async (strategy) => {
    const { bins } = await calibrationCurve(targets, probabilities, { numBins: 5, strategy });
    const filled = bins.filter(({ weight }) => weight > 0);
    close(filled.map(({ accuracy }) => accuracy!), golden.calibration[strategy].accuracy); // prettier-ignore
    close(filled.map(({ confidence }) => confidence!), golden.calibration[strategy].confidence); // prettier-ignore
  });

  test.each([undefined, weight])('has the errors of the metric', async (sampleWeight) => {
    const { expectedError, maximumError } = await calibrationCurve(targets, probabilities, {
      numBins: 7,
      ...(sampleWeight && { sampleWeight }),
    });
    for (const [norm, value] of [
      ['l1', expectedError],
      ['max', maximumError],
    ] as const) {
      // prettier-ignore
      const metric = metrics.calibrationError({ numBins: 7, norm });
      const state = metric.update(metric.init(), tensor(targets), tensor(probabilities), sampleWeight && tensor(sampleWeight));
      expect(value).toBeCloseTo(await metric.result(state).item(), 5);
    }
  });

  test('takes the largest probability of several classes', async () => {
    const { bins } = await calibrationCurve([0, 1], [[0.95, 0.05], [0.75, 0.25]]); // prettier-ignore
    expect(bins[9]).toMatchObject({ weight: 1, accuracy: 1 });
    expect(bins[7]).toMatchObject({ weight: 1, accuracy: 0 });
  });

  test('refuses other numbers of targets', async () => {
    await expect(calibrationCurve([0, 1, 1], [0.5, 0.5])).rejects.toThrow('calibrationCurve: targets are [3] and predictions [2]');
  });
});

describe('confusionCounts', () => {
  test('counts the metric’s matrix', async () => {
    const predictions = [[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1], [0, 0.2, 0.8]]; // prettier-ignore
    expect(await confusionCounts([0, 1, 1, 2], predictions, { numClasses: 3 })).toEqual([[1, 0, 0], [1, 1, 0], [0, 0, 1]]); // prettier-ignore
    const weighted = await confusionCounts([0, 1, 1, 2], predictions, { numClasses: 3, sampleWeight: [2, 1, 3, 1], normalize: 'true' });
    expect(weighted).toEqual([[1, 0, 0], [0.75, 0.25, 0], [0, 0, 1]]); // prettier-ignore
  });
});

describe('trainingCurves', () => {
  test('joins training and validation', () => {
    expect(trainingCurves({ loss: [3, 2], val_loss: [4, 3], accuracy: [0.5, 0.6] })).toEqual([
      { name: 'loss', epochs: [1, 2], training: [3, 2], validation: [4, 3] },
      { name: 'accuracy', epochs: [1, 2], training: [0.5, 0.6], validation: undefined },
    ]);
  });

  test('takes numbers of epochs from a history', () => {
    const [curve] = trainingCurves({ epoch: [4, 5], history: { val_loss: [1, 2] } });
    expect(curve).toEqual({ name: 'loss', epochs: [5, 6], training: undefined, validation: [1, 2] });
  });

  test.each([undefined, {}, { loss: 3 }, [1, 2]])('refuses %j', (history) => {
    expect(() => trainingCurves(history as never)).toThrow('give the result of model.fit, or lists of numbers by name');
  });
});
