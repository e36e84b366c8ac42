// Change of dtype.
import { type Dtype, isFloat, toElement } from '../../core/dtype.ts';
import { sizeOf } from '../../core/shape.ts';
import { defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { type ValueType, valueType } from '../../wgsl/index.ts';
import { checkDtype, checkTensor } from '../operands/arguments.ts';
import { inputOf } from '../operands/knownValue.ts';

const castOp = defineOp<{ readonly dtype: Dtype }>({
  name: 'cast',
  infer: ([{ shape }], { dtype }) => [{ shape, dtype }],
  // Between floats the derivative is 1. Integers pass no gradient.
  vjp: ({ inputs: [x], cotangents: [g], attributes: { dtype } }) => [
    g && isFloat(dtype) && isFloat(x.dtype) ? cast(g, x.dtype) : undefined,
  ],
  reference: ({ inputs: [x], attributes: { dtype }, allocate }) => {
    const out = allocate(dtype, sizeOf(x.shape));
    if (dtype === 'f32') out.set(x.data);
    else for (let i = 0; i < out.length; i++) out[i] = toElement(dtype, x.data[i]);
    return [out];
  },
  lowering: {
    kind: 'elementwise',
    expression: ([x], { inputs, output }) => conversions[valueType(inputs[0].dtype)][valueType(output.dtype)](x),
  },
  simplify: ([x], { dtype }) => {
    if (x.dtype === dtype) return x;
    // Two casts are merged only if no value is lost: f32 -> f16 -> f32 rounds, bool -> f32 -> bool does not.
    const before = inputOf(x, 'cast');
    return before?.dtype === dtype && dtype === 'bool' ? before : undefined;
  },
});

const same = (x: string): string => x;

/**
 * WGSL of each conversion. Floats are truncated and clamped to the integer's range, and NaN becomes 0; WGSL does not define these cases.
 * NaN to bool is true.
 */
const conversions: Record<ValueType, Record<ValueType, (x: string) => string>> = {
  f32: { f32: same, i32: (x) => `toI32(${x})`, u32: (x) => `toU32(${x})`, bool: (x) => `((bitcast<u32>(${x}) & 0x7fffffffu) != 0u)` },
  i32: { f32: (x) => `f32(${x})`, i32: same, u32: (x) => `u32(max(${x}, 0))`, bool: (x) => `(${x} != 0)` },
  u32: { f32: (x) => `f32(${x})`, i32: (x) => `i32(min(${x}, 0x7fffffffu))`, u32: same, bool: (x) => `(${x} != 0u)` },
  bool: { f32: (x) => `f32(${x})`, i32: (x) => `i32(${x})`, u32: (x) => `u32(${x})`, bool: same },
};

/**
 * Converts a tensor to another dtype. To an integer: truncated, clamped to its range, NaN as 0. To bool: x ≠ 0.
 * @throws DtypeError for an unknown dtype, ArgumentError for anything but a tensor.
 */
export function cast(x: Tensor, dtype: Dtype): Tensor {
  checkTensor('cast', 'x', x);
  checkDtype('cast', dtype);
  return x.dtype === dtype ? x : apply(castOp, [x], { dtype });
}
