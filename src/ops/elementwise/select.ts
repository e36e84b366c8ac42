// Selection between elements: the ops `where` and `clip`.
import { DtypeError, ShapeError } from '../../core/errors.ts';
import { broadcastShapes, formatShape, sameShape, sizeOf } from '../../core/shape.ts';
import { defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { mul } from './arithmetic.ts';
import { cast } from './cast.ts';
import { greater, greaterEqual, less, lessEqual, logicalAnd } from './comparison.ts';
import { defineElementwise } from './elementwise.ts';
import { type TensorLike, matchOperands, operand } from '../operands/operands.ts';
import { broadcastTo } from '../shape/shape.ts';
import { uniformValue } from '../operands/knownValue.ts';

const whereOp = defineOp<object>({
  name: 'where',
  infer: ([condition, a, b]) => {
    if (condition.dtype !== 'bool' || a.dtype !== b.dtype) {
      throw new DtypeError(`where: takes bool and two of one dtype, got ${condition.dtype}, ${a.dtype}, ${b.dtype}; cast them`);
    }
    if (!sameShape(condition.shape, a.shape) || !sameShape(a.shape, b.shape)) {
      throw new ShapeError(
        `where: shapes differ: ${[condition, a, b].map((t) => formatShape(t.shape)).join(', ')}; the function broadcasts`,
      );
    }
    return [a];
  },
  // The gradient flows to the selected side. The other gets 0, not 0 * g, which would be NaN for an infinite g.
  vjp: ({ inputs: [condition], cotangents: [g], needs }) => [
    undefined,
    g && needs[1] ? where(condition, g, 0) : undefined,
    g && needs[2] ? where(condition, 0, g) : undefined,
  ],
  reference: ({ inputs: [condition, a, b], outputs: [type], allocate }) => {
    const out = allocate(type.dtype, sizeOf(type.shape));
    for (let i = 0; i < out.length; i++) out[i] = condition.data[i] ? a.data[i] : b.data[i];
    return [out];
  },
  lowering: { kind: 'elementwise', expression: ([condition, a, b]) => `select(${b}, ${a}, ${condition})` },
  simplify: ([condition, a, b]) => {
    const known = uniformValue(condition);
    return known === undefined ? undefined : known ? a : b;
  },
});

/**
 * Selects a if the condition is true, otherwise b; all three broadcast together. The gradient goes to the selected side; the other gets 0.
 * In elementwise ops of finite numbers, a gradient of 0 stays 0 for every slope (see grad). So the second line needs no second where()
 * around x.
 *
 *     where(greater(x, 0), x, 0)
 *     where(greater(x, 0), log(x), 0)   // its gradient at 0 is 0
 */
export function where(condition: TensorLike, a: TensorLike, b: TensorLike): Tensor {
  const test = operand('where', condition, 'bool');
  const [left, right] = matchOperands('where', [a, b], 'any', 1);
  const shape = broadcastShapes('where', test.shape, left.shape);
  return apply(whereOp, [broadcastTo(test, shape), broadcastTo(left, shape), broadcastTo(right, shape)], {});
}

const clipOp = defineElementwise({
  name: 'clip',
  arity: 3,
  takes: 'number',
  scalar: (x, low, high) => Math.min(Math.max(x, low), high),
  wgsl: {
    f32: (x, low, high) => `safeClip(${x}, ${low}, ${high})`,
    i32: (x, low, high) => `min(max(${x}, ${low}), ${high})`,
    u32: (x, low, high) => `min(max(${x}, ${low}), ${high})`,
  },
  derivatives: [
    // dx passes if low <= x <= high, both ends included, as in PyTorch
    (g, _y, x, low, high) => where(logicalAnd(greaterEqual(x, low), lessEqual(x, high)), g, 0),
    (g, _y, x, low, high) => mul(g, cast(logicalAnd(less(x, low), less(low, high)), g.dtype)),
    (g, _y, x, low, high) => mul(g, cast(greater(clip(x, low, Infinity), high), g.dtype)),
  ],
});

/**
 * Clips x to [min, max]: min(max(x, low), high). NaN stays NaN.
 *
 *     clip(x, -1, 1)
 */
export function clip(x: TensorLike, min: TensorLike, max: TensorLike): Tensor {
  return apply(clipOp, matchOperands('clip', [x, min, max], 'number'), {});
}
