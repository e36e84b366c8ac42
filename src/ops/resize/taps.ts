// Resampling along one axis: the elements of x, and their weights, that make each element of the result. They are computed on the host in
// f64 from plain data, so that all stacks round coordinates to the same elements.
import type { HostArray } from '../../core/dtype.ts';
import { type Tensor, hostTensor } from '../../graph/tensor.ts';

/** Mapping of element j of the result to a coordinate in x: see ResizeOptions. */
export type Coordinates = 'halfPixel' | 'pytorchHalfPixel' | 'asymmetric' | 'alignCorners';

/** Rounding of a coordinate between two elements. */
export type Rounding = 'floor' | 'ceil' | 'roundPreferFloor' | 'roundPreferCeil';

/** One axis. It is plain data, because it is part of the key of a program. */
export interface AxisMap {
  /** Sizes of the axis in x and in the result. */
  readonly from: number;
  readonly to: number;
  readonly method: 'nearest' | 'linear' | 'cubic' | 'area' | 'identity';
  readonly coordinates: Coordinates;
  readonly rounding: Rounding;
  /** Step of the result, in elements of x. */
  readonly step: number;
  /** Slope of the cubic at distance 1. */
  readonly cubicCoefficient: number;
  /** Widens the weights if the result is smaller, so that every element of x is used. */
  readonly antialias: boolean;
  /** Ignores elements outside of x instead of repeating the border. */
  readonly excludeOutside: boolean;
}

export const identity = (size: number): AxisMap => ({
  from: size,
  to: size,
  method: 'identity',
  coordinates: 'asymmetric',
  rounding: 'floor',
  step: 1,
  cubicCoefficient: 0,
  antialias: false,
  excludeOutside: false,
});

/** Element j is the weighted sum of the elements places[starts[j]] to places[starts[j + 1] - 1]. */
export interface Taps {
  readonly starts: Int32Array;
  readonly places: Int32Array;
  readonly weights: Float64Array;
}

type Weighted = readonly [place: number, weight: number];

/**
 * R. Keys, Cubic Convolution Interpolation for Digital Image Processing (1981): (a + 2) |t|³ - (a + 3) t² + 1 within 1,
 * a (|t|³ - 5 t² + 8 |t| - 4) within 2.
 */
function cubic(t: number, a: number): number {
  const d = Math.abs(t);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? a * (((d - 5) * d + 8) * d - 4) : 0;
}

const weightOf = ({ method, cubicCoefficient }: AxisMap, distance: number): number =>
  method === 'cubic' ? cubic(distance, cubicCoefficient) : Math.max(0, 1 - Math.abs(distance));

function coordinateOf({ coordinates, from, to, step }: AxisMap, j: number): number {
  if (coordinates === 'asymmetric') return j * step;
  if (coordinates === 'alignCorners') return to > 1 ? (j * (from - 1)) / (to - 1) : 0;
  return coordinates === 'pytorchHalfPixel' && to === 1 ? 0 : (j + 0.5) * step - 0.5;
}

/** Computed in f32 as in PyTorch and ONNX Runtime. In f64 some coordinates would round to another element. */
function nearestOf({ coordinates, rounding, from, to, step }: AxisMap, j: number): number {
  const round = Math.fround;
  const [first, length, shift] =
    coordinates === 'alignCorners'
      ? [j, to > 1 ? (from - 1) / (to - 1) : 0, 0]
      : coordinates === 'asymmetric'
        ? [j, step, 0]
        : coordinates === 'pytorchHalfPixel' && to === 1
          ? [0, 0, 0]
          : [j + 0.5, step, 0.5];
  const at = round(first * round(length)) - shift;
  const place = {
    floor: () => Math.floor(at),
    ceil: () => Math.ceil(at),
    roundPreferFloor: () => Math.ceil(at - 0.5),
    roundPreferCeil: () => Math.floor(at + 0.5),
  }[rounding]();
  return Math.min(Math.max(place, 0), from - 1);
}

/** Weights of a filter whose width is one step of the result, or one of x if that is longer, as in PyTorch and Pillow. */
function widened(map: AxisMap, j: number): Weighted[] {
  const { from, step } = map;
  const stretch = Math.max(1, step);
  const support = (map.method === 'cubic' ? 2 : 1) * stretch;
  const center = step * (j + 0.5);
  const first = Math.max(0, Math.trunc(center - support + 0.5));
  const end = Math.min(from, Math.trunc(center + support + 0.5));
  const taps = Array.from({ length: Math.max(0, end - first) }, (_, k): Weighted => {
    return [first + k, weightOf(map, (first + k - center + 0.5) / stretch)];
  });
  return normalized(taps);
}

function normalized(taps: readonly Weighted[]): Weighted[] {
  const total = taps.reduce((sum, [, weight]) => sum + weight, 0);
  return total === 0 ? [...taps] : taps.map(([place, weight]): Weighted => [place, weight / total]);
}

