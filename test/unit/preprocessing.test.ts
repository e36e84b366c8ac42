// Preprocessing of numbers by Keras' rules, with expected values written by hand: statistics, categories and lookups.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { data } from '../../src/data/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, type Tensors, input, layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { tensor } from '../../src/ops/index.ts';
import { fromConfig } from '../../src/train/fromConfig.ts';
import { createModel, sequential } from '../../src/train/index.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(3));

const int = (values: Parameters<typeof tensor>[0], shape?: number[]): Tensor => tensor(values, shape, 'i32');
const arrayOf = (layer: Layer, x: Tensors): Promise<unknown> => layer.apply<Tensor>(x).array();
/** The same object, made again from its config as JSON. */
const sent = <Made extends { config: unknown }>(made: Made): Made => fromConfig<Made>(JSON.parse(JSON.stringify(made.config)) as never);
const close = (values: readonly number[]): unknown[] => values.map((value): unknown => expect.closeTo(value, 5));

describe('normalization', () => {
  const x = [
    [1, 10],
    [3, 10],
    [5, 40],
  ];
  const [deviation, spread] = [Math.sqrt(8 / 3), Math.sqrt(200)];
  const expected = [close([-2 / deviation, -10 / spread]), close([0, -10 / spread]), close([2 / deviation, 20 / spread])];

  test('learns a mean for each column, of an array, a tensor, and batches', async () => {
    const batches = data.fromArrays(x, [0, 0, 0]).batch(2);
    for (const given of [x, tensor(x), { data: Float64Array.from(x.flat()), shape: [3, 2] }, batches, [tensor(x)]]) {
      const layer = layers.normalization();
      await layer.adapt(given);
      expect(await arrayOf(layer, tensor(x))).toEqual(expected);
      expect(layer.config.options.mean).toEqual(close([3, 20]));
      expect(await arrayOf(sent(layer), tensor(x))).toEqual(expected);
    }
  });

  test('large numbers keep their variance', async () => {
    const layer = layers.normalization({ axis: [] });
    await layer.adapt([[1e9 + 1], [1e9 + 3]]);
    expect(layer.config.options).toMatchObject({ mean: 1e9 + 2, variance: 1 });
  });

  test('invert brings the numbers back', async () => {
    const back = layers.normalization({ invert: true });
    await back.adapt(x);
    expect(
      await layers
        .normalization({ mean: [3, 20], variance: [8 / 3, 200] })
        .apply(tensor(x))
        .array(),
    ).toEqual(expected);
    const there = layers.normalization({ mean: [3, 20], variance: [8 / 3, 200] }).apply(tensor(x));
    expect(await arrayOf(back, there)).toEqual(x.map(close));
  });

  // prettier-ignore
  test.each([
    [{ axis: [1, 2] as const, mean: [[1, 2], [3, 4]], variance: [[1, 1], [4, 4]] }, [[[0, 0], [0, 0]], [[1, 1], [0.5, 0.5]]]],
    [{ axis: [1, 2] as const, mean: [1, 2], variance: [1, 4] }, [[[0, 0], [2, 1]], [[1, 0.5], [3, 1.5]]]],
    [{ axis: 1, mean: [1, 3], variance: [1, 1] }, [[[0, 1], [0, 1]], [[1, 2], [1, 2]]]],
    [{ axis: [] as number[], mean: 2, variance: 4 }, [[[-0.5, 0], [0.5, 1]], [[0, 0.5], [1, 1.5]]]],
  ])('%j', async (options, values) => {
    const x = tensor([
      [
        [1, 2],
        [3, 4],
      ],
      [
        [2, 3],
        [4, 5],
      ],
    ]);
    expect(await arrayOf(layers.normalization(options), x)).toEqual(values.map((rows) => rows.map(close)));
  });

  test.each([
    [0, [1.5, 5.5], [1.25, 1.25]],
    [1, [2.5, 4.5], [4.25, 4.25]],
    [
      [0, 2],
      [
        [1, 2],
        [5, 6],
      ],
      [
        [1, 1],
        [1, 1],
      ],
    ],
    [[], 3.5, 5.25],
  ])('adapt keeps axis %j', async (axis, mean, variance) => {
    const layer = layers.normalization({ axis });
    await layer.adapt([[[0, 1], [2, 3]], [[4, 5], [6, 7]]]); // prettier-ignore
    expect(layer.config.options).toMatchObject({ mean, variance });
  });

  test('a constant column does not divide by 0', async () => {
    const layer = layers.normalization();
    await layer.adapt([[2], [2]]);
    expect(await arrayOf(layer, tensor([[2]]))).toEqual([[0]]);
  });

  test('in a model: the numbers are constants of the compiled step', async () => {
    const scale = layers.normalization({ inputShape: [2] });
    await scale.adapt(x);
    const model = sequential([scale, layers.dense({ units: 1 })]);
    model.compile({ optimizer: 'adam', loss: 'mse' });
    await model.fit(x, [[1], [2], [3]], { verbose: 0 });
    expect(model.variables().map(({ path }) => path)).toEqual(
      ['dense/kernel', 'dense/bias'].map((path) => expect.stringMatching(path.replace('/', '.*/')) as string),
    );
    await expect(scale.adapt(x)).rejects.toThrow(
      'was compiled with the present numbers and keeps them; adapt before, or make a new layer and model',
    );
  });
});

