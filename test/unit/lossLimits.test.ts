// Losses at limits, with class weights and with samples that do not count, on the CPU in f32.
import { beforeAll, describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { losses, outputLosses } from '../../src/losses/index.ts';
import { layers } from '../../src/nn/index.ts';
import { tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { sequential } from '../../src/train/index.ts';
import { type Metric, metrics } from '../../src/metrics/index.ts';
import '../../src/train/names.ts';
import { noteVectors } from '../support/findings.ts';
import { metricNames, rows } from '../support/metricRows.ts';
import { type InputType, graphOf, softwareTarget } from '../support/graphs.ts';
import { complaintsAboutLoss, columnsOf, hasLabels, limitCases, rowLosses, weightCases } from '../tables/lossLimits.ts';

test.each(limitCases.map((limit) => [limit.name, limit] as const))('%s', (_, limit) => {
  expect(complaintsAboutLoss(limit, interpret(limit.build()))).toEqual([]);
  noteVectors(2);
});

describe('a sample of weight 0 adds exactly 0', () => {
  test.each(weightCases.map((limit) => [limit.name, limit] as const))('%s', (_, limit) => {
    expect(complaintsAboutLoss(limit, interpret(limit.build()))).toEqual([]);
  });
});

test('every loss has a limit', () => {
  // The limits of circle are in lossJoint.json.
  expect(rowLosses.filter((name) => name !== 'circle' && !limitCases.some(({ loss }) => loss === name))).toEqual([]);
});

describe('a sample of weight 0 changes no metric', () => {
  const columns: Readonly<Record<string, number>> = { f1Score: 1 };
  // metricFamilies.test.ts has the metrics with separate rows.
  test.each(metricNames.filter((name) => !rows.some((row) => row.name === name)))('%s', (name) => {
    const metric = (metrics[name] as () => Metric)();
    const width = columns[name] ?? 3;
    const take = (n: number): Float32Array => Float32Array.from([0.5, 0.25, 0.25, 0.125, 0.5, 0.375].slice(0, n * width));
    const compute = (n: number, bad: readonly number[], weight: readonly number[]): number => {
      const f32 = (data: ArrayLike<number>, shape: readonly number[]): Tensor =>
        hostTensor({ shape, dtype: 'f32' }, Float32Array.from(data));
      const shape = [n, width];
      const labels = hostTensor({ shape: [n], dtype: 'i32' }, Int32Array.from([0, 2, 1].slice(0, n)));
      const marks = f32([...[1, 0, 0, 0, 0, 1].slice(0, 2 * width), ...bad], shape);
      const predictions = f32([...take(2), ...bad], shape);
      const state = metric.update(metric.init(), name.startsWith('sparse') ? labels : marks, predictions, weightsFor(name, weight, shape));
      return interpret([metric.result(state)])[0][0];
    };
    // The metrics of any values take a weight for each.
    const weightsFor = (metricName: string, weight: readonly number[], shape: readonly number[]): Tensor => {
      const each = ['mean', 'sum'].includes(metricName);
      const data = each ? weight.flatMap((w) => new Array<number>(shape[1]).fill(w)) : weight;
      return hostTensor({ shape: each ? shape : [shape[0]], dtype: 'f32' }, Float32Array.from(data));
    };
    const want = compute(2, [], [2, 1]);
    expect(Number.isFinite(want)).toBe(true);
    for (const bad of [NaN, Infinity, -Infinity]) {
      expect(compute(3, new Array<number>(width).fill(bad), [2, 1, 0]), String(bad)).toBeCloseTo(want, 6);
    }
  });
});

describe('the k highest predictions', () => {
  const topK = (labels: readonly number[], predictions: readonly number[][], k: number): number => {
    const metric = metrics.sparseTopKCategoricalAccuracy({ k });
    const state = metric.update(metric.init(), tensor([...labels], undefined, 'i32'), tensor(predictions.map((row) => [...row])));
    return interpret([metric.result(state)])[0][0];
  };

  test.each([
    ['impossible classes are last', [1], [[-Infinity, 2, 1]], 1, 1],
    ['an impossible class is not the best', [0], [[-Infinity, 2, 1]], 2, 0],
    ['NaN is no hit', [0], [[NaN, 2, 1]], 2, 0],
    ['NaN elsewhere is higher', [1], [[NaN, 2, 1]], 1, 0],
    ['a class that does not exist is no hit', [7], [[-1, -2, -3]], 2, 0],
  ] as const)('%s', (_, labels, predictions, k, share) => {
    expect(topK(labels, predictions as never, k)).toBe(share);
  });
});

describe('class weights', () => {
  beforeAll(() => setDevice('cpu'));

  test('of a sparse loss divide its mean, over an epoch too', async () => {
    const x = [[2, 0, 0], [0, 1, 0], [0, 3, 1], [1, 0, 0]]; // prettier-ignore
    const y = [0, 1, 2, 0];
    const loss = losses.sparseCategoricalCrossentropy({ fromLogits: true, classWeight: [0.5, 2, 1] });
    const want = interpret([loss(tensor(y, undefined, 'i32'), tensor(x))])[0][0];
    const model = sequential([layers.activation({ activation: 'linear', inputShape: [3] })]);
    model.compile({ optimizer: 'sgd', loss });
    for (const batchSize of [1, 2, 3, 4]) {
      expect((await model.evaluate(x, y, { batchSize })).loss, `batches of ${batchSize}`).toBeCloseTo(want, 5);
    }
  });

  test('of which none counts give 0', () => {
    const loss = losses.sparseCategoricalCrossentropy({ fromLogits: true, classWeight: [0, 1, 1] });
    expect(interpret([loss(tensor([0, 0], undefined, 'i32'), tensor([[1, 2, 3], [-Infinity, 0, NaN]]))])[0][0]).toBe(0); // prettier-ignore
  });

  test.each([
    [
      () => losses.sparseCategoricalCrossentropy({ classWeight: [1, -1] }),
      'losses.sparseCategoricalCrossentropy: classWeight[1] is -1; it must be a number of at least 0',
    ],
    [
      () => losses.categoricalCrossentropy({ classWeight: 2 as never }),
      'classWeight is 2; it must be a list of one or more numbers of at least 0',
    ],
    [
      () => losses.binaryCrossentropy({ posWeight: NaN }),
      'posWeight is NaN; it must be a number of at least 0 or a list of one or more numbers of at least 0',
    ],
    [
      () => losses.categoricalCrossentropy({ classWeight: [1, 2] })(tensor([[1, 0, 0]]), tensor([[1, 0, 0]])),
      'losses.categoricalCrossentropy: classWeight has 2 numbers for predictions [1,3]; give 3, one for each class',
    ],
    [
      () => losses.sparseCategoricalCrossentropy({ classWeight: [1, 2] })(tensor([1], undefined, 'i32'), tensor([[1, 0, 0]])),
      'losses.sparseCategoricalCrossentropy: classWeight has 2 numbers for predictions [1,3]; give 3, one for each class',
    ],
  ])('that do not fit: %#', (call, text) => {
    expect(call).toThrow(text);
  });
});

describe('a loss and its gradient are two dispatches, with weights too', () => {
  // The hinges look at all targets first; the weighted focal loss keeps an exponential for its gradient.
  // gaussianNll joins the gradients of both halves, the losses of boxes those of four numbers. The multi-label margin and the pairwise loss
  // compare all pairs of a sample, circle those of the batch. One kernel computes a small region.
  const more: Readonly<Record<string, number>> = {
    ...{ hinge: 3, squaredHinge: 3, softMargin: 3, 'binaryFocalCrossentropy weighted': 4 },
    ...{ gaussianNll: 3, 'gaussianNll weighted': 4, multiLabelMargin: 8, 'multiLabelMargin weighted': 10 },
    ...{
      giou: 7,
      'giou weighted': 8,
      ciou: 11,
      'ciou weighted': 17,
      pairwiseLogistic: 5,
      'pairwiseLogistic weighted': 7,
      wasserstein: 3,
      'wasserstein weighted': 2,
    },
    ...{ circle: 8, 'circle weighted': 11, 'contrastive weighted': 5, dice: 1, tversky: 1, focalTversky: 1 },
  };
  const cases = rowLosses.flatMap((name) => [name, `${name} weighted`]);
  test.each(cases)('%s', (title) => {
    const [name, weighted] = title.split(' ') as [keyof typeof outputLosses, string | undefined];
    const [wanted, columns] = columnsOf[name] ?? [10, 10];
    const targets: InputType = hasLabels(name) ? { shape: [64], dtype: 'i32' } : { shape: [64, wanted] };
    const graph = graphOf([{ shape: [64, columns] }, targets, { shape: [64] }], (x, t, w) => {
      const loss = outputLosses[name]()(t, x, weighted ? w : undefined);
      return [loss, ...gradients(loss, [x])];
    });
    const { dispatches } = compileGraph(graph, { name, target: softwareTarget });
    expect(dispatches).toHaveLength(more[title] ?? more[name] ?? 2);
  });
});
