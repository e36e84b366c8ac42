// The core for Vulkan implemented on a CPU (SwiftShader, llvmpipe): no workgroup memory and no barriers, which are slow there. An invocation owns
// `rows` x 4 sums and reads its factors straight from the storage buffers. With subgroups, whose lanes all share their rows, each element
// of a is loaded by one lane and spread to the others.
import type { Factor } from './operands.ts';
import { declareSums, indent, multiplyQuad, multiplyQuads, multiplyRows, range, transposeColumns } from './multiply.ts';

export interface DirectTile {
  readonly kind: 'direct';
  /** Rows of the register tile of one invocation: 4 or 8. */
  readonly rows: number;
  /** Workgroup size; the width is a multiple of `subgroup`. */
  readonly width: number;
  readonly height: number;
  /** Lanes of a subgroup, 4 or more; 1 goes without. */
  readonly subgroup: number;
}

/** What else the body depends on; see ProductKernel. */
interface DirectOptions {
  readonly segmented: boolean;
  readonly tail: boolean;
  readonly quads: boolean;
}

/** Body of `main`, after the tile's position is known. */
export function directBody(tile: DirectTile, a: Factor, b: Factor, { segmented, tail, quads }: DirectOptions): string[] {
  const { rows } = tile;
  // Slots: the vec4s of a that one step of four k's needs, one a row, or one a k and quad of rows. Lanes share them out.
  const sharers = Math.min(tile.subgroup, rows);
  const loads = a.access === 'outer4' && sharers === 1 ? rows / 4 : rows / sharers;
  const spread = (value: string, slot: number): string =>
    sharers === 1 ? `${value}${slot}` : `subgroupBroadcast(${value}${Math.floor(slot / sharers)}, ${slot % sharers}u)`;

  const lines: string[] = [];
  lines.push(`let row = (rowTile * ${tile.height}u + local.y) * ${rows}u;`);
  lines.push(`let column = (columnTile * ${tile.width}u + local.x) * 4u;`);
  if (sharers > 1) lines.push(`let slot = lane % ${sharers}u;`);
  // Rows and columns beyond the edge read the last ones again; nothing is stored for them.
  const rowOf = (load: number): string => {
    if (a.access === 'outer4') {
      const quad = sharers === 1 ? `${4 * load}u` : sharers === 4 ? `${4 * load}u` : `slot / 4u * 4u`;
      return `min(row + ${quad}, params.rows - 4u)`;
    }
    return `min(row + ${sharers === 1 ? `${load}u` : `slot + ${load * sharers}u`}, params.rows - 1u)`;
  };
  for (const i of range(loads)) lines.push(`let aAt${i} = a_row(batch, ${rowOf(i)});`);
  const columns = b.access === 'outer4' ? 1 : 4;
  for (const c of range(columns)) {
    lines.push(`let bAt${c} = b_row(batch, min(column + ${c}u, params.columns - ${b.access === 'outer4' ? 4 : 1}u));`);
  }
  lines.push(...declareSums(rows));

  const loop: string[] = [];
  for (const i of range(loads)) loop.push(`let aRun${i} = a_run(aAt${i}, ${segmented ? 'segment' : '0u'});`);
  for (const c of range(columns)) loop.push(`let bRun${c} = b_run(bAt${c}, ${segmented ? 'segment' : '0u'});`);
  const [begin, end] = segmented ? ['0u', 'params.inner'] : ['first', 'last'];
  loop.push(`var k = ${begin};`);
  loop.push(`for (; k + 4u <= ${end}; k += 4u) {`, ...indent(stepOfFour()), '}');
  if (tail) loop.push(`for (; k < ${end}; k++) {`, ...indent(stepOfOne()), '}');
  if (segmented) lines.push('for (var segment = first; segment < last; segment++) {', ...indent(loop), '}');
  else lines.push(...loop);

  // Few stores in a loop, not 8 or 32 in a row: the fused epilogue is compiled for each of them, and most of a pipeline's time went there. llvmpipe
  // unrolls what it can count, so neither begins the loop at a constant nor does a counter index the sums: the next ones move up to sum0.
  const moveUp = (by: number): string[] => range(rows - by).map((r) => `sum${r} = sum${r + by};`);
  lines.push('let origin = result_index(matrix, row, column);');
  lines.push(`let bottom = min(row + ${rows}u, params.rows);`);
  if (quads) {
    // Two at a time: moving costs as much as storing where k is short.
    lines.push('if (column < params.columns) {', '  for (var r = row; r < bottom; r += 2u) {');
    lines.push('    store4(origin + (r - row) * params.resultRow, sum0);');
    lines.push('    if (r + 1u < bottom) { store4(origin + (r - row + 1u) * params.resultRow, sum1); }');
    lines.push(...indent(moveUp(2), 4), '  }', '}');
    return lines;
  }
  lines.push('let right = min(column + 4u, params.columns);');
  lines.push('for (var r = row; r < bottom; r++) {');
  lines.push('  for (var c = column; c < right; c++) {');
  lines.push('    store(origin + (r - row) * params.resultRow + (c - column) * params.resultColumn, sum0.x);');
  lines.push('    sum0 = sum0.yzww;', '  }', ...indent(moveUp(1)), '}');
  return lines;

  function stepOfFour(): string[] {
    const step: string[] = [];
    if (b.access === 'inner4') {
      step.push(...range(4).map((c) => `let column${c} = b_load(bRun${c}, k);`), ...transposeColumns());
    } else if (b.access === 'outer4') {
      step.push(...range(4).map((k) => `let b${k} = b_load(bRun0, k + ${k}u);`));
    } else {
      step.push(...range(4).map((c) => `let column${c} = b_load(bRun${c}, k);`), ...transposeColumns());
    }
    if (a.access !== 'outer4') {
      step.push(...range(loads).map((i) => `let a${i} = a_load(aRun${i}, k);`));
      step.push(...multiplyRows(rows, (r) => spread('a', r)));
    } else if (sharers === 1) {
      step.push(...multiplyQuads(rows, (q, k) => `a_load(aRun${q}, k + ${k}u)`));
    } else {
      step.push(...range(loads).map((i) => `let a${i} = a_load(aRun${i}, k + slot % 4u);`));
      step.push(...multiplyQuads(rows, (q, k) => spread('a', 4 * q + k)));
    }
    return step;
  }

  function stepOfOne(): string[] {
    const step: string[] = [];
    if (b.access === 'outer4') step.push('let b0 = b_load(bRun0, k);');
    else
      step.push(
        `let b0 = vec4<f32>(${range(4)
          .map((c) => `b_one(bRun${c}, k)`)
          .join(', ')});`,
      );
    if (a.access === 'outer4') {
      step.push(
        ...(sharers === 1 ? [] : range(loads).map((i) => `let a${i} = a_load(aRun${i}, k);`)),
        ...range(rows / 4).flatMap((q) => multiplyQuad(q, sharers === 1 ? `a_load(aRun${q}, k)` : spread('a', 4 * q), 'b0', `quad${q}`)),
      );
    } else {
      step.push(...range(loads).map((i) => `let a${i} = a_one(aRun${i}, k);`));
      step.push(...range(rows).map((r) => `sum${r} = fma(vec4<f32>(${spread('a', r)}), b0, sum${r});`));
    }
    return step;
  }
}
