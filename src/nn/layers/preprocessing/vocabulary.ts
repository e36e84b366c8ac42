// Vocabularies of lookups: special entries first (mask, then out-of-vocabulary), then tokens by falling count, as in Keras.
import { ArgumentError, DataError } from '../../../core/errors.ts';
import { type Kind, boolean, integer, kindOf, listOf, number, oneOf } from '../../../core/optionKinds.ts';
import { optional } from '../../../core/options.ts';
import { sizeOf } from '../../../core/shape.ts';
import { shown } from '../../../core/shown.ts';
import type { Flat } from './adaptData.ts';
import type { Encoding } from './encoding.ts';

const sizeLimit: Kind<number> = /* @__PURE__ */ kindOf({
  rule: 'an integer above 1',
  accepts: (value): value is number => integer('above 0').accepts(value) && value > 1,
});

/** Options of all lookups. */
export const vocabularyOptions = {
  /** Largest size of the vocabulary, special entries included. adapt() drops the rarest tokens. Without it, there is no limit. */
  maxTokens: /* @__PURE__ */ optional(sizeLimit),
  /** Inverse document frequencies with outputMode 'tfIdf', one for each entry of vocabulary. adapt() learns them otherwise. */
  idfWeights: /* @__PURE__ */ optional(listOf(number(), 'numbers', 1)),
  /** Makes vectors as long as maxTokens, even if the vocabulary is smaller. @default false */
  padToMaxTokens: /* @__PURE__ */ optional(boolean, false),
};

/** Options of lookups of single tokens. */
export const lookupOptions = {
  ...vocabularyOptions,
  /** Number of indices for values out of the vocabulary. With 0, such a value is an error on the host, and -1 on a device. @default 1 */
  numOovIndices: /* @__PURE__ */ optional(integer('at least 0'), 1),
  /** Looks up the token of an index instead. Only with outputMode 'int'. @default false */
  invert: /* @__PURE__ */ optional(boolean, false),
  /** 'int' gives indices; the others give a vector of one-hot, marks, counts, or counts times the inverse document frequency. @default 'int' */
  outputMode: /* @__PURE__ */ optional(oneOf('int', 'oneHot', 'multiHot', 'count', 'tfIdf'), 'int'),
};

export interface VocabularySettings<Token> {
  readonly maxTokens: number | undefined;
  readonly numOovIndices: number;
  readonly maskToken: Token | undefined;
  readonly oovToken: Token;
  readonly vocabulary: readonly Token[] | undefined;
  readonly idfWeights: readonly number[] | undefined;
  readonly padToMaxTokens: boolean;
  readonly invert: boolean;
  readonly outputMode: Encoding;
}

/** Methods of all lookups. */
export interface VocabularyMethods<Token> {
  /** Entries by index: mask, out-of-vocabulary, tokens. Before adapt, only the first two. Without special tokens, the tokens. */
  getVocabulary(includeSpecialTokens?: boolean): Token[];
  /** Number of entries, special ones included. */
  vocabularySize(): number;
}

/** A vocabulary, given or learned. */
export interface Vocabulary<Token> extends VocabularyMethods<Token> {
  /** Index of the first entry for values out of the vocabulary. */
  readonly oovStart: number;
  /** Index of the first token. */
  readonly tokenStart: number;
  /** @throws ArgumentError before adapt, if no vocabulary was given. */
  tokens(where: string): readonly Token[];
  /** Size of vectors. @throws ArgumentError if it is not known yet. */
  depth(where: string): number;
  /** Weights of all entries with outputMode 'tfIdf'. */
  idf(): readonly number[] | undefined;
  /** Learns the vocabulary from batches. Each row of a batch is a document. @throws ArgumentError if a vocabulary was given. */
  learn(where: string, batches: AsyncIterable<Flat<Token>>): Promise<void>;
  /** Options that adapt() found out. */
  learned(): { readonly vocabulary?: readonly Token[]; readonly idfWeights?: readonly number[] };
}

/** Options that exclude each other. @throws ArgumentError. */
export function checkVocabulary<Token>(where: string, settings: VocabularySettings<Token>): void {
  const { maxTokens, padToMaxTokens, invert, outputMode, idfWeights, vocabulary, maskToken } = settings;
  if (padToMaxTokens && maxTokens === undefined) throw new ArgumentError(`${where}: padToMaxTokens needs maxTokens`);
  if (invert && outputMode !== 'int') throw new ArgumentError(`${where}: invert goes with outputMode 'int' only, not '${outputMode}'`);
  if (idfWeights && outputMode !== 'tfIdf')
    throw new ArgumentError(`${where}: idfWeights go with outputMode 'tfIdf' only, not '${outputMode}'`);
  if (!vocabulary) {
    if (idfWeights) throw new ArgumentError(`${where}: idfWeights need vocabulary; give both, or neither and call adapt(data)`);
    return;
  }
  if (outputMode === 'tfIdf' && idfWeights?.length !== vocabulary.length) {
    throw new ArgumentError(
      `${where}: vocabulary has ${vocabulary.length} entries and idfWeights ${idfWeights?.length ?? 0}; give one weight for each entry`,
    );
  }
  const { tokens, specials } = splitVocabulary(settings, vocabulary);
  const repeated = tokens.find((token, i) => tokens.indexOf(token) !== i);
  if (repeated !== undefined) throw new ArgumentError(`${where}: vocabulary holds ${shown(repeated)} twice; give each token once`);
  if (maskToken !== undefined && tokens.includes(maskToken)) {
    throw new ArgumentError(
      `${where}: vocabulary holds the mask ${shown(maskToken)} among its tokens; leave special entries out, or begin with ${shown(specials)}`,
    );
  }
  if (invert && tokens.includes(settings.oovToken)) {
    throw new ArgumentError(
      `${where}: vocabulary holds ${shown(settings.oovToken)} among its tokens; leave special entries out, or begin with ${shown(specials)}`,
    );
  }
  const size = specials.length + tokens.length;
  if (maxTokens === undefined || size <= maxTokens) return;
  throw new ArgumentError(
    `${where}: vocabulary has ${size} entries with the special ones, more than maxTokens ${maxTokens}; leave some out`,
  );
}

