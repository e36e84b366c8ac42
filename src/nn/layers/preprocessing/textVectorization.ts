// Texts as sequences of indices, or as vectors: standardized, split into tokens and looked up, on the host.
import type { Configured } from '../../../core/config.ts';
import { ArgumentError, DataError } from '../../../core/errors.ts';
import { type Kind, callable, either, kindOf, oneOf, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { shown } from '../../../core/shown.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { reshape } from '../../../ops/index.ts';
import { type AdaptStrings, type Flat, type StringArray, flattenStrings, stringBatches } from './adaptData.ts';
import { encodeOnHost } from './encoding.ts';
import { indexer, vocabularyKind } from './stringLookup.ts';
import { type VocabularyMethods, checkVocabulary, vocabularyOf, vocabularyOptions } from './vocabulary.ts';

/** Changes a text before it is split. */
export type Standardize = (text: string) => string;
/** Splits a text into tokens. */
export type SplitText = (text: string) => readonly string[];

const punctuation = /[!"#$%&()*+,\-./:;<=>?@[\\\]^_`{|}~']/g;
/** Letters A to Z only, as in Keras. */
const lower: Standardize = (text) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
const strip: Standardize = (text) => text.replace(punctuation, '');

const standardizers: Readonly<Record<'lowerAndStripPunctuation' | 'lower' | 'stripPunctuation' | 'none', Standardize>> = {
  lowerAndStripPunctuation: (text) => strip(lower(text)),
  lower,
  stripPunctuation: strip,
  none: (text) => text,
};

const splitters: Readonly<Record<'whitespace' | 'character' | 'none', SplitText>> = {
  whitespace: (text) => text.split(/[ \t\n\v\f\r]+/).filter((token) => token !== ''),
  character: (text) => Array.from(text),
  none: (text) => [text],
};

const widths: Kind<number | readonly number[], readonly number[]> = /* @__PURE__ */ kindOf<number | readonly number[], readonly number[]>({
  rule: 'a positive integer, or a list of them',
  accepts: (value): value is number | readonly number[] =>
    positiveInteger.accepts(value) ||
    (Array.isArray(value) && value.length > 0 && Array.from<unknown>(value).every(positiveInteger.accepts)),
  convert: (value) => Object.freeze(typeof value === 'number' ? Array.from({ length: value }, (_, i) => i + 1) : [...value]),
});

export const textVectorizationOptions = declareOptions(
  'layers.textVectorization',
  {
    /** Change of a text before it is split: letters A to Z in lower case, without ASCII punctuation, both, nothing, or a function of a text. @default 'lowerAndStripPunctuation' */
    standardize: optional(either(oneOf('lowerAndStripPunctuation', 'lower', 'stripPunctuation', 'none'), callable<Standardize>('a function of a text')), 'lowerAndStripPunctuation'), // prettier-ignore
    /** Way to split a text into tokens: at blanks, into characters, not at all, or by a function that returns a list of texts. @default 'whitespace' */
    split: optional(either(oneOf('whitespace', 'character', 'none'), callable<SplitText>('a function of a text')), 'whitespace'),
    /** Number of neighbouring tokens that are joined by a blank: up to this number, or the numbers of a list. Without it, tokens stay single. */
    ngrams: optional(widths),
    /** 'int' gives a sequence of indices; the others give a vector of marks, counts, or counts times the inverse document frequency. @default 'int' */
    outputMode: optional(oneOf('int', 'multiHot', 'count', 'tfIdf'), 'int'),
    /** Length of the sequences: longer ones are cut, shorter ones end with 0. Without it, the longest of a call decides. */
    outputSequenceLength: optional(positiveInteger),
    /** Tokens by index, with or without the special entries '' and '[UNK]' before them. adapt() learns them otherwise. */
    vocabulary: optional(vocabularyKind),
    ...vocabularyOptions,
  },
  (settings, where) => {
    if (settings.outputSequenceLength !== undefined && settings.outputMode !== 'int') {
      throw new ArgumentError(`${where}: outputSequenceLength goes with outputMode 'int' only, not '${settings.outputMode}'`);
    }
    checkVocabulary(where, { ...settings, ...fixed });
  },
);
export type TextVectorizationOptions = OptionsOf<typeof textVectorizationOptions>;

/** Options of the lookup that Keras fixes, too. */
const fixed = { maskToken: '', oovToken: '[UNK]', numOovIndices: 1, invert: false } as const;

/** Turns texts into sequences of indices, or into vectors. */
export interface TextVectorizer extends VocabularyMethods<string> {
  /**
   * Indices [batch, length] in i32, or vectors [batch, size] in f32. One text gives one sequence or vector without the batch axis.
   * @throws ArgumentError without a vocabulary, DataError for other values.
   */
  call(texts: StringArray): Tensor;
  /**
   * Learns the vocabulary from texts, most frequent token first; of equal counts, the later one in the order of code points is first. Each text is a
   * document.
   * @throws ArgumentError if a vocabulary was given, DataError for texts without tokens.
   */
  adapt(data: AdaptStrings): Promise<void>;
}

/** Texts of a list, or of a list of lists with one text each. */
function rowsOf(where: string, { shape, values }: Flat<string>): string[] {
  if (shape.length < 2 || shape.slice(1).every((size) => size === 1)) return Array.from(values);
  throw new DataError(
    `${where}: takes a text, a list of texts, or lists of one text each; got lists of ${shape[shape.length - 1]}: join them first`,
  );
}

/**
 * Texts as sequences of indices: 0 is padding, 1 is out of the vocabulary, then the vocabulary, which is given or learned by `adapt`. Other output modes
 * give vectors without an entry for padding. Texts are standardized, split, and joined to n-grams. Keras' TextVectorization without ragged output.
 *
 * Texts have no tensors: the result is an object of the host, no layer of a model. `call(texts)` makes an i32 or f32 tensor for fit or for the map of a
 * dataset. Functions of your own go into the config if `register` made them.
 *
 * Input of texts [batch], output [batch, sequenceLength] of integers.
 *
 *     const vectorizer = layers.textVectorization({ outputSequenceLength: 4 });
 *     await vectorizer.adapt(['the cat', 'the dog!']);
 *     vectorizer.call(['The cow', 'dog']);   // i32 [[2, 1, 0, 0], [3, 0, 0, 0]]
 */
export function textVectorization(options: TextVectorizationOptions = {}): Configured<TextVectorizer> {
  const settings = textVectorizationOptions.read(options);
  const { standardize, split, ngrams, outputMode, outputSequenceLength } = settings;
  const lookupSettings = { ...settings, ...fixed };
  const vocabulary = vocabularyOf<string>(lookupSettings);
  const standardized = typeof standardize === 'function' ? standardize : standardizers[standardize];
  const splitText = typeof split === 'function' ? split : splitters[split];

  const tokensOf = (where: string, text: string): readonly string[] => {
    const changed: unknown = standardized(text);
    if (typeof changed !== 'string') throw new DataError(`${where}: standardize returned ${shown(changed)}; it must return a text`);
    const tokens: unknown = splitText(changed);
    const isList = Array.isArray(tokens) && tokens.every((token) => typeof token === 'string');
    if (!isList) throw new DataError(`${where}: split returned ${shown(tokens)}; it must return a list of texts`);
    const list = tokens;
    if (!ngrams) return list;
    return ngrams.flatMap((width) =>
      Array.from({ length: Math.max(0, list.length - width + 1) }, (_, i) => list.slice(i, i + width).join(' ')),
    );
  };

  async function* documents(where: string, data: AdaptStrings): AsyncGenerator<Flat<string>> {
    for await (const batch of stringBatches(where, data)) {
      for (const text of rowsOf(where, batch)) {
        const values = tokensOf(where, text);
        yield { shape: [1, values.length], values };
      }
    }
  }

  const made = {
    call(texts: StringArray): Tensor {
      const where = 'textVectorization.call';
      const indexOf = indexer(where, lookupSettings, vocabulary);
      const rows = rowsOf(where, flattenStrings(where, texts)).map((text) => tokensOf(where, text).map(indexOf));
      const length = outputSequenceLength ?? rows.reduce((longest, row) => Math.max(longest, row.length), 0);
      // Padding is 0 in sequences. In vectors, -1 adds nothing.
      const padding = outputMode === 'int' ? 0 : -1;
      const flat = rows.flatMap((row) => Array.from({ length }, (_, i) => row[i] ?? padding));
      const shape = typeof texts === 'string' && outputMode === 'int' ? [length] : [rows.length, length];
      const depth = outputMode === 'int' ? 0 : vocabulary.depth(where);
      const encoded = encodeOnHost(flat, shape, outputMode, depth, vocabulary.idf());
      return typeof texts === 'string' && outputMode !== 'int' ? reshape(encoded, [depth]) : encoded;
    },
    getVocabulary: (includeSpecialTokens?: boolean) => vocabulary.getVocabulary(includeSpecialTokens),
    vocabularySize: () => vocabulary.vocabularySize(),
    adapt: (data: AdaptStrings): Promise<void> => vocabulary.learn('textVectorization.adapt', documents('textVectorization.adapt', data)),
  };
  const get = () => textVectorizationOptions.config({ ...settings, ...vocabulary.learned() });
  return Object.defineProperty(made, 'config', { get, configurable: true }) as unknown as Configured<TextVectorizer>;
}
