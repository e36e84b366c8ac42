// The next token from logits: the largest logit, or a draw from the filtered distribution.
import type { Tensor } from '../graph/tensor.ts';
import { argMax, cumSum, div, greaterEqual, less, max, min, random, slice, softmax, sort, sub, where } from '../ops/index.ts';

/** Filters of the distribution. The numbers are f32 scalars of the program. */
export interface Sampling {
  readonly temperature: Tensor | number;
  readonly topK: number | undefined;
  readonly topP: Tensor | number | undefined;
}

/**
 * Logits divided by the temperature; -Infinity for classes that the filters exclude. topK keeps the k largest logits. topP then keeps the smallest
 * set of the largest probabilities whose sum reaches topP (Holtzman et al., 2019). Classes equal to the last kept one are kept.
 *
 * logits [batch, classes] -> [batch, classes].
 */
export function filterLogits(logits: Tensor, { temperature, topK, topP }: Sampling): Tensor {
  // Differences from the largest logit stay finite at small temperatures.
  const scaled = div(sub(logits, max(logits, { axis: -1, keepDims: true })), temperature);
  const classes = logits.shape[1];
  const k = Math.min(topK ?? classes, classes);
  if (k === classes && topP === undefined) return scaled;
  const sorted = sort(scaled, { axis: -1, descending: true });
  const kth = slice(sorted, [0, k - 1], [logits.shape[0], k]);
  const limited = k === classes ? sorted : slice(sorted, [0, 0], [logits.shape[0], k]);
  if (topP === undefined) return where(greaterEqual(scaled, kth), scaled, -Infinity);
  const before = cumSum(softmax(limited, { axis: -1 }), { axis: -1, exclusive: true });
  // The first class is always kept.
  const kept = where(less(before, topP), limited, Infinity);
  const last = min(kept, { axis: -1, keepDims: true });
  return where(greaterEqual(scaled, last), scaled, -Infinity);
}

/** logits [batch, classes] -> i32 [batch]. Without sampling: the largest logit, the first of equal ones. */
export const nextToken = (logits: Tensor, sampling: Sampling | undefined): Tensor =>
  sampling ? random.categorical(filterLogits(logits, sampling), { axis: -1 }) : argMax(logits, { axis: -1 });
