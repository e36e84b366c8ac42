// Arithmetic of normalisation layers, channels last. The mean is subtracted before squaring, so that a large mean does not hide a small
// variance. Norms replace sums of squares: rows of 1e20 do not overflow, and rows of 1e-20 do not underflow.
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, formatShape, normalizeAxes, sizeOf } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkTensor } from '../operands/arguments.ts';
import { add, div, maximum, mul, square, sub } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { rsqrt } from '../elementwise/exponential.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { euclideanNorm } from '../reduce/reduce.ts';
import { reciprocalScale, scaleByPower } from '../elementwise/scaling.ts';
import { reshape, stopGradient } from '../shape/shape.ts';
import { deviations } from '../reduce/statistics.ts';

export interface NormalizationOptions {
  /** Scale after the normalisation. */
  readonly gamma?: Tensor;
  /** Offset after the scale. */
  readonly beta?: Tensor;
  /** Added to the variance, so that a constant input is not divided by 0. */
  readonly epsilon?: number;
}

export interface LayerNormOptions extends NormalizationOptions {
  /** Axis or axes that are normalised together. */
  readonly axis?: number | readonly number[];
}

export interface GroupNormOptions extends NormalizationOptions {
  /** Number of groups of channels. It divides the number of channels. */
  readonly groups: number;
}

const affineOptions = ['gamma', 'beta', 'epsilon'];

function checkEpsilon(op: string, epsilon: number): void {
  if (typeof epsilon === 'number' && epsilon >= 0 && Number.isFinite(epsilon)) return;
  throw new ArgumentError(`${op}: epsilon ${String(epsilon)} is no small number; use one from 0 on, such as 1e-3`);
}

/** gamma y + beta, both of the shape of the given axes of y. */
function affine(op: string, y: Tensor, axes: readonly number[], { gamma, beta }: NormalizationOptions): Tensor {
  const shape = axes.map((axis) => y.shape[axis]);
  const along = y.shape.map((n, i) => (axes.includes(i) ? n : 1));
  const fit = (name: string, parameter: Tensor): Tensor => reshape(checkParameter(op, name, parameter, shape, y.shape), along);
  const scaled = gamma !== undefined ? mul(y, fit('gamma', gamma)) : y;
  return beta !== undefined ? add(scaled, fit('beta', beta)) : scaled;
}

function checkParameter(op: string, name: string, given: Tensor, shape: Shape, of: Shape): Tensor {
  const parameter = checkTensor(op, name, given);
  if (parameter.shape.join() === shape.join()) return parameter;
  throw new ShapeError(
    `${op}: ${name} is ${formatShape(parameter.shape)} for an input ${formatShape(of)}; it must be ${formatShape(shape)}`,
  );
}

/** x / sqrt(mean(x²) + epsilon) over axes; x is f32. */
function divideByRms(x: Tensor, axis: readonly number[], epsilon: number): Tensor {
  const size = sizeOf(axis.map((a) => x.shape[a]));
  const rms = div(euclideanNorm(x, { axis, keepDims: true }), Math.sqrt(size));
  const root = Math.sqrt(epsilon);
  // Squares of s rms are at most 4. The result does not depend on s, so gradients treat it as a constant.
  const s = stopGradient(reciprocalScale(maximum(rms, root)));
  const scaled = (t: TensorLike): Tensor => scaleByPower(t, s);
  return mul(x, scaled(rsqrt(add(square(scaled(rms)), square(scaled(root))))));
}

/** (x - mean) / sqrt(variance + epsilon) over axes. f16 is computed in f32. */
const standardize = (x: Tensor, axis: readonly number[], epsilon: number): Tensor =>
  cast(divideByRms(deviations(cast(x, 'f32'), axis), axis, epsilon), x.dtype);

/**
 * Batch normalisation with given statistics, y = gamma (x - mean) / sqrt(variance + epsilon) + beta, for each channel (the last axis). In
 * training the statistics are those of the batch: mean(x, { axis }) and variance(x, { axis }) over all other axes.
 *
 * x [.., C], mean [C], variance [C], gamma [C], beta [C] -> [.., C].
 * @throws ShapeError if mean, variance, gamma or beta is not [C]. Ioffe and Szegedy 2015, arXiv:1502.03167.
 *
 *     batchNorm(x, movingMean, movingVariance, { gamma, beta })
 */
export function batchNorm(x: TensorLike, mean: Tensor, variance: Tensor, options: NormalizationOptions = {}): Tensor {
  checkOptions('batchNorm', options, affineOptions);
  const { epsilon = 1e-3 } = options;
  checkEpsilon('batchNorm', epsilon);
  const t = operand('batchNorm', x, 'float');
  const [channels] = normalizeAxes('batchNorm', -1, t.rank);
  const shape = [t.shape[channels]];
  checkParameter('batchNorm', 'mean', mean, shape, t.shape);
  checkParameter('batchNorm', 'variance', variance, shape, t.shape);
  return affine('batchNorm', mul(sub(t, mean), rsqrt(add(variance, epsilon))), [channels], options);
}

