// Metrics of all families, streamed in uneven batches on the CPU, against values over the whole data.
// scripts/golden/metricFamilies.py makes test/golden/metricFamilies.json with scikit-learn or the written formula.
import { describe, expect, test } from 'vitest';
import { OmbreError } from '../../src/core/errors.ts';
import { setDevice } from '../../src/engine/index.ts';
import { leavesOf, mapTree } from '../../src/core/tree.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type MetricState, metrics, resolveMetric } from '../../src/metrics/index.ts';
import { layers } from '../../src/nn/index.ts';
import { abs, sub, tensor, zeros } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { sequential } from '../../src/train/index.ts';
import '../../src/train/names.ts';
import { noteDifference } from '../support/findings.ts';
import { type MetricRow, batchesOf, makeMetricOf, metricNames, rows, tensorsOf } from '../support/metricRows.ts';

/** Metrics with constants that tensors hold in f32: thresholds, discounts, the weights of a window. */
const constantsInF32 = ['rocCurve', 'precisionRecallCurve', 'ndcg', 'ssim'];

/** Each batch's state becomes plain values, as between two steps. */
function settle<T>(state: T, mode: 'f32' | 'f64'): T {
  const leaves = leavesOf(state).map(({ value }) => value as Tensor);
  const values = interpret(leaves, { mode });
  let i = 0;
  return mapTree(state, (leaf) => hostTensor(leaf as Tensor, values[i++])) as T;
}

function streamed({ name, options, data, weighted }: MetricRow, mode: 'f32' | 'f64'): number[] {
  const metric = makeMetricOf(name, options);
  let state = metric.init();
  for (const { targets, predictions, weight } of batchesOf(data, mode === 'f64' ? Float64Array : Float32Array)) {
    state = settle(metric.update(state, targets, predictions, ...(weighted ? [weight] : [])), mode);
  }
  const result = metric.result(state);
  const leaves = tensorsOf(result);
  for (const leaf of leaves) expect(leaf.dtype).toBe('f32');
  if (!('isReport' in metric)) expect(leaves.map(({ shape }) => shape)).toEqual([[]]);
  return interpret(leaves, { mode }).flatMap((values) => Array.from(values));
}

const listOf = ({ value }: MetricRow): number[] => (Array.isArray(value) ? value.map(Number) : [value]);
const titled = rows.map(
  (row) => [`${row.name} ${JSON.stringify(row.options)} of ${row.data}${row.weighted ? ', weighted' : ''}`, row] as const,
);

test.each(titled)('%s', (_, row) => {
  const expected = listOf(row);
  for (const [mode, tolerance] of [
    ['f64', constantsInF32.includes(row.name) ? 1e-7 : 1e-10],
    ['f32', 1e-5],
  ] as const) {
    const actual = streamed(row, mode);
    expect(actual.length).toBe(expected.length);
    noteDifference(`metrics, ${mode}`, row.name, actual, expected);
    actual.forEach((value, i) => {
      const error = Math.abs(value - expected[i]) / Math.max(1e-2, Math.abs(expected[i]));
      expect(error, `${mode} [${i}]: ${value} for ${expected[i]}`).toBeLessThan(tolerance);
    });
  }
});

/** A batch with one more sample. An integer target of the sample is 0, everything else is `bad`. */
function withBad(x: Tensor, bad: number): Tensor {
  const [values] = interpret([x], { mode: 'f64' });
  const added = new Array<number>(values.length / x.shape[0]).fill(x.dtype === 'i32' ? 0 : bad);
  const shape = [x.shape[0] + 1, ...x.shape.slice(1)];
  return hostTensor({ shape, dtype: x.dtype }, (x.dtype === 'i32' ? Int32Array : Float64Array).from([...values, ...added]));
}

