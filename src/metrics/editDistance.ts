// Edit distances between sequences: tokens on the device, texts on the host. Both add to the same state.
import type { Configured } from '../core/config.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { integer, number, oneOf } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import { shown } from '../core/shown.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { fitWeight } from '../losses/index.ts';
import {
  add,
  argMax,
  broadcastTo,
  cast,
  cumMin,
  equal,
  greater,
  logicalAnd,
  logicalNot,
  max,
  minimum,
  mul,
  notEqual,
  pad,
  reshape,
  scalar,
  sub,
  sum,
  where,
  zeros,
} from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { sliceAxis } from '../ops/shape/slice.ts';
import { type Count, addToCount, countAll, countValue, noCount, ratio } from './accumulate.ts';
import { type Metric, makeMetric, metricOptions } from './metric.ts';

/** Sum of the edits, and the number that they are divided by: samples, or tokens of the targets. */
export type EditState = { readonly edits: Count; readonly total: Count };

/** A metric of sequences that takes tokens, or texts. */
export interface EditMetric extends Metric<EditState> {
  /**
   * Adds pairs of texts, which the host compares. One weight for each pair.
   * @throws ArgumentError for lists of different lengths, and values that are not texts.
   */
  updateTexts(state: EditState, targets: readonly string[], predictions: readonly string[], sampleWeight?: readonly number[]): EditState;
  /** The value over pairs of texts, as a number. */
  ofTexts(targets: readonly string[], predictions: readonly string[]): number;
}

/** Fields of metrics of edits. */
const editTable = {
  /** Token that does not count, such as padding, at any position. */
  maskTokenId: /* @__PURE__ */ optional(integer()),
  ...metricOptions,
};

export const editDistanceOptions = declareOptions('metrics.editDistance', {
  /** Cost of a substitution. Insertions and deletions cost 1. @default 1 */
  substitutionCost: optional(number('at least 0'), 1),
  /** Value over all pairs: the mean of the distances ('mean') or their sum ('sum'). @default 'mean' */
  reduction: optional(oneOf('mean', 'sum'), 'mean'),
  ...editTable,
});
export type EditDistanceOptions = OptionsOf<typeof editDistanceOptions>;

export const wordErrorRateOptions = declareOptions('metrics.wordErrorRate', editTable);
export const charErrorRateOptions = declareOptions('metrics.charErrorRate', editTable);
export type ErrorRateOptions = OptionsOf<typeof wordErrorRateOptions>;

/**
 * Levenshtein distance: the number of insertions, deletions and substitutions that turn a prediction into its target. Targets are tokens
 * [n, T]; predictions are tokens [n, U], or scores [n, U, classes] whose largest one is the token. Texts are compared by character. (The
 * EditDistance of torchmetrics.)
 *
 *     metrics.editDistance({ maskTokenId: 0 })
 *     metrics.editDistance().ofTexts(['kitten'], ['sitting'])   // 3
 *
 * @throws ShapeError for other shapes.
 */
export const editDistance = (options: EditDistanceOptions = {}): Configured<EditMetric> =>
  editMetric(editDistanceOptions, options, {
    split: charactersOf,
    costOf: ({ substitutionCost }) => substitutionCost,
    totalOf: () => undefined,
    isSum: ({ reduction }) => reduction === 'sum',
  });

/**
 * Word error rate: the edits of all pairs divided by the number of words of all targets; it may be above 1. Each token is a word. Targets are
 * tokens [n, T]; predictions are tokens [n, U] or scores [n, U, classes]. Texts are split at blanks. Edits without any word of a target give
 * Infinity. (The WordErrorRate of torchmetrics.)
 *
 *     metrics.wordErrorRate().ofTexts(['the cat sat'], ['the bat sat'])   // 0.3333
 *
 * @throws ShapeError for other shapes.
 */
export const wordErrorRate = (options: ErrorRateOptions = {}): Configured<EditMetric> =>
  editMetric(wordErrorRateOptions, options, { split: wordsOf, costOf: () => 1, totalOf: (tokens) => tokens, isSum: () => false });

/**
 * Character error rate: the edits of all pairs divided by the number of characters of all targets; it may be above 1. Each token is a
 * character. Targets are tokens [n, T]; predictions are tokens [n, U] or scores [n, U, classes]. A character of a text is a Unicode code point.
 * Edits without any character of a target give Infinity. (The CharErrorRate of torchmetrics.)
 *
 *     metrics.charErrorRate({ maskTokenId: 0 })
 *
 * @throws ShapeError for other shapes.
 */
