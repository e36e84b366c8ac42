// Activation functions.
import type { Tensor } from '../../../graph/tensor.ts';
import {
  add,
  argMax,
  cast,
  celu,
  clip,
  elu,
  gelu,
  greater,
  hardSwish,
  leakyRelu,
  logSoftmax,
  mish,
  mul,
  oneHot,
  prelu,
  relu,
  reshape,
  sigmoid,
  softmax,
  softplus,
  softsign,
  sub,
  transpose,
  where,
} from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';
import { unary } from './elementwise.ts';
import { perChannel } from './normalization.ts';

/** x for x > 0, otherwise alpha (e^x - 1), times gamma. */
function selu(call: Call): Tensor {
  const alpha = call.float('alpha', 1.6732632423543772);
  const gamma = call.float('gamma', 1.0507009873554805);
  return mul(elu(call.tensor(0), { alpha }), gamma);
}

function hardSigmoid(call: Call): Tensor {
  return clip(add(mul(call.tensor(0), call.float('alpha', 0.2)), call.float('beta', 0.5)), 0, 1);
}

/** x + bias below -lambd, x - bias above lambd, otherwise 0. */
function shrink(call: Call): Tensor {
  const x = call.tensor(0);
  const [lambda, bias] = [call.float('lambd', 0.5), call.float('bias', 0)];
  return cast(where(greater(x, lambda), sub(x, bias), where(greater(-lambda, x), add(x, bias), 0)), x.dtype);
}

type AlongAxis = (x: Tensor, axis: number) => Tensor;

/** Before opset 13, all axes from `axis` on are one. */
const along =
  (op: AlongAxis) =>
  (call: Call): Tensor => {
    const x = call.tensor(0);
    if (call.opset >= 13) return op(x, call.axis(call.int('axis', -1), x.rank));
    const axis = call.axis(call.int('axis', 1), x.rank);
    const rows = x.shape.slice(0, axis).reduce((a, b) => a * b, 1);
    return reshape(op(reshape(x, [rows, x.size / Math.max(1, rows)]), 1), x.shape);
  };

/** 1 for the first of the largest elements of a row, otherwise 0. */
function hardmax(x: Tensor, axis: number): Tensor {
  const winners = oneHot(argMax(x, { axis }), x.shape[axis], x.dtype);
  const order = x.shape.map((_, i) => (i < axis ? i : i === axis ? x.rank - 1 : i - 1));
  return transpose(winners, order);
}

export const activationRules: RuleTable = {
  Celu: (call) => celu(call.tensor(0), { alpha: call.float('alpha', 1) }),
  Elu: (call) => elu(call.tensor(0), { alpha: call.float('alpha', 1) }),
  Gelu: (call) => gelu(call.tensor(0), { approximate: call.text('approximate', 'none') === 'tanh' }),
  HardSigmoid: hardSigmoid,
  HardSwish: unary(hardSwish),
  Hardmax: along(hardmax),
  LeakyRelu: (call) => leakyRelu(call.tensor(0), { negativeSlope: call.float('alpha', 0.01) }),
  LogSoftmax: along((x, axis) => logSoftmax(x, { axis })),
  Mish: unary(mish),
  // Before opset 7 a slope belongs to a channel.
  PRelu: (call) => {
    const [x, slope] = [call.tensor(0), call.tensor(1)];
    return prelu(x, call.opset < 7 ? perChannel(slope, x.rank) : slope);
  },
  Relu: unary(relu),
  Selu: selu,
  Shrink: shrink,
  Sigmoid: unary(sigmoid),
  Softmax: along((x, axis) => softmax(x, { axis })),
  Softplus: unary(softplus),
  Softsign: unary(softsign),
  ThresholdedRelu: (call) => {
    const x = call.tensor(0);
    return where(greater(x, call.float('alpha', 1)), x, 0);
  },
};
