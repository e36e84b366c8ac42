// Convolution on the CPU: the windows of each image are copied into a matrix (im2col) and multiplied. So all three directions run at the
// speed of the matrix product. Padding is zeros in the matrix.
import { addProduct } from '../matmul/reference.ts';
import type { HostArray } from '../../core/dtype.ts';
import type { Pair, Window2d } from './geometry.ts';

/** All sizes of one convolution. */
export interface ConvSizes extends Window2d {
  readonly batch: number;
  readonly input: Pair;
  readonly channels: number;
  readonly window: Pair;
  readonly output: Pair;
  readonly outChannels: number;
  readonly groups: number;
}

/** Calls visit(output pixel, tap of the window, first element in the image) for each pixel of a window inside the image. */
function forEachTap(
  { input, window, output, strides, padding, dilations, channels }: ConvSizes,
  visit: (pixel: number, tap: number, at: number) => void,
): void {
  for (let ky = 0; ky < window[0]; ky++) {
    for (let kx = 0; kx < window[1]; kx++) {
      for (let oy = 0; oy < output[0]; oy++) {
        const y = oy * strides[0] + ky * dilations[0] - padding[0][0];
        if (y < 0 || y >= input[0]) continue;
        for (let ox = 0; ox < output[1]; ox++) {
          const x = ox * strides[1] + kx * dilations[1] - padding[1][0];
          if (x >= 0 && x < input[1]) visit(oy * output[1] + ox, ky * window[1] + kx, (y * input[1] + x) * channels);
        }
      }
    }
  }
}

/** Copies `columns` columns of a row-major matrix with `width` columns, starting at column `first`. */
function columnsOf(source: HostArray, offset: number, rows: number, width: number, first: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) out[row * columns + c] = source[offset + row * width + first + c];
  }
  return out;
}

function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(matrix.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j];
  return out;
}

interface GroupSizes {
  readonly pixels: number;
  readonly inputSize: number;
  /** Length of a window: taps times channels of a group. */
  readonly k: number;
  readonly groupChannels: number;
  readonly groupOut: number;
}

const groupSizes = ({ input, output, window, channels, outChannels, groups }: ConvSizes): GroupSizes => ({
  pixels: output[0] * output[1],
  inputSize: input[0] * input[1] * channels,
  k: (window[0] * window[1] * channels) / groups,
  groupChannels: channels / groups,
  groupOut: outChannels / groups,
});

/** y[b, oy, ox, o] = Σ x[b, oy s + ky d - p, ox s + kx d - p, c] f[ky, kx, c, o] */
export function convolve(x: HostArray, filter: HostArray, y: HostArray, sizes: ConvSizes): void {
  const { pixels, inputSize, k, groupChannels, groupOut } = groupSizes(sizes);
  for (let group = 0; group < sizes.groups; group++) {
    const weights = columnsOf(filter, 0, k, sizes.outChannels, group * groupOut, groupOut);
    const windows = new Float64Array(pixels * k);
    for (let image = 0; image < sizes.batch; image++) {
      const origin = image * inputSize + group * groupChannels;
      forEachTap(sizes, (pixel, tap, at) => {
        const to = pixel * k + tap * groupChannels;
        for (let c = 0; c < groupChannels; c++) windows[to + c] = x[origin + at + c];
      });
      const sums = new Float64Array(pixels * groupOut);
      addProduct(windows, weights, sums, pixels, k, groupOut);
      spreadColumns(sums, y, image * pixels * sizes.outChannels, pixels, sizes.outChannels, group * groupOut, groupOut);
    }
  }
}

function spreadColumns(
  matrix: Float64Array,
  target: HostArray,
  offset: number,
  rows: number,
  width: number,
  first: number,
  columns: number,
): void {
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) target[offset + row * width + first + c] = matrix[row * columns + c];
  }
}

/** dx: adds every pixel of dy to its window, weighted by the filter. */
export function convolveInputGradient(dy: HostArray, filter: HostArray, dx: HostArray, sizes: ConvSizes): void {
  const { pixels, inputSize, k, groupChannels, groupOut } = groupSizes(sizes);
  for (let group = 0; group < sizes.groups; group++) {
    const weights = transposed(columnsOf(filter, 0, k, sizes.outChannels, group * groupOut, groupOut), k, groupOut);
    for (let image = 0; image < sizes.batch; image++) {
      const cotangents = columnsOf(dy, image * pixels * sizes.outChannels, pixels, sizes.outChannels, group * groupOut, groupOut);
      const windows = new Float64Array(pixels * k);
      addProduct(cotangents, weights, windows, pixels, groupOut, k);
      const sums = new Float64Array(inputSize);
      const origin = group * groupChannels;
      forEachTap(sizes, (pixel, tap, at) => {
        const from = pixel * k + tap * groupChannels;
        for (let c = 0; c < groupChannels; c++) sums[origin + at + c] += windows[from + c];
      });
      for (let i = origin; i < inputSize; i += sizes.channels) {
        for (let c = 0; c < groupChannels; c++) dx[image * inputSize + i + c] = sums[i + c];
      }
    }
  }
}

/** df: for every tap, the products of its elements of x with dy, summed over all windows of all images. */
export function convolveFilterGradient(x: HostArray, dy: HostArray, df: HostArray, sizes: ConvSizes): void {
  const { pixels, inputSize, k, groupChannels, groupOut } = groupSizes(sizes);
  for (let group = 0; group < sizes.groups; group++) {
    const sums = new Float64Array(k * groupOut);
    const windows = new Float64Array(k * pixels);
    for (let image = 0; image < sizes.batch; image++) {
      const origin = image * inputSize + group * groupChannels;
      forEachTap(sizes, (pixel, tap, at) => {
        for (let c = 0; c < groupChannels; c++) windows[(tap * groupChannels + c) * pixels + pixel] = x[origin + at + c];
      });
      const cotangents = columnsOf(dy, image * pixels * sizes.outChannels, pixels, sizes.outChannels, group * groupOut, groupOut);
      addProduct(windows, cotangents, sums, k, pixels, groupOut);
    }
    spreadColumns(sums, df, 0, k, sizes.outChannels, group * groupOut, groupOut);
  }
}
