// Losses: values and gradients against PyTorch (losses.json, lossFamilies.json and lossRegions.json of test/golden, made by the scripts of those names), extreme inputs, reductions, errors.
import { describe, expect, test } from 'vitest';
import families from '../golden/lossFamilies.json';
import joint from '../golden/lossJoint.json';
import regions from '../golden/lossRegions.json';
import golden from '../golden/losses.json';
import { gradients } from '../../src/autodiff/index.ts';
import { ArgumentError, ShapeError } from '../../src/core/errors.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type Loss, lossByName, losses, outputLosses } from '../../src/losses/index.ts';
import { type Values, alias, tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import '../../src/train/names.ts';
import { noteDifference, noteVectors } from '../support/findings.ts';

interface Packed {
  shape: number[];
  dtype: string;
  data: number[];
}
interface Case {
  name: keyof typeof outputLosses;
  note: string;
  options: object;
  targets: Packed;
  predictions: Packed;
  weight?: Packed;
  values: number[];
  loss: number;
  gradient: number[];
}
const cases = [...golden, ...families.cases, ...regions.cases] as unknown as Case[];

const unpack = ({ shape, dtype, data }: Packed): Tensor =>
  dtype === 'i32'
    ? hostTensor({ shape, dtype: 'i32' }, Int32Array.from(data))
    : hostTensor({ shape, dtype: 'f32' }, Float64Array.from(data));
const make = (name: keyof typeof outputLosses, options: object): Loss => (outputLosses[name] as (options: object) => Loss)(options);
const compute = (...outputs: Tensor[]): number[][] => interpret(outputs, { mode: 'f64' }).map((data) => Array.from(data));
const i32 = (values: Values): Tensor => tensor(values, undefined, 'i32');

function expectClose(actual: readonly number[], expected: readonly number[], tolerance = 1e-10): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((x, i) =>
    expect(Math.abs(x - expected[i]), `element ${i}: ${x} for ${expected[i]}`).toBeLessThanOrEqual(tolerance * (1 + Math.abs(expected[i]))),
  );
}

describe('against PyTorch, in f64', () => {
  test.each(cases.map((c) => [`${c.name} ${JSON.stringify(c.options)} ${c.note}`, c] as const))('%s', (_, c) => {
    const targets = unpack(c.targets);
    // A reshape of values on the host would be another leaf.
    const predictions = alias(unpack(c.predictions));
    const weight = c.weight && unpack(c.weight);
    const loss = make(c.name, c.options)(targets, predictions, weight);
    const none = make(c.name, { ...c.options, reduction: 'none' })(targets, predictions);
    const sum = make(c.name, { ...c.options, reduction: 'sum' })(targets, predictions, weight);
    const [value, perSample, total, gradient] = compute(loss, none, sum, gradients(loss, [predictions])[0]);
    expect(loss.shape).toEqual([]);
    expectClose(value, [c.loss]);
    expectClose(perSample, c.values);
    const weights = c.weight?.data ?? c.values.map(() => 1);
    expectClose(total, [c.values.reduce((s, v, i) => s + v * weights[i], 0)]);
    expectClose(gradient, c.gradient);
    noteVectors(3);
    const outputs = [loss, none, gradients(loss, [predictions])[0]];
    for (const mode of ['f64', 'f32'] as const) {
      const found = interpret(outputs, { mode });
      [[c.loss], c.values, c.gradient].forEach((golden, i) => noteDifference(`losses, ${mode}`, c.name, found[i], golden));
    }
  });

  test('every loss of the table has a case', () => {
    const named = [...cases.map(({ name }) => name), ...joint.map(({ loss }) => loss), 'ctc', 'linearCrossEntropy'];
    expect(Object.keys(outputLosses).filter((name) => !named.includes(name))).toEqual([]);
  });
});

