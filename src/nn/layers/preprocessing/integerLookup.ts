// Indices of whole numbers, on the device: a layer.
import type { Configured } from '../../../core/config.ts';
import { type Kind, kindOf, listOf } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../../core/options.ts';
import { type Tensor, hostTensor } from '../../../graph/tensor.ts';
import {
  add,
  cast,
  clip,
  equal,
  gather,
  greaterEqual,
  less,
  logicalAnd,
  minimum,
  mod,
  searchSorted,
  where as choose,
} from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions } from '../../layerOptions.ts';
import { type AdaptNumbers, learnedOnce, numberBatches } from './adaptData.ts';
import { encode, encodedShape } from './encoding.ts';
import { type VocabularyMethods, checkVocabulary, lookupOptions, vocabularyOf } from './vocabulary.ts';

const int32: Kind<number> = /* @__PURE__ */ kindOf({
  rule: 'an integer of 32 bits',
  accepts: (value): value is number => typeof value === 'number' && value === (value | 0),
  convert: (value) => value + 0,
});

export const integerLookupOptions = declareOptions(
  'layers.integerLookup',
  {
    /** Tokens by index, with or without the special entries before them. adapt() learns them otherwise. */
    vocabulary: optional(listOf(int32, 'integers of 32 bits', 1)),
    /** Number for a missing value: index 0 with outputMode 'int', and nothing in vectors. Without it, there is none. */
    maskToken: optional(int32),
    /** Entry of the vocabulary for numbers out of it, and the result for unknown indices with invert. @default -1 */
    oovToken: optional(int32, -1),
    ...lookupOptions,
    ...layerOptions,
  },
  (settings, where) => checkVocabulary(where, settings),
);
export type IntegerLookupOptions = OptionsOf<typeof integerLookupOptions>;

/** A layer that looks up whole numbers. */
export interface IntegerLookupLayer extends Layer, VocabularyMethods<number> {
  /**
   * Learns the vocabulary from arrays of whole numbers, most frequent first; of equal counts, the larger number is first.
   * @throws ArgumentError if a vocabulary was given, DataError for no data, TraceError after a model was compiled with another vocabulary.
   */
  adapt(data: AdaptNumbers): Promise<void>;
}

const table = (values: readonly number[]): Tensor => hostTensor({ shape: [values.length], dtype: 'i32' }, Int32Array.from(values));

/**
 * Indices of whole numbers in a vocabulary, or vectors of them. Index 0 is the mask if there is one; then come numOovIndices entries for unknown
 * numbers x (x mod numOovIndices chooses), then the vocabulary. It is given, or learned by `adapt` before the model is compiled, and is in the config.
 * Keras' IntegerLookup.
 *
 * Input [batch, ...] of whole numbers, output of the same shape in i32, or vectors as those of categoryEncoding. Throws an ArgumentError if it has no
 * vocabulary.
 *
 *     layers.integerLookup({ vocabulary: [12, 36, 1138] })   // [[12, 1138], [42, 36]] to [[1, 3], [0, 2]]
 */
export function integerLookup(options: IntegerLookupOptions = {}): Configured<IntegerLookupLayer> {
  const settings = integerLookupOptions.read(options);
  const { invert, outputMode, numOovIndices, maskToken, oovToken } = settings;
  const vocabulary = vocabularyOf<number>(settings);
  const guard = learnedOnce();

  const indicesOf = (where: string, x: Tensor): Tensor => {
    const tokens = vocabulary.tokens(where);
    const order = tokens.map((_, i) => i).sort((a, b) => tokens[a] - tokens[b]);
    const sorted = table(order.map((i) => tokens[i]));
    const place = minimum(searchSorted(sorted, x), tokens.length - 1);
    const index = gather(table(order.map((i) => i + vocabulary.tokenStart)), place);
    const unknown = numOovIndices < 2 ? (numOovIndices ? vocabulary.oovStart : -1) : add(mod(x, numOovIndices), vocabulary.oovStart);
    const found = choose(equal(gather(sorted, place), x), index, unknown);
    return maskToken === undefined ? found : choose(equal(x, maskToken), outputMode === 'int' ? 0 : -1, found);
  };

  const tokensOf = (where: string, x: Tensor): Tensor => {
    vocabulary.tokens(where);
    const entries = vocabulary.getVocabulary();
    const isKnown = logicalAnd(greaterEqual(x, 0), less(x, entries.length));
    return choose(isKnown, gather(table(entries), clip(x, 0, entries.length - 1)), oovToken);
  };

  const layer = defineLayer({
    kind: 'integerLookup',
    options: settings,
    inputDtype: 'i32',
    precision: 'f32',
    ...(outputMode === 'int' && { outputDtype: 'i32' as const }),
    outputShape: (shape, where) =>
      outputMode === 'int' ? shape : encodedShape([0, ...shape], outputMode, vocabulary.depth(where)).slice(1),
    apply: (_, given) => {
      const where = settings.name ?? 'integerLookup';
      const x = cast(given, 'i32');
      const result = invert ? tokensOf(where, x) : indicesOf(where, x);
      guard.used();
      if (outputMode === 'int') return result;
      const depth = vocabulary.depth(where);
      const idf = vocabulary.idf();
      const weights = idf && Float32Array.from({ length: depth }, (_, i) => idf[i] ?? 0);
      return encode(result, outputMode, depth, weights && { idf: hostTensor({ shape: [depth], dtype: 'f32' }, weights) });
    },
  });
  const made = Object.assign(layer, {
    getVocabulary: (includeSpecialTokens?: boolean) => vocabulary.getVocabulary(includeSpecialTokens),
    vocabularySize: () => vocabulary.vocabularySize(),
    async adapt(data: AdaptNumbers) {
      const where = `${settings.name ?? 'integerLookup'}.adapt`;
      guard.checkFree(where);
      await vocabulary.learn(where, numberBatches(where, data));
    },
  });
  const get = () => integerLookupOptions.config({ ...settings, ...vocabulary.learned(), trainable: layer.trainable });
  return Object.defineProperty(made, 'config', { get, configurable: true }) as unknown as Configured<IntegerLookupLayer>;
}
