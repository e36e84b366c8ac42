// How an invocation of the direct core hands over its sums. Few stores in loops, not 8 or 32 in a row: the fused epilogue is compiled for each of
// them, and most of a pipeline's time went there. llvmpipe unrolls what it can count, so no loop has a constant number of turns and no counter
// indexes the sums: the next ones move up to the first.
import type { DirectTile } from './direct.ts';
import { indent, range, sumOf } from './multiply.ts';

/** `quads`: four neighbours of a row are stored at once. */
export function storeSums(tile: DirectTile, alongK: boolean, quads: boolean): string[] {
  const stores = tile.slices > 1 ? storeSlices(tile, alongK, quads) : tile.columns > 4 ? storeWide(tile, quads) : storeHigh(tile, quads);
  return ['let origin = result_index(matrix, row, column);', ...stores];
}

/** Slices leave their sums in workgroup memory; then each adds up some of the rows. */
function storeSlices({ rows, width, slices }: DirectTile, alongK: boolean, quads: boolean): string[] {
  const threads = width * slices;
  const partialOf = (slice: string): string => (alongK ? `own * ${slices}u + ${slice}` : `${slice} * ${width}u + own`);
  const place = 'origin + r * params.resultRow';
  const stores = quads
    ? [`  store4(${place}, sum);`]
    : [
        '  let width = min(4u, params.columns - column);',
        `  for (var c = 0u; c < width; c++) { store(${place} + c * params.resultColumn, sum[c]); }`,
      ];
  return [
    ...range(rows).map((r) => `partials[${r ? `${r * threads}u + ` : ''}${partialOf('slice')}] = ${sumOf(r)};`),
    'workgroupBarrier();',
    `let height = select(0u, min(${rows}u, params.rows - min(row, params.rows)), column < params.columns);`,
    `for (var r = slice; r < height; r += ${slices}u) {`,
    '  var sum = vec4<f32>();',
    `  for (var s = 0u; s < ${slices}u; s++) { sum += partials[r * ${threads}u + ${partialOf('s')}]; }`,
    ...stores,
    '}',
  ];
}

/** Rows of four columns. */
function storeHigh({ rows }: DirectTile, quads: boolean): string[] {
  if (quads && rows === 1) return ['if (column < params.columns) { store4(origin, sum0); }'];
  const moveUp = (by: number): string[] => range(rows - by).map((r) => `sum${r} = sum${r + by};`);
  const bottom = `let bottom = min(row + ${rows}u, params.rows);`;
  if (quads) {
    // Two at a time: moving costs as much as storing where k is short.
    return [
      bottom,
      'if (column < params.columns) {',
      '  for (var r = row; r < bottom; r += 2u) {',
      '    store4(origin + (r - row) * params.resultRow, sum0);',
      '    if (r + 1u < bottom) { store4(origin + (r - row + 1u) * params.resultRow, sum1); }',
      ...indent(moveUp(2), 4),
      '  }',
      '}',
    ];
  }
  return [
    bottom,
    'let right = min(column + 4u, params.columns);',
    'for (var r = row; r < bottom; r++) {',
    '  for (var c = column; c < right; c++) {',
    '    store(origin + (r - row) * params.resultRow + (c - column) * params.resultColumn, sum0.x);',
    '    sum0 = sum0.yzww;',
    '  }',
    ...indent(moveUp(1)),
    '}',
  ];
}

/** One or two rows of many columns. */
function storeWide({ rows, columns, width }: DirectTile, quads: boolean): string[] {
  const step = 4 * width;
  const storeRow = (r: number): string[] => {
    const first = sumOf(r);
    const place = `origin${r ? ` + ${r}u * params.resultRow` : ''} + (c - column) * params.resultColumn`;
    const stores = quads
      ? [`  store4(${place}, ${first});`]
      : [
          '  let end = min(c + 4u, params.columns);',
          '  for (var d = c; d < end; d++) {',
          `    store(${place} + (d - c) * params.resultColumn, ${first}.x);`,
          `    ${first} = ${first}.yzww;`,
          '  }',
        ];
    const moveUp = range(columns / 4 - 1).map((q) => `  ${sumOf(r, q)} = ${sumOf(r, q + 1)};`);
    return [`for (var c = column; c < right; c += ${step}u) {`, ...stores, ...moveUp, '}'];
  };
  return [
    `let right = min(column + ${(columns / 4) * step}u, params.columns);`,
    ...range(rows).flatMap((r) => [`if (row + ${r}u < params.rows) {`, ...indent(storeRow(r)), '}']),
  ];
}
