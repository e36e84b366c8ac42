// The batch axis of tensors without values. Its size is not known when a model is written, so a prime number is used for it. Sizes and
// counts that ops derive from it can be distinguished from other numbers, and are computed again for each batch.

/** Size of the batch axis of symbolic tensors. A prime below 2^24, which f32 holds exactly and no product of other sizes gives. */
export const batchAxis = 7_368_787;

/** Largest number of rows that an op may add to a multiple of the batch. */
const maxOffset = 2 ** 16;

/** Largest offset that messages write as `batch+3`. Larger numbers are more likely the user's own. */
const maxShownOffset = 64;

/** A number as factor * batch + offset. Undefined if it is small, or not near a multiple of the batch. */
function decompose(n: number): { readonly factor: number; readonly offset: number } | undefined {
  if (!Number.isSafeInteger(n) || Math.abs(n) < batchAxis / 2) return undefined;
  const factor = Math.round(n / batchAxis);
  const offset = n - factor * batchAxis;
  return Math.abs(offset) <= maxOffset ? { factor, offset } : undefined;
}

/** Whether a size depends on the batch. */
export const dependsOnBatch = (n: number): boolean => decompose(n) !== undefined;

/** Whether a size is the batch size itself, or very close to a multiple of it. */
export function isBatchSize(n: number): boolean {
  const parts = decompose(n);
  return parts !== undefined && Math.abs(parts.offset) <= maxShownOffset;
}

/** Recognized fractions of the batch: a half to a sixteenth. */
const shares = Array.from({ length: 15 }, (_, i) => i + 2);

/** Whether a number is as large as if it depended on the batch, but has another form. */
export const isUnclear = (n: number): boolean => Number.isInteger(n) && Math.abs(n) >= batchAxis / 2 && !dependsOnBatch(n);

/** Whether a whole number is a rounded fraction of the batch, such as half of it. Its value for another batch size is not known. */
export const isRoundedShare = (n: number): boolean =>
  Number.isInteger(n) && shares.some((share) => Math.abs(Math.abs(n) - batchAxis / share) < 1);

/** The integer nearest to a computed number if only rounding separates them; otherwise the number itself. */
function nearestWhole(n: number): number {
  const whole = Math.round(n);
  const tolerance = Math.abs(whole) * 2 ** -48;
  return tolerance < 1e-4 && Math.abs(n - whole) <= tolerance ? whole : n;
}

/**
 * A number for a batch of this size. It may be n = factor * batch + offset, as sizes and counts are, a fraction or the square root of n, or
 * the reciprocal of one of them. Other numbers are unchanged.
 */
export function atBatchSize(n: number, size: number): number {
  if (n === 0 || !Number.isFinite(n)) return n;
  const parts = decompose(n);
  if (parts) return atBatchSize(parts.factor, size) * size + parts.offset;
  if (Math.abs(n) < 0.01) {
    const divisor = nearestWhole(1 / n);
    const next = atBatchSize(divisor, size);
    return next === divisor ? n : 1 / next;
  }
  if (Number.isInteger(n)) return n;
  const share = shares.find((parts) => decompose(nearestWhole(n * parts))?.offset === 0);
  if (share) return atBatchSize(nearestWhole(n * share), size) / share;
  const square = nearestWhole(n * n);
  return decompose(square) ? Math.sign(n) * Math.sqrt(atBatchSize(square, size)) : n;
}

/** A size as messages show it: `batch`, `2*batch`, `batch+3`, or the number. */
export function formatSize(n: number): string {
  const parts = decompose(n);
  if (!parts || Math.abs(parts.offset) > maxShownOffset) return String(n);
  const { factor, offset } = parts;
  const product = factor === 1 ? 'batch' : `${formatSize(factor)}*batch`;
  if (offset === 0) return product;
  return `${product}${offset > 0 ? '+' : ''}${offset}`;
}

/** Writes sizes that depend on the batch by name. Digits after a decimal point are not sizes. */
export const nameBatchSizes = (text: string): string =>
  text.replace(/(?<![\d.])\d{7,}/g, (digits) => (isBatchSize(Number(digits)) ? formatSize(Number(digits)) : digits));
