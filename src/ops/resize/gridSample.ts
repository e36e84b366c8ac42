// Sampling at computed positions, such as those of a spatial transformer. Coordinates, weights and indices are elementwise ops, which give
// the gradient of the grid. weighted/weighted.ts gathers the elements; its gradient in x adds in a fixed order.
import { isFloat } from '../../core/dtype.ts';
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape, sizeOf } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { abs, add, mod, mul, sub } from '../elementwise/arithmetic.ts';
import { checkFlag, checkTensor, inWords } from '../operands/arguments.ts';
import { cast } from '../elementwise/cast.ts';
import { greater, greaterEqual, isFinite, isNaN, lessEqual, logicalAnd } from '../elementwise/comparison.ts';
import { axesOf } from '../conv/extent.ts';
import { iota, onesLike, zerosLike } from '../create/create.ts';
import { floor, round } from '../elementwise/rounding.ts';
import { clip, where } from '../elementwise/select.ts';
import { expandDims, reshape, stopGradient } from '../shape/shape.ts';
import { slice } from '../shape/slice.ts';
import { weightedGather } from '../weighted/weighted.ts';

export interface GridSampleOptions {
  /** 'linear' weights the two neighbours along each axis, 'cubic' four (images only), 'nearest' takes one. @default 'linear' */
  readonly method?: 'linear' | 'nearest' | 'cubic';
  /** Values outside the image: 'zeros', the 'border' element, or the 'reflect'ed image. @default 'zeros' */
  readonly padding?: 'zeros' | 'border' | 'reflect';
  /** Whether -1 and 1 are the centres of the first and last elements, instead of their outer edges. @default false */
  readonly alignCorners?: boolean;
}

type Resolved = Required<GridSampleOptions>;

/** Taps along one axis, [B, N, K] each: indices (i32, 0 for outside), whether they are inside, and weights. */
interface AxisTaps {
  readonly places: Tensor;
  readonly inside: Tensor;
  readonly weights: Tensor;
}

/** Clamps x to [0, size - 1]. Outside values pass no gradient, and a NaN is 0, as in PyTorch. */
function clamped(x: Tensor, size: number): Tensor {
  const number = where(isNaN(x), 0, x);
  const within = logicalAnd(greater(number, 0), greater(size - 1, number));
  return where(within, number, stopGradient(clip(number, 0, size - 1)));
}

/** Reflects the coordinate at the ends as often as needed: a zigzag between low and low + span. Infinity and NaN are 0, as in PyTorch. */
function reflected(x: Tensor, size: number, alignCorners: boolean): Tensor {
  const [low, span] = alignCorners ? [0, size - 1] : [-0.5, size];
  if (span === 0) return zerosLike(x);
  const along = mod(abs(sub(where(isFinite(x), x, 0), low)), 2 * span);
  return clamped(add(where(greater(along, span), sub(2 * span, along), along), low), size);
}

/** Coordinate of a grid value in [-1, 1], in elements. */
const coordinateOf = (grid: Tensor, size: number, alignCorners: boolean): Tensor =>
  alignCorners ? mul(mul(add(grid, 1), 0.5), size - 1) : mul(sub(mul(add(grid, 1), size), 1), 0.5);

const padded = (x: Tensor, size: number, { padding, alignCorners }: Resolved): Tensor =>
  padding === 'zeros' ? x : padding === 'border' ? clamped(x, size) : reflected(x, size, alignCorners);

/** Taps at integer positions (without NaN), with their weights. */
function tapsAt(places: Tensor, size: number, weights: Tensor): AxisTaps {
  const fixed = stopGradient(places);
  const inside = logicalAnd(greaterEqual(fixed, 0), lessEqual(fixed, size - 1));
  return { places: cast(where(inside, fixed, 0), 'i32'), inside, weights };
}

/**
 * Keys's cubic with a = -0.75, as in PyTorch. Returns the weights of the taps at -1, 0, 1 and 2 from the element below, given the distance
 * from it, 0 to 1.
 */
function cubicWeights(fraction: Tensor): Tensor {
  const a = -0.75;
  const step = sub(iota(4), 1);
  const distance = where(greater(step, 0), sub(step, fraction), sub(fraction, step));
  const near = add(mul(mul(sub(mul(distance, a + 2), a + 3), distance), distance), 1);
  const far = mul(sub(mul(add(mul(sub(distance, 5), distance), 8), distance), 4), a);
  return where(logicalAnd(greater(step, -1), greater(2, step)), near, far);
}

function tapsAlong(grid: Tensor, size: number, options: Resolved): AxisTaps {
  const { method, padding, alignCorners } = options;
  const raw = expandDims(coordinateOf(grid, size, alignCorners), -1);
  if (method === 'nearest') {
    // -1 is outside the image, for coordinates that are not finite.
    const at = round(padding === 'zeros' ? where(isFinite(raw), raw, -1) : padded(raw, size, options));
    return tapsAt(at, size, onesLike(at));
  }
  // The cubic filter reads around the unpadded coordinate. Its taps are padded one by one.
  const x = method === 'cubic' ? raw : padded(raw, size, options);
  // Weights are NaN if the coordinate is not finite, as in PyTorch.
  const known = isFinite(x);
  const safe = where(known, x, 0);
  const lower = stopGradient(floor(safe));
  const fraction = sub(safe, lower);
  if (method === 'cubic') {
    const places = padded(stopGradient(add(lower, sub(iota(4), 1))), size, options);
    return tapsAt(round(places), size, where(known, cubicWeights(fraction), NaN));
  }
  const step = iota(2);
  // (1 - fraction, fraction)
  const weights = add(sub(1, step), mul(sub(mul(step, 2), 1), fraction));
  return tapsAt(add(lower, step), size, where(known, weights, NaN));
}

