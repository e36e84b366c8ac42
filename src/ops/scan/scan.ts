// Scans: running sums and products along an axis. The gradient of a running product is a linear recurrence, and so are the gradients of the
// recurrence.
import { DtypeError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape, normalizeAxis, sameShape, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, type ReferenceContext, defineOp } from '../../graph/op.ts';
import type { HostArray } from '../../core/dtype.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkFlag } from '../operands/arguments.ts';
import { mul } from '../elementwise/arithmetic.ts';
import { shiftAxis } from '../batching/batching.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { padInterior } from '../shape/pad.ts';
import { type ScanAttributes, type ScanMode, planScan, scanGeometry } from './scanPlan.ts';
import { flatten } from '../shape/shape.ts';
import { sliceAxis } from '../shape/slice.ts';

/**
 * All steps of all lines on the CPU, in f64. `step` gets the state, the item's position and the previous item's position (for the first
 * item, its own).
 */
function reference(
  { inputs: [x], outputs: [type], attributes, allocate }: ReferenceContext<ScanAttributes>,
  initial: number,
  step: (state: number, at: number, before: number) => number,
): readonly HostArray[] {
  const { outer, length, inner } = scanGeometry(x.shape, attributes.axis);
  const out = allocate(type.dtype, sizeOf(type.shape));
  const stride = attributes.reverse ? -inner : inner;
  for (let o = 0; o < outer; o++) {
    for (let q = 0; q < inner; q++) {
      const start = (o * length + (attributes.reverse ? length - 1 : 0)) * inner + q;
      let state = initial;
      for (let t = 0, at = start; t < length; t++, at += stride) {
        const entering = state;
        state = step(state, at, t === 0 ? at : at - stride);
        out[at] = attributes.exclusive ? entering : state;
      }
    }
  }
  return [out];
}

const isInteger = (dtype: string): boolean => dtype === 'i32' || dtype === 'u32';

function defineScan(
  name: string,
  mode: Exclude<ScanMode, 'recurrence'>,
  vjp: OpDefinition<ScanAttributes>['vjp'],
): OpDefinition<ScanAttributes> {
  return defineOp<ScanAttributes>({
    name,
    infer: ([{ shape, dtype }]) => {
      if (dtype === 'bool') throw new DtypeError(`${name}: the primitive does not take bool; cast(x, 'i32') first`);
      return [{ shape, dtype }];
    },
    batch: shiftAxis,
    vjp,
    // False for products: their gradient is a recurrence, in which an infinity is multiplied by a state of 0.
    passesInfinities: mode === 'sum' ? true : undefined,
    reference: (context) => {
      const { data, dtype } = context.inputs[0];
      // Integers wrap around modulo 2^32. Sums wrap when they are written; products wrap at every step, because f64 cannot hold them.
      if (mode === 'sum') return reference(context, 0, (state, at) => state + data[at]);
      if (isInteger(dtype)) return reference(context, 1, (state, at) => Math.imul(state, data[at]));
      return reference(context, 1, (state, at) => state * data[at]);
    },
    lowering: {
      kind: 'kernel',
      epilogue: false,
      plan: ({ inputs: [x], attributes, target }) => {
        const only = { kind: 'input', index: 0 } as const;
        return planScan(x, mode, { a: only, b: only }, attributes, target);
      },
    },
  });
}

const cumSumOp: OpDefinition<ScanAttributes> = defineScan('cumSum', 'sum', ({ cotangents: [g], attributes }) => [
  // y[i] = Σ_{j≤i} x[j]:  dx[j] = Σ_{i≥j} dy[i]
  g && apply(cumSumOp, [g], { ...attributes, reverse: !attributes.reverse }),
]);

const cumProdOp: OpDefinition<ScanAttributes> = defineScan('cumProd', 'product', ({ inputs: [x], cotangents: [g], attributes }) => {
  if (!g) return [undefined];
  const { axis, reverse, exclusive } = attributes;
  // dx[k] = Π_{j<k} x[j] s[k],  s[k] = Σ_{i≥k} dy[i] Π_{k<j≤i} x[j] = dy[k] + x[k+1] s[k+1]. It has no division, so zeros are handled. An
  // exclusive product y[i] = Π_{j<i} x[j] is an inclusive one shifted by one step, and so is its dy.
  const before = apply(cumProdOp, [x], { ...attributes, exclusive: true });
  const dy = exclusive ? shift(g, axis, !reverse) : g;
  return [mul(before, linearRecurrence(x, dy, { axis, reverse: !reverse, lagged: true, exclusive: false }))];
});

