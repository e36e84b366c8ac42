// Transposed convolution of sequences, images and volumes: the input gradient of a convolution as an op. It uses the primitives and
// gradients of conv2d.ts and conv3d.ts; a sequence is an image one pixel high.
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, formatShape } from '../../core/shape.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkTensor, isList } from '../operands/arguments.ts';
import { inputGradientOp } from './conv2d.ts';
import { volumeInputGradientOp } from './conv3d.ts';
import { type Sides, axesOf, axisNames, checkGroups, checkRank, halves, paddingAlong, sizesAlong, span } from './extent.ts';
import { toFloats } from './floats.ts';
import type { Padding2d } from './geometry.ts';
import { expandDims, squeeze } from '../shape/shape.ts';

interface TransposeOptions {
  /** Distance between the elements of x in the result, one number or one per axis. @default 1 */
  readonly strides?: number | readonly number[];
  /**
   * Elements added at the end of each axis, fewer than the stride. A strided convolution maps several sizes to the same one; this selects
   * one of them.
   */
  readonly outputPadding?: number | readonly number[];
  /** Distance between the taps of the filter. @default 1 */
  readonly dilations?: number | readonly number[];
  /** Number of groups of channels. Each group is convolved on its own. @default 1 */
  readonly groups?: number;
}

export interface Conv1dTransposeOptions extends TransposeOptions {
  /**
   * 'valid': all elements that the filter reaches. 'same': size * stride steps. Or the steps to cut off, [[left, right]]. @default 'valid'
   */
  readonly padding?: 'valid' | 'same' | readonly Sides[];
}

export interface Conv2dTransposeOptions extends TransposeOptions {
  /**
   * 'valid': all pixels that the filter reaches. 'same': size * stride pixels. Or the pixels to cut off, [[top, bottom], [left, right]].
   * @default 'valid'
   */
  readonly padding?: 'valid' | 'same' | Padding2d;
}

export interface Conv3dTransposeOptions extends TransposeOptions {
  /**
   * 'valid': all voxels that the filter reaches. 'same': size * stride voxels. Or the voxels to cut off, [[front, back], [top, bottom],
   * [left, right]]. @default 'valid'
   */
  readonly padding?: 'valid' | 'same' | readonly Sides[];
}

/** Throws unless each value is less than the stride. With more, the convolution back would have more windows than x has elements. */
function checkOutputPadding(op: string, value: number | readonly number[], strides: readonly number[]): readonly number[] {
  const each = typeof value === 'number' ? strides.map(() => value) : value;
  const fits = (n: number, axis: number): boolean => Number.isInteger(n) && n >= 0 && n < strides[axis];
  if (!isList(each) || each.length !== strides.length || !each.every(fits)) {
    throw new ArgumentError(
      `${op}: outputPadding is ${JSON.stringify(value)}; give whole numbers from 0 on and less than the strides ${strides.join('x')}`,
    );
  }
  return each;
}

/** Size of the result along an axis, and the amounts to cut off, with Keras's rules for 'valid' and 'same'. */
function extentOf(
  size: number,
  window: number,
  stride: number,
  padding: 'valid' | 'same' | Sides,
  extra: number | undefined,
): { size: number; padding: Sides } {
  const reach = (size - 1) * stride + window;
  if (padding === 'valid')
    return { size: extra === undefined ? size * stride + Math.max(0, window - stride) : reach + extra, padding: [0, 0] };
  if (padding === 'same') {
    const wanted = extra === undefined ? size * stride : reach - 2 * Math.floor(window / 2) + extra;
    return { size: wanted, padding: halves(Math.max(0, reach - wanted)) };
  }
  return { size: reach - padding[0] - padding[1] + (extra ?? 0), padding };
}

/** Throws unless the filter is [...window, output channels / groups, channels] and fits x and the groups. */
function checkFilter(op: string, x: Shape, filter: Shape, groups: number): void {
  const axes = x.length - 2;
  const layout = `filters are [${axisNames(axes).join(', ')}, output channels${groups > 1 ? ' / groups' : ''}, channels]`;
  if (filter.length !== x.length) throw new ShapeError(`${op}: filter is ${formatShape(filter)}; ${layout}`);
  const [channels, takes] = [x[axes + 1], filter[axes + 1]];
  if (takes !== channels) {
    throw new ShapeError(
      `${op}: channels differ: x ${formatShape(x)} has ${channels}, filter ${formatShape(filter)} takes ${takes}; ${layout}`,
    );
  }
  if (filter.slice(0, axes).some((n) => n === 0)) throw new ShapeError(`${op}: filter ${formatShape(filter)} has no taps; ${layout}`);
  if (channels % groups !== 0) {
    throw new ShapeError(`${op}: the ${channels} channels of x ${formatShape(x)} do not divide into ${groups} groups; change x or groups`);
  }
}

