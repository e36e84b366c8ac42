// Truncating division, and bit operations of integers.
import integersSource from '../../../shaders/integers.wgsl?raw';
import { provideFunctions } from '../../wgsl/index.ts';
import { isFloat } from '../../core/dtype.ts';
import { DtypeError } from '../../core/errors.ts';
import { Tensor } from '../../graph/tensor.ts';
import { neg } from './arithmetic.ts';
import { logicalAnd, logicalNot, logicalOr, logicalXor } from './comparison.ts';
import { binary, unary } from './elementwise.ts';
import { type TensorLike, commonDtype } from '../operands/operands.ts';
import { truncDivide } from './hostMath.ts';
import { isDivisor } from '../operands/knownValue.ts';
import { propagate } from './zeroFlow.ts';

provideFunctions('integers', integersSource);

/**
 * Quotient rounded towards 0, trunc(a / b), in the operands' own dtype, like / of integers in C and Div of integers in ONNX. An integer
 * divided by zero gives 0. The most negative i32 divided by -1 is unchanged. floorDiv rounds down instead. Broadcasts.
 *
 *     truncDiv(tensor([-7, 7], [2], 'i32'), 2)   // [-3, 3]
 */
export const truncDiv = binary({
  name: 'truncDiv',
  takes: 'number',
  unbounded: ([, divisor]) => !isDivisor(divisor),
  scalar: truncDivide,
  integer: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  wgsl: {
    f32: (a, b) => `truncDiv(${a}, ${b})`,
    i32: (a, b) => `truncDivI32(${a}, ${b})`,
    u32: (a, b) => `floorDivU32(${a}, ${b})`,
  },
  derivatives: 'zero',
});

/**
 * Remainder of truncated division, a - b trunc(a / b): it has the sign of a, like % in C and JavaScript and Mod with fmod = 1 in ONNX. A
 * remainder by zero is 0 for integers and NaN for floats. mod has the sign of b instead. Broadcasts.
 *
 *     fmod(tensor([-7, 7], [2], 'i32'), 3)   // [-1, 1]
 */
export const fmod = binary({
  name: 'fmod',
  takes: 'number',
  unbounded: ([, divisor]) => !isDivisor(divisor),
  scalar: (a, b) => a % b,
  integer: (a, b) => (b === 0 ? 0 : a % b),
  wgsl: {
    f32: (a, b) => `truncMod(${a}, ${b})`,
    i32: (a, b) => `truncModI32(${a}, ${b})`,
    u32: (a, b) => `floorModU32(${a}, ${b})`,
  },
  // d fmod(a, b) = da - trunc(a / b) db
  derivatives: [(g) => g, (g, _y, a, b) => neg(propagate(g, truncDiv(a, b)))],
});

type Binary = (a: TensorLike, b: TensorLike) => Tensor;

/** @throws DtypeError if the common dtype of the operands is a float. */
function checkIntegers(op: string, operands: readonly TensorLike[]): void {
  const dtype = commonDtype(op, operands, 'any');
  if (!isFloat(dtype)) return;
  throw new DtypeError(`${op}: takes integers, got ${dtype}; use cast(x, 'i32')`);
}

const allBool = (operands: readonly TensorLike[]): boolean => operands.every((x) => x instanceof Tensor && x.dtype === 'bool');

/** Defines an op on the bits of i32 and u32. For bools it is `logical`. */
function bitwise(
  name: string,
  symbol: string,
  logical: Binary,
  integer: (a: number, b: number) => number,
): (a: TensorLike, b: TensorLike) => Tensor {
  const ofIntegers = binary({
    name,
    takes: 'number',
    scalar: integer,
    wgsl: { i32: (a, b) => `(${a} ${symbol} ${b})`, u32: (a, b) => `(${a} ${symbol} ${b})` },
    derivatives: 'nondifferentiable',
  });
  return (a, b) => {
    checkIntegers(name, [a, b]);
    return allBool([a, b]) ? logical(a, b) : ofIntegers(a, b);
  };
}

/**
 * Bits that are set in both, a & b. For i32 and u32; for bools it is logicalAnd. Broadcasts.
 * @throws DtypeError for floats.
 *
 *     bitwiseAnd(tensor([12], [1], 'i32'), 10)   // [8]
 */
export const bitwiseAnd = bitwise('bitwiseAnd', '&', logicalAnd, (a, b) => a & b);

/**
 * Bits that are set in either or both, a | b. For i32 and u32; for bools it is logicalOr. Broadcasts.
 * @throws DtypeError for floats.
 *
 *     bitwiseOr(tensor([12], [1], 'i32'), 10)   // [14]
 */
export const bitwiseOr = bitwise('bitwiseOr', '|', logicalOr, (a, b) => a | b);

/**
 * Bits that are set in exactly one of both, a ^ b. For i32 and u32; for bools it is logicalXor. Broadcasts.
 * @throws DtypeError for floats.
 *
 *     bitwiseXor(tensor([12], [1], 'i32'), 10)   // [6]
 */
export const bitwiseXor = bitwise('bitwiseXor', '^', logicalXor, (a, b) => a ^ b);

const notOfIntegers = unary({
  name: 'bitwiseNot',
  takes: 'number',
  scalar: (a) => ~a,
  wgsl: { i32: (a) => `(~${a})`, u32: (a) => `(~${a})` },
  derivatives: 'nondifferentiable',
});

/**
 * Inverts every bit, ~x; -x - 1 for i32. For i32 and u32; for bools it is logicalNot.
 * @throws DtypeError for floats.
 *
 *     bitwiseNot(tensor([5], [1], 'i32'))   // [-6]
 */
export function bitwiseNot(x: TensorLike): Tensor {
  checkIntegers('bitwiseNot', [x]);
  return allBool([x]) ? logicalNot(x) : notOfIntegers(x);
}

function shift(name: string, wgsl: string, integer: (a: number, count: number) => number): (a: TensorLike, b: TensorLike) => Tensor {
  const ofIntegers = binary({
    name,
    takes: 'number',
    scalar: integer,
    wgsl: { i32: (a, b) => `${wgsl}I32(${a}, ${b})`, u32: (a, b) => `${wgsl}U32(${a}, ${b})` },
    derivatives: 'nondifferentiable',
  });
  return (a, b) => {
    checkIntegers(name, [a, b]);
    return ofIntegers(a, b);
  };
}

/** Whether a shift removes all bits. Negative counts do so too. */
const isFar = (count: number): boolean => count < 0 || count > 31;

/**
 * Shifts the bits of a left by b places, a << b modulo 2^32. For i32 and u32; bool becomes i32. A count of 32 or more, or below 0, gives 0.
 * Broadcasts.
 * @throws DtypeError for floats.
 *
 *     leftShift(tensor([3], [1], 'i32'), 4)   // [48]
 */
export const leftShift = shift('leftShift', 'shiftLeft', (a, count) => (isFar(count) ? 0 : a << count));

/**
 * Shifts the bits of a right by b places, a >> b: i32 keeps its sign, u32 is filled with zeros. bool becomes i32. A count of 32 or more, or
 * below 0, gives 0, or -1 for a negative number. Broadcasts.
 * @throws DtypeError for floats.
 *
 *     rightShift(tensor([-48], [1], 'i32'), 4)   // [-3]
 */
export const rightShift = shift('rightShift', 'shiftRight', (a, count) => (isFar(count) ? (a < 0 ? -1 : 0) : Math.floor(a / 2 ** count)));
