// Changes of size of images, and samples at given positions.
import type { Tensor } from '../../../graph/tensor.ts';
import {
  abs,
  add,
  arange,
  cast,
  clip,
  einsum,
  expandDims,
  gather,
  greaterEqual,
  gridSample,
  lessEqual,
  logicalAnd,
  maximum,
  mean,
  mul,
  relu,
  reshape,
  resize,
  slice,
  sub,
  where,
  type ResizeOptions,
} from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';
import { channelsFirst, channelsLast } from './convolution.ts';

const coordinates: Readonly<Record<string, ResizeOptions['coordinates']>> = {
  half_pixel: 'halfPixel',
  pytorch_half_pixel: 'pytorchHalfPixel',
  asymmetric: 'asymmetric',
  align_corners: 'alignCorners',
  tf_half_pixel_for_nn: 'halfPixel',
};
const roundings: Readonly<Record<string, ResizeOptions['rounding']>> = {
  floor: 'floor',
  ceil: 'ceil',
  round_prefer_floor: 'roundPreferFloor',
  round_prefer_ceil: 'roundPreferCeil',
};
/** Roundings of (j + 1/2) s, as roundings of the half_pixel coordinate, which is smaller by 1/2. */
const shiftedRoundings: Readonly<Record<string, ResizeOptions['rounding']>> = { floor: 'roundPreferCeil', round_prefer_floor: 'ceil' };
const methods: Readonly<Record<string, ResizeOptions['method']>> = {
  nearest: 'nearest',
  linear: 'linear',
  bilinear: 'linear',
  cubic: 'cubic',
};

function choice<T>(call: Call, name: string, given: string, known: Readonly<Record<string, T>>): T {
  return Object.hasOwn(known, given)
    ? known[given]
    : call.fail(`${name} is '${given}'; it must be one of ${Object.keys(known).join(', ')}`);
}

/** Weights of every element of an axis are made on the host. */
const maxSize = 2 ** 20;

interface Axis {
  readonly axis: number;
  readonly size: number;
  readonly scale: number | undefined;
}

/** Resizes the axes of x that change. Others join the batch and the channels. */
function resized(x: Tensor, axes: readonly Axis[], options: Omit<ResizeOptions, 'size' | 'scale'>): Tensor {
  const changing = axes.filter(({ axis, size, scale }) => size !== x.shape[axis] || (scale !== undefined && scale !== 1));
  // Axes are resized one after the other: each result is a weighted sum along its axis.
  return changing.reduce((y, { axis, size, scale }) => {
    const front = y.shape.slice(0, axis).reduce((a, b) => a * b, 1);
    const back = y.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const lines = reshape(y, [front, y.shape[axis], back]);
    const made = resize(lines, scale === undefined ? { ...options, size: [size] } : { ...options, scale: [scale] });
    return reshape(made, [...y.shape.slice(0, axis), made.shape[1], ...y.shape.slice(axis + 1)]);
  }, x);
}

/** Opset 10 has no roi: its inputs are X and scales. */
function resizeNode(call: Call): Tensor {
  const x = call.tensor(0);
  const [scaleAt, sizeAt] = call.opset < 11 || call.op === 'Upsample' ? [1, -1] : [2, 3];
  const axes = call.axes(call.ints('axes') ?? x.shape.map((_, i) => i), x.rank);
  const listed = call.has(scaleAt) ? call.numbers(scaleAt, 'scales') : (call.floats('scales') ?? []);
  const sizes = sizeAt > 0 && call.has(sizeAt) ? call.numbers(sizeAt, 'sizes') : [];
  const given = sizes.length > 0 ? sizes : listed;
  if (given.length !== axes.length)
    call.fail(`scales and sizes have ${listed.length} and ${sizes.length} entries; one needs ${axes.length}`);
  const method = choice(call, 'mode', call.text('mode', 'nearest'), methods);
  const isOld = call.opset < 11 || call.op === 'Upsample';
  const frame = isOld ? 'asymmetric' : call.text('coordinate_transformation_mode', 'half_pixel');
  if (frame === 'tf_crop_and_resize') call.fail(`coordinate_transformation_mode is '${frame}'; regions are not cut, use Slice before`);
  const nearest = isOld ? 'floor' : call.text('nearest_mode', 'round_prefer_floor');
  const policy = call.text('keep_aspect_ratio_policy', 'stretch');
  const ratios = axes.map((axis, i) => sizes[i] / x.shape[axis]);
  const common = policy === 'stretch' ? undefined : policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  const targets = axes.map((axis, i): Axis => {
    const n = x.shape[axis];
    if (sizes.length === 0) return { axis, size: Math.floor(n * listed[i]), scale: listed[i] };
    return { axis, size: common === undefined ? sizes[i] : Math.round(common * n), scale: undefined };
  });
  const large = targets.find(({ size }) => !(size >= 1 && size <= maxSize));
  if (large) call.fail(`axis ${large.axis} would have ${large.size} elements; sizes from 1 to ${maxSize} are computed`);
  return resized(x, targets, {
    method,
    coordinates: choice(call, 'coordinate_transformation_mode', frame, coordinates),
    rounding: choice(call, 'nearest_mode', nearest, frame === 'tf_half_pixel_for_nn' ? shiftedRoundings : roundings),
    cubicCoefficient: call.float('cubic_coeff_a', -0.75),
    excludeOutside: call.flag('exclude_outside'),
    antialias: call.flag('antialias') && method !== 'nearest',
  });
}