/**
 * Layer normalisation, y = gamma (x - mean) / sqrt(variance + epsilon) + beta with the statistics of each row along the axes.
 *
 * x [.., N] -> same shape; gamma and beta have the shape of the normalised axes, [N].
 * @throws ShapeError for an axis outside x or parameters of another shape. Ba, Kiros and Hinton 2016, arXiv:1607.06450.
 *
 *     layerNorm(x, { gamma, beta })
 */
export function layerNorm(x: TensorLike, options: LayerNormOptions = {}): Tensor {
  checkOptions('layerNorm', options, ['axis', ...affineOptions]);
  const { axis = -1, epsilon = 1e-3 } = options;
  checkEpsilon('layerNorm', epsilon);
  const t = operand('layerNorm', x, 'float');
  const axes = normalizeAxes('layerNorm', axis, t.rank);
  return affine('layerNorm', standardize(t, axes, epsilon), axes, options);
}

/** Normalises the channels of x [B, .., C] in groups, separately for each example. */
function normalizeGroups(op: string, t: Tensor, groups: number, options: NormalizationOptions): Tensor {
  const { epsilon = 1e-3 } = options;
  checkEpsilon(op, epsilon);
  const channels = t.shape[t.rank - 1];
  const grouped = reshape(t, [...t.shape.slice(0, -1), groups, channels / groups]);
  // All axes except the batch and the groups.
  const axes = grouped.shape.flatMap((_, i) => (i === 0 || i === t.rank - 1 ? [] : [i]));
  return affine(op, reshape(standardize(grouped, axes, epsilon), t.shape), [t.rank - 1], options);
}

function checkChannelsLast(op: string, t: Tensor): void {
  if (t.rank >= 2) return;
  throw new ShapeError(`${op}: takes [batch, .., channels], got ${formatShape(t.shape)}; add axes by expandDims(x, 0)`);
}

/**
 * Group normalisation: the channels are cut into groups, and each group of each example is normalised over its positions and channels.
 *
 * x [B, .., C], gamma [C], beta [C] -> same shape.
 * @throws ArgumentError if `groups` does not divide C, ShapeError below rank 2. Wu and He 2018, arXiv:1803.08494.
 *
 *     groupNorm(images, { groups: 8, gamma, beta })
 */
export function groupNorm(x: TensorLike, options: GroupNormOptions): Tensor {
  checkOptions('groupNorm', options, ['groups', ...affineOptions]);
  const t = operand('groupNorm', x, 'float');
  checkChannelsLast('groupNorm', t);
  const groups: unknown = (options as Partial<GroupNormOptions> | undefined)?.groups;
  const channels = t.shape[t.rank - 1];
  if (typeof groups !== 'number' || !Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw new ArgumentError(
      `groupNorm: ${String(groups)} groups of ${channels} channels (${formatShape(t.shape)}); groups must divide the channels`,
    );
  }
  return normalizeGroups('groupNorm', t, groups, options);
}

/**
 * Instance normalisation: each channel of each example is normalised over its positions.
 *
 * x [B, .., C], gamma [C], beta [C] -> same shape.
 * @throws ShapeError below rank 3 (there are no positions). Ulyanov, Vedaldi and Lempitsky 2016, arXiv:1607.08022.
 *
 *     instanceNorm(images, { gamma, beta })
 */
export function instanceNorm(x: TensorLike, options: NormalizationOptions = {}): Tensor {
  checkOptions('instanceNorm', options, affineOptions);
  const t = operand('instanceNorm', x, 'float');
  if (t.rank < 3) {
    throw new ShapeError(`instanceNorm: takes [batch, .., channels] with positions between, got ${formatShape(t.shape)}; use layerNorm`);
  }
  return normalizeGroups('instanceNorm', t, t.shape[t.rank - 1], options);
}

/**
 * Root-mean-square normalisation over the last axis, y = gamma x / sqrt(mean(x²) + epsilon): no mean is subtracted. The default epsilon is
 * 1e-6.
 *
 * x [.., N], gamma [N] -> same shape.
 * @throws ShapeError for gamma of another shape. Zhang and Sennrich 2019, arXiv:1910.07467.
 *
 *     rmsNorm(x, { gamma })
 */
export function rmsNorm(x: TensorLike, options: Pick<NormalizationOptions, 'gamma' | 'epsilon'> = {}): Tensor {
  checkOptions('rmsNorm', options, ['gamma', 'epsilon']);
  const { gamma, epsilon = 1e-6 } = options;
  checkEpsilon('rmsNorm', epsilon);
  const t = operand('rmsNorm', x, 'float');
  const axes = normalizeAxes('rmsNorm', -1, t.rank);
  return affine('rmsNorm', cast(divideByRms(cast(t, 'f32'), axes, epsilon), t.dtype), axes, { gamma });
}