/** Converts the operands to floats and resolves the attributes of the primitive. Throws the user-facing errors. */
function resolve(op: string, axes: number, x: Tensor, filter: Tensor, options: Conv3dTransposeOptions) {
  checkTensor(op, 'x', x);
  checkTensor(op, 'filter', filter);
  checkOptions(op, options, ['strides', 'padding', 'outputPadding', 'dilations', 'groups']);
  const { groups = 1, padding = 'valid', outputPadding } = options;
  checkGroups(op, groups);
  checkRank(op, x.shape, axes);
  checkFilter(op, x.shape, filter.shape, groups);
  const strides = sizesAlong(op, 'strides', options.strides ?? 1, axes);
  const dilations = sizesAlong(op, 'dilations', options.dilations ?? 1, axes);
  const extra = outputPadding === undefined ? undefined : checkOutputPadding(op, outputPadding, strides);
  const size = axesOf(x.shape);
  const window = filter.shape.slice(0, axes);
  const isNamed = padding === 'valid' || padding === 'same';
  const sides = isNamed ? undefined : paddingAlong(op, padding, size, window, strides, dilations);
  const extents = size.map((n, axis) =>
    extentOf(n, span(window[axis], dilations[axis]), strides[axis], isNamed ? padding : sides![axis], extra?.[axis]),
  );
  const input = extents.map((extent) => extent.size);
  if (size.some((n) => n < 1) || input.some((n) => n < 1)) {
    throw new ShapeError(
      `${op}: x ${formatShape(x.shape)} under a filter of ${window.join('x')} leaves a result of ${input.join('x')}; use less padding or a larger x`,
    );
  }
  const attributes = { strides, padding: extents.map((extent) => extent.padding), dilations, groups, input };
  return { operands: toFloats(op, x, filter), attributes };
}

/**
 * Transposed convolution of sequences, like conv2dTranspose without a height:
 * y[b, j s + k d - left, o] += x[b, j, c] f[k, o, c].
 *
 * x [B, W, C], filter [K, O / groups, C] -> [B, OW, O]; OW as in conv2dTranspose.
 * @throws ShapeError for other ranks, channels that differ or an empty result; ArgumentError for a bad option.
 *
 *     const longer = conv1dTranspose(code, filter, { strides: 2, padding: 'same' });   // [8,25,32], [4,16,32] -> [8,50,16]
 */
export function conv1dTranspose(x: Tensor, filter: Tensor, options: Conv1dTransposeOptions = {}): Tensor {
  const { operands, attributes } = resolve('conv1dTranspose', 1, x, filter, options);
  const [series, weights] = operands;
  const [stride, dilation, sides, size] = [attributes.strides[0], attributes.dilations[0], attributes.padding[0], attributes.input[0]];
  const y = apply(inputGradientOp, [expandDims(series, 1), expandDims(weights, 0)], {
    strides: [1, stride],
    padding: [[0, 0], sides],
    dilations: [1, dilation],
    groups: attributes.groups,
    input: [1, size],
  });
  return squeeze(y, 1);
}

/**
 * Transposed convolution: every pixel of x is added to a window of the result, weighted by the filter. Its sizes are those of conv2d with
 * input and output swapped. y[b, i s + ky d - top, j s + kx d - left, o] += x[b, i, j, c] f[ky, kx, o, c]. With groups, output channels O /
 * groups g to O / groups (g + 1) depend only on the channels of group g.
 *
 * x [B, H, W, C], filter [KH, KW, O / groups, C] -> [B, OH, OW, O]; OH = H s + max(KH - s, 0) for 'valid', H s for 'same', (H - 1) s + KH -
 * top - bottom for numbers. With an outputPadding p, OH is (H - 1) s + KH + p for 'valid' and (H - 1) s + KH - 2 ⌊KH / 2⌋ + p for 'same',
 * as in Keras. KH includes the gaps of a dilated filter.
 * @throws ShapeError for other ranks, channels that differ or a result without pixels; ArgumentError for a bad option.
 *
 *     const larger = conv2dTranspose(code, filter, { strides: 2, padding: 'same' });   // [8,7,7,32], [3,3,16,32] -> [8,14,14,16]
 */
export function conv2dTranspose(x: Tensor, filter: Tensor, options: Conv2dTransposeOptions = {}): Tensor {
  const { operands, attributes } = resolve('conv2dTranspose', 2, x, filter, options);
  const { strides, padding, dilations, groups, input } = attributes;
  return apply(inputGradientOp, operands, {
    strides: [strides[0], strides[1]],
    padding: [padding[0], padding[1]],
    dilations: [dilations[0], dilations[1]],
    groups,
    input,
  });
}

/**
 * Transposed convolution of volumes, like conv2dTranspose with a depth axis:
 * y[b, z s + kz d - front, i s + ky d - top, j s + kx d - left, o] += x[b, z, i, j, c] f[kz, ky, kx, o, c].
 *
 * x [B, D, H, W, C], filter [KD, KH, KW, O / groups, C] -> [B, OD, OH, OW, O]; the sizes as in conv2dTranspose.
 * @throws ShapeError for other ranks, channels that differ or an empty result; ArgumentError for a bad option.
 *
 *     const larger = conv3dTranspose(code, filter, { strides: 2, padding: 'same' });   // [2,4,8,8,16], [3,3,3,8,16] -> [2,8,16,16,8]
 */
export function conv3dTranspose(x: Tensor, filter: Tensor, options: Conv3dTransposeOptions = {}): Tensor {
  const { operands, attributes } = resolve('conv3dTranspose', 3, x, filter, options);
  return apply(volumeInputGradientOp, operands, attributes);
}
