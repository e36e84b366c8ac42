// Chooses the tiles of a product from its size and the kind of processor, best guess first; nothing is timed. All tiles add the same
// products in the same order, so the runtime may time them and choose.
import type { Target } from '../../graph/op.ts';
import type { DirectTile } from './direct.ts';
import type { Tile } from './emitter.ts';
import type { Access } from './factors.ts';
import type { SharedTile } from './tiled.ts';

const tiled = (rows: number, columns: number, width: number, height: number, depth: number, ahead = false): SharedTile => ({
  kind: 'tiled',
  rows,
  columns,
  width,
  height,
  depth,
  ahead,
});

/** A tile for GPUs with its measured performance. */
interface RatedTile {
  readonly tile: SharedTile;
  /** Fraction of the card's f32 peak that large products reach. */
  readonly share: number;
  /**
   * Time of one stage of 16 k's when a workgroup runs without others. Unit: the number of sums to which a core at its peak adds 16 terms in
   * that time.
   */
  readonly latency: number;
}

const rated = (tile: SharedTile, share: number, latency: number): RatedTile => ({ tile, share, latency });

/**
 * The tiles for GPUs, in 16 KiB of workgroup memory for every layout. Shares and latencies were measured on an NVIDIA H200 by `npm run bench:gpu`
 * (docs/performance.md). Loads ahead of the arithmetic make 4 x 4 sums faster at every size. They make 8 x 8 sums slower.
 */
const sharedTiles: readonly RatedTile[] = [
  rated(tiled(4, 4, 8, 8, 16, true), 0.36, 6600),
  rated(tiled(4, 4, 16, 8, 16, true), 0.47, 7700),
  rated(tiled(4, 4, 16, 16, 16, true), 0.5, 10700),
  rated(tiled(8, 4, 16, 16, 16, true), 0.45, 20000),
  rated(tiled(4, 8, 16, 16, 16, true), 0.45, 20000),
  rated(tiled(4, 4, 16, 16, 16), 0.48, 14000),
  rated(tiled(8, 8, 8, 8, 16), 0.48, 21000),
  rated(tiled(4, 4, 8, 8, 16), 0.35, 8300),
  rated(tiled(8, 8, 16, 16, 8), 0.31, 46000),
];

/** Assumed number of cores if the adapter does not report it. With few workgroups per core, smaller tiles finish earlier. */
export const usualCores = 48;

/** Maximum ratio of estimated costs to the best tile. Slower tiles are not timed. */
const plausible = 4;

/** Inputs for the choice of tiles. */
export interface TileQuery {
  readonly rows: number;
  readonly columns: number;
  /** Length of the whole k. */
  readonly k: number;
  /** Number of independent products, splits of k included. */
  readonly matrices: number;
  readonly segmented: boolean;
  /** Access to b. */
  readonly b: Access;
}

function sharedCandidates({ cores = usualCores }: Target, { rows, columns, matrices }: TileQuery): readonly SharedTile[] {
  const cost = ({ tile, share, latency }: RatedTile): number => {
    const [tileRows, tileColumns] = extentOf(tile);
    const workgroups = Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns) * matrices;
    return Math.max(latency, (Math.max(1, workgroups / cores) * tileRows * tileColumns) / share);
  };
  return best(sharedTiles, cost).map(({ tile }) => tile);
}

const direct = (rows: number, width: number, own: Partial<DirectTile> = {}): DirectTile => ({
  kind: 'direct',
  rows,
  columns: 4,
  width,
  height: 1,
  subgroup: 1,
  quad: false,
  slices: 1,
  ...own,
});

/** Smallest height of a direct tile that holds all rows. */
const heightFor = (rows: number): number => [1, 2, 4].find((height) => height >= rows) ?? 8;

/** Maximum number of rows for which a GPU cuts a product along k instead of into tiles. */
export const fewRows = 8;

/** Maximum number of results for which a GPU cuts k within a workgroup: 256 workgroups of 8 x 16 results. */
export const fewResults = 256 * 8 * 16;

/** Minimum k for this. */
const longK = 128;

/**
 * Whether a GPU cuts k within a workgroup. With few results, tiles would give few workgroups, and each would process the whole k serially.
 */
const isSliced = ({ rows, columns, k, matrices, segmented }: TileQuery): boolean =>
  !segmented && ((rows <= fewRows && k >= 32) || (rows * columns * matrices <= fewResults && k >= longK));

/** Maximum k of a product that ends before a workgroup could share loads. */
const shortK = 8;

/**
 * For GPUs: products with few rows or few results. A workgroup cuts their k into slices. The number of slices decides the order of
 * summation, so it depends only on the sizes; the runtime may choose the columns per workgroup by time.
 */