describe('a sample of weight 0 changes no result', () => {
  const firsts = metricNames.flatMap((name) => rows.find((row) => row.name === name && row.weighted) ?? []);
  test.each(firsts.map((row) => [row.name, row] as const))('%s', (_, { name, options, data }) => {
    const metric = makeMetricOf(name, options);
    const [{ targets, predictions, weight }] = batchesOf(data);
    const values = (state: MetricState): number[] => interpret(tensorsOf(metric.result(state))).flatMap((all) => Array.from(all));
    const want = values(metric.update(metric.init(), targets, predictions, weight));
    for (const bad of [NaN, Infinity, -Infinity]) {
      const state = metric.update(metric.init(), withBad(targets, bad), withBad(predictions, bad), withBad(weight, 0));
      const got = values(state);
      got.forEach((value, i) => expect(value, `${bad} [${i}]`).toBeCloseTo(want[i], 5));
    }
  });
});

test.each(metricNames.filter((name) => rows.some((row) => row.name === name)))('%s of nothing is 0', (name) => {
  const metric = makeMetricOf(name, rows.find((row) => row.name === name)!.options);
  const leaves = leavesOf(metric.result(metric.init())).filter(({ path }) => path !== '.thresholds');
  for (const values of interpret(leaves.map(({ value }) => value as Tensor))) expect(values.every((value) => value === 0)).toBe(true);
});

test.each([
  'r2Score',
  'explainedVariance',
  'pearsonCorrelation',
  'concordanceCorrelation',
  'spearmanCorrelation',
  'logCoshError',
  'symmetricMeanAbsolutePercentageError',
  'weightedMeanAbsolutePercentageError',
] as const)('%s keeps NaN', (name) => {
  // prettier-ignore
  for (const [targets, predictions] of [
    [[1, 2, 4], [1, NaN, 3]],
    [[1, NaN, 4], [1, 2, 3]],
  ]) {
    const metric = makeMetricOf(name);
    const state = metric.update(metric.init(), tensor([0, 1]), tensor([1, 1]));
    expect(interpret(tensorsOf(metric.result(metric.update(state, tensor(targets), tensor(predictions)))))[0][0]).toBeNaN();
  }
});

test('spearmanCorrelation has space for capacity samples, and no more', () => {
  const metric = metrics.spearmanCorrelation({ capacity: 4 });
  const full = metric.update(metric.update(metric.init(), tensor([3]), tensor([1])), tensor([1, 2, 5]), tensor([0, 2, 3]));
  const value = (state: typeof full): number => interpret([metric.result(state)])[0][0];
  expect(value(full)).toBeCloseTo(0.8, 6);
  expect(value(metric.update(full, tensor([1]), tensor([1])))).toBeNaN();
  expect(value(metric.update(metric.init(), tensor([1, 2, 3, 4, 5]), tensor([1, 2, 3, 4, 5])))).toBeNaN();
});

test('reductions take a function of targets and predictions, and a direction', () => {
  const fn = (targets: Tensor, predictions: Tensor): Tensor => abs(sub(predictions, targets));
  for (const [name, want] of [
    ['mean', 1.5],
    ['sum', 3],
    ['min', 0.5],
    ['max', 2],
  ] as const) {
    // prettier-ignore
    const metric = makeMetricOf(name, { fn, direction: 'min' });
    expect(metric.direction).toBe('min');
    const batch = [tensor([1, 2, 3]), tensor([1.5, 2.5, 1]), tensor([1, 0.5, 1])] as const;
    const weighted = name === 'mean' || name === 'sum' ? 0.5 + 0.25 + 2 : want;
    const value = interpret(tensorsOf(metric.result(metric.update(metric.init(), ...batch))))[0][0];
    expect(value).toBeCloseTo(name === 'mean' ? weighted / 2.5 : weighted, 6);
  }
});

test.each(['min', 'max'] as const)('%s keeps NaN and infinities', (name) => {
  const metric = metrics[name]();
  const after = (...batches: number[][]): number =>
    interpret([metric.result(batches.reduce((state, batch) => metric.update(state, tensor(batch), tensor(batch)), metric.init()))])[0][0];
  expect(after([1, NaN], [2])).toBeNaN();
  expect(after([Infinity])).toBe(Infinity);
  expect(after([-Infinity])).toBe(-Infinity);
});

