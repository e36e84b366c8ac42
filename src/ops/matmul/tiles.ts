// Which tiles suit a product, best guess first: by size and kind of processor, nothing is timed. All of them add the same products in the same
// order, so that a device may choose among them by the clock.
import type { Target } from '../../graph/op.ts';
import type { DirectTile } from './direct.ts';
import { type Tile, columnsOf } from './emitter.ts';
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

/**
 * The tiles for GPUs, in 16 KiB of workgroup memory whatever the layout, with the share of a full card's peak that each can reach: 4 x 4 sums
 * take a vec4 from workgroup memory for every two fmas, 8 x 8 one for every four. With these few invocations to a core, loads that are
 * under way during the arithmetic are what hides the memory's latency.
 */
const sharedTiles: readonly (readonly [tile: SharedTile, share: number])[] = [
  [tiled(4, 4, 8, 8, 16), 0.4],
  [tiled(4, 4, 16, 16, 16), 0.6],
  [tiled(8, 8, 16, 16, 8, true), 0.9],
  [tiled(8, 4, 16, 16, 16), 0.75],
  [tiled(4, 8, 16, 16, 16), 0.75],
  [tiled(8, 8, 16, 16, 8), 0.8],
  [tiled(8, 8, 8, 8, 16), 0.6],
  [tiled(4, 4, 8, 8, 32), 0.4],
];

/** Cores that a card is taken to have: with fewer workgroups than that, smaller tiles use more of it. */
const cores = 64;

/** Tiles that a rough estimate puts further than this behind the best one are not worth a try. */
const plausible = 4;

function sharedCandidates(rows: number, columns: number, matrices: number): readonly SharedTile[] {
  const rated = sharedTiles.map(([tile, share]) => {
    const [tileRows, tileColumns] = extentOf(tile);
    const workgroups = Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns) * matrices;
    return { tile, cost: (Math.max(1, workgroups / cores) * tileRows * tileColumns) / share };
  });
  rated.sort((a, b) => a.cost - b.cost);
  return rated.filter(({ cost }) => cost <= plausible * rated[0].cost).map(({ tile }) => tile);
}

function directCandidates({ subgroupSize }: Target): readonly DirectTile[] {
  const subgroup = subgroupSize !== undefined && subgroupSize >= 4 && subgroupSize <= 16 ? subgroupSize : 1;
  const alone = [8, 4].map((rows): DirectTile => ({ kind: 'direct', rows, width: 4, height: 1, subgroup: 1 }));
  if (subgroup === 1) return alone;
  return [...[8, 4].map((rows): DirectTile => ({ kind: 'direct', rows, width: subgroup, height: 1, subgroup })), ...alone];
}

/** Tiles for `matrices` products of rows x columns results each: at most eight, the first is the one to take unless another was found faster. */
export const candidateTiles = (target: Target, rows: number, columns: number, matrices: number): readonly Tile[] =>
  target.processor === 'cpu' ? directCandidates(target) : sharedCandidates(rows, columns, matrices);

/** The register tile and workgroup to take for a processor and a size. */
export const chooseTile = (target: Target, rows: number, columns: number, matrices: number): Tile =>
  candidateTiles(target, rows, columns, matrices)[0];

/** Results of a workgroup. */
export const extentOf = (tile: Tile): [rows: number, columns: number] => [tile.rows * tile.height, columnsOf(tile) * tile.width];

/** Told apart from all other tiles of its kind: `tiled_128x128x8_8x8_ahead`. */
export function tileName(tile: Tile): string {
  const [rows, columns] = extentOf(tile);
  const own = `${tile.rows}x${columnsOf(tile)}`;
  if (tile.kind === 'tiled') return `tiled_${rows}x${columns}x${tile.depth}_${own}${tile.ahead ? '_ahead' : ''}`;
  return `direct_${rows}x${columns}_${own}${tile.subgroup > 1 ? `_lanes${tile.subgroup}` : ''}`;
}
