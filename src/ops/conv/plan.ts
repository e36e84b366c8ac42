// The three directions of convolution as products: factors, strides and result layout. matmul/plan.ts chooses tiles and launch.
import { sizeOf } from '../../core/shape.ts';
import type { KernelPlan, Target, TensorType } from '../../graph/op.ts';
import { type MatrixLayout, accessOf, matrixFactor, matrixParams } from '../matmul/factors.ts';
import { planProduct } from '../matmul/plan.ts';
import { hasPhases, planPhases } from './phases.ts';
import type { ConvSizes } from './reference.ts';
import { type WindowParams, spreadFactor, tapFactor, windowFactor } from './windows.ts';

const isPadded = ({ padding }: ConvSizes): boolean => padding.flat().some((n) => n > 0);

const windowParams = (sizes: ConvSizes, own: Pick<WindowParams, 'channels' | 'tapsX' | 'runWidth' | 'groupChannels'>): WindowParams => ({
  inHeight: sizes.input[0],
  inWidth: sizes.input[1],
  outHeight: sizes.output[0],
  outWidth: sizes.output[1],
  strideY: sizes.strides[0],
  strideX: sizes.strides[1],
  dilationY: sizes.dilations[0],
  dilationX: sizes.dilations[1],
  padTop: sizes.padding[0][0],
  padLeft: sizes.padding[1][0],
  ...own,
});

const bothInputs = [
  { kind: 'input', index: 0 },
  { kind: 'input', index: 1 },
] as const;

const elementOf = ({ dtype }: TensorType): 'f32' | 'f16' => (dtype === 'f16' ? 'f16' : 'f32');

/** [pixels, taps * channels] x [taps * channels, outChannels] */
export function planConvolve(sizes: ConvSizes, y: TensorType, target: Target): KernelPlan {
  const { window, channels, outChannels, groups, dilations, batch, output } = sizes;
  const groupChannels = channels / groups;
  const groupOut = outChannels / groups;
  const merged = groups === 1 && dilations[1] === 1;
  const runWidth = merged ? window[1] : 1;
  const run = runWidth * groupChannels;
  const filter: MatrixLayout = { offset: 0, outer: 1, inner: outChannels, segment: run * outChannels, batchOuter: 0, batchInner: groupOut };
  return planProduct(
    {
      name: 'conv2d',
      rows: batch * output[0] * output[1],
      columns: groupOut,
      inner: run,
      segments: merged ? window[0] : window[0] * window[1],
      batches: groups,
      batchInner: groups,
      element: elementOf(y),
      factors: {
        a: windowFactor(channels % 4 === 0 && groupChannels % 4 === 0 ? 'inner4' : 'scalar', isPadded(sizes)),
        b: matrixFactor('b', accessOf(filter, groupOut, run)),
        params: {
          ...windowParams(sizes, { channels, tapsX: merged ? 1 : window[1], runWidth, groupChannels }),
          ...matrixParams('b', filter),
        },
      },
      operands: bothInputs,
      result: { row: outChannels, column: 1, batch: groupOut },
      outputSize: sizeOf(y.shape),
    },
    target,
  );
}

/** [input pixels, taps * outChannels] x [taps * outChannels, channels] */
export function planInputGradient(sizes: ConvSizes, dx: TensorType, target: Target): KernelPlan {
  if (hasPhases(sizes, target)) return planPhases('conv2dInputGradient', sizes, dx, target);
  const { window, channels, outChannels, groups, batch, input } = sizes;
  const groupChannels = channels / groups;
  const groupOut = outChannels / groups;
  const filter: MatrixLayout = {
    offset: 0,
    outer: outChannels,
    inner: 1,
    segment: groupChannels * outChannels,
    batchOuter: 0,
    batchInner: groupOut,
  };
  return planProduct(
    {
      name: 'conv2dInputGradient',
      rows: batch * input[0] * input[1],
      columns: groupChannels,
      inner: groupOut,
      segments: window[0] * window[1],
      batches: groups,
      batchInner: groups,
      element: elementOf(dx),
      factors: {
        a: spreadFactor(outChannels % 4 === 0 && groupOut % 4 === 0 ? 'inner4' : 'scalar'),
        b: matrixFactor('b', accessOf(filter, groupChannels, groupOut)),
        params: {
          ...windowParams(sizes, { channels: outChannels, tapsX: window[1], runWidth: 1, groupChannels: groupOut }),
          ...matrixParams('b', filter),
        },
      },
      operands: bothInputs,
      result: { row: channels, column: 1, batch: groupChannels },
      outputSize: sizeOf(dx.shape),
    },
    target,
  );
}

/** [taps * channels, output pixels] x [output pixels, outChannels] */
export function planFilterGradient(sizes: ConvSizes, df: TensorType, target: Target): KernelPlan {
  const { window, channels, outChannels, groups, batch, output } = sizes;
  const groupChannels = channels / groups;
  const groupOut = outChannels / groups;
  const dy: MatrixLayout = {
    offset: 0,
    outer: 1,
    inner: outChannels,
    segment: output[1] * outChannels,
    batchOuter: 0,
    batchInner: groupOut,
  };
  return planProduct(
    {
      name: 'conv2dFilterGradient',
      rows: window[0] * window[1] * groupChannels,
      columns: groupOut,
      inner: output[1],
      segments: batch * output[0],
      batches: groups,
      batchInner: groups,
      element: elementOf(df),
      factors: {
        a: tapFactor(channels % 4 === 0 && groupChannels % 4 === 0 ? 'outer4' : 'scalar', isPadded(sizes)),
        b: matrixFactor('b', accessOf(dy, groupOut, output[1])),
        params: { ...windowParams(sizes, { channels, tapsX: window[1], runWidth: 1, groupChannels }), ...matrixParams('b', dy) },
      },
      operands: bothInputs,
      result: { row: outChannels, column: 1, batch: groupOut },
      outputSize: sizeOf(df.shape),
    },
    target,
  );
}
