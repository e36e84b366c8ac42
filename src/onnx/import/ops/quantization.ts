// Numbers stored as small integers: x = (q - zero point) scale. Integers are i32, and products of them are exact.
import { sizeOf } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { add, cast, clip, div, equal, floorDiv, matmul, max, maximum, min, minimum, mul, repeat, reshape, round, slice, sub, where } from '../../../ops/index.ts'; // prettier-ignore
import { type ElementName, elementName, elementOf, shownType } from '../../format/elements.ts';
import type { Call, RuleTable } from '../call.ts';
import { Value } from '../value.ts';
import { convolve, withBias } from './convolution.ts';
import { perChannel } from './normalization.ts';

/** A parameter of the whole tensor, of each element of an axis, or of each block of an axis. */
function fitted(call: Call, parameter: Tensor): Tensor {
  const shape = call.shape(0);
  const block = call.int('block_size', 0);
  if (block > 0) {
    const axis = call.axis(call.int('axis', 1), shape.length);
    const blocks = Math.ceil(shape[axis] / block);
    const fits = parameter.rank === shape.length && shape.every((n, i) => parameter.shape[i] === (i === axis ? blocks : n));
    if (!fits) {
      call.fail(
        `block_size is ${block}, so scale and zero point need the shape [${shape.map((n, i) => (i === axis ? blocks : n)).join()}]; got [${parameter.shape.join()}]`,
      );
    }
    return slice(
      repeat(parameter, block, axis),
      shape.map(() => 0),
      shape,
    );
  }
  if (parameter.size === 1) return reshape(parameter, []);
  return perChannel(parameter, shape.length - call.axis(call.int('axis', 1), shape.length) + 1);
}

function dequantized(call: Call): Tensor {
  const scale = fitted(call, call.tensor(1));
  const zero = call.optional(2);
  const x = cast(call.tensor(0), 'i32');
  return mul(cast(zero ? sub(x, fitted(call, cast(zero, 'i32'))) : x, scale.dtype), scale);
}

/** The type of a zero point; of the attribute output_dtype or UINT8 without one. */
function typeOfZero(call: Call, zero: number): ElementName {
  if (call.has(zero)) return call.value(zero).type;
  const code = call.int('output_dtype', 0);
  if (code === 0) return 'UINT8';
  return elementName(code) ?? call.fail(`output_dtype is ${shownType(code)}; it must be an integer of 8 or 16 bits`);
}

/** Floats as integers of a type: rounded to the nearest, halves to even numbers, and clipped to the range. */
function asIntegers(call: Call, steps: Tensor, zero: Tensor | undefined, type: ElementName): Value {
  const [low, high] = elementOf(type).range ?? call.fail(`the zero point is ${type}; it must be an integer of 8 or 16 bits`);
  const whole = round(steps);
  return Value.ofTensor(cast(clip(zero ? add(whole, cast(zero, 'f32')) : whole, low, high), 'i32'), type);
}

function quantized(call: Call): Value {
  const steps = div(cast(call.tensor(0), 'f32'), fitted(call, cast(call.tensor(1), 'f32')));
  const zero = call.optional(2);
  return asIntegers(call, steps, zero && fitted(call, zero), typeOfZero(call, 2));
}

/** Scale and zero point of UINT8 from the range of the data, which is made to contain 0. */
function dynamicallyQuantized(call: Call): Value[] {
  const x = cast(call.tensor(0), 'f32');
  const [low, high] = [minimum(min(x), 0), maximum(max(x), 0)];
  const range = div(sub(high, low), 255);
  const scale = where(equal(range, 0), 1, range);
  const zero = asIntegers(call, div(sub(0, low), scale), undefined, 'UINT8');
  return [asIntegers(call, div(x, scale), zero.tensor, 'UINT8'), Value.ofTensor(scale, 'FLOAT'), zero];
}

/** Floats hold whole numbers below 2^24. Differences of integers of 8 bits are at most 255. */
const [exact, largest, nibble] = [2 ** 24, 255, 16];

/**
 * A sum of products of two tensors of i32 from -255 to 255, exact in i32. `terms` is the number of products in a sum. If a sum of them may
 * pass 2^24, the operands are cut into 16 h + l, and the products of the parts are added as integers.
 */
