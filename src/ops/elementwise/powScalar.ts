// Powers with an exponent known when the graph is built.
import { type Dtype, isFloat } from '../../core/dtype.ts';
import { defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { f32Literal, valueType } from '../../wgsl/index.ts';
import { mul, pow, reciprocal, square } from './arithmetic.ts';
import { type Scalar, elementwiseLoop } from './elementwise.ts';
import { rsqrt, sqrt } from './exponential.ts';
import { numberConstant, operand } from '../operands/operands.ts';
import { integerPower, power } from './hostMath.ts';
import { onesLike } from '../create/create.ts';
import { inputOf, uniformValue } from '../operands/knownValue.ts';
import { productOrZero, propagate } from './zeroFlow.ts';

const powScalarOp = defineOp<{ readonly exponent: number }>({
  name: 'powScalar',
  infer: ([x]) => [x],
  // d x^p = p x^(p-1) dx
  vjp: ({ inputs: [x], cotangents: [g], attributes: { exponent } }) => [
    g && (overflows(x, exponent) ? productOrZero : propagate)(g, mul(pow(x, exponent - 1), exponent)),
  ],
  reference: (context) => {
    const { exponent } = context.attributes;
    const real: Scalar = (x) => power(x, exponent);
    return elementwiseLoop(1, real, (x) => integerPower(x, exponent))(context);
  },
  lowering: { kind: 'elementwise', expression: ([x], { attributes, inputs }) => powerOf(x, attributes.exponent, inputs[0].dtype) },
  // A pole at 0, no real value for negative numbers, or overflow.
  unbounded: ([x], { exponent }) => exponent < 0 || !Number.isInteger(exponent) || overflows(x, exponent),
});

/** True if x^p, or its slope, can overflow f32. Exponents up to 2 are treated as safe, like products, and so are clipped bases. */
const overflows = (x: Tensor, exponent: number): boolean =>
  exponent > 2 && !(exponent * largestMagnitude(x) ** exponent < (x.dtype === 'f16' ? 65504 : 3.4e38));

/** The largest |x| of a tensor that clip bounds between two numbers; Infinity for others. */
function largestMagnitude(x: Tensor): number {
  if (!inputOf(x, 'clip')) return Infinity;
  const [low, high] = x.node!.inputs.slice(1).map(uniformValue);
  return low === undefined || high === undefined ? Infinity : Math.max(Math.abs(low), Math.abs(high));
}

function powerOf(x: string, exponent: number, dtype: Dtype): string {
  if (exponent === 3) return `(${x} * ${x} * ${x})`;
  if (exponent === 4) return `((${x} * ${x}) * (${x} * ${x}))`;
  const type = valueType(dtype);
  if (type !== 'f32') return `pow${type === 'u32' ? 'U32' : 'I32'}(${x}, ${exponent}${type === 'u32' ? 'u' : ''})`;
  // Repeated multiplication is exact, but pow's logarithm is not. A few more products cost nothing.
  return Number.isInteger(exponent) && Math.abs(exponent) <= 64
    ? `powInteger(${x}, ${exponent})`
    : `safePow(${x}, ${f32Literal(exponent)})`;
}

/** x^p for a number p. An integer tensor keeps its dtype for p = 0, 1, 2, …, and becomes f32 for other exponents. */
export function powScalar(x: Tensor, exponent: number): Tensor {
  const keepsIntegers = Number.isInteger(exponent) && exponent >= 0;
  const base = operand('pow', x, keepsIntegers && !isFloat(x.dtype) ? 'number' : 'float');
  // The kernel takes the exponent in the base's dtype. An exponent outside its range is an error, like any other number.
  if (!isFloat(base.dtype)) numberConstant('pow', exponent, base.dtype);
  const special = shortcuts.get(exponent);
  return special ? special(base) : apply(powScalarOp, [base], { exponent });
}

/** Exponents with their own op. */
const shortcuts: ReadonlyMap<number, (x: Tensor) => Tensor> = new Map([
  [0, (x: Tensor) => onesLike(x)],
  [1, (x: Tensor) => x],
  [2, (x: Tensor) => square(x)],
  [0.5, (x: Tensor) => sqrt(x)],
  [-0.5, (x: Tensor) => rsqrt(x)],
  [-1, (x: Tensor) => reciprocal(x)],
]);
