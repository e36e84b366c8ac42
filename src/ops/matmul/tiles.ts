// Which tiles suit a product, best guess first: by size and kind of processor, nothing is timed. All of them add the same products in the same
// order, so that a device may choose among them by the clock.
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

/** A tile for GPUs and how it performs. */
interface RatedTile {
  readonly tile: SharedTile;
  /** Share of the card's f32 peak that large products reach. */
  readonly share: number;
  /** Time of one stage of 16 k's of a workgroup that runs alone, in sums: the time in which a core at its peak adds 16 terms to each of that many sums. */
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

/** Cores of a card whose adapter does not tell: with few workgroups per core, smaller tiles finish earlier. */
export const usualCores = 48;

/** Tiles that a rough estimate puts further than this behind the best one are not worth a try. */
const plausible = 4;

/** What a choice of tiles goes by. */
export interface TileQuery {
  readonly rows: number;
  readonly columns: number;
  /** Length of all of k. */
  readonly k: number;
  /** Products side by side, splits of k included. */
  readonly matrices: number;
  readonly segmented: boolean;
  /** How b is read. */
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

/** The lowest direct tile that holds all rows. */
const heightFor = (rows: number): number => [1, 2, 4].find((height) => height >= rows) ?? 8;

/** Rows up to which a product is cut along k rather than into tiles, on a GPU. */
export const fewRows = 8;

/** Results for which a workgroup each 8 x 16 of them is enough of a GPU, and the k from which it is worth cutting theirs. */
export const fewResults = 256 * 8 * 16;
const longK = 128;

/** Whether a GPU cuts k within a workgroup: tiles over few results would be few workgroups that walk all of k, stage by stage. */
const isSliced = ({ rows, columns, k, matrices, segmented }: TileQuery): boolean =>
  !segmented && ((rows <= fewRows && k >= 32) || (rows * columns * matrices <= fewResults && k >= longK));

/** Longest k of a product that is over before a workgroup has brought anything together. */
const shortK = 8;

/**
 * For GPUs: few rows or results, whose k is cut into slices within a workgroup. How many slices decides the order of summation, so it goes by the
 * sizes alone; what may be chosen by the clock is how many columns a workgroup has.
 */
function slicedCandidates({ rows, k }: TileQuery): readonly DirectTile[] {
  const height = heightFor(rows);
  const slices = Math.min(height === 8 ? 32 : 64, 2 ** Math.floor(Math.log2(k / 8)));
  const most = (height === 8 ? 128 : 256) / slices;
  return [4, 8, 2].filter((width) => width <= most).map((width) => direct(height, width, { slices }));
}

/** Columns of a direct tile of one or two rows, where these lie side by side in b and are many: the longer the stretch that is read at a time, the better. */
const wide = 16;

/** What a load of four elements costs on a CPU, where lanes are loaded one by one, in fmas of a vec4. */
const loadCost = 10;

/** What four k's cost a direct tile's workgroup. */
function stepCost({ rows, columns, height, width, subgroup, quad }: DirectTile): number {
  const loads = columns + rows / Math.min(subgroup, rows);
  return (loadCost * loads + rows * columns * (quad ? 1.25 : 1)) * width * height;
}

/** What a product costs on a CPU-implemented device, in some unit. */
const directCost = (tile: DirectTile, { rows, columns }: TileQuery): number => {
  const [tileRows, tileColumns] = extentOf(tile);
  return Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns) * stepCost(tile);
};

/** For CPU-implemented devices, where lanes share what they load of a: a subgroup the same rows, or each quad of it its own, for narrow results. */
function directCandidates({ subgroupSize = 1 }: Target, query: TileQuery): readonly DirectTile[] {
  const { rows, columns, b } = query;
  const lanes = subgroupSize >= 4 && subgroupSize <= 16 ? subgroupSize : 1;
  const tiles = [1, 2, 4, 8]
    .filter((height) => height > 2 || rows <= 2)
    .flatMap((height) => {
      const own = { columns: height <= 2 && b === 'outer4' && columns >= 64 * wide ? wide : 4 };
      // A single row has nothing to share.
      const alone = direct(height, height === 1 ? Math.max(4, lanes) : 4, own);
      if (lanes === 1 || height === 1) return [alone];
      const shared = direct(height, lanes, { ...own, subgroup: lanes });
      const quads = direct(height, 4, { ...own, subgroup: 4, quad: true, height: lanes / 4 });
      return lanes === 4 ? [shared, alone] : [shared, quads, alone];
    });
  return best(tiles, (tile) => directCost(tile, query)).slice(0, 4);
}

/** The tiles by their estimated cost, without those that are far behind. */
function best<T>(tiles: readonly T[], costOf: (tile: T) => number): T[] {
  const inOrder = tiles.map((tile) => ({ tile, cost: costOf(tile) }));
  inOrder.sort((a, b) => a.cost - b.cost);
  return inOrder.filter(({ cost }) => cost <= plausible * inOrder[0].cost).map(({ tile }) => tile);
}

/** At most eight tiles that add the same products in the same order; the first is the one to take unless another was found faster. */
export function candidateTiles(target: Target, query: TileQuery): readonly Tile[] {
  if (target.processor === 'cpu') return directCandidates(target, query);
  const { rows, k, segmented } = query;
  if (isSliced(query)) return slicedCandidates(query);
  const shared = sharedCandidates(target, query);
  if (segmented || k > shortK) return shared.slice(0, 8);
  return [direct(Math.min(4, heightFor(rows)), 16, { height: 16 }), ...shared].slice(0, 8);
}

/**
 * Whether a CPU-implemented device does much less for b x a, the product on its side, than for a x b: results that lie along rows are then stored
 * one by one.
 */
export function isCheaper(target: Target, onItsSide: TileQuery, upright: TileQuery): boolean {
  const [cost, other] = [onItsSide, upright].map((query) => directCost(directCandidates(target, query)[0], query));
  return cost < 0.75 * other;
}

/** Results of a workgroup. */
export const extentOf = (tile: Tile): [rows: number, columns: number] => [tile.rows * tile.height, tile.columns * tile.width];

/** Told apart from all other tiles of its kind: `tiled_128x128x8_8x8_ahead`. */
export function tileName(tile: Tile): string {
  const [rows, columns] = extentOf(tile);
  const own = `${tile.rows}x${tile.columns}`;
  if (tile.kind === 'tiled') return `tiled_${rows}x${columns}x${tile.depth}_${own}${tile.ahead ? '_ahead' : ''}`;
  const shared = tile.quad ? '_quads' : tile.subgroup > 1 ? `_lanes${tile.subgroup}` : tile.slices > 1 ? `_slices${tile.slices}` : '';
  return `direct_${rows}x${columns}_${own}${shared}`;
}
