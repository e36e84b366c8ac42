// The core for GPUs. A workgroup copies a tile of each factor into workgroup memory, `depth` k's at a time, and every invocation multiplies
// its `rows` x `columns` share from there. Each factor keeps its memory order, by vec4 along k or along rows (columns); nothing is
// transposed.
import { indent } from '../../wgsl/index.ts';
import type { Factor } from './factors.ts';
import { type SegmentPlace, SegmentWalk } from './walk.ts';
import { declareSums, ending, multiplyQuads, multiplyRows, range, sumOf, transposeColumns } from './multiply.ts';

export interface SharedTile {
  readonly kind: 'tiled';
  /** The register tile of one invocation: 4 or 8 rows, 4 or 8 columns. */
  readonly rows: number;
  readonly columns: number;
  /** Workgroup size. */
  readonly width: number;
  readonly height: number;
  /** k's that are staged at once: a multiple of 4. */
  readonly depth: number;
  /** Whether the next stage is loaded while the current one is multiplied. */
  readonly ahead: boolean;
}

/** Vec4s of k in a stage. */
const runsOf = ({ depth }: SharedTile): number => depth / 4;

/**
 * Columns that are staged along k have one padding vec4. Neighbouring invocations read neighbouring columns, so the padding puts them on
 * different banks.
 */
const pitchOf = (tile: SharedTile): number => runsOf(tile) + 1;

/** Workgroup memory of a tile, in vec4s. */
const staged = (tile: SharedTile, b: Factor) => ({
  aVectors: tile.rows * tile.height * runsOf(tile),
  bVectors: tile.columns * tile.width * (b.access === 'inner4' ? pitchOf(tile) : runsOf(tile)),
});

/** Module-scope declarations. `partial`: some rows are not stored, see BatchLayout. */
export function tiledDeclarations(tile: SharedTile, b: Factor, quads: boolean, partial = false): string[] {
  const { aVectors, bVectors } = staged(tile, b);
  const stores = quads
    ? ['  if (column < params.columns) { store4(resultIndex(matrix, row, column), sum); }']
    : range(4).map((c) => {
        const at = c ? `column + ${c}u` : 'column';
        return `  if (${at} < params.columns) { store(resultIndex(matrix, row, ${at}), sum.${'xyzw'[c]}); }`;
      });
  return [
    `var<workgroup> tileA: array<vec4<f32>, ${aVectors}>;`,
    `var<workgroup> tileB: array<vec4<f32>, ${bVectors}>;`,
    '',
    'fn storeRow(matrix: u32, row: u32, column: u32, sum: vec4<f32>) {',
    `  if (${partial ? '(row >= params.rows) | !isStored(row)' : 'row >= params.rows'}) { return; }`,
    ...stores,
    '}',
  ];
}