describe('extreme inputs, in f32', () => {
  const f32 = (...outputs: Tensor[]): number[][] => interpret(outputs).map((data) => Array.from(data));

  test('logits of ±1e4 give finite losses and exact gradients', () => {
    const logits = tensor([[1e4], [1e4], [-1e4], [-1e4]]);
    const binary = losses.binaryCrossentropy({ fromLogits: true, reduction: 'sum' });
    expect(f32(losses.binaryCrossentropy({ fromLogits: true, reduction: 'none' })(tensor([1, 0, 1, 0]), logits))[0]).toEqual([
      0, 1e4, 1e4, 0,
    ]);
    expect(f32(gradients(binary(tensor([1, 0, 1, 0]), logits), [logits])[0])[0]).toEqual([0, 1, -1, 0]);

    const rows = tensor([
      [1e4, -1e4, 0],
      [1e4, -1e4, 0],
    ]);
    const sparse = losses.sparseCategoricalCrossentropy({ fromLogits: true, reduction: 'none' })(i32([0, 1]), rows);
    expect(f32(sparse)[0]).toEqual([0, 2e4]);
    const total = losses.sparseCategoricalCrossentropy({ fromLogits: true, reduction: 'sum' })(i32([0, 1]), rows);
    expect(f32(gradients(total, [rows])[0])[0]).toEqual([0, 0, 0, 1, -1, 0]);
    const dense = losses.categoricalCrossentropy({ fromLogits: true, reduction: 'none' })(
      tensor([
        [1, 0, 0],
        [0, 1, 0],
      ]),
      rows,
    );
    expect(f32(dense)[0]).toEqual([0, 2e4]);
  });

  test('a common offset of 1e4 does not eat the differences of the logits', () => {
    const [[near], [far]] = [0, 1e4].map(
      (offset) =>
        f32(losses.sparseCategoricalCrossentropy({ fromLogits: true })(i32([0]), tensor([[offset + 0.5, offset + 0.25, offset]])))[0],
    );
    expect(far).toBe(near);
  });

  test('small binary losses keep their digits', () => {
    const [value] = f32(losses.binaryCrossentropy({ fromLogits: true, reduction: 'none' })(tensor([1, 0]), tensor([[30], [-30]])));
    for (const x of value) expect(Math.abs(x / Math.exp(-30) - 1)).toBeLessThan(1e-6);
  });

  test('probabilities of exactly 0 and 1 are clipped', () => {
    const binary = losses.binaryCrossentropy({ reduction: 'none' })(tensor([1, 0, 1, 0]), tensor([0, 1, 1, 0]));
    const [value] = interpret([binary], { mode: 'f64' });
    expectClose(Array.from(value), [-Math.log(1e-7), -Math.log(1e-7), 1e-7, 1e-7], 1e-6);
    const sparse = losses.sparseCategoricalCrossentropy({ reduction: 'none' })(
      i32([1, 0]),
      tensor([
        [1, 0],
        [1, 0],
      ]),
    );
    expectClose(Array.from(interpret([sparse], { mode: 'f64' })[0]), [-Math.log(1e-7), 1e-7], 1e-6);
  });

  test('masked logits of -Infinity at other classes than the target add nothing', () => {
    const sparse = losses.sparseCategoricalCrossentropy({ fromLogits: true })(i32([0]), tensor([[0, -Infinity, 0]]));
    expectClose(f32(sparse)[0], [Math.LN2], 1e-6);
  });

  test('cosine similarity of a zero vector is 0, with a finite gradient', () => {
    const zero = tensor([[0, 0]]);
    const loss = losses.cosineSimilarity()(tensor([[1, 2]]), zero);
    const [[value], gradient] = f32(loss, gradients(loss, [zero])[0]);
    expect(value).toBeCloseTo(0);
    expect(gradient.every(Number.isFinite)).toBe(true);
  });

  test('log-cosh does not overflow', () => {
    expectClose(f32(losses.logCosh({ reduction: 'none' })(tensor([0, 0]), tensor([1e4, -1e4])))[0], [1e4 - Math.LN2, 1e4 - Math.LN2], 1e-6);
  });

  test('huber and smoothL1 bend at delta and beta, and nowhere else', () => {
    const errors = tensor([0.25, 0.5, 0.75, 1.5]);
    const zero = tensor([0, 0, 0, 0]);
    expect(f32(losses.huber({ delta: 0.5, reduction: 'none' })(zero, errors))[0]).toEqual([0.03125, 0.125, 0.25, 0.625]);
    expect(f32(losses.smoothL1({ beta: 0.5, reduction: 'none' })(zero, errors))[0]).toEqual([0.0625, 0.25, 0.5, 1.25]);
    expect(f32(losses.huber({ delta: 2, reduction: 'none' })(zero, errors))[0]).toEqual([0.03125, 0.125, 0.28125, 1.125]);
  });

  test('a batch in which every class is ignored has loss 0', () => {
    const logits = tensor([[1, 2]]);
    const loss = losses.sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: -1 })(i32([-1]), logits);
    expect(f32(loss, gradients(loss, [logits])[0])).toEqual([[0], [0, 0]]);
  });

  test('only valid samples divide a weighted mean with an ignored class', () => {
    const logits = tensor([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    const loss = losses.sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: 7 })(i32([0, 7, 1]), logits, tensor([1, 1, 3]));
    expectClose(f32(loss)[0], [(4 * Math.LN2) / 2], 1e-6);
  });
});

