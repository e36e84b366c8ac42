// Lookups and vectors of texts by Keras' rules, with expected values written by hand.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { data } from '../../src/data/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type StringArray, type StringLookup, type TextVectorizer, layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { tensor } from '../../src/ops/index.ts';
import { fromConfig } from '../../src/train/fromConfig.ts';
import { sequential } from '../../src/train/index.ts';
import { register } from '../../src/core/registry.ts';

beforeAll(() => setDevice('cpu'));
beforeEach(() => setSeed(3));

const int = (values: Parameters<typeof tensor>[0], shape?: number[]): Tensor => tensor(values, shape, 'i32');
/** The same object, made again from its config as JSON. */
const sent = <Made extends { config: unknown }>(made: Made): Made => fromConfig<Made>(JSON.parse(JSON.stringify(made.config)) as never);
const close = (values: readonly number[]): unknown[] => values.map((value): unknown => expect.closeTo(value, 5));

describe('stringLookup', () => {
  const texts = [
    ['a', 'c', 'd'],
    ['d', 'z', 'b'],
  ];
  const vocabulary = ['a', 'b', 'c', 'd'];

  // prettier-ignore
  test.each([
    [{ vocabulary }, texts, [[1, 3, 4], [4, 0, 2]]],
    [{ vocabulary: ['', '[UNK]', 'a', 'b'], maskToken: '' }, ['', 'b', 'x'], [0, 3, 1]],
    [{ vocabulary, outputMode: 'oneHot', maxTokens: 6, padToMaxTokens: true }, ['b'], [[0, 0, 1, 0, 0, 0]]],
    [{ vocabulary, outputMode: 'oneHot' }, ['a', 'z'], [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]]],
    [{ vocabulary, outputMode: 'multiHot' }, [['a', 'c', 'd', 'd'], ['d', 'z', 'b', 'z']], [[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]]],
    [{ vocabulary, outputMode: 'count' }, [['a', 'c', 'd', 'd'], ['d', 'z', 'b', 'z']], [[0, 1, 0, 1, 2], [2, 0, 1, 0, 1]]],
    [{ vocabulary, outputMode: 'count', maskToken: 'z' }, texts, [[0, 1, 0, 1, 1], [0, 0, 1, 0, 1]]],
    [{ vocabulary, outputMode: 'tfIdf', idfWeights: [0.25, 0.75, 0.5, 0.5] }, texts, [[0, 0.25, 0, 0.5, 0.5], [0.5, 0, 0.75, 0, 0.5]]],
    [{ vocabulary, outputMode: 'multiHot' }, 'c', [0, 0, 0, 1, 0]],
    [{ vocabulary }, 'c', 3],
  ] as const)('%j of %j', async (options, given, expected) => {
    const lookup = layers.stringLookup(options as object);
    for (const one of [lookup, sent(lookup)]) expect(await one.call(given as StringArray).array()).toEqual(expected);
  });

  test('several entries for unknown texts: the same text has the same one', async () => {
    const lookup = layers.stringLookup({ vocabulary, numOovIndices: 3 });
    const [first, again, ...others] = (await lookup.call(['x', 'x', 'y', 'é', 'w', 'v', 'a']).array()) as number[];
    expect(first).toBe(again);
    expect(others.pop()).toBe(3);
    expect(new Set([first, ...others])).toEqual(new Set([0, 1, 2]));
    expect(lookup.getVocabulary()).toEqual(['[UNK]', '[UNK]', '[UNK]', ...vocabulary]);
  });

  test('invert gives texts', () => {
    const lookup = layers.stringLookup({ vocabulary, maskToken: '', invert: true });
    expect(
      lookup.call([
        [2, 0],
        [1, 9],
      ]),
    ).toEqual([
      ['a', ''],
      ['[UNK]', '[UNK]'],
    ]);
    expect(lookup.call(5)).toBe('d');
    expect(() => lookup.call(int([1]) as never)).toThrow('stringLookup.call: takes numbers with invert; read the tensor first');
  });

  test('learns: most frequent first, then the later code point', async () => {
    const lookup = layers.stringLookup({ maskToken: '' });
    await lookup.adapt([
      ['b', 'a', ''],
      ['a', '\u{1F600}', '\uFF00'],
      ['ab', '[UNK]', 'a'],
    ]);
    expect(lookup.getVocabulary()).toEqual(['', '[UNK]', 'a', '\u{1F600}', '\uFF00', 'b', 'ab']);
    async function* batches(): AsyncGenerator<string[]> {
      await Promise.resolve();
      yield ['x', 'y'];
      yield ['y'];
    }
    const streamed = layers.stringLookup({ outputMode: 'tfIdf' });
    await streamed.adapt(batches());
    expect(streamed.getVocabulary()).toEqual(['[UNK]', 'y', 'x']);
    const [y, x] = [Math.log(1 + 3 / 3), Math.log(1 + 3 / 2)];
    for (const one of [streamed, sent(streamed)])
      expect(await one.call([['x', 'x', 'q']]).array()).toEqual([close([(x + y) / 2, 0, 2 * x])]);
  });
});

