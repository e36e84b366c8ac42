// Decides the number of parts that k is cut into. A long k with few results leaves most of a processor idle. A second kernel adds the parts
// in a fixed order.
import type { Target } from '../../graph/op.ts';
import { type TileQuery, fewResults, fewRows, usualCores } from './tiles.ts';

type Extent = Pick<TileQuery, 'rows' | 'columns' | 'k' | 'matrices'>;

/**
 * Number of parts of k; 1 means that k is not cut. It depends on the shape, the kind of processor and, on GPUs, the estimated number of
 * cores. So GPUs of two vendors may add in another order. Measured times never decide.
 */
export function splitsOf(target: Target, extent: Extent): number {
  return Math.max(target.processor === 'gpu' ? splitsOnGpu(target, extent) : 1, splitsOfLongK(extent), splitsForDigits(target, extent));
}

const tilesOf = ({ rows, columns, matrices }: Extent, size: number): number =>
  Math.ceil(rows / size) * Math.ceil(columns / size) * matrices;

/** For every processor: k of at least 4,096 with fewer than 32 tiles of 64 x 64. */
function splitsOfLongK(extent: Extent): number {
  const tiles = tilesOf(extent, 64);
  if (extent.k < 4096 || tiles >= 32) return 1;
  return Math.min(Math.floor(extent.k / 512), Math.ceil(128 / tiles));
}

/** Whether a GPU's kernel slices k within a workgroup: 32 or 64 slices, each with its own sum. */
const isSliced = ({ rows, columns, matrices }: Extent): boolean =>
  rows <= fewRows || columns <= fewRows || rows * columns * matrices <= fewResults;

/** Maximum number of partial sums of a product: 64 MiB. */
const maxPartials = 2 ** 24;

/**
 * For every processor: one sum of 10^5 equal products has an error of a thousandth, so a part has 1,024 products. With many results the
 * memory traffic of the partial sums matters: a part has 4,096 products, for k of at least 8,192. There are fewer parts if they take too
 * much memory.
 */
function splitsForDigits({ processor }: Target, extent: Extent): number {
  const results = extent.rows * extent.columns * extent.matrices;
  const isLarge = results > 65536;
  if (extent.k < (isLarge ? 8192 : 4096) || results > maxPartials / 2) return 1;
  const longest = processor === 'gpu' && isSliced(extent) ? 32768 : isLarge ? 4096 : 1024;
  return Math.min(Math.ceil(extent.k / longest), Math.floor(maxPartials / results));
}

/**
 * For GPUs. Gradients of weights have k of at least 512 and fewer small tiles than a card can run at once. A long k also pays with more
 * tiles: ten workgroups per core. Measured on an NVIDIA H200 (docs/performance.md). Kernels that slice k within a workgroup need no parts.
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