/** Shifts each element by one along the axis, towards lower or higher positions, and inserts a 0. */
export function shift(x: Tensor, axis: number, down: boolean): Tensor {
  const n = x.shape[axis];
  if (n === 0) return x;
  const padding = x.shape.map((_, i): [number, number, number] => (i !== axis ? [0, 0, 0] : down ? [0, 1, 0] : [1, 0, 0]));
  return padInterior(sliceAxis(x, axis, down ? 1 : 0, n - 1), padding, 0);
}

/** h[t] = a[t] h[t-1] + b[t] from h[-1] = 0 along an axis; lagged: a[t-1] h[t-1] + b[t]. */
const recurrenceOp: OpDefinition<ScanAttributes> = defineOp<ScanAttributes>({
  name: 'linearRecurrence',
  infer: ([a, b]) => {
    if (!sameShape(a.shape, b.shape) || a.dtype !== b.dtype) {
      throw new ShapeError(
        `linearRecurrence: a is ${a.dtype}${formatShape(a.shape)}, b is ${b.dtype}${formatShape(b.shape)}; they must be alike`,
      );
    }
    return [{ shape: b.shape, dtype: b.dtype }];
  },
  batch: shiftAxis,
  vjp: ({ inputs: [a], outputs: [h], cotangents: [g], needs, attributes }) => {
    if (!g) return [undefined, undefined];
    const { axis, reverse, lagged } = attributes;
    // db[t] = dh[t] + a[t+1] db[t+1]: the reversed recurrence, lagged;  da[t] = db[t] h[t-1].
    // If this one is lagged, db[t] = dh[t] + a[t] db[t+1] and da[t] = db[t+1] h[t].
    const db = linearRecurrence(a, g, { ...attributes, reverse: !reverse, lagged: !lagged });
    const da = (): Tensor => (lagged ? mul(shift(db, axis, !reverse), h) : mul(db, shift(h, axis, reverse)));
    return [needs[0] ? da() : undefined, db];
  },
  reference: (context) => {
    const [{ data: a }, { data: b }] = context.inputs;
    const { lagged } = context.attributes;
    return reference(context, 0, (state, at, before) => a[lagged ? before : at] * state + b[at]);
  },
  lowering: {
    kind: 'kernel',
    epilogue: false,
    plan: ({ inputs: [, b], attributes, target }) =>
      planScan(b, 'recurrence', { a: { kind: 'input', index: 0 }, b: { kind: 'input', index: 1 } }, attributes, target),
  },
});

/** h[t] = a[t] h[t-1] + b[t] along an axis, from h[-1] = 0. */
export const linearRecurrence = (a: Tensor, b: Tensor, attributes: ScanAttributes): Tensor => apply(recurrenceOp, [a, b], attributes);

export interface ScanOptions {
  /** Axis to scan. Negative values count from the end. Without it, the flattened tensor is scanned. */
  readonly axis?: number;
  /** Whether each element is excluded from its own result. The first result is then the empty sum or product. @default false */
  readonly exclusive?: boolean;
  /** Whether to scan from the last element to the first. @default false */
  readonly reverse?: boolean;
}

function scanWith(name: string, op: OpDefinition<ScanAttributes>, x: TensorLike, options: ScanOptions): Tensor {
  checkOptions(name, options, ['axis', 'exclusive', 'reverse']);
  const t = operand(name, x, 'number');
  const { axis, exclusive = false, reverse = false } = options;
  checkFlag(name, 'exclusive', exclusive);
  checkFlag(name, 'reverse', reverse);
  if (axis === undefined) return apply(op, [flatten(t)], { axis: 0, exclusive, reverse, lagged: false });
  return apply(op, [t], { axis: normalizeAxis(name, axis, t.rank), exclusive, reverse, lagged: false });
}

/**
 * Running sum along an axis, y[i] = Σ x[j] over j ≤ i (exclusive: j < i; reverse: j ≥ i or j > i). bool becomes i32; integers wrap around.
 *
 * x [.., N, ..] -> [.., N, ..]; [size] without an axis.
 * @throws ShapeError for an axis that x does not have.
 *
 *     cumSum(tensor([1, 2, 3]))                        // [1, 3, 6]
 *     cumSum(tensor([1, 2, 3]), { exclusive: true })   // [0, 1, 3]
 */
export const cumSum = (x: TensorLike, options: ScanOptions = {}): Tensor => scanWith('cumSum', cumSumOp, x, options);

/**
 * Running product along an axis, y[i] = Π x[j] over j ≤ i (exclusive: j < i; reverse: j ≥ i or j > i). bool becomes i32; integers wrap
 * around. The gradient is also correct if elements are 0.
 *
 * x [.., N, ..] -> [.., N, ..]; [size] without an axis.
 * @throws ShapeError for an axis that x does not have.
 *
 *     cumProd(tensor([2, 3, 4]), { reverse: true })   // [24, 12, 4]
 */
export const cumProd = (x: TensorLike, options: ScanOptions = {}): Tensor => scanWith('cumProd', cumProdOp, x, options);