test.each([
  ['equal scores rank the relevant item first', [[0, 1]], [[0.5, 0.5]], 1],
  ['NaN is above a relevant item', [[0, 1]], [[NaN, 0.5]], 0.5],
  ['a relevant NaN is last', [[0, 1, 0]], [[0.1, NaN, 0.5]], 0.25],
  ['a relevant item without a chance', [[0, 1]], [[0, -Infinity]], 0.5],
  ['no relevant item', [[0, 0]], [[1, 0]], 0],
])('meanReciprocalRank: %s', (_, targets, predictions, want) => {
  const metric = metrics.meanReciprocalRank();
  expect(interpret([metric.result(metric.update(metric.init(), tensor(targets), tensor(predictions)))])[0][0]).toBe(want);
});

test('psnr of equal images is infinite', () => {
  const metric = metrics.psnr();
  expect(interpret([metric.result(metric.update(metric.init(), tensor([1]), tensor([1])))])[0][0]).toBe(Infinity);
});

test('steps that a mask excludes change no metric of a model', async () => {
  await setDevice('cpu');
  const model = sequential([layers.masking({ maskValue: -9, inputShape: [3, 1] }), layers.activation({ activation: 'linear' })]);
  const named = ['auc', 'matthews', 'calibrationError', 'r2Score', 'pearsonCorrelation', 'ndcg', 'psnr', 'max'] as const;
  const own = metrics.spearmanCorrelation({ capacity: 16 });
  model.compile({ loss: 'mse', metrics: [...named, own], weightedMetrics: ['auc', 'explainedVariance'] });
  const kept = [[0.2, 0.7, 0.9], [0.4], [0.8, 0.1], [0.3, 0.6]]; // prettier-ignore
  const truth = [[0, 1, 1], [1], [1, 0], [0, 0]]; // prettier-ignore
  const padded = (x: number[][], filler: number): number[][][] => x.map((steps) => [0, 1, 2].map((i) => [steps[i] ?? filler]));
  const sampleWeight = [1, 2, 0.5, 3];
  const got = await model.evaluate(padded(kept, -9), padded(truth, 1), { batchSize: 3, sampleWeight });
  const [t, p] = [truth, kept].map((x) => tensor(x.flat()));
  const weight = tensor(kept.flatMap((steps, i) => steps.map(() => sampleWeight[i])));
  const whole = (name: MetricRow['name'], weights?: Tensor): number => {
    const metric = makeMetricOf(name);
    return interpret(tensorsOf(metric.result(metric.update(metric.init(), t, p, ...(weights ? [weights] : [])))))[0][0];
  };
  for (const name of [...named, 'spearmanCorrelation'] as const) expect(got[name], name).toBeCloseTo(whole(name), 5);
  expect(got.weighted_auc).toBeCloseTo(whole('auc', weight), 5);
  expect(got.explainedVariance).toBeCloseTo(whole('explainedVariance', weight), 5);
});

const older = /^(accuracy|binaryAccuracy|categoricalAccuracy|sparseCategoricalAccuracy|topKCategoricalAccuracy|sparseTopKCategoricalAccuracy)$|^(true|false)(Pos|Neg)|^(precision|recall|f1Score|mean|sum)$|Error$|rossentropy$|inge$|^(cosineSimilarity|logCosh|poisson|klDivergence)$/; // prettier-ignore

test('every metric has a row here or in metrics.json', () => {
  expect(metricNames.filter((name) => !older.test(name) && !rows.some((row) => row.name === name))).toEqual([]);
});

test('every metric states its direction, or that it has none', () => {
  const unknown = metricNames.filter((name) => makeMetricOf(name, rows.find((row) => row.name === name)?.options).direction === undefined);
  expect(unknown).toEqual(['rocCurve', 'precisionRecallCurve', 'confusionMatrix', 'classificationReport', 'mean', 'sum', 'min', 'max']);
});