describe('textVectorization', () => {
  const vocabulary = ['earth', 'wind', 'and', 'fire'];

  // prettier-ignore
  test.each([
    [{ vocabulary }, ['Earth, WIND!', 'fire and rain'], [[2, 3, 0], [5, 4, 1]]],
    [{ vocabulary }, ['  earth\t'], [[2]]],
    [{ vocabulary, outputSequenceLength: 2 }, ['earth wind and', ''], [[2, 3], [0, 0]]],
    [{ vocabulary, outputSequenceLength: 4 }, [['earth'], ['x wind']], [[2, 0, 0, 0], [1, 3, 0, 0]]],
    [{ vocabulary: ['', '[UNK]', 'Earth', 'wind!'], standardize: 'none' }, ['Earth\t wind! \n earth'], [[2, 3, 1]]],
    [{ vocabulary: ['Earth', 'wind'], standardize: 'stripPunctuation' }, ['Earth-wind wi_nd'], [[1, 3]]],
    [{ vocabulary: ['É', 'wind!'], standardize: 'lower' }, ['É WIND!'], [[2, 3]]],
    [{ vocabulary: ['a', '\u{1F600}'], split: 'character' }, ['A\u{1F600}b'], [[2, 3, 1]]],
    [{ vocabulary: ['new york'], split: 'none' }, ['New York', 'york'], [[2], [1]]],
    [{ vocabulary: ['a', 'b', 'a b', 'b a'], ngrams: 2 }, ['a b a', 'a'], [[2, 3, 2, 4, 5], [2, 0, 0, 0, 0]]],
    [{ vocabulary: ['a', 'b', 'a b'], ngrams: [2] }, ['a b a', 'a'], [[4, 1], [0, 0]]],
    [{ vocabulary, outputMode: 'multiHot' }, ['fire fire rain', 'wind'], [[1, 0, 0, 0, 1], [0, 0, 1, 0, 0]]],
    [{ vocabulary, outputMode: 'count' }, ['fire fire rain', ''], [[1, 0, 0, 0, 2], [0, 0, 0, 0, 0]]],
    [{ vocabulary, outputMode: 'count', maxTokens: 7, padToMaxTokens: true }, ['wind'], [[0, 0, 1, 0, 0, 0, 0]]],
    [{ vocabulary: ['a', 'b'], outputMode: 'tfIdf', idfWeights: [0.5, 1.5] }, ['b b x'], [[1, 0, 3]]],
    [{ vocabulary, outputMode: 'count' }, 'wind and', [0, 0, 1, 1, 0]],
    [{ vocabulary, outputSequenceLength: 3 }, 'wind and', [3, 4, 0]],
  ] as const)('%j of %j', async (options, texts, expected) => {
    const vectorizer = layers.textVectorization(options);
    for (const one of [vectorizer, sent(vectorizer)]) expect(await one.call(texts as StringArray).array()).toEqual(expected);
  });

  test('learns from texts and from batches of texts', async () => {
    for (const texts of [
      ['The cat', 'the DOG, a cat', 'the'],
      [['The cat'], ['the DOG, a cat'], ['the']],
      new Set([['The cat', 'the DOG, a cat'], ['the']]),
    ]) {
      const vectorizer = layers.textVectorization({ maxTokens: 5 });
      await vectorizer.adapt(texts);
      expect(vectorizer.getVocabulary()).toEqual(['', '[UNK]', 'the', 'cat', 'dog']);
      expect(await sent(vectorizer).call(['a dog']).array()).toEqual([[1, 4]]);
    }
    const weighted = layers.textVectorization({ outputMode: 'tfIdf' });
    await weighted.adapt(['a a b', 'a', '']);
    const [a, b] = [Math.log(1 + 3 / 3), Math.log(1 + 3 / 2)];
    expect(await weighted.call(['a a z']).array()).toEqual([close([(a + b) / 2, 2 * a, 0])]);
  });

  test('custom functions, in the config by register', async () => {
    const words = register('test.words', () => (text: string) => text.split('|'));
    const upper = register('test.upper', () => (text: string) => text.toUpperCase());
    const vectorizer = layers.textVectorization({ standardize: upper(), split: words(), vocabulary: ['A', 'B'] });
    for (const one of [vectorizer, sent(vectorizer)]) expect(await one.call(['a|b']).array()).toEqual([[2, 3]]);
    const wrong = layers.textVectorization({ split: (() => 'a') as never, vocabulary: ['A'] });
    expect(() => wrong.call(['a'])).toThrow("textVectorization.call: split returned 'a'; it must return a list of texts");
  });

  test('in a dataset', async () => {
    const vectorizer = layers.textVectorization({ vocabulary: ['good', 'bad'], outputMode: 'multiHot' });
    const reviews = [
      ['good film', 1],
      ['bad film', 0],
    ] as const;
    const set = data.fromGenerator(() => reviews.map(([text, y]) => ({ x: vectorizer.call(text), y: [y] }))).batch(2);
    const model = sequential([layers.dense({ units: 1, activation: 'sigmoid', inputShape: [3] })]);
    model.compile({ loss: 'binaryCrossentropy', optimizer: 'adam' });
    const { history } = await model.fit(set, undefined, { epochs: 2, verbose: 0 });
    expect(history.loss[1]).toBeLessThan(history.loss[0]);
  });
});

