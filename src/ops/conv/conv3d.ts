// Convolution of volumes, channels last.
import { checkOptions } from '../../core/errors.ts';
import type { Shape } from '../../core/shape.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkTensor } from '../operands/arguments.ts';
import { batchConvolution, batchFilterGradient } from './batch.ts';
import { defineConvolution, referencesBy } from './define.ts';
import { type Sides, type Windows, axesOf, checkFilter, checkGroups, checkRank, paddingAlong, sizesAlong, windowsAlong } from './extent.ts';
import { toFloats } from './floats.ts';
import { type VolumeSizes, planConvolveVolumes, planVolumeFilterGradient, planVolumeInputGradient } from './planVolumes.ts';
import { forEachTap } from './taps.ts';

interface Conv3dAttributes extends Windows {
  readonly groups: number;
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
const { op: conv3dOp, inputGradientOp: volumeInputGradientOp } = defineConvolution({
  name: 'conv3d',
  own: windowOnly,
  outputShape: (x, filter, attributes) => {
    checkRank('conv3d', x, 3);
    checkFilter('conv3d', x, filter, attributes.groups);
    return [x[0], ...windowsAlong('conv3d', axesOf(x), filter.slice(0, 3), attributes), filter[4]];
  },
  inputChannels: (filter, { groups }) => filter[3] * groups,
  filterAttributes: (own, filter): FilterGradientAttributes => ({ ...own, window: filter.slice(0, 3) }),
  filterShape: (x, dy, { window, groups }) => [...window, x[4] / groups, dy[4]],
  sizes: sizesOf,
  references: referencesBy(forEachProduct),
  plans: { output: planConvolveVolumes, input: planVolumeInputGradient, filter: planVolumeFilterGradient },
  batch: { images: batchConvolution, filter: batchFilterGradient },
});
export { volumeInputGradientOp };

export interface Conv3dOptions {
  /** Step of the window, [depth, height, width] or one number. @default 1 */
  readonly strides?: number | readonly number[];
  /** 'valid', 'same': ceil(size / stride) windows over a zero border, or [[front, back], [top, bottom], [left, right]]. @default 'valid' */
  readonly padding?: 'valid' | 'same' | readonly Sides[];
  /** Distance between the taps of a window. @default 1 */
  readonly dilations?: number | readonly number[];
  /** Number of groups of channels. Each group is convolved on its own. @default 1 */
  readonly groups?: number;
}

/**
 * Convolution of volumes with a bank of filters, like conv2d with a depth axis:
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
