// The dtype that a convolution computes in.
import { type Dtype, isFloat, promote } from '../../core/dtype.ts';
import { DtypeError } from '../../core/errors.ts';
import type { TensorType } from '../../graph/op.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { cast } from '../elementwise/cast.ts';

/** Throws unless the operands of a primitive are two floats of one dtype. */
export function checkFloats(op: string, [a, b]: readonly TensorType[]): Dtype {
  if (a.dtype === b.dtype && isFloat(a.dtype)) return a.dtype;
  throw new DtypeError(`${op}: takes two float operands of one dtype, got ${a.dtype} and ${b.dtype}; use cast(x, 'f32')`);
}

/** Casts both operands to their common float dtype; f32 for integers. */
export function toFloats(op: string, x: Tensor, filter: Tensor): [x: Tensor, filter: Tensor] {
  const dtype = promote(op, x.dtype, filter.dtype);
  const floats = isFloat(dtype) ? dtype : 'f32';
  return [cast(x, floats), cast(filter, floats)];
}
