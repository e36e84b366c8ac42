// Normalizations. Channels are axis 1 in ONNX.
import type { Shape } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import {
  abs,
  add,
  avgPool1d,
  cast,
  div,
  maximum,
  mean,
  mul,
  norm,
  pad,
  pow,
  reciprocal,
  reshape,
  rsqrt,
  square,
  sqrt,
  sub,
  sum,
  variance,
} from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';

/** A parameter of each channel, ready to broadcast over [batch, channels, ..axes]. */
export const perChannel = (parameter: Tensor, rank: number): Tensor =>
  reshape(parameter, [parameter.size, ...new Array<number>(Math.max(0, rank - 2)).fill(1)]);

const axesFrom = (first: number, rank: number): number[] => Array.from({ length: rank - first }, (_, i) => first + i);

interface Moments {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

function momentsOf(x: Tensor, axis: readonly number[]): Moments {
  return { mean: mean(x, { axis, keepDims: true }), variance: variance(x, { axis, keepDims: true }) };
}

function scaled(x: Tensor, { mean: center, variance: spread }: Moments, epsilon: number): Tensor {
  return mul(sub(x, center), rsqrt(add(spread, epsilon)));
}

/** With the statistics of training_mode, the new moving statistics are outputs 1 and 2. */
function batchNormalization(call: Call): Tensor[] {
  const x = call.tensor(0);
  call.checkRank(0, 2, 8);
  const [scale, offset, movingMean, movingVariance] = [1, 2, 3, 4].map((i) => call.tensor(i));
  const epsilon = call.float('epsilon', 1e-5);
  const momentum = call.float('momentum', 0.9);
  const fit = (t: Tensor): Tensor => perChannel(cast(t, x.dtype), x.rank);
  const affine = (y: Tensor): Tensor => add(mul(y, fit(scale)), fit(offset));
  if (!call.flag('training_mode')) {
    return [affine(scaled(x, { mean: fit(movingMean), variance: fit(movingVariance) }, epsilon))];
  }
  const axis = [0, ...axesFrom(2, x.rank)];
  const moments = momentsOf(x, axis);
  const moved = (moving: Tensor, current: Tensor): Tensor =>
    add(mul(moving, momentum), mul(cast(reshape(current, moving.shape), moving.dtype), 1 - momentum));
  return [affine(scaled(x, moments, epsilon)), moved(movingMean, moments.mean), moved(movingVariance, moments.variance)];
}

function instanceNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  call.checkRank(0, 3, 8);
  const y = scaled(x, momentsOf(x, axesFrom(2, x.rank)), call.float('epsilon', 1e-5));
  return add(mul(y, perChannel(call.tensor(1), x.rank)), perChannel(call.tensor(2), x.rank));
}

/** Returns the result, the mean and the inverse of the standard deviation. */
function layerNormalization(call: Call): Tensor[] {
  const given = call.tensor(0);
  const x = cast(given, 'f32');
  const axis = axesFrom(call.axis(call.int('axis', -1), x.rank), x.rank);
  const moments = momentsOf(x, axis);
  const inverse = rsqrt(add(moments.variance, call.float('epsilon', 1e-5)));
  const y = mul(cast(mul(sub(x, moments.mean), inverse), given.dtype), call.tensor(1));
  const offset = call.optional(2);
  return [offset ? add(y, offset) : y, moments.mean, inverse];
}

/** Scale and offset are [groups] in opset 18 and [channels] in opset 21. */
function groupNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  call.checkRank(0, 3, 8);
  const groups = call.int('num_groups', 0);
  const [batch, channels, ...axes] = x.shape;
  if (groups < 1 || channels % groups !== 0) call.fail(`num_groups is ${groups}; it must divide the ${channels} channels`);
  const grouped = reshape(x, [batch, groups, channels / groups, ...axes]);
  const y = scaled(grouped, momentsOf(grouped, axesFrom(2, grouped.rank)), call.float('epsilon', 1e-5));
  const [scale, offset] = [call.tensor(1), call.tensor(2)];
  const affine = (t: Tensor, shape: Shape): Tensor => {
    const fit = (parameter: Tensor): Tensor => reshape(parameter, shape);
    return add(mul(t, fit(scale)), fit(offset));
  };
  const ones = axes.map(() => 1);
  if (scale.size === groups && call.opset < 21) return reshape(affine(y, [groups, 1, ...ones]), x.shape);
  return affine(reshape(y, x.shape), [channels, ...ones]);
}

function meanVariance(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = call.axes(call.ints('axes') ?? [0, 2, 3], x.rank);
  const { mean: center, variance: spread } = momentsOf(x, axis);
  return div(sub(x, center), add(sqrt(spread), 1e-9));
}

/** Local response normalization: x / (bias + alpha / size · Σ x²)^beta over neighbouring channels. */
function localResponse(call: Call): Tensor {
  const x = call.tensor(0);
  call.checkRank(0, 3, 8);
  const size = call.int('size', 1);
  const [alpha, beta, bias] = [call.float('alpha', 1e-4), call.float('beta', 0.75), call.float('bias', 1)];
  const [batch, channels, ...axes] = x.shape;
  const inner = axes.reduce((a, b) => a * b, 1);
  const before = Math.floor((size - 1) / 2);
  const squares = pad(reshape(square(x), [batch, channels, inner]), [
    [0, 0],
    [before, size - 1 - before],
    [0, 0],
  ]);
  const means = reshape(avgPool1d(squares, { poolSize: size, strides: 1 }), x.shape);
  return mul(x, pow(add(mul(means, alpha), bias), -beta));
}

function lpNormalization(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = call.axis(call.int('axis', -1), x.rank);
  const ord = call.int('p', 2);
  if (ord !== 1 && ord !== 2) call.fail(`p is ${ord}; it must be 1 or 2`);
  const length = ord === 1 ? sum(abs(x), { axis, keepDims: true }) : norm(x, { axis, keepDims: true });
  return div(x, maximum(length, 1e-30));
}

/** x / sqrt(mean(x²) + epsilon), times the scale. */
function rootMeanSquare(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = axesFrom(call.axis(call.int('axis', -1), x.rank), x.rank);
  const rms = sqrt(add(mean(square(cast(x, 'f32')), { axis, keepDims: true }), call.float('epsilon', 1e-5)));
  return mul(mul(x, cast(reciprocal(rms), x.dtype)), call.tensor(1));
}

export const normalizationRules: RuleTable = {
  BatchNormalization: { run: batchNormalization, stateInputs: [3, 4] },
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LRN: localResponse,
  LayerNormalization: layerNormalization,
  LpNormalization: lpNormalization,
  MeanVarianceNormalization: meanVariance,
  RMSNormalization: rootMeanSquare,
};