/** Special entries, and the tokens of a vocabulary that may begin with them. */
function splitVocabulary<Token>(
  { maskToken, outputMode, oovToken, numOovIndices }: VocabularySettings<Token>,
  vocabulary: readonly Token[],
): { readonly tokens: readonly Token[]; readonly specials: readonly Token[]; readonly hasSpecials: boolean } {
  const specials = [
    ...(maskToken !== undefined && outputMode === 'int' ? [maskToken] : []),
    ...new Array<Token>(numOovIndices).fill(oovToken),
  ];
  const hasSpecials = specials.length > 0 && specials.every((token, i) => vocabulary[i] === token);
  return { specials, hasSpecials, tokens: hasSpecials ? vocabulary.slice(specials.length) : vocabulary };
}

/** Falling order of numbers, or of texts by their code points. */
function compareTokens<Token>(a: Token, b: Token): number {
  if (typeof a === 'number' && typeof b === 'number') return b - a;
  const [left, right] = [Array.from(String(a)), Array.from(String(b))];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = right[i].codePointAt(0)! - left[i].codePointAt(0)!;
    if (difference) return difference;
  }
  return right.length - left.length;
}

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

interface Learned<Token> {
  readonly vocabulary: readonly Token[];
  readonly idfWeights?: readonly number[];
}

export function vocabularyOf<Token>(settings: VocabularySettings<Token>): Vocabulary<Token> {
  const { maxTokens, outputMode, padToMaxTokens, maskToken, oovToken } = settings;
  const given = settings.vocabulary && splitVocabulary(settings, settings.vocabulary);
  const { specials } = splitVocabulary(settings, []);
  let found: Learned<Token> | undefined;
  const present = (): readonly Token[] | undefined => given?.tokens ?? found?.vocabulary;
  const getVocabulary = (includeSpecialTokens = true): Token[] => [...(includeSpecialTokens ? specials : []), ...(present() ?? [])];
  return {
    oovStart: specials.length - settings.numOovIndices,
    tokenStart: specials.length,
    getVocabulary,
    vocabularySize: () => getVocabulary().length,
    tokens(where) {
      const tokens = present();
      if (tokens) return tokens;
      throw new ArgumentError(`${where}: has no vocabulary yet; give vocabulary, or call await adapt(data) first`);
    },
    depth(where) {
      return padToMaxTokens ? maxTokens! : specials.length + this.tokens(where).length;
    },
    idf() {
      if (outputMode !== 'tfIdf') return undefined;
      const weights = settings.idfWeights ?? found?.idfWeights;
      if (!weights || given?.hasSpecials) return weights;
      return [...new Array<number>(specials.length).fill(average(weights)), ...weights];
    },
    async learn(where, batches) {
      if (given) throw new ArgumentError(`${where}: the vocabulary was given; leave it out to learn one`);
      const { counts, documents, total } = await countTokens(batches, outputMode === 'tfIdf');
      for (const special of [maskToken, oovToken]) if (special !== undefined) counts.delete(special);
      if (counts.size === 0) throw new DataError(`${where}: the data hold no tokens; give at least one`);
      const order = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || compareTokens(a, b));
      const free = maxTokens === undefined ? order.length : maxTokens - specials.length;
      if (free <= 0) {
        throw new ArgumentError(
          `${where}: maxTokens ${maxTokens} leaves no index for tokens after ${specials.length} special entries; choose more`,
        );
      }
      const vocabulary = order.slice(0, free);
      const weightOf = (token: Token): number => Math.log(1 + total / (1 + documents.get(token)!));
      found = { vocabulary, ...(outputMode === 'tfIdf' && { idfWeights: vocabulary.map(weightOf) }) };
    },
    learned: () => found ?? {},
  };
}

/** Occurrences of each token, and the number of documents that hold it. */
async function countTokens<Token>(
  batches: AsyncIterable<Flat<Token>>,
  needsDocuments: boolean,
): Promise<{ readonly counts: Map<Token, number>; readonly documents: Map<Token, number>; readonly total: number }> {
  const [counts, documents] = [new Map<Token, number>(), new Map<Token, number>()];
  const addOne = (map: Map<Token, number>, token: Token): unknown => map.set(token, (map.get(token) ?? 0) + 1);
  let total = 0;
  for await (const { shape, values } of batches) {
    for (let i = 0; i < values.length; i++) addOne(counts, values[i]);
    if (!needsDocuments) continue;
    const size = sizeOf(shape.slice(1));
    const rows = shape.length === 0 ? 1 : shape[0];
    for (let row = 0; row < rows; row++) {
      for (const token of new Set(Array.from({ length: size }, (_, i) => values[row * size + i]))) addOne(documents, token);
    }
    total += rows;
  }
  return { counts, documents, total };
}