const sampleMethods = { linear: 'linear', bilinear: 'linear', nearest: 'nearest', cubic: 'cubic', bicubic: 'cubic' } as const;
const sampleBorders = { zeros: 'zeros', border: 'border', reflection: 'reflect' } as const;

function sampled(call: Call): Tensor {
  call.checkRank(0, 4, 5);
  const y = gridSample(channelsLast(call.tensor(0)), call.tensor(1), {
    method: choice(call, 'mode', call.text('mode', 'linear'), sampleMethods),
    padding: choice(call, 'padding_mode', call.text('padding_mode', 'zeros'), sampleBorders),
    alignCorners: call.flag('align_corners'),
  });
  return channelsFirst(y);
}

/**
 * Means of bilinear samples in the cells of each region: products with two matrices of weights, [regions, cells, height] and [regions, cells,
 * width]. A sample within one element outside of the image takes its border. He et al. 2017, arXiv:1703.06870.
 */
function regions(call: Call): Tensor {
  call.checkRank(0, 4);
  if (call.text('mode', 'avg') !== 'avg') call.fail(`mode is '${call.text('mode', 'avg')}'; only 'avg' is computed`);
  const ratio = call.int('sampling_ratio', 0);
  if (ratio < 1) call.fail(`sampling_ratio is ${ratio}; it must be at least 1, because other counts depend on the data`);
  const x = call.tensor(0);
  const isHalf = call.opset >= 16 && call.text('coordinate_transformation_mode', 'half_pixel') === 'half_pixel';
  const edges = sub(mul(call.tensor(1), call.float('spatial_scale', 1)), isHalf ? 0.5 : 0);
  const count = edges.shape[0];
  const weights = (from: number, cells: number, size: number): Tensor => {
    const begin = slice(edges, [0, from], [count, from + 1]);
    const extent = sub(slice(edges, [0, from + 2], [count, from + 3]), begin);
    const steps = mul(isHalf ? extent : maximum(extent, 1), 1 / cells);
    const places = reshape(mul(add(arange(0, cells * ratio, 1, 'f32'), 0.5), 1 / ratio), [1, cells * ratio]);
    const at = expandDims(add(begin, mul(steps, places)), -1);
    const inside = logicalAnd(greaterEqual(at, -1), lessEqual(at, size));
    const tent = relu(sub(1, abs(sub(clip(at, 0, size - 1), arange(0, size, 1, 'f32')))));
    return mean(reshape(where(inside, tent, 0), [count, cells, ratio, size]), { axis: 2 });
  };
  const [height, width] = [call.int('output_height', 1), call.int('output_width', 1)];
  const images = gather(x, cast(call.tensor(2), 'i32'));
  return einsum('rih,rjw,rchw->rcij', weights(1, height, x.shape[2]), weights(0, width, x.shape[3]), images);
}

export const resizeRules: RuleTable = {
  GridSample: sampled,
  Resize: { run: resizeNode, hostInputs: [1, 2, 3] },
  RoiAlign: regions,
  Upsample: { run: resizeNode, hostInputs: [1] },
};
