// Kernels that gather, scatter and compare rows by index with weights: see weighted.ts. There are no atomic additions.
import { sizeOf } from '../../core/shape.ts';
import type { KernelContext, KernelDispatch, KernelPlan, Operand } from '../../graph/op.ts';
import { gridOf, runOf } from '../../graph/workgroups.ts';
import dotSource from '../../../shaders/weightedDot.wgsl?raw';
import gatherSource from '../../../shaders/weightedGather.wgsl?raw';
import scatterSource from '../../../shaders/weightedScatter.wgsl?raw';
import { type KernelFile, fillKernel, ofLanes, storageType } from '../../wgsl/index.ts';
import { planLinks } from '../indexing/scatterPlan.ts';

const gatherKernel: KernelFile = { name: 'weightedGather', text: gatherSource };
const dotKernel: KernelFile = { name: 'weightedDot', text: dotSource };
const scatterKernel: KernelFile = { name: 'weightedScatter', text: scatterSource };

const workgroupSize = 64;
const input = (index: number): Operand => ({ kind: 'input', index });
const output: Operand = { kind: 'output', index: 0 };

/** x [B, P, C], indices [B, N, T], weights [B, N, T] -> [B, N, C] */
export function planWeightedGather({ inputs: [x, indices], outputs: [y], target }: KernelContext<object>): KernelPlan {
  const [, rows, all] = x.shape;
  const lanes = all % 4 === 0 ? 4 : 1;
  const channels = all / lanes;
  const size = sizeOf(y.shape) / lanes;
  const run = runOf(size, target, channels);
  const workgroups = gridOf(Math.ceil(size / (run * workgroupSize)), target);
  const dispatch: KernelDispatch = {
    name: 'weighted_gather',
    ...fillKernel(gatherKernel, {
      ...ofLanes(gatherKernel, lanes, storageType(y.dtype)),
      params: { size, gridWidth: workgroups[0], rows, count: indices.shape[1], taps: indices.shape[2], channels, run },
    }),
    operands: [input(0), input(1), input(2), output],
    workgroups,
  };
  return { dispatches: [dispatch], temporaries: [] };
}

/** dy [B, N, C], x [B, P, C], indices [B, N, T] -> [B, N, T] */
export function planWeightedDot({ inputs: [dy, x, indices], outputs: [dw], target }: KernelContext<object>): KernelPlan {
  const [, rows, all] = x.shape;
  const lanes = all % 4 === 0 ? 4 : 1;
  const size = sizeOf(dw.shape);
  const run = runOf(size, target);
  const workgroups = gridOf(Math.ceil(size / (run * workgroupSize)), target);
  const type = storageType(dy.dtype);
  const [, count, taps] = indices.shape;
  const quads = { total: 'fn total(value: vec4<f32>) -> f32 { return (value.x + value.y) + (value.z + value.w); }' };
  const dispatch: KernelDispatch = {
    name: 'weighted_dot',
    ...fillKernel(dotKernel, {
      ...(lanes === 4 ? { aliases: { Element: `vec4<${type}>`, Value: 'vec4<f32>' }, blocks: quads } : { aliases: { Element: type } }),
      params: { size, gridWidth: workgroups[0], rows, count, taps, channels: all / lanes, run },
    }),
    operands: [input(0), input(1), input(2), output],
    workgroups,
  };
  return { dispatches: [dispatch], temporaries: [] };
}

/** dy [B, N, C], indices [B, N, T], weights [B, N, T] -> [B, P, C] */
export function planWeightedScatter({ inputs: [, indices], outputs: [dx], target }: KernelContext<object>): KernelPlan {
  const [batch, rows, all] = dx.shape;
  const [, count, taps] = indices.shape;
  const lanes = all % 4 === 0 ? 4 : 1;
  const channels = all / lanes;
  const size = sizeOf(dx.shape) / lanes;
  const run = runOf(size, target, channels);
  const workgroups = gridOf(Math.ceil(size / (run * workgroupSize)), target);
  // One extra row collects the ignored taps.
  const geometry = { outer: batch, rows: rows + 1, count: count * taps, inner: 1, ownIndices: true };
  const { dispatches, temporaries, links, lineStride } = planLinks(geometry, indices, target);
  const sum: KernelDispatch = {
    name: 'weighted_scatter',
    ...fillKernel(scatterKernel, {
      ...ofLanes(scatterKernel, lanes, storageType(dx.dtype)),
      params: { size, gridWidth: workgroups[0], rows, count, taps, channels, lineStride, run },
    }),
    operands: [input(0), input(2), links, output],
    workgroups,
  };
  return { dispatches: [...dispatches, sum], temporaries };
}
