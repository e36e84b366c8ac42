// The three directions of volume convolution as products: plan.ts with a third axis.
import { sizeOf } from '../../core/shape.ts';
import type { KernelPlan, Target, TensorType } from '../../graph/op.ts';
import { type MatrixLayout, accessOf, matrixFactor, matrixParams } from '../matmul/factors.ts';
import { type Product, planProduct } from '../matmul/plan.ts';
import { hasPhases, planPhases } from './phases.ts';
import type { TapSizes } from './taps.ts';
import { type VolumeParams, volumeFactor, volumeSpreadFactor, volumeTapFactor } from './volumes.ts';

/** All sizes of one convolution of volumes. */
export interface VolumeSizes extends TapSizes {
  readonly channels: number;
  readonly outChannels: number;
  readonly groups: number;
}

type OwnParams = Pick<VolumeParams, 'channels' | 'tapsX' | 'runWidth' | 'groupChannels'>;

const volumeParams = ({ input, output, strides, dilations, padding, window }: VolumeSizes, own: OwnParams): VolumeParams => ({
  inDepth: input[0],
  inHeight: input[1],
  inWidth: input[2],
  outDepth: output[0],
  outHeight: output[1],
  outWidth: output[2],
  strideZ: strides[0],
  strideY: strides[1],
  strideX: strides[2],
  dilationZ: dilations[0],
  dilationY: dilations[1],
  dilationX: dilations[2],
  padFront: padding[0][0],
  padTop: padding[1][0],
  padLeft: padding[2][0],
  tapsY: window[1],
  ...own,
});

const isPadded = ({ padding }: VolumeSizes): boolean => padding.flat().some((n) => n > 0);

/** Whether the channels of a group can be read by four. */
const byFour = (channels: number, groups: number): boolean => channels % 4 === 0 && (channels / groups) % 4 === 0;

/** Fields that the three products share. */
const common = (
  { groups }: VolumeSizes,
  result: TensorType,
): Pick<Product, 'batches' | 'batchInner' | 'element' | 'operands' | 'outputSize'> => ({
  batches: groups,
  batchInner: groups,
  element: result.dtype === 'f16' ? 'f16' : 'f32',
  operands: [
    { kind: 'input', index: 0 },
    { kind: 'input', index: 1 },
  ],
  outputSize: sizeOf(result.shape),
});

/** [voxels, taps * channels] x [taps * channels, outChannels] */
export function planConvolveVolumes(sizes: VolumeSizes, y: TensorType, target: Target): KernelPlan {
  const { window, channels, outChannels, groups, dilations, batch, output } = sizes;
  const groupChannels = channels / groups;
  const groupOut = outChannels / groups;
  const merged = groups === 1 && dilations[2] === 1;
  const runWidth = merged ? window[2] : 1;
  const run = runWidth * groupChannels;
  const filter: MatrixLayout = { offset: 0, outer: 1, inner: outChannels, segment: run * outChannels, batchOuter: 0, batchInner: groupOut };
  const product: Product = {
    ...common(sizes, y),
    name: 'conv3d',
    rows: batch * sizeOf(output),
    columns: groupOut,
    inner: run,
    segments: sizeOf(window) / runWidth,
    factors: {
      a: volumeFactor(byFour(channels, groups) ? 'inner4' : 'scalar', isPadded(sizes)),
      b: matrixFactor('b', accessOf(filter, groupOut, run)),
      params: {
        ...volumeParams(sizes, { channels, tapsX: merged ? 1 : window[2], runWidth, groupChannels }),
        ...matrixParams('b', filter),
      },
    },
    result: { row: outChannels, column: 1, batch: groupOut },
  };
  return planProduct(product, target);
}

/** [input voxels, taps * outChannels] x [taps * outChannels, channels] */
export function planVolumeInputGradient(sizes: VolumeSizes, dx: TensorType, target: Target): KernelPlan {
  if (hasPhases(sizes, target)) return planPhases('conv3dInputGradient', sizes, dx, target);
  const { window, channels, outChannels, groups, batch, input } = sizes;
  const groupChannels = channels / groups;
  const groupOut = outChannels / groups;
  const segment = groupChannels * outChannels;
  const filter: MatrixLayout = { offset: 0, outer: outChannels, inner: 1, segment, batchOuter: 0, batchInner: groupOut };
  const product: Product = {
    ...common(sizes, dx),
    name: 'conv3dInputGradient',
    rows: batch * sizeOf(input),
    columns: groupChannels,
    inner: groupOut,
    segments: sizeOf(window),
    factors: {
      a: volumeSpreadFactor(byFour(outChannels, groups) ? 'inner4' : 'scalar'),
      b: matrixFactor('b', accessOf(filter, groupChannels, groupOut)),
      params: {
        ...volumeParams(sizes, { channels: outChannels, tapsX: window[2], runWidth: 1, groupChannels: groupOut }),
        ...matrixParams('b', filter),
      },
    },
    result: { row: channels, column: 1, batch: groupChannels },
  };
  return planProduct(product, target);
}

/** [taps * channels, output voxels] x [output voxels, outChannels] */
export function planVolumeFilterGradient(sizes: VolumeSizes, df: TensorType, target: Target): KernelPlan {
  const { window, channels, outChannels, groups, batch, output } = sizes;
  const groupChannels = channels / groups;
  const groupOut = outChannels / groups;
  const line = output[2];
  const dy: MatrixLayout = { offset: 0, outer: 1, inner: outChannels, segment: line * outChannels, batchOuter: 0, batchInner: groupOut };
  const product: Product = {
    ...common(sizes, df),
    name: 'conv3dFilterGradient',
    rows: sizeOf(window) * groupChannels,
    columns: groupOut,
    inner: line,
    segments: batch * output[0] * output[1],
    factors: {
      a: volumeTapFactor(byFour(channels, groups) ? 'outer4' : 'scalar', isPadded(sizes)),
      b: matrixFactor('b', accessOf(dy, groupOut, line)),
      params: { ...volumeParams(sizes, { channels, tapsX: window[2], runWidth: 1, groupChannels }), ...matrixParams('b', dy) },
    },
    result: { row: outChannels, column: 1, batch: groupOut },
  };
  return planProduct(product, target);
}