function exactSum(call: Call, operands: readonly [Tensor, Tensor], terms: number, product: (a: Tensor, b: Tensor) => Tensor): Tensor {
  const parts = (x: Tensor): readonly (readonly [part: Tensor, weight: number])[] => {
    const high = floorDiv(x, nibble);
    return [[high, nibble], [sub(x, mul(high, nibble)), 1]]; // prettier-ignore
  };
  const whole = (x: Tensor): ReturnType<typeof parts> => [[x, 1]];
  const cut = [largest * largest, largest * nibble, nibble * nibble].findIndex((size) => terms * size <= exact);
  if (cut < 0) call.fail(`a sum has ${terms} products; sums of ${exact / nibble ** 2} are exact, so cut the operands`);
  const [a, b] = [cut > 0 ? parts(operands[0]) : whole(operands[0]), cut > 1 ? parts(operands[1]) : whole(operands[1])];
  const sums = a.flatMap(([x, m]) => b.map(([y, n]) => mul(cast(product(cast(x, 'f32'), cast(y, 'f32')), 'i32'), m * n)));
  return sums.reduce((total, one) => add(total, one));
}

/** Integers less their zero point, which `fit` brings to the shape of the integers. */
function shifted(call: Call, i: number, zero: number, fit: (point: Tensor) => Tensor): Tensor {
  const x = cast(call.tensor(i), 'i32');
  const point = call.optional(zero);
  return point ? sub(x, fit(cast(point, 'i32'))) : x;
}

const single = (x: Tensor): Tensor => (x.size === 1 ? reshape(x, []) : x);
/** A parameter for each row of a matrix; [..batch, rows, 1] is such a shape already. */
const forRows = (x: Tensor): Tensor => (x.size > 1 && x.rank === 1 ? perChannel(x, 3) : single(x));

/** Product of integers of 8 bits less their zero points. `at` are the places of the operands and of their zero points. */
function integerProduct(call: Call, at: readonly [a: number, aZero: number, b: number, bZero: number]): Tensor {
  const [a, aZero, b, bZero] = at;
  const [left, right] = [shifted(call, a, aZero, forRows), shifted(call, b, bZero, single)];
  return exactSum(call, [left, right], left.shape[left.rank - 1], matmul);
}

/** Convolution of integers of 8 bits less their zero points. A filter may have one zero point for each output. */
function integerConvolution(call: Call, at: readonly [x: number, xZero: number, w: number, wZero: number]): Tensor {
  const [image, imageZero, filter, filterZero] = at;
  const w = shifted(call, filter, filterZero, (point) => (point.size === 1 ? reshape(point, []) : perChannel(point, call.shape(filter).length + 1)));
  const x = shifted(call, image, imageZero, single);
  return exactSum(call, [x, w], sizeOf(w.shape.slice(1)), (a, b) => convolve(call, a, b));
} // prettier-ignore

/** Sums of integers, brought from the scales of the operands to that of the result. */
function requantized(call: Call, sums: Tensor, scale: Tensor, yScale: number): Value {
  const steps = mul(cast(sums, 'f32'), div(scale, single(call.tensor(yScale))));
  const zero = call.tensor(yScale + 1);
  return asIntegers(call, steps, single(zero), typeOfZero(call, yScale + 1));
}

function quantizedProduct(call: Call): Value {
  const scale = mul(forRows(call.tensor(1)), single(call.tensor(4)));
  return requantized(call, integerProduct(call, [0, 2, 3, 5]), scale, 6);
}

function quantizedConvolution(call: Call): Value {
  const filterScale = call.tensor(4);
  const perOutput = filterScale.size === 1 ? single(filterScale) : perChannel(filterScale, call.shape(0).length);
  const sums = withBias(integerConvolution(call, [0, 2, 3, 5]), call.optional(8));
  return requantized(call, sums, mul(single(call.tensor(1)), perOutput), 6);
}

export const quantizationRules: RuleTable = {
  ConvInteger: (call) => integerConvolution(call, [0, 2, 1, 3]),
  DequantizeLinear: dequantized,
  DynamicQuantizeLinear: dynamicallyQuantized,
  MatMulInteger: (call) => integerProduct(call, [0, 2, 1, 3]),
  QLinearConv: quantizedConvolution,
  QLinearMatMul: quantizedProduct,
  QuantizeLinear: quantized,
};
