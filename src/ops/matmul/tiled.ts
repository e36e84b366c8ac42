// The core for GPUs: a workgroup brings a tile of each factor into workgroup memory, 16 k's at a time, and every invocation multiplies its
// `rows` x 4 share from there. Each factor is staged as it lies in memory, by vec4 along k or along rows (columns); nothing is transposed.
import type { Factor } from './operands.ts';
import { declareSums, indent, multiplyQuads, multiplyRows, range, transposeColumns } from './multiply.ts';

export interface SharedTile {
  readonly kind: 'tiled';
  /** Rows of the register tile of one invocation: 4 or 8. */
  readonly rows: number;
  /** Workgroup size. */
  readonly width: number;
  readonly height: number;
}

/** k's per stage, and vec4s of k. */
const depth = 16;
const quads = depth / 4;

/** A vec4 more per staged column keeps neighbouring invocations, which read neighbouring columns, on different banks. */
const columnPitch = quads + 1;

const staged = (tile: SharedTile, b: Factor) => ({
  aVectors: tile.rows * tile.height * quads,
  bVectors: tile.width * 4 * (b.access === 'inner4' ? columnPitch : quads),
});

/** Module-scope declarations. */
export function tiledDeclarations(tile: SharedTile, b: Factor): string[] {
  const { aVectors, bVectors } = staged(tile, b);
  const apart = b.access === 'inner4' ? tile.width : 1;
  return [
    `var<workgroup> tileA: array<vec4<f32>, ${aVectors}>;`,
    `var<workgroup> tileB: array<vec4<f32>, ${bVectors}>;`,
    '',
    'fn store_row(matrix: u32, row: u32, column: u32, sum: vec4<f32>) {',
    '  if (row >= params.rows) { return; }',
    ...range(4).map((c) => {
      const at = c ? `column + ${c * apart}u` : 'column';
      return `  if (${at} < params.columns) { store(result_index(matrix, row, ${at}), sum.${'xyzw'[c]}); }`;
    }),
    '}',
  ];
}

export function tiledBody(tile: SharedTile, a: Factor, b: Factor, segmented: boolean): string[] {
  const { rows, width, height } = tile;
  const threads = width * height;
  const tileRows = rows * height;
  const tileColumns = 4 * width;
  const aLoads = (tileRows * quads) / threads;
  const bLoads = (tileColumns * quads) / threads;
  const aAlongK = a.access !== 'outer4';
  const bAlongK = b.access === 'inner4';
  const slot = (i: number): string => (i ? `(index + ${i * threads}u)` : 'index');

  const lines: string[] = [];
  lines.push(`let row = rowTile * ${tileRows}u + local.y * ${rows}u;`);
  // Columns of one invocation lie side by side, or a workgroup's width apart where b is staged along k.
  lines.push(`let column = columnTile * ${tileColumns}u + local.x${bAlongK ? '' : ' * 4u'};`);
  // What this invocation stages: a row (or quad of rows) of a and its first k, a column (or quad) of b and its first k.
  for (const i of range(aLoads)) {
    const [outer, k] = aAlongK
      ? [`${slot(i)} / ${quads}u`, `${slot(i)} % ${quads}u * 4u`]
      : [`${slot(i)} % ${tileRows / 4}u * 4u`, `${slot(i)} / ${tileRows / 4}u`];
    lines.push(`let aRow${i} = rowTile * ${tileRows}u + ${outer};`, `let aK${i} = ${k};`);
    lines.push(`let aAt${i} = a_row(batch, min(aRow${i}, params.rows - 1u));`);
  }
  const bColumns = b.access === 'scalar' ? 4 : 1;
  for (const i of range(bLoads)) {
    const [outer, k] = bAlongK
      ? [`${slot(i)} / ${quads}u`, `${slot(i)} % ${quads}u * 4u`]
      : [`${slot(i)} % ${width}u * 4u`, `${slot(i)} / ${width}u`];
    lines.push(`let bColumn${i} = columnTile * ${tileColumns}u + ${outer};`, `let bK${i} = ${k};`);
    for (const c of range(bColumns))
      lines.push(`let bAt${i}${c || ''} = b_row(batch, min(bColumn${i}${c ? ` + ${c}u` : ''}, params.columns - 1u));`);
  }
  lines.push(...declareSums(rows));
  lines.push(`for (var start = first; start < last; start += ${depth}u) {`);
  lines.push(...indent(stage()));
  lines.push('  workgroupBarrier();');
  lines.push(`  for (var k = 0u; k < ${quads}u; k++) {`, ...indent(multiply(), 4), '  }');
  lines.push('  workgroupBarrier();', '}');
  for (const r of range(rows)) lines.push(`store_row(matrix, row + ${r}u, column, sum${r});`);
  return lines;

  function stage(): string[] {
    const step: string[] = [];
    const position = (k: string): [string, string] => (segmented ? [`(${k}) / params.inner`, `(${k}) % params.inner`] : ['0u', k]);
    for (const i of range(aLoads)) {
      const k = `start + aK${i}`;
      const target = aAlongK ? `tileA[${slot(i)}]` : `tileA[${slot(i)}]`;
      step.push(`${target} = vec4<f32>();`);
      if (a.access === 'scalar') {
        // Element by element: the four k's may straddle the end, or two segments.
        for (const c of range(4)) {
          const [segment, j] = position(`${k} + ${c}u`);
          step.push(`if (${k} + ${c}u < last) {`, `  ${target}.${'xyzw'[c]} = a_one(a_run(aAt${i}, ${segment}), ${j});`, '}');
        }
      } else {
        const [segment, j] = position(k);
        step.push(`if (${k} < last) {`, `  ${target} = a_load(a_run(aAt${i}, ${segment}), ${j});`, '}');
      }
    }
    for (const i of range(bLoads)) {
      const k = `start + bK${i}`;
      const target = bAlongK ? `tileB[${slot(i)} / ${quads}u * ${columnPitch}u + ${slot(i)} % ${quads}u]` : `tileB[${slot(i)}]`;
      step.push(`${target} = vec4<f32>();`);
      const [segment, j] = position(k);
      const value =
        b.access === 'scalar'
          ? `vec4<f32>(${range(4)
              .map((c) => `b_one(b_run(bAt${i}${c || ''}, ${segment}), ${j})`)
              .join(', ')})`
          : `b_load(b_run(bAt${i}, ${segment}), ${j})`;
      step.push(`if (${k} < last) {`, `  ${target} = ${value};`, '}');
    }
    return step;
  }

  function multiply(): string[] {
    const step: string[] = [];
    if (bAlongK) {
      step.push(...range(4).map((c) => `let column${c} = tileB[(local.x + ${c * width}u) * ${columnPitch}u + k];`), ...transposeColumns());
    } else {
      step.push(...range(4).map((k) => `let b${k} = tileB[(k * 4u + ${k}u) * ${width}u + local.x];`));
    }
    if (aAlongK) step.push(...multiplyRows(rows, (r) => `tileA[(local.y * ${rows}u + ${r}u) * ${quads}u + k]`));
    else step.push(...multiplyQuads(rows, (q, k) => `tileA[(k * 4u + ${k}u) * ${tileRows / 4}u + local.y * ${rows / 4}u + ${q}u]`));
    return step;
  }
}