/** Body of `main`. `segment` is the length of a segment of k, undefined for a single one. */
export function tiledBody(tile: SharedTile, a: Factor, b: Factor, segment?: number): string[] {
  const { rows, width, height, depth, ahead } = tile;
  const runs = runsOf(tile);
  const pitch = pitchOf(tile);
  const threads = width * height;
  const tileRows = rows * height;
  const tileColumns = tile.columns * width;
  /** Quads of columns per invocation and per tile. The quads of an invocation are a workgroup's width apart. */
  const ownQuads = tile.columns / 4;
  const allQuads = tileColumns / 4;
  const aLoads = (tileRows * runs) / threads;
  const bLoads = (tileColumns * runs) / threads;
  const aAlongK = a.access !== 'outer4';
  const bAlongK = b.access === 'inner4';
  const walk = segment === undefined ? undefined : new SegmentWalk(segment, depth);
  const slot = (i: number): string => (i ? `(index + ${i * threads}u)` : 'index');

  const lines: string[] = [];
  lines.push(`let row = rowTile * ${tileRows}u + local.y * ${rows}u;`);
  lines.push(`let column = columnTile * ${tileColumns}u + local.x * 4u;`);
  // Offsets of the loads of this invocation: a row (or quad of rows) of a and its first k, a column (or quad) of b and its first k.
  for (const i of range(aLoads)) {
    const [outer, k] = aAlongK
      ? [`${slot(i)} / ${runs}u`, `${slot(i)} % ${runs}u * 4u`]
      : [`${slot(i)} % ${tileRows / 4}u * 4u`, `${slot(i)} / ${tileRows / 4}u`];
    lines.push(`let aRow${i} = rowTile * ${tileRows}u + ${outer};`, `let aK${i} = ${k};`);
    lines.push(`let aAt${i} = aRow(batch, min(aRow${i}, params.rows - 1u));`);
  }
  const bColumns = b.access === 'scalar' ? 4 : 1;
  for (const i of range(bLoads)) {
    // Along k, the first columns of all quads are staged first, then the second ones. So invocations read neighbours.
    const [outer, k] = bAlongK
      ? [`${slot(i)} / ${runs}u % ${allQuads}u * 4u + ${slot(i)} / ${runs * allQuads}u`, `${slot(i)} % ${runs}u * 4u`]
      : [`${slot(i)} % ${allQuads}u * 4u`, `${slot(i)} / ${allQuads}u`];
    lines.push(`let bColumn${i} = columnTile * ${tileColumns}u + ${outer};`, `let bK${i} = ${k};`);
    for (const c of range(bColumns))
      lines.push(`let bAt${i}${c || ''} = bRow(batch, min(bColumn${i}${c ? ` + ${c}u` : ''}, params.columns - 1u));`);
  }
  const aPlaces = range(aLoads).map((i) => placeOf('a', i, aAlongK, tileRows, ['']));
  const bPlaces = range(bLoads).map((i) =>
    placeOf(
      'b',
      i,
      bAlongK,
      tileColumns,
      range(bColumns).map((c) => (c ? String(c) : '')),
    ),
  );
  lines.push(...(walk?.declare() ?? []), ...declareSums(rows, ownQuads));
  if (ahead) lines.push(...fetch('var', 'first'));
  lines.push(`for (var start = first; start < last; start += ${depth}u) {`);
  if (!ahead) lines.push(...indent(fetch('var', 'start')));
  lines.push(...indent(place()), '  workgroupBarrier();');
  if (ahead) lines.push(...indent(walk?.step() ?? []), ...indent(fetch('', `start + ${depth}u`)));
  lines.push(`  for (var k = 0u; k < ${runs}u; k++) {`, ...indent(multiply(), 4), '  }');
  if (!ahead) lines.push(...indent(walk?.step() ?? []));
  lines.push('  workgroupBarrier();', '}');
  // Each row is copied to the first sums in turn. So the fused epilogue is inlined once per quad, and no register is chosen by an index.
  lines.push(`for (var r = 0u; r < ${rows}u; r++) {`);
  lines.push(...range(ownQuads).map((q) => `  storeRow(matrix, row + r, column${q ? ` + ${4 * q * width}u` : ''}, ${sumOf(0, q)});`));
  lines.push(...range(rows - 1).flatMap((r) => range(ownQuads).map((q) => `  ${sumOf(r, q)} = ${sumOf(r + 1, q)};`)), '}');
  return lines;

  /**
   * Loads the staged values of this invocation into vectors nextA0 …, nextB0 …. Past the end, a is -0 and b is 0. Their product -0 changes
   * no sum, not even a sum of -0, so tiles of different depths agree bit for bit.
   */
  function fetch(declare: 'var' | '', start: string): string[] {
    const step: string[] = [];
    const name = (target: string): string => (declare ? `var ${target}` : target);
    for (const i of range(aLoads)) {
      const k = `${start} + aK${i}`;
      const place = aPlaces[i];
      const [run, position] = place ? [`aRun${i}`, place.position] : [`aRun(aAt${i}, 0u)`, k];
      step.push(`${name(`nextA${i}`)} = vec4<f32>(-0.0);`);
      if (a.access !== 'scalar') step.push(`if (${k} < last) { nextA${i} = aLoad(${run}, ${position}); }`);
      // Element by element: the four k's may cross the end, or belong to two segments.
      else if (place && !walk!.isAligned) step.push(...elementsOf(i, k, place));
      else for (const c of range(4)) step.push(`if (${k} + ${c}u < last) { nextA${i}.${'xyzw'[c]} = aOne(${run}, ${position} + ${c}u); }`);
    }
    for (const i of range(bLoads)) {
      const k = `${start} + bK${i}`;
      const place = bPlaces[i];
      const [run, position] = place ? [(c: string) => `bRun${i}${c}`, place.position] : [(c: string) => `bRun(bAt${i}${c}, 0u)`, k];
      const value =
        b.access === 'scalar'
          ? `vec4<f32>(${range(4)
              .map((c) => `bOne(${run(c ? String(c) : '')}, ${position})`)
              .join(', ')})`
          : `bLoad(${run('')}, ${position})`;
      step.push(`${name(`nextB${i}`)} = vec4<f32>();`, `if (${k} < last) { nextB${i} = ${value}; }`);
    }
    return step;
  }

  /** Adds load i of a factor to the walk, with a run for each of its rows (columns). Loads along k share their k's. */
  function placeOf(x: 'a' | 'b', i: number, alongK: boolean, extent: number, endings: readonly string[]): SegmentPlace | undefined {
    const kept = endings.map((c) => ({ name: `${x}Run${i}${c}`, value: (segment: string) => `${x}Run(${x}At${i}${c}, ${segment})` }));
    return walk?.add(alongK ? 'along k' : `${slot(i)} / ${extent / 4}`, `${x}K${i}`, kept);
  }

  /** Four elements of a, each of which may begin the next segment. */
  function elementsOf(i: number, k: string, { segment, position }: SegmentPlace): string[] {
    const next = `if (position == params.inner) { position = 0u; segment++; run = aRun(aAt${i}, segment); }`;
    return [
      '{',
      `  var segment = ${segment};`,
      `  var position = ${position};`,
      `  var run = aRun${i};`,
      ...range(4).flatMap((c) => [
        ...(c ? ['  position++;', `  ${next}`] : []),
        `  if (${k} + ${c}u < last) { nextA${i}.${'xyzw'[c]} = aOne(run, position); }`,
      ]),
      '}',
    ];
  }

  function place(): string[] {
    const bSlot = (i: number): string => (bAlongK ? `${slot(i)} / ${runs}u * ${pitch}u + ${slot(i)} % ${runs}u` : slot(i));
    return [...range(aLoads).map((i) => `tileA[${slot(i)}] = nextA${i};`), ...range(bLoads).map((i) => `tileB[${bSlot(i)}] = nextB${i};`)];
  }

  function multiply(): string[] {
    const step: string[] = [];
    for (const q of range(ownQuads)) {
      const x = `local.x${q ? ` + ${q * width}u` : ''}`;
      if (bAlongK) {
        const first = (c: number): string => (q || c ? `(local.x + ${q * width + c * allQuads}u)` : 'local.x');
        step.push(...range(4).map((c) => `let column${c}${ending(q)} = tileB[${first(c)} * ${pitch}u + k];`), ...transposeColumns(q));
      } else {
        step.push(...range(4).map((k) => `let b${k}${ending(q)} = tileB[(k * 4u + ${k}u) * ${allQuads}u + ${x}];`));
      }
    }
    if (aAlongK) step.push(...multiplyRows(rows, (r) => `tileA[(local.y * ${rows}u + ${r}u) * ${runs}u + k]`, ownQuads));
    else
      step.push(...multiplyQuads(rows, (q, k) => `tileA[(k * 4u + ${k}u) * ${tileRows / 4}u + local.y * ${rows / 4}u + ${q}u]`, ownQuads));
    return step;
  }
}
