// Into how many parts k is cut: a long k over few results leaves most of a processor idle. A second kernel adds the parts in a fixed order.
import type { Target } from '../../graph/op.ts';
import { type TileQuery, fewResults, fewRows, usualCores } from './tiles.ts';

type Extent = Pick<TileQuery, 'rows' | 'columns' | 'k' | 'matrices'>;

/** Number of parts of k, by shape and kind of processor only. 1: k is not cut. */
export function splitsOf(target: Target, extent: Extent): number {
  return Math.max(target.processor === 'gpu' ? splitsOnGpu(target, extent) : 1, splitsOfLongK(extent));
}

const tilesOf = ({ rows, columns, matrices }: Extent, size: number): number =>
  Math.ceil(rows / size) * Math.ceil(columns / size) * matrices;

/** For every processor: k from 4,096 on over fewer than 32 tiles of 64 x 64. */
function splitsOfLongK(extent: Extent): number {
  const tiles = tilesOf(extent, 64);
  if (extent.k < 4096 || tiles >= 32) return 1;
  return Math.min(Math.floor(extent.k / 512), Math.ceil(128 / tiles));
}

/**
 * For GPUs. Gradients of weights have k from 512 on and fewer small tiles than a card has room for. Long k also pays with more tiles: ten
 * workgroups a core. Measured on an NVIDIA H200 (docs/performance.md). Kernels that slice k within a workgroup need no parts.
 */
function splitsOnGpu({ cores = usualCores }: Target, extent: Extent): number {
  const { rows, columns, k, matrices } = extent;
  if (rows <= fewRows || columns <= fewRows || rows * columns * matrices <= fewResults) return 1;
  const small = tilesOf(extent, 32);
  const wanted = Math.floor(2.5 * cores);
  if (k >= 512 && small < wanted / 2) return Math.min(Math.floor(k / 128), Math.ceil(wanted / small));
  const large = tilesOf(extent, 64);
  if (k >= 2048 && large < 5 * cores) return Math.min(Math.floor(k / 1024), Math.ceil((10 * cores) / large));
  return 1;
}