describe('errors', () => {
  const message = (call: () => unknown): string => {
    try {
      call();
    } catch (error) {
      if (error instanceof OmbreError) return error.message;
      throw error;
    }
    return 'nothing was thrown';
  };
  const update = (name: MetricRow['name'], options: object, targets: Tensor, predictions: Tensor): unknown => {
    const metric = makeMetricOf(name, options);
    return metric.update(metric.init(), targets, predictions);
  };

  test.each<[string, () => unknown, string]>([
    ['one threshold', () => metrics.auc({ numThresholds: 1 }), 'metrics.auc: numThresholds is 1; it must be at least 2, the two ends of a curve'],
    ['no labels', () => metrics.auc({ multiLabel: true }), 'metrics.auc: multiLabel is true, but numLabels is missing; give the number of labels, such as numLabels: 3'],
    ['labels of one curve', () => metrics.auc({ numLabels: 3 }), 'metrics.auc: numLabels needs multiLabel: true'],
    ['label weights', () => metrics.auc({ multiLabel: true, numLabels: 3, labelWeights: [1] }), 'metrics.auc: labelWeights has 1 numbers, but numLabels is 3; give one for each label'],
    ['other labels', () => update('auc', { multiLabel: true, numLabels: 3 }, tensor([[1, 0]]), tensor([[1, 0]])), 'auc: predictions are [1,2], but numLabels is 3; the last axis has the labels'],
    ['thresholds', () => metrics.auc({ thresholds: [2] }), 'metrics.auc: thresholds[0] is 2; it must be a number from 0 to 1'],
    ['no such class', () => update('precisionAtRecall', { recall: 0.5, classId: 2 }, tensor([[1, 0]]), tensor([[1, 0]])), 'precisionAtRecall: classId is 2, but predictions [1,2] have 2 classes; give a number below it'],
    ['a report', () => resolveMetric('confusionMatrix'), "compile: the metric 'confusionMatrix' gives several numbers, and a log holds one; stream it by hand with its init, update and result"],
    ['classes', () => metrics.cohenKappa({ numClasses: 1 }), 'metrics.cohenKappa: numClasses is 1; it must be an integer of at least 2'],
    ['other classes', () => update('matthews', { numClasses: 3 }, tensor([1]), tensor([[1, 0]])), 'matthews: predictions are [1,2], but numClasses is 3; the last axis has a score for each class'],
    ['other classes than two', () => update('matthews', {}, tensor([1]), tensor([[1, 0, 2]])), 'matthews: predictions are [1,3], but numClasses is 2; the last axis has a score for each class, or one probability'],
    ['outputs', () => update('r2Score', {}, tensor([[1, 2]]), tensor([[1, 2]])), 'r2Score: predictions are [1,2], but numOutputs is 1; the last axis has the outputs'],
    ['a class that does not exist', () => metrics.iou({ numClasses: 3, targetClassIds: [0, 3] }), 'metrics.iou: targetClassIds has 3, but there are 3 classes; give numbers from 0 to 2'],
    ['a class of two', () => metrics.binaryIoU({ targetClassIds: [2] }), 'metrics.binaryIoU: targetClassIds has 2, but there are 2 classes; give numbers from 0 to 1'],
    ['other classes of scores', () => update('meanIoU', { numClasses: 3, sparseYPred: false }, tensor([1]), tensor([[1, 0]])), 'meanIoU: predictions are [1,2]; axis -1 must have 3 classes, the value of numClasses'],
    ['scores as labels', () => update('meanIoU', { numClasses: 3 }, tensor([1]), tensor([[1, 0, 0]])), 'meanIoU: targets [1] give 1 class numbers, and predictions [1,3] give 3; set sparseYTrue or sparseYPred to false for scores of all classes'],
    ['small images', () => update('ssim', {}, zeros([1, 8, 20, 3]), zeros([1, 8, 20, 3])), 'ssim: predictions are [1,8,20,3]; it takes images [n, height, width, channels] of at least 11 x 11 pixels, the filterSize'],
    ['a function without tensor', () => update('mean', { fn: () => 1 }, tensor([1]), tensor([1])), 'mean: fn gave 1; it must give a tensor, such as one value per sample'],
    ['a needed option', () => resolveMetric('recallAtPrecision'), 'metrics.recallAtPrecision: precision is missing; it must be a number from 0 to 1, such as metrics.recallAtPrecision({ precision: 0.9 })'],
  ])('%s', (_, call, expected) => expect(message(call)).toBe(expected)); // prettier-ignore
});
