// Reductions along axes, positions of extremes, and running sums.
import { isFloat } from '../../../core/dtype.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import {
  abs,
  argMax,
  argMin,
  cast,
  cumSum,
  flip,
  log,
  logSumExp,
  max,
  mean,
  min,
  norm,
  prod,
  square,
  sub,
  sum,
  topK,
  type ReduceOptions,
} from '../../../ops/index.ts';
import type { Call, Rule, RuleTable } from '../call.ts';

type Reduction = (x: Tensor, options: ReduceOptions) => Tensor;

/** Axes are an input, and an attribute in older opsets. Without axes all are reduced, or none. */
const reduction = (op: Reduction): Rule => ({
  hostInputs: [1],
  run: (call) => {
    const x = call.tensor(0);
    const given = call.list(1, 'axes') ?? [];
    const keepDims = call.flag('keepdims', 1);
    if (given.length === 0 && call.flag('noop_with_empty_axes')) return x;
    const axis = given.length === 0 ? x.shape.map((_, i) => i) : call.axes(given, x.rank);
    return cast(op(x, { axis, keepDims }), x.dtype);
  },
});

const extreme =
  (op: typeof argMax) =>
  (call: Call): Tensor => {
    const x = call.tensor(0);
    const axis = call.axis(call.int('axis', 0), x.rank);
    const keepDims = call.flag('keepdims', 1);
    if (!call.flag('select_last_index')) return op(x, { axis, keepDims });
    return sub(x.shape[axis] - 1, op(flip(x, axis), { axis, keepDims }));
  };

/** Sums of integers stay integers. */
const widened =
  (op: Reduction): Reduction =>
  (x, options) =>
    op(isFloat(x.dtype) ? x : cast(x, 'f32'), options);

export const reduceRules: RuleTable = {
  ArgMax: extreme(argMax),
  ArgMin: extreme(argMin),
  CumSum: {
    hostInputs: [1],
    run: (call) => {
      const x = call.tensor(0);
      const axis = call.axis(call.number(1, 'axis'), x.rank);
      return cumSum(x, { axis, exclusive: call.flag('exclusive'), reverse: call.flag('reverse') });
    },
  },
  ReduceL1: reduction((x, options) => sum(abs(x), options)),
  ReduceL2: reduction(widened(norm)),
  ReduceLogSum: reduction((x, options) => log(sum(x, options))),
  ReduceLogSumExp: reduction(widened(logSumExp)),
  ReduceMax: reduction((x, options) => max(x, options)),
  ReduceMean: reduction(widened(mean)),
  ReduceMin: reduction((x, options) => min(x, options)),
  ReduceProd: reduction(prod),
  ReduceSum: reduction(sum),
  ReduceSumSquare: reduction((x, options) => sum(square(x), options)),
  TopK: {
    hostInputs: [1],
    run: (call) => {
      const x = call.tensor(0);
      const k = call.has(1) ? call.number(1, 'K') : call.int('k', 1);
      const axis = call.axis(call.int('axis', -1), x.rank);
      return topK(x, k, { axis, largest: call.flag('largest', 1) });
    },
  },
};
