// Launches of the direct kernels of depthwise convolution. As a product, each channel would be its own matrix, too small for a tile.
import { sizeOf } from '../../core/shape.ts';
import type { KernelDispatch, KernelPlan, Operand, Target, TensorType } from '../../graph/op.ts';
import { gridOf, lanesFor, runOf } from '../../graph/workgroups.ts';
import filterGradientSource from '../../../shaders/depthwiseFilterGradient.wgsl?raw';
import inputGradientSource from '../../../shaders/depthwiseInputGradient.wgsl?raw';
import depthwiseSource from '../../../shaders/depthwise.wgsl?raw';
import splitSumSource from '../../../shaders/splitSum.wgsl?raw';
import { type KernelFile, type ParamValues, fillKernel, ofLanes, storageType } from '../../wgsl/index.ts';
import type { TapSizes } from './taps.ts';

const depthwiseKernel: KernelFile = { name: 'depthwise', text: depthwiseSource };
const inputGradientKernel: KernelFile = { name: 'depthwiseInputGradient', text: inputGradientSource };
const filterGradientKernel: KernelFile = { name: 'depthwiseFilterGradient', text: filterGradientSource };
const splitSumKernel: KernelFile = { name: 'splitSum', text: splitSumSource };

/** All sizes of one depthwise convolution of images. */
export interface DepthwiseSizes extends TapSizes {
  readonly channels: number;
  readonly multiplier: number;
}

const workgroupSize = 64;

/** Estimated operations of a tap of one element: most of them compute positions. */
const tapOperations = 20;

/** Estimated operations of all taps of all outputs. The three kernels have as many. */
const operationsOf = ({ batch, output, channels, multiplier, window }: DepthwiseSizes): number =>
  tapOperations * window[0] * window[1] * batch * output[0] * output[1] * channels * multiplier;

const inputs: readonly Operand[] = [
  { kind: 'input', index: 0 },
  { kind: 'input', index: 1 },
];
const output: Operand = { kind: 'output', index: 0 };

/** Number of channels that an element of the kernels holds, for results of this size. Each has one filter. */
const lanesOf = ({ channels, multiplier }: DepthwiseSizes, size: number, target: Target): 1 | 4 =>
  lanesFor(size, target, [channels, multiplier === 1 ? 0 : 1]);

/** The params that the three kernels share. */
const sizeParams = (
  { input, output, channels, multiplier, window, strides, dilations, padding }: DepthwiseSizes,
  lanes: 1 | 4,
): ParamValues => ({
  ...{ height: input[0], width: input[1], outHeight: output[0], outWidth: output[1], channels: channels / lanes, multiplier },
  ...{ windowHeight: window[0], windowWidth: window[1], strideY: strides[0], strideX: strides[1] },
  ...{ dilationY: dilations[0], dilationX: dilations[1], padTop: padding[0][0], padLeft: padding[1][0] },
});

/** One dispatch in which each invocation writes a run of neighbouring elements, in whole pixels of `channels`. */
function perPixel(
  name: string,
  kernel: KernelFile,
  { type, channels, sizes }: { readonly type: TensorType; readonly channels: number; readonly sizes: DepthwiseSizes },
  params: ParamValues,
  target: Target,
): KernelPlan {
  const lanes = lanesOf(sizes, sizeOf(type.shape), target);
  const size = sizeOf(type.shape) / lanes;
  const run = runOf(size, target, channels);
  const workgroups = gridOf(Math.ceil(size / (run * workgroupSize)), target);
  return {
    dispatches: [
      {
        name,
        ...fillKernel(kernel, {
          ...ofLanes(kernel, lanes, storageType(type.dtype)),
          params: { size, gridWidth: workgroups[0], ...sizeParams(sizes, lanes), ...params, run },
        }),
        operands: [...inputs, output],
        workgroups,
        operations: operationsOf(sizes),
      },
    ],
    temporaries: [],
  };
}

export const planDepthwise = (sizes: DepthwiseSizes, type: TensorType, target: Target): KernelPlan =>
  perPixel('depthwiseConv2d', depthwiseKernel, { type, channels: sizes.channels * sizes.multiplier, sizes }, {}, target);

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));

export function planDepthwiseInputGradient(sizes: DepthwiseSizes, dx: TensorType, target: Target): KernelPlan {
  const shared = sizes.strides.map((stride, axis) => commonDivisor(stride, sizes.dilations[axis]));
  const [tapStepY, tapStepX] = sizes.strides.map((stride, axis) => stride / shared[axis]);
  const [windowStepY, windowStepX] = sizes.dilations.map((dilation, axis) => dilation / shared[axis]);
  const params = { tapStepY, tapStepX, windowStepY, windowStepX };
  return perPixel('depthwiseConv2dInputGradient', inputGradientKernel, { type: dx, channels: sizes.channels, sizes }, params, target);
}

/** Number of invocations that fill a processor. */
const filledBy = { gpu: 65536, cpu: 16384 };
/** Maximum number of parts of the lines, whose sums are added at the end. */
const maxStretches = 256;

export function planDepthwiseFilterGradient(sizes: DepthwiseSizes, df: TensorType, target: Target): KernelPlan {
  const lanes = lanesOf(sizes, sizes.batch * sizes.output[0] * sizes.output[1] * sizes.channels, target);
  const elements = sizeOf(df.shape) / lanes;
  const lines = sizes.batch * sizes.output[0];
  const wanted = Math.min(maxStretches, Math.ceil(filledBy[target.processor] / Math.max(1, elements)));
  const stretch = Math.max(1, Math.ceil(lines / wanted));
  const stretches = Math.max(1, Math.ceil(lines / stretch));
  const split = stretches > 1;
  const partials: Operand = { kind: 'temporary', index: 0 };
  const element = storageType(df.dtype);
  const size = stretches * elements;
  const workgroups = gridOf(Math.ceil(size / workgroupSize), target);
  const result = split ? 'f32' : element;
  const own = ofLanes(filterGradientKernel, lanes, element, 'f32', { resultType: 'Result' });
  const main: KernelDispatch = {
    name: 'depthwiseConv2dFilterGradient',
    ...fillKernel(filterGradientKernel, {
      ...own,
      aliases: { ...own.aliases, Result: lanes === 4 ? `vec4<${result}>` : result },
      params: { size, gridWidth: workgroups[0], ...sizeParams(sizes, lanes), elements, lines, stretch },
    }),
    operands: [...inputs, split ? partials : output],
    workgroups,
    operations: operationsOf(sizes),
  };
  if (!split) return { dispatches: [main], temporaries: [] };
  const results = sizeOf(df.shape);
  const sumGroups = gridOf(Math.ceil(results / workgroupSize), target);
  const sum: KernelDispatch = {
    name: 'depthwiseConv2dFilterGradient_split_sum',
    ...fillKernel(splitSumKernel, {
      aliases: { Result: element },
      params: { size: results, splits: stretches, gridWidth: sumGroups[0] },
    }),
    operands: [partials, output],
    workgroups: sumGroups,
  };
  return { dispatches: [main, sum], temporaries: [{ shape: [stretches, results], dtype: 'f32' }] };
}
