// Convolution of volumes, channels last. Three primitives as in conv.ts, each the gradient of the others, so that gradients of gradients work.
import { checkOptions } from '../core/errors.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import { type OpDefinition, defineOp } from '../graph/op.ts';
import { type Tensor, apply } from '../graph/tensor.ts';
import { checkTensor } from './arguments.ts';
import { batchConvolution, batchFilterGradient } from './conv/batch.ts';
import {
  type Sides,
  type Windows,
  axesOf,
  checkFilter,
  checkGroups,
  checkRank,
  paddingAlong,
  sizesAlong,
  windowsAlong,
} from './conv/extent.ts';
import { checkFloats, toFloats } from './conv/floats.ts';
import { type VolumeSizes, planConvolveVolumes, planVolumeFilterGradient, planVolumeInputGradient } from './conv/planVolumes.ts';
import { forEachTap } from './conv/taps.ts';

interface Conv3dAttributes extends Windows {
  readonly groups: number;
}

interface InputGradientAttributes extends Conv3dAttributes {
  /** [depth, height, width] of the input. */
  readonly input: Shape;
}

interface FilterGradientAttributes extends Conv3dAttributes {
  /** [depth, height, width] of the filter. */
  readonly window: Shape;
}

const windowOnly = ({ strides, padding, dilations, groups }: Conv3dAttributes): Conv3dAttributes => ({
  strides,
  padding,
  dilations,
  groups,
});

const sizesOf = (x: Shape, filter: Shape, y: Shape, attributes: Conv3dAttributes): VolumeSizes => ({
  ...windowOnly(attributes),
  batch: x[0],
  input: axesOf(x),
  window: filter.slice(0, 3),
  output: axesOf(y),
  channels: x[4],
  outChannels: y[4],
});

/** Calls visit(element of x, of the filter, of y) for every product that a convolution sums. */
function forEachProduct(sizes: VolumeSizes, visit: (x: number, filter: number, y: number) => void): void {
  const { channels, outChannels, groups } = sizes;
  const groupChannels = channels / groups;
  const groupOut = outChannels / groups;
  forEachTap(sizes, (out, tap, at) => {
    for (let o = 0; o < outChannels; o++) {
      const first = at * channels + Math.floor(o / groupOut) * groupChannels;
      for (let c = 0; c < groupChannels; c++) visit(first + c, (tap * groupChannels + c) * outChannels + o, out * outChannels + o);
    }
  });
}

/** x [B, D, H, W, C], filter [KD, KH, KW, C / groups, O] -> [B, OD, OH, OW, O] */
const conv3dOp: OpDefinition<Conv3dAttributes> = defineOp<Conv3dAttributes>({
  name: 'conv3d',
  infer: ([x, filter], attributes) => {
    const dtype = checkFloats('conv3d', [x, filter]);
    checkRank('conv3d', x.shape, 3);
    checkFilter('conv3d', x.shape, filter.shape, attributes.groups);
    const output = windowsAlong('conv3d', axesOf(x.shape), filter.shape.slice(0, 3), attributes);
    return [{ shape: [x.shape[0], ...output, filter.shape[4]], dtype }];
  },
  batch: batchConvolution,
  // y = x * f:  dx spreads dy over the windows, df correlates x with dy
  vjp: ({ inputs: [x, filter], cotangents: [g], needs, attributes }) => [
    needs[0] && g ? apply(inputGradientOp, [g, filter], { ...attributes, input: axesOf(x.shape) }) : undefined,
    needs[1] && g ? apply(filterGradientOp, [x, g], { ...attributes, window: filter.shape.slice(0, 3) }) : undefined,
  ],
  reference: ({ inputs: [x, filter], outputs: [y], attributes, allocate }) => {
    const sums = new Float64Array(sizeOf(y.shape));
    forEachProduct(sizesOf(x.shape, filter.shape, y.shape, attributes), (i, k, o) => {
      sums[o] += x.data[i] * filter.data[k];
    });
    const out = allocate(y.dtype, sums.length);
    out.set(sums);
    return [out];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x, filter], outputs: [y], attributes, target }) =>
      planConvolveVolumes(sizesOf(x.shape, filter.shape, y.shape, attributes), y, target),
  },
});

