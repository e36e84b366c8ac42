// Launches of the direct kernels of depthwise convolution: as a product each channel would be a matrix of its own, too small for a tile.
import { sizeOf } from '../../core/shape.ts';
import type { KernelDispatch, KernelPlan, Operand, Target, TensorType } from '../../graph/op.ts';
import filterGradientSource from '../../../shaders/depthwiseFilterGradient.wgsl?raw';
import inputGradientSource from '../../../shaders/depthwiseInputGradient.wgsl?raw';
import depthwiseSource from '../../../shaders/depthwise.wgsl?raw';
import splitSumSource from '../../../shaders/splitSum.wgsl?raw';
import { gridOf, retype, runOf, storageType } from '../kernelSource.ts';
import type { TapSizes } from './taps.ts';

/** All sizes of one depthwise convolution of images. */
export interface DepthwiseSizes extends TapSizes {
  readonly channels: number;
  readonly multiplier: number;
}

const workgroupSize = 64;

const inputs: readonly Operand[] = [
  { kind: 'input', index: 0 },
  { kind: 'input', index: 1 },
];
const output: Operand = { kind: 'output', index: 0 };

/** What the three kernels share of `Params`, behind size and grid. */
const sizeParams = ({ input, output, channels, multiplier, window, strides, dilations, padding }: DepthwiseSizes): number[] => [
  ...input,
  ...output,
  channels,
  multiplier,
  ...window,
  ...strides,
  ...dilations,
  padding[0][0],
  padding[1][0],
];

/** One dispatch that writes a run of neighbouring elements an invocation, in whole pixels of `channels`. */
function perPixel(name: string, source: string, type: TensorType, channels: number, params: readonly number[], target: Target): KernelPlan {
  const size = sizeOf(type.shape);
  const run = runOf(size, target, channels);
  const workgroups = gridOf(Math.ceil(size / (run * workgroupSize)), target);
  return {
    dispatches: [
      {
        name,
        source: retype(source, { Element: storageType(type.dtype) }),
        operands: [...inputs, output],
        params: [size, workgroups[0], ...params, run],
        workgroups,
      },
    ],
    temporaries: [],
  };
}

export const planDepthwise = (sizes: DepthwiseSizes, y: TensorType, target: Target): KernelPlan =>
  perPixel('depthwiseConv2d', depthwiseSource, y, sizes.channels * sizes.multiplier, sizeParams(sizes), target);

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

export function planDepthwiseInputGradient(sizes: DepthwiseSizes, dx: TensorType, target: Target): KernelPlan {
  const shared = sizes.strides.map((stride, axis) => commonDivisor(stride, sizes.dilations[axis]));
  const tapSteps = sizes.strides.map((stride, axis) => stride / shared[axis]);
  const windowSteps = sizes.dilations.map((dilation, axis) => dilation / shared[axis]);
  const params = [...sizeParams(sizes), ...tapSteps, ...windowSteps];
  return perPixel('depthwiseConv2dInputGradient', inputGradientSource, dx, sizes.channels, params, target);
}

/** Enough invocations to fill a processor, and stretches few enough to be added by one invocation. By shape only, so that all stacks agree. */
const wantedInvocations = 16384;
const mostStretches = 256;

export function planDepthwiseFilterGradient(sizes: DepthwiseSizes, df: TensorType, target: Target): KernelPlan {
  const elements = sizeOf(df.shape);
  const lines = sizes.batch * sizes.output[0];
  const wanted = Math.min(mostStretches, Math.ceil(wantedInvocations / Math.max(1, elements)));
  const stretch = Math.max(1, Math.ceil(lines / wanted));
  const stretches = Math.max(1, Math.ceil(lines / stretch));
  const split = stretches > 1;
  const partials: Operand = { kind: 'temporary', index: 0 };
  const element = storageType(df.dtype);
  const size = stretches * elements;
  const workgroups = gridOf(Math.ceil(size / workgroupSize), target);
  const main: KernelDispatch = {
    name: 'depthwiseConv2dFilterGradient',
    source: retype(filterGradientSource, { Element: element, Result: split ? 'f32' : element }),
    operands: [...inputs, split ? partials : output],
    params: [size, workgroups[0], ...sizeParams(sizes), elements, lines, stretch],
    workgroups,
  };
  if (!split) return { dispatches: [main], temporaries: [] };
  const sumGroups = gridOf(Math.ceil(elements / workgroupSize), target);
  const sum: KernelDispatch = {
    name: 'depthwiseConv2dFilterGradient_split_sum',
    source: retype(splitSumSource, { Result: element }),
    operands: [partials, output],
    params: [elements, stretches, sumGroups[0]],
    workgroups: sumGroups,
  };
  return { dispatches: [main, sum], temporaries: [{ shape: [stretches, elements], dtype: 'f32' }] };
}
