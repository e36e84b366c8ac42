// The core without tiles: an invocation computes `rows` x `columns` sums and reads its factors directly from the storage buffers. Vulkan on
// a CPU (SwiftShader, llvmpipe) uses it, because workgroup memory and barriers are slow there. With subgroups, the lanes share their rows:
// one lane loads each element of a and broadcasts it. On GPUs it computes products with few results; a workgroup cuts their k into slices.
import { indent } from '../../wgsl/index.ts';
import type { Factor } from './factors.ts';
import { declareSums, ending, multiplyQuads, multiplyRows, range, sumOf, transposeColumns } from './multiply.ts';

export interface DirectTile {
  readonly kind: 'direct';
  /** Rows of the register tile of one invocation: 1, 2, 4 or 8. 4 or 8 if rows of a are read by four. */
  readonly rows: number;
  /** Columns: a multiple of 4. */
  readonly columns: number;
  /** Workgroup size. The width is a multiple of `subgroup`, so that lanes with shared loads have the same rows. */
  readonly width: number;
  readonly height: number;
  /** Number of lanes that share the elements of a, at least 4: a whole subgroup, or a quad if `quad` is set. 1 disables sharing. */
  readonly subgroup: number;
  readonly quad: boolean;
  /**
   * Number of slices of k in a workgroup; each slice takes four k's in turn, and the sums are added in workgroup memory. It is for products
   * with few rows on a GPU, whose results do not keep it busy. 1 disables slices and barriers; more slices need one subgroup, 4 columns and
   * a height of 1.
   */
  readonly slices: number;
}

/** Workgroup size. Neighbouring invocations read neighbouring memory, which is along k in some layouts of b and along columns in others. */
export const directGroup = ({ width, height, slices }: DirectTile, b: Factor): [x: number, y: number] =>
  slices === 1 ? [width, height] : b.access === 'inner4' ? [slices, width] : [width, slices];

/** Module-scope declarations: the sums of all slices. */
export const directDeclarations = ({ rows, width, slices }: DirectTile): string[] =>
  slices === 1 ? [] : [`var<workgroup> partials: array<vec4<f32>, ${rows * width * slices}>;`, ''];

/** Other parameters of the body; see ProductKernel. */
interface DirectOptions {
  readonly segmented: boolean;
  readonly tail: boolean;
  readonly quads: boolean;
}