function interpolated(map: AxisMap, j: number): Weighted[] {
  const at = coordinateOf(map, j);
  const lower = Math.floor(at);
  const reach = map.method === 'cubic' ? [-1, 0, 1, 2] : [0, 1];
  const taps = reach.map((k): Weighted => [lower + k, weightOf(map, at - lower - k)]);
  const last = map.from - 1;
  if (map.excludeOutside) return normalized(taps.filter(([place]) => place >= 0 && place <= last));
  return taps.map(([place, weight]): Weighted => [Math.min(Math.max(place, 0), last), weight]);
}

function tapsAt(map: AxisMap, j: number): Weighted[] {
  const { from, to, method } = map;
  if (method === 'identity') return [[j, 1]];
  if (method === 'nearest') return [[nearestOf(map, j), 1]];
  if (method === 'area') {
    const first = Math.floor((j * from) / to);
    const count = Math.ceil(((j + 1) * from) / to) - first;
    return Array.from({ length: count }, (_, k): Weighted => [first + k, 1 / count]);
  }
  return map.antialias ? widened(map, j) : interpolated(map, j);
}

/** Merges equal places and drops weights of 0, because 0 · Infinity must not be added. */
function tapsOf(map: AxisMap): Taps {
  const starts = new Int32Array(map.to + 1);
  const places: number[] = [];
  const weights: number[] = [];
  for (let j = 0; j < map.to; j++) {
    const sums = new Map<number, number>();
    for (const [place, weight] of tapsAt(map, j)) sums.set(place, (sums.get(place) ?? 0) + weight);
    for (const [place, weight] of sums) {
      if (weight === 0) continue;
      places.push(place);
      weights.push(weight);
    }
    starts[j + 1] = places.length;
  }
  return { starts, places: Int32Array.from(places), weights: Float64Array.from(weights) };
}

/** The same weights seen from x: for each element of x, the elements of the result that use it, in their order. */
function transposed({ starts, places, weights }: Taps, from: number): Taps {
  const begins = new Int32Array(from + 1);
  for (const place of places) begins[place + 1]++;
  for (let i = 0; i < from; i++) begins[i + 1] += begins[i];
  const next = begins.slice();
  const back: Taps = { starts: begins, places: new Int32Array(places.length), weights: new Float64Array(places.length) };
  for (let j = 0; j + 1 < starts.length; j++) {
    for (let t = starts[j]; t < starts[j + 1]; t++) {
      const to = next[places[t]]++;
      back.places[to] = j;
      back.weights[to] = weights[t];
    }
  }
  return back;
}

export interface ResampleAttributes {
  readonly rows: AxisMap;
  readonly columns: AxisMap;
  /** Whether this is the gradient: from the size of the result to the size of x. */
  readonly transposed: boolean;
}

/** The taps of both axes in two tensors, in the layout of shaders/resample.wgsl. */
export interface TapTables {
  /** Starts of the rows, starts of the columns (with one running count), places of both. */
  readonly links: Tensor;
  /** Weights of both. */
  readonly weights: Tensor;
  /** Maximum number of taps of an element of the result: [rows, columns]. */
  readonly most: readonly [number, number];
}

const longest = ({ starts }: Taps): number => starts.reduce((most, start, j) => (j === 0 ? 0 : Math.max(most, start - starts[j - 1])), 0);

/** The f64 values of tables that are stored in f32. The reference uses them. */
const unrounded = new WeakMap<HostArray, Float64Array>();
export const exactWeights = (weights: HostArray): HostArray => unrounded.get(weights) ?? weights;

/** Cache of tables, most recently used last. A repeated table stays on the device. */
const tables = new Map<string, TapTables>();
const tablesKept = 64;

export function tapTables(attributes: ResampleAttributes): TapTables {
  const key = JSON.stringify(attributes);
  const made = tables.get(key) ?? makeTables(attributes);
  tables.delete(key);
  tables.set(key, made);
  if (tables.size > tablesKept) tables.delete(tables.keys().next().value!);
  return made;
}

function makeTables({ rows, columns, transposed: back }: ResampleAttributes): TapTables {
  const [down, across] = [rows, columns].map((map) => (back ? transposed(tapsOf(map), map.from) : tapsOf(map)));
  const counted = across.starts.map((start) => start + down.places.length);
  const links = Int32Array.from([...down.starts, ...counted, ...down.places, ...across.places]);
  const exact = Float64Array.from([...down.weights, ...across.weights]);
  const weights = Float32Array.from(exact);
  unrounded.set(weights, exact);
  return {
    links: hostTensor({ shape: [links.length], dtype: 'i32' }, links),
    weights: hostTensor({ shape: [weights.length], dtype: 'f32' }, weights),
    most: [longest(down), longest(across)],
  };
}
