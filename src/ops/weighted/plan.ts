// How the GPU gathers, scatters and compares rows by index with weights: see weighted.ts. Nothing is added atomically.
import { sizeOf } from '../../core/shape.ts';
import type { KernelContext, KernelDispatch, KernelPlan, Operand } from '../../graph/op.ts';
import dotSource from '../../../shaders/weightedDot.wgsl?raw';
import gatherSource from '../../../shaders/weightedGather.wgsl?raw';
import scatterSource from '../../../shaders/weightedScatter.wgsl?raw';
import { inQuads } from '../conv/planPool.ts';
import { fillBlock, gridOf, retype, runOf, storageType } from '../kernelSource.ts';
import { planLinks } from '../scatterPlan.ts';

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
  const type = storageType(y.dtype);
  const dispatch: KernelDispatch = {
    name: 'weighted_gather',
    source: lanes === 4 ? inQuads(gatherSource, 4, type) : retype(gatherSource, { Element: type }),
    operands: [input(0), input(1), input(2), output],
    params: [size, workgroups[0], rows, indices.shape[1], indices.shape[2], channels, run],
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
  const quads = fillBlock(dotSource, 'total', 'fn total(value: vec4<f32>) -> f32 { return (value.x + value.y) + (value.z + value.w); }');
  const dispatch: KernelDispatch = {
    name: 'weighted_dot',
    source: lanes === 4 ? retype(quads, { Element: `vec4<${type}>`, Value: 'vec4<f32>' }) : retype(dotSource, { Element: type }),
    operands: [input(0), input(1), input(2), output],
    params: [size, workgroups[0], rows, indices.shape[1], indices.shape[2], all / lanes, run],
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
  // One more row takes the taps that count nowhere.
  const geometry = { outer: batch, rows: rows + 1, count: count * taps, inner: 1, ownIndices: true };
  const { dispatches, temporaries, links, lineStride } = planLinks(geometry, indices, target);
  const type = storageType(dx.dtype);
  const sum: KernelDispatch = {
    name: 'weighted_scatter',
    source: lanes === 4 ? inQuads(scatterSource, 4, type) : retype(scatterSource, { Element: type }),
    operands: [input(0), input(2), links, output],
    params: [size, workgroups[0], rows, count, taps, channels, lineStride, run],
    workgroups,
  };
  return { dispatches: [...dispatches, sum], temporaries };
}
