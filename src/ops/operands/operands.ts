// Prepares the operands of a free function: JS numbers become constants, and operands get one dtype and one shape.
import { type Dtype, inRange, integerRange, isFloat, promote } from '../../core/dtype.ts';
import { ArgumentError, DtypeError } from '../../core/errors.ts';
import { broadcastShapes } from '../../core/shape.ts';
import { constant } from '../../graph/leaves.ts';
import { Tensor } from '../../graph/tensor.ts';
import { inWords } from './arguments.ts';
import { cast } from '../elementwise/cast.ts';
import { broadcastTo } from '../shape/shape.ts';

/** A tensor or a plain number. Numbers are weak: an integer takes the other operand's dtype, any other number lifts integers to f32. */
export type TensorLike = Tensor | number;

/**
 * Dtypes that an op computes in. `number` converts bool to i32, `float` converts all integers to f32, `bool` tests against zero, `any`
 * keeps the dtype.
 */
export type DtypeRule = 'any' | 'number' | 'float' | 'bool';

/** Applies `rule` to a dtype. */
export function lift(dtype: Dtype, rule: DtypeRule): Dtype {
  switch (rule) {
    case 'any':
      return dtype;
    case 'number':
      return dtype === 'bool' ? 'i32' : dtype;
    case 'float':
      return isFloat(dtype) ? dtype : 'f32';
    case 'bool':
      return 'bool';
    default:
      return rule satisfies never;
  }
}

function checkOperand(op: string, operand: unknown, position: number): void {
  if (operand instanceof Tensor || typeof operand === 'number') return;
  throw new ArgumentError(
    `${op}: operand ${position} is ${inWords(operand)}; operands are tensors or numbers: wrap arrays in tensor([...])`,
  );
}

/** The common dtype of tensors and weak numbers. Errors count the operands from `first`. */
export function commonDtype(op: string, operands: readonly TensorLike[], rule: DtypeRule, first = 0): Dtype {
  operands.forEach((operand, i) => checkOperand(op, operand, first + i));
  if (rule === 'bool') return 'bool';
  let dtype: Dtype | undefined;
  for (const operand of operands) {
    if (typeof operand !== 'number') dtype = dtype === undefined ? operand.dtype : promote(op, dtype, operand.dtype);
  }
  if (dtype === undefined) return 'f32';
  for (const operand of operands) {
    if (typeof operand !== 'number' || isFloat(dtype)) continue;
    if (!Number.isInteger(operand)) dtype = 'f32';
    else if (dtype === 'bool') dtype = 'i32';
  }
  return lift(dtype, rule);
}

/** Converts a weak number to a constant of the operands' common dtype. */
export function numberConstant(op: string, value: number, dtype: Dtype): Tensor {
  if (!inRange(dtype, value)) {
    const [low, high] = integerRange[dtype as keyof typeof integerRange];
    throw new DtypeError(`${op}: ${value} is not a value of ${dtype} (${low} to ${high}); cast the tensor to f32 first`);
  }
  return constant(dtype === 'bool' ? Number(value !== 0) : value, dtype);
}

/** Converts a tensor or number to a tensor of a dtype that `rule` allows. */
export function operand(op: string, x: TensorLike, rule: DtypeRule = 'any'): Tensor {
  return matchOperands(op, [x], rule)[0];
}

/** Converts the operands to tensors of one dtype and one shape. Errors count them from `first`. */
export function matchOperands(op: string, operands: readonly TensorLike[], rule: DtypeRule, first = 0): Tensor[] {
  const dtype = commonDtype(op, operands, rule, first);
  return broadcastTogether(
    op,
    operands.map((x) => (typeof x === 'number' ? numberConstant(op, x, dtype) : cast(x, dtype))),
  );
}

/** The tensors broadcast to their common shape. */
export function broadcastTogether(op: string, tensors: readonly Tensor[]): Tensor[] {
  const shape = broadcastShapes(op, ...tensors.map((t) => t.shape));
  return tensors.map((t) => broadcastTo(t, shape));
}