export const charErrorRate = (options: ErrorRateOptions = {}): Configured<EditMetric> =>
  editMetric(charErrorRateOptions, options, { split: charactersOf, costOf: () => 1, totalOf: (tokens) => tokens, isSum: () => false });

const charactersOf = (text: string): string[] => Array.from(text);
const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

interface EditDefinition<T extends OptionTable> {
  /** Tokens of a text. */
  readonly split: (text: string) => string[];
  readonly costOf: (settings: SettingsOf<Declaration<T>>) => number;
  /** Divisor of the edits of a pair, from the tokens of its target. Undefined for 1. */
  readonly totalOf: <Tokens>(tokens: Tokens) => Tokens | undefined;
  /** Whether the result is the sum of the edits. */
  readonly isSum: (settings: SettingsOf<Declaration<T>>) => boolean;
}

function editMetric<T extends OptionTable & typeof editTable>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  { split, costOf, totalOf, isSum }: EditDefinition<T>,
): Configured<EditMetric> {
  return makeMetric<EditMetric, T>(declaration, options, (name, settings) => {
    const cost = costOf(settings);
    const { maskTokenId } = settings as SettingsOf<Declaration<typeof editTable>>;
    /** Sums over pairs of texts. */
    const sumsOf = (targets: readonly string[], predictions: readonly string[], weight?: readonly number[]): [number, number] => {
      checkTexts(name, targets, predictions, weight);
      let [edits, total] = [0, 0];
      targets.forEach((text, i) => {
        const target = split(text);
        const share = weight?.[i] ?? 1;
        edits += share * hostDistance(target, split(predictions[i]), cost);
        total += share * (totalOf(target.length) ?? 1);
      });
      return [edits, total];
    };
    return {
      direction: 'min',
      init: () => ({ edits: noCount(), total: noCount() }),
      update: ({ edits, total }, targets, predictions, sampleWeight) =>
        withScope(name, () => {
          const pair = tokensOf(name, targets, predictions, maskTokenId, sampleWeight);
          const { distances, lengths } = distancesOf(pair, cost);
          const { weight } = pair;
          const sumOf = (values: Tensor): Tensor => sum(weight ? productOrZero(weight, values) : values);
          const counted = totalOf(lengths);
          return {
            edits: addToCount(edits, sumOf(distances)),
            total: counted ? addToCount(total, sumOf(counted)) : countAll(total, distances.size, weight),
          };
        }),
      result({ edits, total }) {
        const [sumOfEdits, divisor] = [countValue(edits), countValue(total)];
        if (isSum(settings)) return sumOfEdits;
        return where(equal(divisor, 0), where(greater(sumOfEdits, 0), Infinity, 0), ratio(sumOfEdits, divisor));
      },
      updateTexts({ edits, total }, ...texts) {
        const [moreEdits, moreTotal] = sumsOf(...texts);
        return { edits: addToCount(edits, scalar(moreEdits)), total: addToCount(total, scalar(moreTotal)) };
      },
      ofTexts(targets, predictions) {
        const [edits, total] = sumsOf(targets, predictions);
        if (isSum(settings)) return edits;
        return total > 0 ? edits / total : edits > 0 ? Infinity : 0;
      },
    };
  });
}

/** @throws ArgumentError unless these are texts in pairs, with a weight for each. */
function checkTexts(name: string, targets: unknown, predictions: unknown, sampleWeight: unknown): void {
  for (const [role, texts] of Object.entries({ targets, predictions })) {
    const odd: unknown = Array.isArray(texts) ? texts.find((text) => typeof text !== 'string') : texts;
    if (!Array.isArray(texts) || odd !== undefined) {
      throw new ArgumentError(`${name}: ${role} of texts are or hold ${shown(odd)}; they must be a list of texts, such as ['a cat']`);
    }
  }
  const [count, predicted] = [(targets as string[]).length, (predictions as string[]).length];
  if (count !== predicted) {
    throw new ArgumentError(`${name}: got ${count} targets and ${predicted} predictions; give one prediction for each target`);
  }
  const isList = Array.isArray(sampleWeight) && sampleWeight.length === count && sampleWeight.every((one) => Number.isFinite(one));
  if (sampleWeight === undefined || isList) return;
  throw new ArgumentError(`${name}: sampleWeight is ${shown(sampleWeight)}; it must be a list of ${count} numbers, one for each pair`);
}

