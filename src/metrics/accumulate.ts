// Sums that stay exact over an epoch. Compensated sums do not work on a GPU: WGSL allows a driver to reassociate floats, and some do, which
// cancels the compensation. Reassociating integers changes nothing, so the running sums are kept in integers: counts in units of 1, totals
// in units of about a 4096th of a summand. The rest, less than half a unit, is kept in a separate float, which therefore stays small.
import { isFloat } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  abs,
  add,
  cast,
  div,
  equal,
  greater,
  greaterEqual,
  isFinite,
  lessEqual,
  logicalAnd,
  mul,
  round,
  scalar,
  sub,
  sum,
  where,
  zeros,
} from '../ops/index.ts';

/** A count, or a sum of weights: high * 2^30 + whole + rest. Exact to 2^54 if all weights are integers. */
export type Count = { readonly high: Tensor; readonly whole: Tensor; readonly rest: Tensor };

const nought = (shape: Shape, dtype: 'i32' | 'f32'): Tensor => (shape.length ? zeros(shape, dtype) : scalar(0, dtype));

/** A count of nothing, or one for each element of a shape. */
export const noCount = (shape: Shape = []): Count => ({
  high: nought(shape, 'i32'),
  whole: nought(shape, 'i32'),
  rest: nought(shape, 'f32'),
});

/** Limit that leaves space below 2^31 for one more summand, in counts and in the units of totals. */
const fullI32 = 2 ** 30;

/** Adds the number of true elements, or the sum of their weights (of the same shape). */
export function countTrue(count: Count, hits: Tensor, weight: Tensor | undefined): Count {
  if (!weight) return addWhole(count, sum(cast(hits, 'i32')), count.rest);
  return addWeight(count, sum(where(hits, weight, 0)));
}

/**
 * Adds a number of elements, or the sum of their weights. A number that only the device has is an i32 scalar; a sum of weights is an f32
 * scalar.
 */
export function countAll(count: Count, size: number | Tensor, weight?: Tensor): Count {
  if (typeof size !== 'number' && isFloat(size.dtype)) return addWeight(count, size);
  return weight ? addWeight(count, sum(weight)) : addWhole(count, size, count.rest);
}

/** Adds numbers (i32) or sums of weights (f32), one for each of the counts. */
export const addToCount = (count: Count, amount: Tensor): Count =>
  isFloat(amount.dtype) ? addWeight(count, amount) : addWhole(count, amount, count.rest);

/** Weights that are too large for i32, or not finite, stay in the float. */
function addWeight(count: Count, amount: Tensor): Count {
  const open = add(count.rest, amount);
  const moved = where(lessEqual(abs(open), fullI32), round(open), 0);
  return addWhole(count, cast(moved, 'i32'), sub(open, moved));
}

/** Carries the part above 2^30: an epoch often has more pixels than an i32 can count. */
function addWhole({ high, whole }: Count, amount: number | Tensor, rest: Tensor): Count {
  const grown = add(whole, amount);
  const carry = cast(greaterEqual(grown, fullI32), 'i32');
  return { high: add(high, carry), whole: sub(grown, mul(carry, fullI32)), rest };
}

export const countValue = ({ high, whole, rest }: Count): Tensor => add(add(mul(cast(high, 'f32'), fullI32), cast(whole, 'f32')), rest);

/** A sum of floats: units * unit + rest, to about 1e-7 of the sum of their absolute values. */
export type Total = { readonly units: Tensor; readonly unit: Tensor; readonly rest: Tensor };

/** A sum of nothing, or one for each element of a shape. */
export const noTotal = (shape: Shape = []): Total => ({
  units: nought(shape, 'i32'),
  unit: nought(shape, 'f32'),
  rest: nought(shape, 'f32'),
});

/**
 * Adds a scalar, or one for each of the sums. If the units would overflow (at the first summand, and after the sum has grown by 2^18), a new unit is chosen: a 4096th of
 * the sum, with one rounding. An infinite or NaN sum has no unit; it stays in `rest`.
 */
export function addToTotal({ units, unit, rest }: Total, amount: Tensor): Total {
  const open = add(rest, amount);
  const grown = add(cast(units, 'f32'), div(open, unit));
  const fits = logicalAnd(greater(unit, 0), lessEqual(abs(grown), fullI32));
  const whole = add(mul(cast(units, 'f32'), unit), open);
  const size = where(fits, unit, where(isFinite(whole), mul(abs(whole), 2 ** -12), 0));
  const left = where(fits, open, whole);
  const moved = where(greater(size, 0), round(div(left, size)), 0);
  return { units: add(where(fits, units, 0), cast(moved, 'i32')), unit: size, rest: sub(left, mul(moved, size)) };
}

export const totalValue = ({ units, unit, rest }: Total): Tensor => add(mul(cast(units, 'f32'), unit), rest);

/** a / b, and 0 if b is 0, such as before anything was counted. */
export const ratio = (a: Tensor, b: Tensor): Tensor => where(equal(b, 0), 0, div(a, where(equal(b, 0), 1, b)));
