// The core for Vulkan implemented on a CPU (SwiftShader, llvmpipe): no workgroup memory and no barriers, which are slow there. An invocation owns
// `rows` x `columns` sums and reads its factors straight from the storage buffers. With subgroups, whose lanes all share their rows, each element
// of a is loaded by one lane and spread to the others.
import type { Factor } from './operands.ts';
import { storeSums } from './directStore.ts';
import {
  addProducts,
  declareSums,
  ending,
  indent,
  multiplyQuad,
  multiplyQuads,
  multiplyRows,
  range,
  transposeColumns,
} from './multiply.ts';

export interface DirectTile {
  readonly kind: 'direct';
  /** Rows of the register tile of one invocation: 1, 2, 4 or 8; 4 or 8 where rows of a are read by four. */
  readonly rows: number;
  /** Columns: a multiple of 4. */
  readonly columns: number;
  /** Workgroup size; the width is a multiple of `subgroup`. */
  readonly width: number;
  readonly height: number;
  /** Lanes of a subgroup, 4 or more; 1 goes without. */
  readonly subgroup: number;
  /**
   * Into how many slices a workgroup cuts k, four k's to each in turn, adding up their sums in workgroup memory: for few rows on a GPU, where the
   * results alone do not keep it busy. 1 goes without, and without barriers; more want one subgroup, 4 columns and a height of 1.
   */
  readonly slices: number;
}

/** Workgroup size: neighbours read neighbouring memory, which lies along k in some layouts of b and along columns in others. */
export const directGroup = ({ width, height, slices }: DirectTile, b: Factor): [x: number, y: number] =>
  slices === 1 ? [width, height] : b.access === 'inner4' ? [slices, width] : [width, slices];

/** Module-scope declarations: the sums of all slices. */
export const directDeclarations = ({ rows, width, slices }: DirectTile): string[] =>
  slices === 1 ? [] : [`var<workgroup> partials: array<vec4<f32>, ${rows * width * slices}>;`, ''];

/** What else the body depends on; see ProductKernel. */
interface DirectOptions {
  readonly segmented: boolean;
  readonly tail: boolean;
  readonly short: boolean;
  readonly quads: boolean;
}

/** Body of `main`, after the tile's position is known. */
export function directBody(tile: DirectTile, a: Factor, b: Factor, { segmented, tail, short, quads }: DirectOptions): string[] {
  const { rows, width, slices } = tile;
  const sliced = slices > 1;
  const alongK = b.access === 'inner4';
  /** Quads of columns of an invocation: they lie a workgroup's width apart. */
  const ownQuads = tile.columns / 4;
  // Slots: the vec4s of a that one step of four k's needs, one a row, or one a k and quad of rows. Lanes share them out.
  const sharers = Math.min(tile.subgroup, rows);
  const loads = a.access === 'outer4' && sharers === 1 ? rows / 4 : rows / sharers;
  const spread = (value: string, slot: number): string =>
    sharers === 1 ? `${value}${slot}` : `subgroupBroadcast(${value}${Math.floor(slot / sharers)}, ${slot % sharers}u)`;

  const lines: string[] = [];
  if (sliced) lines.push(`let slice = local.${alongK ? 'x' : 'y'};`, `let own = local.${alongK ? 'y' : 'x'};`);
  lines.push(sliced ? `let row = rowTile * ${rows}u;` : `let row = (rowTile * ${tile.height}u + local.y) * ${rows}u;`);
  lines.push(`let column = (columnTile * ${width * ownQuads}u + ${sliced ? 'own' : 'local.x'}) * 4u;`);
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
  const columnsOfB = range(ownQuads).flatMap((q) => range(columns).map((c) => ({ name: `${c}${ending(q)}`, at: 4 * width * q + c })));
  for (const { name, at } of columnsOfB) {
    lines.push(`let bAt${name} = b_row(batch, min(column + ${at}u, params.columns - ${b.access === 'outer4' ? 4 : 1}u));`);
  }
  lines.push(...declareSums(rows, ownQuads));

  const loop: string[] = [];
  for (const i of range(loads)) loop.push(`let aRun${i} = a_run(aAt${i}, ${segmented ? 'segment' : '0u'});`);
  for (const { name } of columnsOfB) loop.push(`let bRun${name} = b_run(bAt${name}, ${segmented ? 'segment' : '0u'});`);
  const [begin, end] = segmented ? ['0u', 'params.inner'] : ['first', 'last'];
  loop.push(`var k = ${begin}${sliced ? ' + slice * 4u' : ''};`);
  if (!short) loop.push(`for (; k + 4u <= ${end}; k += ${4 * slices}u) {`, ...indent(stepOfFour()), '}');
  if (tail && sliced) loop.push(`k = select(last, first + (last - first) / 4u * 4u, slice == 0u);`);
  if (tail) loop.push(`for (; k < ${end}; k++) {`, ...indent(stepOfOne()), '}');
  if (segmented) lines.push('for (var segment = first; segment < last; segment++) {', ...indent(loop), '}');
  else lines.push(...loop);

  return [...lines, ...storeSums(tile, alongK, quads)];

  /** The quads of b at every one of four k's. */
  function loadOfFour(): string[] {
    if (b.access === 'outer4') {
      return range(4).flatMap((k) => range(ownQuads).map((q) => `let b${k}${ending(q)} = b_load(bRun0${ending(q)}, k + ${k}u);`));
    }
    return range(ownQuads).flatMap((q) => [
      ...range(4).map((c) => `let column${c}${ending(q)} = b_load(bRun${c}${ending(q)}, k);`),
      ...transposeColumns(q),
    ]);
  }

  function stepOfFour(): string[] {
    const step = loadOfFour();
    if (a.access !== 'outer4') {
      step.push(...range(loads).map((i) => `let a${i} = a_load(aRun${i}, k);`));
      step.push(...multiplyRows(rows, (r) => spread('a', r), ownQuads));
    } else if (sharers === 1) {
      step.push(...multiplyQuads(rows, (q, k) => `a_load(aRun${q}, k + ${k}u)`, ownQuads));
    } else {
      step.push(...range(loads).map((i) => `let a${i} = a_load(aRun${i}, k + slot % 4u);`));
      step.push(...multiplyQuads(rows, (q, k) => spread('a', 4 * q + k), ownQuads));
    }
    return step;
  }

  function stepOfOne(): string[] {
    const step = range(ownQuads).map((q) => {
      if (b.access === 'outer4') return `let b0${ending(q)} = b_load(bRun0${ending(q)}, k);`;
      const elements = range(4).map((c) => `b_one(bRun${c}${ending(q)}, k)`);
      return `let b0${ending(q)} = vec4<f32>(${elements.join(', ')});`;
    });
    if (a.access === 'outer4') {
      step.push(
        ...(sharers === 1 ? [] : range(loads).map((i) => `let a${i} = a_load(aRun${i}, k);`)),
        ...range(rows / 4).flatMap((q) =>
          multiplyQuad(q, sharers === 1 ? `a_load(aRun${q}, k)` : spread('a', 4 * q), 'b0', `quad${q}`, ownQuads),
        ),
      );
    } else {
      step.push(...range(loads).map((i) => `let a${i} = a_one(aRun${i}, k);`));
      step.push(...range(rows).flatMap((r) => addProducts(r, spread('a', r), 'b0', ownQuads)));
    }
    return step;
  }
}
