// Into how many parts k is cut: a long k over few results leaves most of a processor idle. A second kernel adds the parts in a fixed order.
import type { Target } from '../../graph/op.ts';
import { type TileQuery, fewResults, fewRows, usualCores } from './tiles.ts';

type Extent = Pick<TileQuery, 'rows' | 'columns' | 'k' | 'matrices'>;

/**
 * Number of parts of k. 1: k is not cut. It depends on the shape, the kind of processor and, on GPUs, the estimated number of cores. So GPUs of two
 * vendors may add in another order. The clock never decides.
 */
export function splitsOf(target: Target, extent: Extent): number {
  return Math.max(target.processor === 'gpu' ? splitsOnGpu(target, extent) : 1, splitsOfLongK(extent), splitsForDigits(target, extent));
}

const tilesOf = ({ rows, columns, matrices }: Extent, size: number): number =>
  Math.ceil(rows / size) * Math.ceil(columns / size) * matrices;

/** For every processor: k from 4,096 on over fewer than 32 tiles of 64 x 64. */
function splitsOfLongK(extent: Extent): number {
  const tiles = tilesOf(extent, 64);
  if (extent.k < 4096 || tiles >= 32) return 1;
  return Math.min(Math.floor(extent.k / 512), Math.ceil(128 / tiles));
}

/** Whether a GPU's kernel slices k within a workgroup: 32 or 64 slices, each with a sum of its own. */
const isSliced = ({ rows, columns, matrices }: Extent): boolean =>
  rows <= fewRows || columns <= fewRows || rows * columns * matrices <= fewResults;

/** Partial sums of a product: 64 MiB. */
const mostPartials = 2 ** 24;

/**
 * For every processor: one sum of 10^5 equal products is off by a thousandth. A part has 1,024 of them. Where the results are many, and the trip of
 * the partial sums through memory shows, it has 4,096, from a k of 8,192 on. There are fewer parts where they take too much memory.
 */
function splitsForDigits({ processor }: Target, extent: Extent): number {
  const results = extent.rows * extent.columns * extent.matrices;
  const isLarge = results > 65536;
  if (extent.k < (isLarge ? 8192 : 4096) || results > mostPartials / 2) return 1;
  const longest = processor === 'gpu' && isSliced(extent) ? 32768 : isLarge ? 4096 : 1024;
  return Math.min(Math.ceil(extent.k / longest), Math.floor(mostPartials / results));
}

/**
 * For GPUs. Gradients of weights have k from 512 on and fewer small tiles than a card has room for. Long k also pays with more tiles: ten
 * workgroups a core. Measured on an NVIDIA H200 (docs/performance.md). Kernels that slice k within a workgroup need no parts.
 */
function splitsOnGpu({ cores = usualCores }: Target, extent: Extent): number {
  const { k } = extent;
  if (isSliced(extent)) return 1;
  const small = tilesOf(extent, 32);
  const wanted = Math.floor(2.5 * cores);
  if (k >= 512 && small < wanted / 2) return Math.min(Math.floor(k / 128), Math.ceil(wanted / small));
  const large = tilesOf(extent, 64);
  if (k >= 2048 && large < 5 * cores) return Math.min(Math.floor(k / 1024), Math.ceil((10 * cores) / large));
  return 1;
}