function slicedCandidates({ rows, k }: TileQuery): readonly DirectTile[] {
  const height = heightFor(rows);
  const slices = Math.min(height === 8 ? 32 : 64, 2 ** Math.floor(Math.log2(k / 8)));
  const most = (height === 8 ? 128 : 256) / slices;
  return [4, 8, 2].filter((width) => width <= most).map((width) => direct(height, width, { slices }));
}

/** Columns of a direct tile of one or two rows, if b has many adjacent columns. Longer contiguous reads are faster. */
const wide = 16;

/** Cost of a load of four elements on a CPU, in fmas of a vec4. Lanes are loaded one by one. */
const loadCost = 10;

/** Cost of four k's for a direct tile's workgroup. */
function stepCost({ rows, columns, height, width, subgroup, quad }: DirectTile): number {
  const loads = columns + rows / Math.min(subgroup, rows);
  return (loadCost * loads + rows * columns * (quad ? 1.25 : 1)) * width * height;
}

/** Estimated cost of a product on a CPU-implemented device. Only ratios matter. */
const directCost = (tile: DirectTile, { rows, columns }: TileQuery): number => {
  const [tileRows, tileColumns] = extentOf(tile);
  return Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns) * stepCost(tile);
};

/**
 * For CPU-implemented devices, whose lanes share loads of a. All lanes of a subgroup share the same rows; for narrow results each quad has
 * its own rows.
 */
function directCandidates({ subgroupSize = 1 }: Target, query: TileQuery): readonly DirectTile[] {
  const { rows, columns, b } = query;
  const lanes = subgroupSize >= 4 && subgroupSize <= 16 ? subgroupSize : 1;
  const tiles = [1, 2, 4, 8]
    .filter((height) => height > 2 || rows <= 2)
    .flatMap((height) => {
      const own = { columns: height <= 2 && b === 'outer4' && columns >= 64 * wide ? wide : 4 };
      // With a single row, lanes share no loads.
      const alone = direct(height, height === 1 ? Math.max(4, lanes) : 4, own);
      if (lanes === 1 || height === 1) return [alone];
      const shared = direct(height, lanes, { ...own, subgroup: lanes });
      const quads = direct(height, 4, { ...own, subgroup: 4, quad: true, height: lanes / 4 });
      return lanes === 4 ? [shared, alone] : [shared, quads, alone];
    });
  return best(tiles, (tile) => directCost(tile, query)).slice(0, 4);
}

/** Sorts the tiles by estimated cost and drops the ones over `plausible` times the best. */
function best<T>(tiles: readonly T[], costOf: (tile: T) => number): T[] {
  const inOrder = tiles.map((tile) => ({ tile, cost: costOf(tile) }));
  inOrder.sort((a, b) => a.cost - b.cost);
  return inOrder.filter(({ cost }) => cost <= plausible * inOrder[0].cost).map(({ tile }) => tile);
}

/** At most eight tiles that add the same products in the same order. The first is the default until the runtime finds a faster one. */
export function candidateTiles(target: Target, query: TileQuery): readonly Tile[] {
  if (target.processor === 'cpu') return directCandidates(target, query);
  const { rows, k, segmented } = query;
  if (isSliced(query)) return slicedCandidates(query);
  const shared = sharedCandidates(target, query);
  if (segmented || k > shortK) return shared.slice(0, 8);
  return [direct(Math.min(4, heightFor(rows)), 16, { height: 16 }), ...shared].slice(0, 8);
}

/**
 * Whether a CPU-implemented device has much less work for b x a, the transposed product, than for a x b. Results of the transposed product
 * are stored one by one.
 */
export function isCheaper(target: Target, onItsSide: TileQuery, upright: TileQuery): boolean {
  const [cost, other] = [onItsSide, upright].map((query) => directCost(directCandidates(target, query)[0], query));
  return cost < 0.75 * other;
}

/** Results per workgroup. */
export const extentOf = (tile: Tile): [rows: number, columns: number] => [tile.rows * tile.height, tile.columns * tile.width];

/** Unique name of a tile within its kind: `tiled_128x128x8_8x8_ahead`. */
export function tileName(tile: Tile): string {
  const [rows, columns] = extentOf(tile);
  const own = `${tile.rows}x${tile.columns}`;
  if (tile.kind === 'tiled') return `tiled_${rows}x${columns}x${tile.depth}_${own}${tile.ahead ? '_ahead' : ''}`;
  const shared = tile.quad ? '_quads' : tile.subgroup > 1 ? `_lanes${tile.subgroup}` : tile.slices > 1 ? `_slices${tile.slices}` : '';
  return `direct_${rows}x${columns}_${own}${shared}`;
}