describe('shapes and dtypes', () => {
  const mse = losses.meanSquaredError({ reduction: 'none' });

  test.each([
    ['[n] with [n,1]', [1, 2], [[1], [4]], [0, 4]],
    ['[n,1] with [n]', [[1], [2]], [1, 4], [0, 4]],
    ['[n] with [n]', [1, 2], [1, 4], [0, 4]],
    ['[n,d]', [[1, 2]], [[1, 4]], [2]],
  ] as const)('%s', (_, targets, predictions, expected) => {
    const loss = mse(tensor(targets), tensor(predictions));
    expect(loss.shape).toEqual([expected.length]);
    expect(compute(loss)[0]).toEqual(expected);
  });

  test('integer and bool targets are cast', () => {
    expect(compute(mse(i32([1, 2]), tensor([1.5, 2])))[0]).toEqual([0.25, 0]);
    expect(compute(mse(tensor([true, false]), tensor([1, 1])))[0]).toEqual([0, 1]);
  });

  test('f32 class indices are cast', () => {
    const sparse = losses.sparseCategoricalCrossentropy({ reduction: 'none' });
    expectClose(
      compute(
        sparse(
          tensor([1, 0]),
          tensor([
            [0.25, 0.75],
            [0.5, 0.5],
          ]),
        ),
      )[0],
      [-Math.log(0.75), Math.LN2],
    );
  });

  test('weights [n], [n,1] and [] spread over the samples', () => {
    const loss = losses.meanSquaredError();
    const [t, p] = [
      tensor([
        [0, 0],
        [0, 0],
      ]),
      tensor([
        [1, 3],
        [2, 2],
      ]),
    ];
    expect(
      compute(loss(t, p, tensor([2, 1])), loss(t, p, tensor([[2], [1]])), loss(t, p, tensor(3)), loss(t, p, i32([2, 1]))).flat(),
    ).toEqual([7, 7, 13.5, 7]);
    const cube = tensor([
      [[1], [2]],
      [[3], [4]],
    ]);
    expect(
      compute(
        loss(
          tensor([
            [[0], [0]],
            [[0], [0]],
          ]),
          cube,
          tensor([1, 0]),
        ),
      )[0],
    ).toEqual([5 / 4]);
  });

  test('nodes of the graph have the scope of the loss', () => {
    expect(losses.huber()(tensor([1]), tensor([2])).node?.scope).toBe('huber');
    expect(losses.huber().name).toBe('huber');
  });
});