/** Levenshtein distance of two lists, by one row of the table (Wagner and Fischer, 1974). */
function hostDistance(target: readonly string[], prediction: readonly string[], cost: number): number {
  let row = Array.from({ length: target.length + 1 }, (_, j) => j);
  for (const [i, token] of prediction.entries()) {
    const next = [i + 1];
    for (let j = 1; j <= target.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (target[j - 1] === token ? 0 : cost)));
    }
    row = next;
  }
  return row[target.length];
}

interface TokenPair {
  readonly targets: Tensor;
  readonly predictions: Tensor;
  /** Whether a token counts; undefined if all do. */
  readonly targetCounts: Tensor | undefined;
  readonly predictionCounts: Tensor | undefined;
  /** f32 [n] */
  readonly weight: Tensor | undefined;
}

/** Tokens [n, T] and [n, U], and which of them count. A weight for each step [n, U] of a masked output leaves out its steps of weight 0. */
function tokensOf(
  name: string,
  targets: Tensor,
  given: Tensor,
  maskTokenId: number | undefined,
  sampleWeight: Tensor | undefined,
): TokenPair {
  const predictions = given.rank === 3 ? argMax(given, { axis: 2 }) : given;
  if (targets.rank !== 2 || predictions.rank !== 2 || targets.shape[0] !== predictions.shape[0]) {
    throw new ShapeError(
      `${name}: targets ${formatShape(targets.shape)} do not fit predictions ${formatShape(given.shape)}; targets are tokens [n, T], ` +
        'predictions tokens [n, U] or scores [n, U, classes]: reshape them, or compare texts by updateTexts()',
    );
  }
  const isOfSteps = sampleWeight?.rank === 2 && sampleWeight.shape[1] !== 1;
  const steps = isOfSteps ? fitWeight(name, sampleWeight, predictions.shape) : undefined;
  const inSteps = steps && notEqual(steps, 0);
  const counts = (tokens: Tensor, inMask: Tensor | undefined): Tensor | undefined => {
    const isToken = maskTokenId === undefined ? undefined : notEqual(tokens, maskTokenId);
    return isToken && inMask ? logicalAnd(isToken, inMask) : (isToken ?? inMask);
  };
  const [n] = predictions.shape;
  return {
    targets,
    predictions,
    targetCounts: counts(targets, targets.shape[1] === predictions.shape[1] ? inSteps : undefined),
    predictionCounts: counts(predictions, inSteps),
    weight: steps ? (steps.shape[1] ? max(steps, { axis: 1 }) : zeros([n])) : sampleWeight && fitWeight(name, sampleWeight, [n]),
  };
}

/** Larger than any distance, and small enough that sums with distances stay exact in f32. */
const far = 2 ** 22;

/**
 * Distances [n] and numbers of target tokens [n], by one row of the table for each token of the predictions. With D the table, i the row and
 * p[j] the number of target tokens up to j, E[i, j] = D[i, j] - p[j] is the running minimum over j of
 * min(E[i-1, j] + 1, E[i-1, j-1] + cost - 1). Tokens that do not count have no cost to insert or delete, and match nothing.
 */
function distancesOf(
  { targets, predictions, targetCounts, predictionCounts }: TokenPair,
  substitutionCost: number,
): { distances: Tensor; lengths: Tensor } {
  const [n, width] = targets.shape;
  const inserted = targetCounts && cast(targetCounts, 'f32');
  const lengths = inserted ? sum(inserted, { axis: 1 }) : broadcastTo(scalar(width), [n]);
  const deleted = predictionCounts && cast(predictionCounts, 'f32');
  let row = zeros([n, width + 1]);
  for (let i = 0; i < predictions.shape[1]; i++) {
    const differs = notEqual(targets, sliceAxis(predictions, 1, i, 1));
    const skipped = [targetCounts && logicalNot(targetCounts), predictionCounts && logicalNot(sliceAxis(predictionCounts, 1, i, 1))];
    const cost = sub(mul(cast(differs, 'f32'), substitutionCost), inserted ?? 1);
    const open = skipped.reduce<Tensor>((costs, isSkipped) => (isSkipped ? where(isSkipped, far, costs) : costs), cost);
    const diagonal = pad(add(sliceAxis(row, 1, 0, width), open), [[0, 0], [1, 0]], { value: far }); // prettier-ignore
    const above = add(row, deleted ? sliceAxis(deleted, 1, i, 1) : 1);
    row = cumMin(minimum(above, diagonal), { axis: 1 });
  }
  return { distances: add(lengths, reshape(sliceAxis(row, 1, width, 1), [n])), lengths };
}