describe('errors', () => {
  const lookup = layers.stringLookup({ vocabulary: ['a'], numOovIndices: 0 });
  const vectorizer: TextVectorizer = layers.textVectorization({ vocabulary: ['a'] });
  const fresh: StringLookup = layers.stringLookup();
  // prettier-ignore
  const refused: readonly (readonly [string, () => unknown])[] = [
    ['stringLookup.call: has no vocabulary yet; give vocabulary, or call await adapt(data) first', () => fresh.call(['a'])],
    ["stringLookup.call: 'q' is not in the vocabulary; set numOovIndices to 1 to give unknown texts an index", () => lookup.call(['a', 'q'])],
    ['stringLookup.call: takes texts, got 1', () => lookup.call([1] as never)],
    ['layers.stringLookup: vocabulary is []; it must be a list of one or more texts', () => layers.stringLookup({ vocabulary: [] })],
    ["layers.stringLookup: vocabulary holds 'a' twice; give each token once", () => layers.stringLookup({ vocabulary: ['a', 'b', 'a'] })],
    ["layers.stringLookup: vocabulary holds the mask 'm' among its tokens; leave special entries out, or begin with ['m','[UNK]']", () => layers.stringLookup({ vocabulary: ['a', 'm'], maskToken: 'm' })],
    ["layers.stringLookup: vocabulary holds '[UNK]' among its tokens", () => layers.stringLookup({ vocabulary: ['a', '[UNK]'], invert: true })],
    ['layers.stringLookup: vocabulary has 3 entries with the special ones, more than maxTokens 2; leave some out', () => layers.stringLookup({ vocabulary: ['a', 'b'], maxTokens: 2 })],
    ['layers.stringLookup: padToMaxTokens needs maxTokens', () => layers.stringLookup({ padToMaxTokens: true })],
    ["layers.stringLookup: invert goes with outputMode 'int' only, not 'count'", () => layers.stringLookup({ invert: true, outputMode: 'count' })],
    ['layers.stringLookup: vocabulary has 1 entries and idfWeights 0; give one weight for each entry', () => layers.stringLookup({ vocabulary: ['a'], outputMode: 'tfIdf' })],
    ['layers.stringLookup: idfWeights need vocabulary', () => layers.stringLookup({ idfWeights: [1], outputMode: 'tfIdf' })],
    ['stringLookup.adapt: maxTokens 2 leaves no index for tokens after 2 special entries; choose more', () => layers.stringLookup({ maxTokens: 2, maskToken: '' }).adapt(['a'])],
    ["layers.textVectorization: outputSequenceLength goes with outputMode 'int' only, not 'count'", () => layers.textVectorization({ outputSequenceLength: 2, outputMode: 'count' })],
    ['textVectorization.call: takes a text, a list of texts, or lists of one text each; got lists of 2: join them first', () => vectorizer.call([['a', 'b']])],
    ['textVectorization.adapt: the data hold no tokens; give at least one', () => layers.textVectorization().adapt(['', '?!'])],
    ['stringLookup.adapt: takes lists of texts, or batches of them, got 5', () => layers.stringLookup().adapt(5 as never)],
  ];
  test.each(refused)('%s', (message, call) =>
    expect(async () => {
      await call();
    }).rejects.toThrow(message),
  );
});