describe('errors', () => {
  const error = (fn: () => unknown): string => {
    try {
      fn();
    } catch (e) {
      if (e instanceof ShapeError || e instanceof ArgumentError) return e.message;
      throw e;
    }
    return 'nothing was thrown';
  };

  test.each([
    [
      'class indices where one-hot rows are due',
      () =>
        losses.categoricalCrossentropy()(
          i32([0, 1]),
          tensor([
            [0.5, 0.5],
            [0.5, 0.5],
          ]),
        ),
      'categoricalCrossentropy: targets [2] do not fit predictions [2,2]; both must have one shape (targets [n] also fit predictions [n,1]); ' +
        'one-hot encode the targets (oneHot(targets, 2)), use sparseCategoricalCrossentropy for class indices, or give the last layer 1 unit',
    ],
    [
      'another number of units',
      () => losses.meanSquaredError()(tensor([[1, 2, 3]]), tensor([[1, 2]])),
      'meanSquaredError: targets [1,3] do not fit predictions [1,2]; both must have one shape (targets [n] also fit predictions [n,1]); ' +
        'give the last layer 3 units, or reshape the targets',
    ],
    [
      'another number of samples',
      () => losses.meanSquaredError()(tensor([1, 2, 3]), tensor([1, 2])),
      'meanSquaredError: targets [3] do not fit predictions [2]; both must have one shape (targets [n] also fit predictions [n,1]); reshape one of them',
    ],
    [
      'one-hot rows where class indices are due',
      () => losses.sparseCategoricalCrossentropy()(tensor([[1, 0]]), tensor([[0.5, 0.5]])),
      'sparseCategoricalCrossentropy: targets [1,2] do not fit predictions [1,2]; targets are class indices of shape [1]; ' +
        'for one-hot targets use the categorical form without "sparse"',
    ],
    [
      'one class',
      () => losses.sparseCategoricalCrossentropy()(i32([0, 1]), tensor([[0.5], [0.5]])),
      'sparseCategoricalCrossentropy: predictions [2,1] have no axis of two or more classes; give the last layer one unit per class, or use the binary form for one unit',
    ],
    [
      'one class, one-hot',
      () => losses.categoricalCrossentropy()(tensor([[0], [1]]), tensor([[0.5], [0.5]])),
      'categoricalCrossentropy: predictions [2,1] have no axis of two or more classes; give the last layer one unit per class, or use the binary form for one unit',
    ],
    [
      'weights of another length',
      () => losses.meanSquaredError()(tensor([1, 2]), tensor([1, 2]), tensor([1, 2, 3])),
      'meanSquaredError: sampleWeight [3] does not fit losses of shape [2]; give one weight per sample, shape [2]',
    ],
    [
      'an unknown option',
      () => losses.meanSquaredError({ reducton: 'sum' } as object),
      "losses.meanSquaredError: unknown option 'reducton'; it takes reduction; did you mean 'reduction'?",
    ],
    [
      'an unknown reduction',
      () => losses.huber({ reduction: 'average' as 'mean' }),
      "losses.huber: reduction is 'average'; it must be 'mean', 'sum', 'none' or 'meanWithSampleWeight'",
    ],
    [
      'one-hot rows for a negative log-likelihood',
      () => losses.nll()(tensor([[1, 0]]), tensor([[-1, -0.5]])),
      'nll: targets [1,2] do not fit predictions [1,2]; targets are class indices of shape [1]; take the classes of one-hot targets: argMax(targets, { axis: -1 })',
    ],
    [
      'a mean without a variance',
      () => losses.gaussianNll()(tensor([[1, 2]]), tensor([[1, 2]])),
      'gaussianNll: targets [1,2] do not fit predictions [1,2]; the last axis of predictions holds a mean and a variance of each target, ' +
        'all means first; give the last layer 4 units',
    ],
    [
      'one class of a multi-label loss',
      () => losses.multiLabelMargin()(tensor([[0], [0]]), tensor([[0.5], [0.5]])),
      'multiLabelMargin: predictions [2,1] have no axis of two or more classes; give the last layer one unit per class, or use the binary form for one unit',
    ],
    [
      'class weights of a margin',
      () => losses.multiMargin({ classWeight: [1] })(i32([0]), tensor([[0.5, 1]])),
      'losses.multiMargin: classWeight has 1 numbers for predictions [1,2]; give 2, one for each class',
    ],
    ['a quantile of 1', () => losses.quantile({ quantile: 1 }), 'losses.quantile: quantile is 1; it must be a number above 0 and below 1'],
    ['an exponent of 3', () => losses.multiMargin({ p: 3 as 2 }), 'losses.multiMargin: p is 3; it must be 1 or 2'],
    ['a delta of 0', () => losses.huber({ delta: 0 }), 'losses.huber: delta is 0; it must be a number above 0'],
    [
      'smoothing above 1',
      () => losses.binaryCrossentropy({ labelSmoothing: 2 }),
      'losses.binaryCrossentropy: labelSmoothing is 2; it must be a number from 0 to 1',
    ],
    [
      'a fractional class',
      () => losses.sparseCategoricalCrossentropy({ ignoreClass: 0.5 }),
      'losses.sparseCategoricalCrossentropy: ignoreClass is 0.5; it must be an integer',
    ],
    [
      'a negative gamma',
      () => losses.binaryFocalCrossentropy({ gamma: -1 }),
      'losses.binaryFocalCrossentropy: gamma is -1; it must be a number of at least 0',
    ],
    [
      'an alpha above 1',
      () => losses.categoricalFocalCrossentropy({ alpha: 2 }),
      'losses.categoricalFocalCrossentropy: alpha is 2; it must be a number from 0 to 1',
    ],
    [
      'a misspelt name',
      () => lossByName('mean_squared_eror'),
      `unknown loss 'mean_squared_eror'; did you mean 'meanSquaredError'? The names are ${Object.keys(losses).join(', ')}`,
    ],
    ['a name of Object', () => lossByName('constructor'), `unknown loss 'constructor'; the names are ${Object.keys(losses).join(', ')}`],
  ])('%s', (_, fn, message) => expect(error(fn)).toBe(message));

  test('a right name gives the loss', () => expect(lossByName('poisson').name).toBe('poisson'));
});