test('rescaling', async () => {
  expect(await arrayOf(layers.rescaling({ scale: 1 / 127.5, offset: -1 }), tensor([[0, 255, 127.5]]))).toEqual([close([-1, 1, 0])]);
  expect(await arrayOf(layers.rescaling({ scale: [1, 2], offset: [0, 1] }), tensor([[5, 6]]))).toEqual([[5, 13]]);
});

describe('categoryEncoding', () => {
  const x = int([
    [0, 1],
    [0, 0],
    [1, 2],
    [3, 5],
  ]);

  // prettier-ignore
  test.each([
    ['multiHot', x, [[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]],
    ['count', x, [[1, 1, 0, 0], [2, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]],
    ['oneHot', int([3, -1]), [[0, 0, 0, 1], [0, 0, 0, 0]]],
    ['oneHot', int([[3], [2]]), [[0, 0, 0, 1], [0, 0, 1, 0]]],
    ['oneHot', int([[3, 2]]), [[[0, 0, 0, 1], [0, 0, 1, 0]]]],
    ['multiHot', int([3, 1]), [[0, 0, 0, 1], [0, 1, 0, 0]]],
    ['multiHot', int([[[3, 1], [2, 2]]]), [[[0, 1, 0, 1], [0, 0, 1, 0]]]],
  ] as const)('%s', async (outputMode, x, expected) => {
    const layer = layers.categoryEncoding({ numTokens: 4, outputMode });
    expect(await arrayOf(layer, x)).toEqual(expected);
    expect(layer.outputShape(x.shape.slice(1))).toEqual(layer.apply(x).shape.slice(1));
  });

  test('weights of counts', async () => {
    const layer = layers.categoryEncoding({ numTokens: 3, outputMode: 'count' });
    expect(
      await arrayOf(layer, [
        int([
          [0, 1],
          [2, 2],
        ]),
        tensor([
          [0.5, 2],
          [1, 0.25],
        ]),
      ]),
    ).toEqual([
      [0.5, 2, 0],
      [0, 0, 1.25],
    ]);
  });
});

describe('discretization', () => {
  test('a border belongs to the bin above, and NaN to the last bin', async () => {
    const layer = layers.discretization({ binBoundaries: [0, 1, 2] });
    const y = layer.apply(
      tensor([
        [-1.5, 0, 3.4, 0.5],
        [1, 2, NaN, -Infinity],
      ]),
    );
    expect([y.dtype, await y.array()]).toEqual([
      'i32',
      [
        [0, 1, 3, 1],
        [2, 3, 3, 0],
      ],
    ]);
  });

  test('learns exact quantiles', async () => {
    const layer = layers.discretization({ numBins: 4 });
    await layer.adapt([8, 1, 7, 2, 6, 3, 5, 4]);
    expect(layer.config.options).toMatchObject({ numBins: 4, binBoundaries: [2, 4, 6] });
    expect(await arrayOf(sent(layer), tensor([1, 2, 3.9, 4, 100]))).toEqual([0, 1, 1, 2, 3]);
    const thirds = layers.discretization({ numBins: 3 });
    // The shares are 0.25, 0.5, 0.75 and 1.
    await thirds.adapt([tensor([0, 3]), tensor([6, 9])]);
    expect(thirds.config.options.binBoundaries).toEqual(close([1, 5]));
    expect(layers.discretization({ numBins: 3, outputMode: 'oneHot' }).outputShape([2])).toEqual([2, 3]);
    const one = layers.discretization({ numBins: 1, outputMode: 'oneHot' });
    await one.adapt([1, 2]);
    expect(await arrayOf(one, tensor([0, 9]))).toEqual([[1], [1]]);
  });

  test('encodings', async () => {
    const layer = layers.discretization({ binBoundaries: [0, 1], outputMode: 'count' });
    expect(
      await arrayOf(
        layer,
        tensor([
          [-1, -2, 0.5],
          [7, 0, 9],
        ]),
      ),
    ).toEqual([
      [2, 1, 0],
      [0, 1, 2],
    ]);
  });
});

describe('integerLookup', () => {
  const x = int([
    [12, 1138, 42],
    [42, 1000, 36],
  ]);
  const vocabulary = [12, 36, 1138, 42];

  // prettier-ignore
  test.each([
    [{ vocabulary }, [[1, 3, 4], [4, 0, 2]]],
    [{ vocabulary: [-1, 12, 36, 1138, 42] }, [[1, 3, 4], [4, 0, 2]]],
    [{ vocabulary, maskToken: 0 }, [[2, 4, 5], [5, 1, 3]]],
    [{ vocabulary: [12, 36, 1138], maskToken: 42 }, [[2, 4, 0], [0, 1, 3]]],
    [{ vocabulary, numOovIndices: 3 }, [[3, 5, 6], [6, 1, 4]]],
    [{ vocabulary, numOovIndices: 0 }, [[0, 2, 3], [3, -1, 1]]],
    [{ vocabulary: [12, 36], outputMode: 'multiHot' }, [[1, 1, 0], [1, 0, 1]]],
    [{ vocabulary: [12, 36], outputMode: 'count' }, [[2, 1, 0], [2, 0, 1]]],
    [{ vocabulary: [12, 36], outputMode: 'count', maskToken: 42 }, [[1, 1, 0], [1, 0, 1]]],
    [{ vocabulary: [12, 36], outputMode: 'tfIdf', idfWeights: [0.5, 1.5] }, [[2, 0.5, 0], [2, 0, 1.5]]],
    [{ vocabulary: [12, 36], outputMode: 'count', padToMaxTokens: true, maxTokens: 5 }, [[2, 1, 0, 0, 0], [2, 0, 1, 0, 0]]],
  ] as const)('%j', async (options, expected) => {
    const layer = layers.integerLookup(options);
    expect(await arrayOf(layer, x)).toEqual(expected);
    expect(layer.outputShape([3])).toEqual(layer.apply(x).shape.slice(1));
  });

  test('invert', async () => {
    const layer = layers.integerLookup({ vocabulary, maskToken: 0, invert: true });
    const y = layer.apply(
      int([
        [2, 0, 1],
        [5, 99, -3],
      ]),
    );
    expect([y.dtype, await y.array()]).toEqual([
      'i32',
      [
        [12, 0, -1],
        [42, -1, -1],
      ],
    ]);
  });

  test('learns the most frequent numbers, the larger one first', async () => {
    const layer = layers.integerLookup({ maxTokens: 4, maskToken: 0 });
    await layer.adapt([
      [7, 7, 0],
      [5, 9, 0],
      [-1, 2, 7],
    ]);
    expect(layer.getVocabulary()).toEqual([0, -1, 7, 9]);
    expect(layer.getVocabulary(false)).toEqual([7, 9]);
    expect(layer.vocabularySize()).toBe(4);
    expect(await arrayOf(sent(layer), int([7, 9, 5, 0]))).toEqual([2, 3, 1, 0]);
    const weighted = layers.integerLookup({ outputMode: 'tfIdf' });
    await weighted.adapt([
      [7, 7],
      [7, 5],
    ]);
    const [seven, five] = [Math.log(1 + 2 / 3), Math.log(1 + 2 / 2)];
    const expected = [close([(seven + five) / 2, 2 * seven, 0])];
    for (const layer of [weighted, sent(weighted)]) expect(await arrayOf(layer, int([[7, 7, 1]]))).toEqual(expected);
  });

  test('before an embedding, trained', async () => {
    const x = input({ shape: [3], dtype: 'i32' });
    const lookup = layers.integerLookup({ vocabulary });
    const found = layers.embedding({ inputDim: lookup.vocabularySize(), outputDim: 2 }).apply(lookup.apply(x));
    const model = createModel({ inputs: x, outputs: layers.dense({ units: 1 }).apply(layers.flatten().apply(found)) });
    model.compile({ loss: 'mse' });
    const { history } = await model.fit(
      [
        [12, 36, 5],
        [42, 0, 1138],
      ],
      [[1], [0]],
      { epochs: 3, verbose: 0 },
    );
    expect(history.loss[2]).toBeLessThan(history.loss[0]);
  });
});

describe('errors', () => {
  const x = tensor([[1, 2]]);
  // prettier-ignore
  const refused: readonly (readonly [string, () => unknown])[] = [
    ['normalization: has no mean and variance yet; call await layer.adapt(data) first, or give both', () => layers.normalization().apply(x)],
    ['layers.normalization: mean needs variance; give both, or neither and call adapt(data)', () => layers.normalization({ mean: 1 })],
    ['layers.normalization: mean is [2] and variance []; give the same shape', () => layers.normalization({ mean: [1, 2], variance: 1 })],
    ['layers.normalization: mean is [1,1], but there is 1 axis; name as many axes in axis', () => layers.normalization({ mean: [[1]], variance: [[1]] })],
    ['normalization: mean is [3], which does not fit axis -1 of inputs [batch,2]', () => layers.normalization({ mean: [1, 2, 3], variance: [1, 1, 1] }).apply(x)],
    ['normalization.adapt: mean and variance were given; leave them out to learn them', () => layers.normalization({ mean: 1, variance: 1 }).adapt(x)],
    ['normalization.adapt: the data are empty; give at least one sample', () => layers.normalization().adapt(new Set<Tensor>())],
    ['normalization.adapt: takes an array of numbers, or batches of them, got 3', () => layers.normalization().adapt(3 as never)],
    ['normalization.adapt: a batch is [1,3], but the axes [1] had the sizes [2] before; give batches alike', () => layers.normalization().adapt([x, tensor([[1, 2, 3]])])],
    ['normalization.adapt: lists are [2,2] by their first elements, but one is [3]; give lists of equal lengths', () => layers.normalization().adapt([[1, 2], [3]])],
    ['rescaling: numbers [3] do not fit inputs [batch,2]; give one for all, or one for each', () => layers.rescaling({ scale: [1, 2, 3] }).apply(x)],
    ["categoryEncoding: got [[batch,2], [batch,2]]; give indices, or [indices, weights] of one shape with outputMode 'count'", () => layers.categoryEncoding({ numTokens: 2 }).apply([x, x])],
    ['discretization: has no borders of bins yet; give binBoundaries, or numBins and call adapt(data)', () => layers.discretization().apply(x)],
    ['discretization: has no borders of bins yet; call await layer.adapt(data) first', () => layers.discretization({ numBins: 3 }).apply(x)],
    ['discretization.adapt: the borders were given; give numBins instead to learn them', () => layers.discretization({ binBoundaries: [1] }).adapt(x)],
    ['discretization.adapt: the data hold NaN, which belongs to no bin; leave it out', () => layers.discretization({ numBins: 2 }).adapt([1, NaN])],
    ['layers.discretization: numBins is 2, but binBoundaries make 3 bins; give one of them', () => layers.discretization({ numBins: 2, binBoundaries: [1, 2] })],
    ['integerLookup: has no vocabulary yet; give vocabulary, or call await adapt(data) first', () => layers.integerLookup().apply(int([[1]]))],
    ['integerLookup.adapt: the vocabulary was given; leave it out to learn one', () => layers.integerLookup({ vocabulary: [1] }).adapt(x)],
    ['integerLookup.adapt: the data hold no tokens; give at least one', () => layers.integerLookup().adapt([[-1]])],
  ];
  test.each(refused)('%s', (message, call) =>
    expect(async () => {
      await call();
    }).rejects.toThrow(message),
  );
});