/** dy [B, OD, OH, OW, O], filter -> dx [B, D, H, W, C] */
const inputGradientOp: OpDefinition<InputGradientAttributes> = defineOp<InputGradientAttributes>({
  name: 'conv3dInputGradient',
  infer: ([dy, filter], { input, groups }) => [
    { shape: [dy.shape[0], ...input, filter.shape[3] * groups], dtype: checkFloats('conv3dInputGradient', [dy, filter]) },
  ],
  batch: batchConvolution,
  // Linear in dy and in f. With u the cotangent of dx:  d(dy) = u * f,  df correlates u with dy
  vjp: ({ inputs: [dy, filter], cotangents: [u], needs, attributes }) => [
    needs[0] && u ? apply(conv3dOp, [u, filter], windowOnly(attributes)) : undefined,
    needs[1] && u ? apply(filterGradientOp, [u, dy], { ...windowOnly(attributes), window: filter.shape.slice(0, 3) }) : undefined,
  ],
  reference: ({ inputs: [dy, filter], outputs: [dx], attributes, allocate }) => {
    const sums = new Float64Array(sizeOf(dx.shape));
    forEachProduct(sizesOf(dx.shape, filter.shape, dy.shape, attributes), (i, k, o) => {
      sums[i] += dy.data[o] * filter.data[k];
    });
    const out = allocate(dx.dtype, sums.length);
    out.set(sums);
    return [out];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [dy, filter], outputs: [dx], attributes, target }) =>
      planVolumeInputGradient(sizesOf(dx.shape, filter.shape, dy.shape, attributes), dx, target),
  },
});

/** x [B, D, H, W, C], dy [B, OD, OH, OW, O] -> df [KD, KH, KW, C / groups, O] */
const filterGradientOp: OpDefinition<FilterGradientAttributes> = defineOp<FilterGradientAttributes>({
  name: 'conv3dFilterGradient',
  infer: ([x, dy], { window, groups }) => [
    { shape: [...window, x.shape[4] / groups, dy.shape[4]], dtype: checkFloats('conv3dFilterGradient', [x, dy]) },
  ],
  batch: batchFilterGradient,
  // Linear in x and in dy. With u the cotangent of df:  dx spreads dy weighted by u,  d(dy) = x * u
  vjp: ({ inputs: [x, dy], cotangents: [u], needs, attributes }) => [
    needs[0] && u ? apply(inputGradientOp, [dy, u], { ...windowOnly(attributes), input: axesOf(x.shape) }) : undefined,
    needs[1] && u ? apply(conv3dOp, [x, u], windowOnly(attributes)) : undefined,
  ],
  reference: ({ inputs: [x, dy], outputs: [df], attributes, allocate }) => {
    const sums = new Float64Array(sizeOf(df.shape));
    forEachProduct(sizesOf(x.shape, df.shape, dy.shape, attributes), (i, k, o) => {
      sums[k] += x.data[i] * dy.data[o];
    });
    const out = allocate(df.dtype, sums.length);
    out.set(sums);
    return [out];
  },
  lowering: {
    kind: 'kernel',
    plan: ({ inputs: [x, dy], outputs: [df], attributes, target }) =>
      planVolumeFilterGradient(sizesOf(x.shape, df.shape, dy.shape, attributes), df, target),
  },
});

export interface Conv3dOptions {
  /** Step of the window, [depth, height, width] or one number; 1 by default. */
  readonly strides?: number | readonly number[];
  /** 'valid' (default), 'same': ceil(size / stride) windows over a zero border, or [[front, back], [top, bottom], [left, right]]. */
  readonly padding?: 'valid' | 'same' | readonly Sides[];
  /** Distance of a window's taps; 1 by default. */
  readonly dilations?: number | readonly number[];
  /** Channels are cut into this many groups that do not see each other; 1 by default. */
  readonly groups?: number;
}

/**
 * Convolution of volumes with a bank of filters; as conv2d, with a depth:
 * y[b, z, i, j, o] = Σ x[b, z s + kz d, i s + ky d, j s + kx d, c] f[kz, ky, kx, c, o], over kz, ky, kx, c.
 *
 * x [B, D, H, W, C], filter [KD, KH, KW, C / groups, O] -> [B, OD, OH, OW, O].
 * @throws ShapeError for other ranks, channels that differ or a window larger than the volume; ArgumentError for a bad option.
 *
 *     const features = relu(conv3d(scans, filter, { padding: 'same' }));   // [2,16,32,32,1] * [3,3,3,1,8] -> [2,16,32,32,8]
 */
export function conv3d(x: Tensor, filter: Tensor, options: Conv3dOptions = {}): Tensor {
  checkTensor('conv3d', 'x', x);
  checkTensor('conv3d', 'filter', filter);
  checkOptions('conv3d', options, ['strides', 'padding', 'dilations', 'groups']);
  const { groups = 1 } = options;
  checkGroups('conv3d', groups);
  checkRank('conv3d', x.shape, 3);
  checkFilter('conv3d', x.shape, filter.shape, groups);
  const strides = sizesAlong('conv3d', 'strides', options.strides ?? 1, 3);
  const dilations = sizesAlong('conv3d', 'dilations', options.dilations ?? 1, 3);
  const window = filter.shape.slice(0, 3);
  const padding = paddingAlong('conv3d', options.padding ?? 'valid', axesOf(x.shape), window, strides, dilations);
  return apply(conv3dOp, toFloats('conv3d', x, filter), { strides, padding, dilations, groups });
}