/** Body of `main`, after the tile's position is known. */
export function directBody(tile: DirectTile, a: Factor, b: Factor, { segmented, tail, quads }: DirectOptions): string[] {
  const { rows, width, slices } = tile;
  const sliced = slices > 1;
  const alongK = b.access === 'inner4';
  /** Quads of columns of an invocation. They are a workgroup's width apart. */
  const ownQuads = tile.columns / 4;
  // Slots: the vec4s of a that one step of four k's needs, one per row, or one per k and quad of rows. The lanes distribute them.
  const sharers = Math.min(tile.subgroup, rows);
  const loads = a.access === 'outer4' && sharers === 1 ? rows / 4 : rows / sharers;
  const spread = (value: string, slot: number): string =>
    sharers === 1
      ? `${value}${slot}`
      : `${tile.quad ? 'quad' : 'subgroup'}Broadcast(${value}${Math.floor(slot / sharers)}, ${slot % sharers}u)`;

  const lines: string[] = [];
  if (sliced) lines.push(`let slice = local.${alongK ? 'x' : 'y'};`, `let own = local.${alongK ? 'y' : 'x'};`);
  lines.push(sliced ? `let row = rowTile * ${rows}u;` : `let row = (rowTile * ${tile.height}u + local.y) * ${rows}u;`);
  lines.push(`let column = (columnTile * ${width * ownQuads}u + ${sliced ? 'own' : 'local.x'}) * 4u;`);
  if (sharers > 1) lines.push(`let slot = lane % ${sharers}u;`);
  // Rows and columns past the edge read the last ones again. Their results are not stored.
  const rowOf = (load: number): string => {
    if (a.access === 'outer4') {
      const quad = sharers === 1 ? `${4 * load}u` : sharers === 4 ? `${4 * load}u` : `slot / 4u * 4u`;
      return `min(row + ${quad}, params.rows - 4u)`;
    }
    return `min(row + ${sharers === 1 ? `${load}u` : `slot + ${load * sharers}u`}, params.rows - 1u)`;
  };
  for (const i of range(loads)) lines.push(`let aAt${i} = aRow(batch, ${rowOf(i)});`);
  const columns = b.access === 'outer4' ? 1 : 4;
  const columnsOfB = range(ownQuads).flatMap((q) => range(columns).map((c) => ({ name: `${c}${ending(q)}`, at: 4 * width * q + c })));
  for (const { name, at } of columnsOfB) {
    lines.push(
      `let bAt${name} = bRow(batch, min(column + ${at}u, params.columns - ${b.access === 'outer4' && b.storage === undefined ? 4 : 1}u));`,
    );
  }
  lines.push(...declareSums(rows, ownQuads));

  const loop: string[] = [];
  for (const i of range(loads)) loop.push(`let aRun${i} = aRun(aAt${i}, ${segmented ? 'segment' : '0u'});`);
  for (const { name } of columnsOfB) loop.push(`let bRun${name} = bRun(bAt${name}, ${segmented ? 'segment' : '0u'});`);
  const [begin, end] = segmented ? ['0u', 'params.inner'] : ['first', 'last'];
  loop.push(`for (var k = ${begin}${sliced ? ' + slice * 4u' : ''}; k < ${end}; k += ${4 * slices}u) {`, ...indent(step()), '}');
  if (segmented) lines.push('for (var segment = first; segment < last; segment++) {', ...indent(loop), '}');
  else lines.push(...loop);

  // Loops instead of 8 or 32 unrolled stores: the fused epilogue is inlined once, which at least halves the time to build a pipeline.
  // llvmpipe unrolls loops with a countable end. It counts a bare min(8u, …), but not the select around it.
  const edge = (place: string): string[] => [
    `let origin = resultIndex(matrix, row, ${place});`,
    `let height = select(0u, min(${rows}u, params.rows - min(row, params.rows)), ${place} < params.columns);`,
    ...(quads ? [] : [`let width = select(0u, min(4u, params.columns - ${place}), ${place} < params.columns);`]),
  ];
  const store = (sum: string): string =>
    quads
      ? `  store4(origin + r * params.resultRow, ${sum});`
      : `  for (var c = 0u; c < width; c++) { store(origin + r * params.resultRow + c * params.resultColumn, ${sum}[c]); }`;
  const ownSums = range(rows).flatMap((r) => range(ownQuads).map((q) => sumOf(r, q)));
  if (sliced) {
    const threads = width * slices;
    const partialOf = (slice: string): string => (alongK ? `own * ${slices}u + ${slice}` : `${slice} * ${width}u + own`);
    lines.push(
      ...ownSums.map((sum, r) => `partials[${r ? `${r * threads}u + ` : ''}${partialOf('slice')}] = ${sum};`),
      'workgroupBarrier();',
    );
    lines.push(...edge('column'), `for (var r = slice; r < height; r += ${slices}u) {`, '  var sum = vec4<f32>();');
    lines.push(`  for (var s = 0u; s < ${slices}u; s++) { sum += partials[r * ${threads}u + ${partialOf('s')}]; }`, store('sum'), '}');
    return lines;
  }
  if (quads && rows === 1 && ownQuads === 1) {
    // A workgroup with several rows of invocations may reach past the last row.
    const inside = tile.height > 1 ? '(row < params.rows) & (column < params.columns)' : 'column < params.columns';
    return [...lines, `if (${inside}) { store4(resultIndex(matrix, row, column), sum0); }`];
  }
  lines.push(`var sums = array<vec4<f32>, ${rows * ownQuads}>(${ownSums.join(', ')});`);
  const eachRow = (sum: string): string[] => ['for (var r = 0u; r < height; r++) {', store(sum), '}'];
  if (ownQuads === 1) return [...lines, ...edge('column'), ...eachRow('sums[r]')];
  const eachQuad = [`let place = column + q * ${4 * width}u;`, ...edge('place'), ...eachRow(`sums[r * ${ownQuads}u + q]`)];
  return [...lines, `for (var q = 0u; q < ${ownQuads}u; q++) {`, ...indent(eachQuad), '}'];

  /**
   * Four k's. Past the end, a is -0 and b is 0. Their product -0 changes no sum, and memory past the end, which may be infinite, enters no
   * sum.
   */
  function step(): string[] {
    const lines: string[] = [];
    const within = (zero: string, value: string, inside: string): string =>
      tail ? `select(vec4<f32>(${zero}), ${value}, ${inside})` : value;
    /** One of the four k's. If any is inside, the first is. */
    const nth = (zero: string, load: string, i: number): string =>
      i === 0 ? `${load}, k)` : within(zero, `${load}, k + ${i}u)`, `k + ${i}u < ${end}`);
    if (tail && (a.access !== 'outer4' || b.access !== 'outer4')) {
      lines.push(`let inside = vec4<u32>(k, k + 1u, k + 2u, k + 3u) < vec4<u32>(${end});`);
    }
    for (const q of range(ownQuads)) {
      if (b.access === 'outer4') {
        lines.push(...range(4).map((k) => `let b${k}${ending(q)} = ${nth('', `bLoad(bRun0${ending(q)}`, k)};`));
      } else {
        const column = (c: number): string => within('', `bLoad(bRun${c}${ending(q)}, k)`, 'inside');
        lines.push(...range(4).map((c) => `let column${c}${ending(q)} = ${column(c)};`), ...transposeColumns(q));
      }
    }
    if (a.access !== 'outer4') {
      lines.push(...range(loads).map((i) => `let a${i} = ${within('-0.0', `aLoad(aRun${i}, k)`, 'inside')};`));
      return [...lines, ...multiplyRows(rows, (r) => spread('a', r), ownQuads)];
    }
    if (sharers === 1) return [...lines, ...multiplyQuads(rows, (q, k) => nth('-0.0', `aLoad(aRun${q}`, k), ownQuads)];
    lines.push('let own = k + slot % 4u;');
    lines.push(...range(loads).map((i) => `let a${i} = ${within('-0.0', `aLoad(aRun${i}, own)`, `own < ${end}`)};`));
    return [...lines, ...multiplyQuads(rows, (q, k) => spread('a', 4 * q + k), ownQuads)];
  }
}
