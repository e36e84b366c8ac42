// Numbers stored as small integers: x = (q - zero point) scale.
import type { Tensor } from '../../../graph/tensor.ts';
import { add, cast, clip, div, mul, reshape, round, sub } from '../../../ops/index.ts';
import { elementOf } from '../../format/elements.ts';
import type { Call, RuleTable } from '../call.ts';
import { Value } from '../value.ts';

/** A parameter of the whole tensor, or of each element of an axis. */
function fitted(call: Call, parameter: Tensor): Tensor {
  if (parameter.size === 1) return reshape(parameter, []);
  const rank = call.shape(0).length;
  const axis = call.axis(call.int('axis', 1), rank);
  return reshape(parameter, [parameter.size, ...new Array<number>(rank - 1 - axis).fill(1)]);
}

function dequantized(call: Call): Tensor {
  const scale = fitted(call, call.tensor(1));
  const zero = call.optional(2);
  const x = cast(call.tensor(0), 'i32');
  return mul(cast(zero ? sub(x, fitted(call, cast(zero, 'i32'))) : x, scale.dtype), scale);
}

function quantized(call: Call): Value {
  const type = call.has(2) ? call.value(2).type : 'UINT8';
  const [low, high] = elementOf(type).range ?? call.fail(`the zero point is ${type}; it must be an integer of 8 or 16 bits`);
  const steps = cast(round(div(call.tensor(0), fitted(call, call.tensor(1)))), 'i32');
  const zero = call.optional(2);
  return Value.ofTensor(clip(zero ? add(steps, fitted(call, cast(zero, 'i32'))) : steps, low, high), type);
}

export const quantizationRules: RuleTable = {
  DequantizeLinear: dequantized,
  QuantizeLinear: quantized,
};
