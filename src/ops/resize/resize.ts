// Resizes images, sequences and volumes. One kernel takes any weights; resize/taps.ts computes them.
import { isFloat } from '../../core/dtype.ts';
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, formatShape } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkFinite, checkFlag, checkTensor, inWords } from '../operands/arguments.ts';
import { cast } from '../elementwise/cast.ts';
import { axesOf, sizesAlong } from '../conv/extent.ts';
import { resample } from './resample.ts';
import type { AxisMap, Coordinates, Rounding } from './taps.ts';

export interface ResizeOptions {
  /** Size of the result along each axis between batch and channels, or one number for all. Required unless `scale` is given. */
  readonly size?: number | readonly number[];
  /** Factor of the size, one number or one per axis: ⌊size · scale⌋ elements. Coordinates are divided by the scale itself. */
  readonly scale?: number | readonly number[];
  /**
   * 'nearest' takes one element, 'linear' weights two along each axis, 'cubic' four. 'area' takes the mean of all elements that an element
   * of the result covers. @default 'nearest'
   */
  readonly method?: 'nearest' | 'linear' | 'cubic' | 'area';
  /**
   * Coordinate in x of element j of the result, with s for x's size divided by the result's. 'halfPixel' (j + 1/2) s - 1/2, 'asymmetric' j
   * s, 'alignCorners' j (size of x - 1) / (size - 1). 'pytorchHalfPixel' is halfPixel, but 0 if the result has one element. @default
   * 'asymmetric' for 'nearest', otherwise 'halfPixel'
   */
  readonly coordinates?: Coordinates;
  /** true means `coordinates: 'alignCorners'`: the first and last elements keep their positions. @default false */
  readonly alignCorners?: boolean;
  /** Rounding of a coordinate for 'nearest'. @default 'floor' for 'asymmetric', otherwise 'roundPreferCeil' */
  readonly rounding?: Rounding;
  /** Slope of 'cubic' at distance 1. @default -0.75, or -0.5 with antialias */
  readonly cubicCoefficient?: number;
  /** Widens the weights of 'linear' and 'cubic' if the result is smaller, so that every element is used. @default false */
  readonly antialias?: boolean;
  /** Ignores elements outside of x instead of repeating the border, and divides by the sum of the remaining weights. @default false */
  readonly excludeOutside?: boolean;
}

const methods: readonly unknown[] = ['nearest', 'linear', 'cubic', 'area'];
const frames: readonly unknown[] = ['halfPixel', 'pytorchHalfPixel', 'asymmetric', 'alignCorners'];
const roundings: readonly unknown[] = ['floor', 'ceil', 'roundPreferFloor', 'roundPreferCeil'];

function checkChoice(name: string, value: unknown, choices: readonly unknown[]): void {
  if (choices.includes(value)) return;
  throw new ArgumentError(`resize: ${name} is ${inWords(value)}; give '${choices.join("', '")}'`);
}

/** Sizes of the result, and its step in elements of x. */
function extentsOf(x: Shape, { size, scale }: ResizeOptions): { to: number; step: number }[] {
  const from = axesOf(x);
  if ((size === undefined) === (scale === undefined)) {
    throw new ArgumentError(
      `resize: ${size === undefined ? 'neither size nor scale is given' : 'both size and scale are given'}; give one of them`,
    );
  }
  if (size !== undefined) return sizesAlong('resize', 'size', size, from.length).map((to, axis) => ({ to, step: from[axis] / to }));
  const scales = typeof scale === 'number' ? from.map(() => scale) : scale!;
  if (!Array.isArray(scales) || scales.length !== from.length || !scales.every((n: unknown) => Number.isFinite(n) && (n as number) > 0)) {
    throw new ArgumentError(
      `resize: scale is ${JSON.stringify(scale)}; give a positive number, or one for each of the ${from.length} axes`,
    );
  }
  return from.map((n, axis) => {
    const to = Math.floor(n * scales[axis]);
    if (to < 1)
      throw new ArgumentError(`resize: scale ${scales[axis]} leaves nothing of ${n} elements of ${formatShape(x)}; use a larger one`);
    return { to, step: 1 / scales[axis] };
  });
}

