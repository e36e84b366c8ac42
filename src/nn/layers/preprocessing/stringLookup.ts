// Indices of texts. Texts stay on the host: these are no layers of a model, but objects whose call() makes tensors for one.
import type { Configured } from '../../../core/config.ts';
import { ArgumentError, DataError } from '../../../core/errors.ts';
import { type Kind, kindOf, listOf } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { shown } from '../../../core/shown.ts';
import { Tensor } from '../../../graph/tensor.ts';
import {
  type AdaptStrings,
  type Flat,
  type NestedNumberList,
  type StringArray,
  flattenNumbers,
  flattenStrings,
  stringBatches,
} from './adaptData.ts';
import { encodeOnHost } from './encoding.ts';
import {
  type Vocabulary,
  type VocabularyMethods,
  type VocabularySettings,
  checkVocabulary,
  lookupOptions,
  vocabularyOf,
} from './vocabulary.ts';

/** Any text, also the empty one. */
const anyText: Kind<string> = /* @__PURE__ */ kindOf({ rule: 'a text', accepts: (value): value is string => typeof value === 'string' });

/** Texts of a vocabulary by index. */
export const vocabularyKind: Kind<readonly string[]> = /* @__PURE__ */ listOf(anyText, 'texts', 1);

export const stringLookupOptions = declareOptions(
  'layers.stringLookup',
  {
    /** Tokens by index, with or without the special entries before them. adapt() learns them otherwise. */
    vocabulary: optional(vocabularyKind),
    /** Text for a missing value: index 0 with outputMode 'int', and nothing in vectors. Without it, there is none. */
    maskToken: optional(anyText),
    /** Entry of the vocabulary for texts out of it, and the result for unknown indices with invert. @default '[UNK]' */
    oovToken: optional(anyText, '[UNK]'),
    ...lookupOptions,
  },
  (settings, where) => checkVocabulary(where, settings),
);
export type StringLookupOptions = OptionsOf<typeof stringLookupOptions>;

/** Methods of lookups of texts in both directions. */
export interface LearnsStrings extends VocabularyMethods<string> {
  /**
   * Learns the vocabulary from texts, most frequent first; of equal counts, the later one in the order of code points is first. Each text of a list, or
   * each list of a list of lists, is a document.
   * @throws ArgumentError if a vocabulary was given, DataError for data without tokens.
   */
  adapt(data: AdaptStrings): Promise<void>;
}

/** Turns texts into indices or vectors. */
export interface StringLookup extends LearnsStrings {
  /**
   * Indices of texts, in the same shape, or vectors. The first axis is the batch; one text is one sample.
   * @throws ArgumentError without a vocabulary, DataError for other values, and for unknown texts with numOovIndices 0.
   */
  call(texts: StringArray): Tensor;
}

/** Turns indices into texts. */
export interface InverseStringLookup extends LearnsStrings {
  /**
   * Texts of indices, in the same shape. Take the numbers of a tensor by `await indices.array()` first.
   * @throws ArgumentError without a vocabulary, DataError for other values.
   */
  call(indices: number | NestedNumberList): StringArray;
}

/** FNV-1a over the bytes of a text, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** Makes the function that gives the index of a token: -1 for the mask in vectors. */
export function indexer(where: string, settings: VocabularySettings<string>, vocabulary: Vocabulary<string>): (token: string) => number {
  const { maskToken, numOovIndices, outputMode } = settings;
  const indices = new Map(vocabulary.tokens(where).map((token, i) => [token, i + vocabulary.tokenStart]));
  return (token) => {
    if (token === maskToken) return outputMode === 'int' ? 0 : -1;
    const index = indices.get(token);
    if (index !== undefined) return index;
    if (numOovIndices > 0) return vocabulary.oovStart + (numOovIndices === 1 ? 0 : hashOf(token) % numOovIndices);
    throw new DataError(`${where}: ${shown(token)} is not in the vocabulary; set numOovIndices to 1 to give unknown texts an index`);
  };
}

/** Nested lists of a shape. */
function nested<Element>({ shape, values }: Flat<Element>): Element | unknown[] {
  if (shape.length === 0) return values[0];
  return Array.from({ length: shape[0] }, (_, i) => {
    const size = values.length / shape[0];
    return nested({ shape: shape.slice(1), values: Array.from({ length: size }, (_, j) => values[i * size + j]) });
  });
}

/**
 * Indices of texts in a vocabulary, or vectors of them. Index 0 is the mask if there is one; then come numOovIndices entries for unknown texts, then the
 * vocabulary, which is given or learned by `adapt`. It is in the config. Keras' StringLookup; with several entries for unknown texts, the choice is
 * another one than Keras'.
 *
 * Texts have no tensors: the result is an object of the host, no layer of a model. `call(texts)` makes an i32 or f32 tensor for fit or for the map of a
 * dataset; with invert, `call(indices)` gives texts.
 *
 * Input of texts [batch, …], output of integers of the same shape.
 *
 *     const lookup = layers.stringLookup({ vocabulary: ['a', 'b', 'c'] });
 *     lookup.call([['a', 'c'], ['d', 'b']]);   // i32 [[1, 3], [0, 2]]
 */
export function stringLookup(options: StringLookupOptions & { invert: true }): Configured<InverseStringLookup>;
export function stringLookup(options?: StringLookupOptions): Configured<StringLookup>;
export function stringLookup(options: StringLookupOptions = {}): Configured<StringLookup | InverseStringLookup> {
  const settings = stringLookupOptions.read(options);
  const { invert, outputMode, oovToken } = settings;
  const vocabulary = vocabularyOf<string>(settings);
  const where = 'stringLookup.call';
  const lookUp = (texts: StringArray): Tensor => {
    const indexOf = indexer(where, settings, vocabulary);
    const { shape, values } = flattenStrings(where, texts);
    return encodeOnHost(
      Array.from(values, indexOf),
      shape,
      outputMode,
      outputMode === 'int' ? 0 : vocabulary.depth(where),
      vocabulary.idf(),
    );
  };
  const textsOf = (indices: unknown): StringArray => {
    vocabulary.tokens(where);
    if (indices instanceof Tensor)
      throw new ArgumentError(`${where}: takes numbers with invert; read the tensor first, by await indices.array()`);
    const entries = vocabulary.getVocabulary();
    const { shape, values } = flattenNumbers(where, indices);
    return nested({ shape, values: Array.from(values, (index) => entries[index] ?? oovToken) }) as StringArray;
  };
  const made = {
    call: invert ? textsOf : lookUp,
    getVocabulary: (includeSpecialTokens?: boolean) => vocabulary.getVocabulary(includeSpecialTokens),
    vocabularySize: () => vocabulary.vocabularySize(),
    adapt: (data: AdaptStrings): Promise<void> => vocabulary.learn('stringLookup.adapt', stringBatches('stringLookup.adapt', data)),
  };
  const get = () => stringLookupOptions.config({ ...settings, ...vocabulary.learned() });
  return Object.defineProperty(made, 'config', { get, configurable: true }) as unknown as Configured<StringLookup>;
}
