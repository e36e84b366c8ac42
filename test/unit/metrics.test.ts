// Metrics: against scikit-learn over uneven batches (test/golden/metrics.json, made by scripts/golden/metrics.py), exactness over long epochs,
// errors.
import { describe, expect, test } from 'vitest';
import golden from '../golden/metrics.json';
import { OmbreError } from '../../src/core/errors.ts';
import { leavesOf, mapTree } from '../../src/core/tree.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { losses } from '../../src/losses/index.ts';
import { oneHot, tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { addToTotal, countAll, countValue, noCount, noTotal, totalValue } from '../../src/metrics/accumulate.ts';
import { type Metric, metrics, resolveMetric } from '../../src/metrics/index.ts';
import '../../src/train/names.ts';
import { declarations } from '../support/declarations.ts';
import { type MetricKey, metricNames } from '../support/metricRows.ts';

/** Options without which a metric cannot be made, from the examples of its declaration. */
const neededOptions = (name: MetricKey): object =>
  Object.fromEntries(
    Object.entries(declarations.get(`metrics.${name}`)!.options).flatMap(([option, { need, value }]) =>
      need === 'required' ? [[option, value]] : [],
    ),
  );

type Name = keyof typeof metrics;
interface Golden {
  weight: number[];
  data: Record<'binary' | 'classes' | 'numbers', { targets: number[]; predictions: (number | number[])[] }>;
  cases: { name: Name; data: keyof Golden['data']; options: object; oneHot: boolean; weighted: boolean; value: number }[];
}
const { weight, data, cases } = golden as unknown as Golden;

const make = (name: Name, options: object = {}): Metric => (metrics[name] as (options: object) => Metric)(options);
const f64 = (shape: number[], values: number[]): Tensor => hostTensor({ shape, dtype: 'f32' }, Float64Array.from(values));
const value = (x: Tensor, mode: 'f32' | 'f64' = 'f64'): number => interpret([x], { mode })[0][0];
const relative = (actual: number, expected: number): number => Math.abs(actual - expected) / Math.max(1e-30, Math.abs(expected));

/** Each batch's state becomes plain values, as between two steps. */
function settle<T>(state: T, mode: 'f32' | 'f64'): T {
  const values = interpret(
    leavesOf(state).map(({ value: leaf }) => leaf as Tensor),
    { mode },
  );
  let i = 0;
  return mapTree(state, (leaf) => hostTensor(leaf as Tensor, values[i++])) as T;
}

describe('against scikit-learn, in f64', () => {
  const sizes = [16, 1, 17, 13];

  test.each(
    cases.map(
      (c) => [`${c.name} ${JSON.stringify(c.options)} ${c.data}${c.oneHot ? ' one-hot' : ''}${c.weighted ? ' weighted' : ''}`, c] as const,
    ),
  )('%s', (_, c) => {
    const metric = make(c.name, c.options);
    const { targets, predictions } = data[c.data];
    const columns = Array.isArray(predictions[0]) ? predictions[0].length : 1;
    let state = metric.init();
    let from = 0;
    for (const size of sizes) {
      const rows = [from, (from += size)] as const;
      const labels = targets.slice(...rows);
      const y =
        c.data === 'numbers'
          ? f64([size], labels)
          : c.oneHot
            ? oneHot(tensor(labels, [size], 'i32'), columns)
            : tensor(labels, [size], 'i32');
      const p = f64(c.data === 'binary' ? [size] : [size, columns], predictions.slice(...rows).flat());
      state = settle(metric.update(state, y, p, c.weighted ? f64([size], weight.slice(...rows)) : undefined), 'f64');
    }
    expect(from).toBe(weight.length);
    const result = metric.result(state);
    expect(result.shape).toEqual([]);
    expect(result.dtype).toBe('f32');
    expect(relative(value(result), c.value)).toBeLessThan(1e-10);
  });
});

describe('means of losses', () => {
  const targets = {
    classes: [1, 0, 2],
    rows: [
      [0, 1, 0],
      [1, 0, 0],
      [0, 0, 1],
    ],
    numbers: [
      [0.2, 0.5, 0.3],
      [0.1, 0.1, 0.8],
      [0.4, 0.4, 0.2],
    ],
  };
  const predictions = [
    [0.2, 0.5, 0.3],
    [0.3, 0.3, 0.4],
    [0.6, 0.2, 0.2],
  ];

  test.each([
    ['meanSquaredError', 'numbers'],
    ['meanAbsoluteError', 'numbers'],
    ['meanAbsolutePercentageError', 'numbers'],
    ['meanSquaredLogarithmicError', 'numbers'],
    ['logCosh', 'numbers'],
    ['poisson', 'numbers'],
    ['hinge', 'numbers'],
    ['squaredHinge', 'numbers'],
    ['categoricalHinge', 'rows'],
    ['klDivergence', 'numbers'],
    ['binaryCrossentropy', 'rows'],
    ['categoricalCrossentropy', 'rows'],
    ['sparseCategoricalCrossentropy', 'classes'],
  ] as const)('%s in batches is the mean loss of all', (name, kind) => {
    const metric = make(name);
    const y = targets[kind];
    let state = metric.init();
    for (const rows of [
      [0, 1],
      [1, 3],
    ] as const) {
      state = metric.update(
        state,
        tensor(y.slice(...rows)),
        tensor(predictions.slice(...rows)),
        tensor([1, 3].slice(0, rows[1] - rows[0])),
      );
    }
    const all = losses[name]({ reduction: 'none' })(tensor(y), tensor(predictions));
    const [a, b, c] = interpret([all], { mode: 'f64' })[0];
    expect(relative(value(metric.result(state)), (a + b + 3 * c) / 5)).toBeLessThan(1e-6);
  });

  test('cosineSimilarity has the sign of the similarity', () => {
    const metric = metrics.cosineSimilarity();
    expect(value(metric.result(metric.update(metric.init(), tensor([[1, 0]]), tensor([[2, 0]]))))).toBeCloseTo(1);
  });

  test('fromLogits and labelSmoothing reach the loss', () => {
    const metric = metrics.categoricalCrossentropy({ fromLogits: true, labelSmoothing: 0.3 });
    const loss = losses.categoricalCrossentropy({ fromLogits: true, labelSmoothing: 0.3 });
    const [t, p] = [tensor(targets.rows), tensor(predictions)];
    expect(relative(value(metric.result(metric.update(metric.init(), t, p))), value(loss(t, p)))).toBeLessThan(1e-6);
  });
});

describe('exact over an epoch, in f32', () => {
  /** The mean of these batch means, each the weight of `batch` samples. */
  const epoch = (values: number[], batch: number): number => {
    const metric = metrics.mean();
    let state = metric.init();
    const size = tensor(batch);
    for (const x of values) {
      const mean = tensor(x);
      state = settle(metric.update(state, mean, mean, size), 'f32');
    }
    return value(metric.result(state), 'f32');
  };
  const meanOf = (values: number[]): number => values.reduce((s, x) => s + Math.fround(x), 0) / values.length;

  test.each([
    ['equal values', Array.from({ length: 1875 }, () => 0.1)],
    ['a falling loss', Array.from({ length: 1875 }, (_, i) => 2.3 * Math.exp(-i / 300) + 0.05 + 0.02 * Math.sin(i * i))],
    ['both signs', Array.from({ length: 1875 }, (_, i) => Math.sin(i * i) + 0.3)],
    ['a first loss of 0', [0, ...Array.from({ length: 1875 }, () => 0.7)]],
    ['a first loss far below the others', [1e-4, ...Array.from({ length: 1875 }, (_, i) => 0.7 + 0.1 * Math.sin(i * i))]],
    ['a first loss far above the others', [1e4, ...Array.from({ length: 1875 }, (_, i) => 0.7 + 0.1 * Math.sin(i * i))]],
    ['tiny values', Array.from({ length: 1875 }, () => 1e-30)],
  ])('60,000 samples: %s', (_, values) => expect(relative(epoch(values, 32), meanOf(values))).toBeLessThan(2e-7));

  test('a plain f32 sum would miss that', () => {
    const values = Array.from({ length: 1875 }, () => 0.1);
    const naive = values.reduce((s, x) => Math.fround(s + Math.fround(32 * x)), 0) / 60000;
    expect(relative(naive, 0.1)).toBeGreaterThan(2e-7);
  });

  test('a diverging loss is less precise, but has the right magnitude', () => {
    const values = Array.from({ length: 40 }, (_, i) => 10 ** Math.min(i, 30));
    expect(relative(epoch(values, 1), meanOf(values))).toBeLessThan(1e-5);
  });

  test.each([NaN, Infinity])('%s stays', (x) => {
    const values = [0.5, x, 0.5].map((v) => tensor(v));
    const total = values.reduce((state, v) => settle(addToTotal(state, v), 'f32'), noTotal());
    expect(Number.isFinite(value(totalValue(total), 'f32'))).toBe(false);
  });

  test('counts are exact beyond 2^24, the limit of f32', () => {
    const metric = metrics.truePositives();
    const full = { truePositives: { high: tensor(0, [], 'i32'), whole: tensor(2 ** 24, [], 'i32'), rest: tensor(0) } };
    const state = settle(metric.update(settle(metric.update(full, tensor([1]), tensor([1])), 'f32'), tensor([1]), tensor([1])), 'f32');
    expect(interpret([state.truePositives.whole])[0][0]).toBe(2 ** 24 + 2);
    expect(value(metric.result(state), 'f32')).toBe(2 ** 24 + 2);
  });

  test.each([
    ['whole', undefined],
    ['weighted', tensor([2 ** 29])],
  ])('counts are correct beyond 2^31, the limit of i32: %s', (_, weight) => {
    let count = noCount();
    for (let i = 0; i < 9; i++) count = settle(countAll(count, 2 ** 29, weight), 'f32');
    count = settle(countAll(count, 3), 'f32');
    const [[high], [whole], [rest]] = interpret([count.high, count.whole, count.rest]);
    expect(high * 2 ** 30 + whole + rest).toBe(9 * 2 ** 29 + 3);
    expect(value(countValue(count), 'f32')).toBe(Math.fround(9 * 2 ** 29 + 3));
  });

  test('weights beyond i32 are added', () => {
    const metric = metrics.mean();
    let state = metric.init();
    for (let i = 0; i < 3; i++) state = settle(metric.update(state, tensor([1, 4]), tensor([1, 4]), tensor([1e10, 5e9])), 'f32');
    expect(relative(value(metric.result(state), 'f32'), 2)).toBeLessThan(1e-6);
  });

  test('counts are i32 and stay whole with whole weights', () => {
    const metric = metrics.accuracy();
    const state = metric.update(metric.init(), tensor([1, 0], [2], 'i32'), tensor([0.9, 0.9]), tensor([3, 2]));
    expect(interpret([state.correct.whole, state.correct.rest, state.count.whole, state.count.rest]).map(([x]) => x)).toEqual([3, 0, 5, 0]);
    expect(state.correct.whole.dtype).toBe('i32');
  });
});

describe('accuracy, as Keras resolves it', () => {
  const accuracy = (targets: Tensor, predictions: Tensor): number => {
    const metric = resolveMetric('accuracy');
    return value(metric.result(metric.update(metric.init(), targets, predictions)));
  };
  const digits = tensor([0, 1, 7, 1], [4], 'i32');

  test('regression on digits: right where the prediction, cut at 0.5, is the digit', () => {
    expect(accuracy(digits, tensor([[0.2], [3], [7], [0.4]]))).toBe(0.5);
  });
  test('[n] against [n]', () => expect(accuracy(tensor([0, 1]), tensor([0.2, 0.3]))).toBe(0.5));
  test('class indices [n] and [n,1]', () => {
    const p = tensor([
      [0.9, 0.1],
      [0.2, 0.8],
      [0.6, 0.4],
    ]);
    expect(accuracy(tensor([0, 1, 1], [3], 'i32'), p)).toBeCloseTo(2 / 3, 12);
    expect(accuracy(tensor([0, 0, 1], [3, 1], 'i32'), p)).toBeCloseTo(1 / 3, 12);
  });
  test('one-hot rows', () =>
    expect(
      accuracy(
        tensor([
          [1, 0],
          [1, 0],
        ]),
        tensor([
          [0.9, 0.1],
          [0.2, 0.8],
        ]),
      ),
    ).toBe(0.5));
  test('a sequence counts every step', () => {
    expect(
      accuracy(
        tensor(
          [
            [0, 1],
            [1, 1],
          ],
          [2, 2],
          'i32',
        ),
        tensor([
          [
            [1, 0],
            [0, 1],
          ],
          [
            [1, 0],
            [0, 1],
          ],
        ]),
      ),
    ).toBe(0.75);
  });
  test('a prediction of exactly 0.5 counts as 0', () => expect(accuracy(tensor([0, 1]), tensor([0.5, 0.5]))).toBe(0.5));
});

describe('edges and errors', () => {
  test('nothing counted gives 0', () => {
    for (const name of ['accuracy', 'precision', 'recall', 'f1Score', 'meanSquaredError', 'mean', 'sum'] as const) {
      const metric = make(name);
      expect(value(metric.result(metric.init()))).toBe(0);
    }
    const precision = metrics.precision();
    expect(value(precision.result(precision.update(precision.init(), tensor([1, 0]), tensor([0.1, 0.2]))))).toBe(0);
  });

  test('ties at the edge of the top k count for the target', () => {
    const metric = metrics.sparseTopKCategoricalAccuracy({ k: 1 });
    expect(value(metric.result(metric.update(metric.init(), tensor([1], [1], 'i32'), tensor([[0.5, 0.5]]))))).toBe(1);
  });

  test('names', () => {
    expect(metricNames.map((name) => [name, make(name, neededOptions(name)).name])).toEqual(metricNames.map((name) => [name, name]));
    expect(metrics.precision({ name: 'p' }).name).toBe('p');
    const own = metrics.mean();
    expect(resolveMetric(own)).toBe(own);
  });

  test.each([
    [
      'unknown name',
      () => resolveMetric('acuracy'),
      `unknown metric 'acuracy'; did you mean 'accuracy'? The names are ${Object.keys(metrics).join(', ')}`,
    ],
    [
      'no metric',
      () => resolveMetric(3 as unknown as string),
      "compile: a metric is number; give a name such as 'accuracy' or metrics.NAME(options)",
    ],
    [
      'unknown option',
      () => metrics.recall({ treshold: 1 } as object),
      "metrics.recall: unknown option 'treshold'; it takes threshold, name; did you mean 'threshold'?",
    ],
    ['threshold', () => metrics.f1Score({ threshold: NaN }), 'metrics.f1Score: threshold is NaN; it must be a number'],
    ['k', () => metrics.topKCategoricalAccuracy({ k: 0 }), 'metrics.topKCategoricalAccuracy: k is 0; it must be a positive integer'],
    ['name', () => metrics.mean({ name: '' }), "metrics.mean: name is ''; it must be a text that is not empty"],
    [
      'columns',
      () => metrics.f1Score().update(metrics.f1Score().init(), tensor([[0, 1]]), tensor([[0, 1]])),
      'f1Score: predictions are [1,2]; it takes one probability per sample, [n] or [n,1]',
    ],
    [
      'shapes',
      () =>
        metrics.precision().update(
          metrics.precision().init(),
          tensor([0, 1]),
          tensor([
            [0, 1, 0],
            [0, 1, 0],
          ]),
        ),
      'precision: targets [2] do not fit predictions [2,3]; both must have one shape (targets [n] also fit predictions [n,1]); ' +
        'one-hot encode the targets (oneHot(targets, 3)), use sparseCategoricalCrossentropy for class indices, or give the last layer 1 unit',
    ],
    [
      'weights',
      () => metrics.accuracy().update(metrics.accuracy().init(), tensor([0, 1]), tensor([0, 1]), tensor([1, 2, 3])),
      'accuracy: sampleWeight [3] does not fit losses of shape [2,1]; give one weight per sample, shape [2]',
    ],
  ])('%s', (_, fn, message) => {
    let seen = 'nothing was thrown';
    try {
      fn();
    } catch (e) {
      if (!(e instanceof OmbreError)) throw e;
      seen = e.message;
    }
    expect(seen).toBe(message);
  });
});