/**
 * Resizes x. Every element of the result is a weighted sum of the elements of x around its coordinate, along each axis between batch and
 * channels: y[b, i, j, c] = Σ r[i, h] s[j, w] x[b, h, w, c]. The border is repeated. Integers become f32.
 *
 * The defaults equal PyTorch's interpolate: 'nearest' is mode 'nearest' ('nearest-exact' is `coordinates: 'halfPixel'`), 'linear' is
 * linear, bilinear and trilinear, 'cubic' is bicubic, 'area' is area. The options cover ONNX's Resize.
 *
 * x [B, W, C], [B, H, W, C] or [B, D, H, W, C] -> the same with other sizes.
 * @throws ShapeError for other ranks or an empty axis, ArgumentError for a bad option.
 * R. Keys, Cubic Convolution Interpolation for Digital Image Processing, IEEE ASSP 29 (1981).
 *
 *     const larger = resize(images, { scale: 2, method: 'linear' });          // [8,32,32,3] -> [8,64,64,3]
 *     const thumbs = resize(images, { size: 8, method: 'cubic', antialias: true });   // [8,32,32,3] -> [8,8,8,3]
 */
export function resize(x: Tensor, options: ResizeOptions): Tensor {
  checkTensor('resize', 'x', x);
  const known = ['size', 'scale', 'method', 'coordinates', 'alignCorners', 'rounding', 'cubicCoefficient', 'antialias', 'excludeOutside'];
  checkOptions('resize', options, known);
  const { method = 'nearest', antialias = false, excludeOutside = false, alignCorners } = options ?? {};
  checkChoice('method', method, methods);
  checkFlag('resize', 'antialias', antialias);
  checkFlag('resize', 'excludeOutside', excludeOutside);
  checkFlag('resize', 'alignCorners', alignCorners);
  const nearest = method === 'nearest';
  const usual = alignCorners ? 'alignCorners' : nearest ? 'asymmetric' : 'halfPixel';
  const { coordinates = usual, cubicCoefficient = antialias ? -0.5 : -0.75 } = options ?? {};
  const { rounding = coordinates === 'asymmetric' ? 'floor' : 'roundPreferCeil' } = options ?? {};
  checkChoice('coordinates', coordinates, frames);
  checkChoice('rounding', rounding, roundings);
  checkFinite('resize', 'cubicCoefficient', cubicCoefficient);
  if (alignCorners !== undefined && alignCorners !== (coordinates === 'alignCorners') && options.coordinates !== undefined) {
    throw new ArgumentError(`resize: alignCorners is ${alignCorners}, coordinates are '${coordinates}'; give one of them`);
  }
  if (antialias && (nearest || method === 'area' || coordinates !== 'halfPixel')) {
    throw new ArgumentError(`resize: antialias goes with 'linear' and 'cubic' at 'halfPixel', not with '${method}' at '${coordinates}'`);
  }
  if (x.rank < 3 || x.rank > 5) {
    throw new ShapeError(
      `resize: x is ${formatShape(x.shape)}; it needs one to three axes between batch and channels, such as [batch, height, width, channels]`,
    );
  }
  const from = axesOf(x.shape);
  if (from.includes(0)) throw new ShapeError(`resize: x ${formatShape(x.shape)} has no elements to choose from between batch and channels`);
  const shared = { method, coordinates, rounding, cubicCoefficient, antialias, excludeOutside };
  const maps = extentsOf(x.shape, options).map(({ to, step }, axis): AxisMap => ({ ...shared, from: from[axis], to, step }));
  return resample(isFloat(x.dtype) ? x : cast(x, 'f32'), maps);
}