/** Outer combination of the taps of the previous axes with those of one more: [B, N, K] and [B, N, L] -> [B, N, K L] */
function combined(a: Tensor, b: Tensor, fn: (a: Tensor, b: Tensor) => Tensor): Tensor {
  const [batch, count, taps] = a.shape;
  return reshape(fn(expandDims(a, 3), expandDims(b, 2)), [batch, count, taps * b.shape[2]]);
}

function checkChoice(name: string, value: unknown, choices: readonly unknown[]): void {
  if (choices.includes(value)) return;
  throw new ArgumentError(`gridSample: ${name} is ${inWords(value)}; give '${choices.join("', '")}'`);
}

function checkShapes(x: Tensor, grid: Tensor): void {
  const [images, places] = [formatShape(x.shape), formatShape(grid.shape)];
  if (x.rank !== 4 && x.rank !== 5) {
    throw new ShapeError(
      `gridSample: x is ${images}; give images [batch, height, width, channels] or volumes with a depth before the height`,
    );
  }
  const axes = x.rank - 2;
  if (grid.rank !== x.rank || grid.shape[x.rank - 1] !== axes) {
    const wanted = axes === 2 ? '[batch, height, width, 2], (x, y)' : '[batch, depth, height, width, 3], (x, y, z)';
    throw new ShapeError(`gridSample: grid is ${places}; for x ${images} it is ${wanted} for each element of the result`);
  }
  if (grid.shape[0] !== x.shape[0])
    throw new ShapeError(`gridSample: x ${images} and grid ${places} differ in their batch; broadcastTo one`);
  if (axesOf(x.shape).includes(0)) throw new ShapeError(`gridSample: x ${images} has no elements to sample`);
}

/**
 * Interpolates x at the positions in a grid: y[b, i, j, c] = Σ w[h, w] x[b, h, w, c] over the neighbours of grid[b, i, j] = (x, y), where
 * -1 is the left or upper edge of the image and 1 the right or lower one. Values and both gradients equal PyTorch's grid_sample. There are
 * no atomic additions, so the gradient of x is reproducible. With 'border' and 'reflect', a NaN in the grid is the coordinate 0; with
 * 'zeros' it gives NaN, or 0 for 'nearest'.
 *
 * x [B, H, W, C], grid [B, OH, OW, 2] -> [B, OH, OW, C]; x [B, D, H, W, C], grid [B, OD, OH, OW, 3] -> [B, OD, OH, OW, C].
 * @throws ShapeError for other ranks, batches that differ or an empty image, ArgumentError for a bad option. M. Jaderberg et al., Spatial
 * Transformer Networks, NeurIPS 2015.
 *
 *     const turned = gridSample(images, grid, { padding: 'border' });   // [8,32,32,3], [8,16,16,2] -> [8,16,16,3]
 */
export function gridSample(x: Tensor, grid: Tensor, options: GridSampleOptions = {}): Tensor {
  checkTensor('gridSample', 'x', x);
  checkTensor('gridSample', 'grid', grid);
  checkOptions('gridSample', options, ['method', 'padding', 'alignCorners']);
  const { method = 'linear', padding = 'zeros', alignCorners = false } = options;
  checkChoice('method', method, ['linear', 'nearest', 'cubic']);
  checkChoice('padding', padding, ['zeros', 'border', 'reflect']);
  checkFlag('gridSample', 'alignCorners', alignCorners);
  checkShapes(x, grid);
  if (method === 'cubic' && x.rank === 5)
    throw new ArgumentError(`gridSample: 'cubic' takes images, x is ${formatShape(x.shape)}; use 'linear'`);
  const sizes = axesOf(x.shape);
  const [batch, count, rows] = [x.shape[0], sizeOf(axesOf(grid.shape)), sizeOf(sizes)];
  const flat = reshape(cast(grid, 'f32'), [batch, count, sizes.length]);
  // The grid's coordinates start from the last axis: (x, y, z).
  const taps = sizes.map((size, axis) => {
    const last = sizes.length - 1 - axis;
    const own = reshape(slice(flat, [0, 0, last], [batch, count, last + 1]), [batch, count]);
    return tapsAlong(own, size, { method, padding, alignCorners });
  });
  const all = taps.slice(1).reduce((before, next, i) => {
    const size = sizes[i + 1];
    return {
      places: combined(before.places, next.places, (a, b) => add(mul(a, size), b)),
      inside: combined(before.inside, next.inside, logicalAnd),
      weights: combined(before.weights, next.weights, mul),
    };
  }, taps[0]);
  const indices = where(all.inside, all.places, rows);
  const floats = isFloat(x.dtype) ? x : cast(x, 'f32');
  const y = weightedGather(reshape(floats, [batch, rows, x.shape[x.rank - 1]]), indices, all.weights);
  return reshape(y, [...grid.shape.slice(0, -1), x.shape[x.rank - 1]]);
}
