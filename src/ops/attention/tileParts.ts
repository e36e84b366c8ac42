// Parts of the attention kernels for GPUs. A workgroup computes a tile of rows: queries, or keys for the gradients of keys and values. It reads the
// other operand 32 columns at a time through workgroup memory. Registers of an invocation hold `rows` x 4 scores, and `rows` rows of every
// eighth quad of the sums. Names of sums end in literals, so no register is chosen by an index.
import { indent } from '../../wgsl/index.ts';
import { range } from '../matmul/multiply.ts';
import type { AttentionAttributes } from './scores.ts';

export interface AttentionTile {
  /** Rows of one invocation: 4 or 8. */
  readonly rows: number;
  /** Invocations along the rows. Eight are along the columns. */
  readonly height: number;
}

/** Invocations along the columns; each has four of 32 columns, eight apart. */
export const lanes = 8;
export const columns = 4 * lanes;
/** Maximum depth of a staged tile, in quads. Deeper rows are staged in several slices. */
const sliceQuads = 16;

/** Depths, in quads, that the tiles are made for. Sums of deeper rows do not fit into registers. */
export const fitsTiles = (quads: number): boolean => quads >= 4 && quads <= 32;

export const rowsOfTile = ({ rows, height }: AttentionTile): number => rows * height;

/** Bytes of workgroup memory. */
export const workgroupBytes = (tile: AttentionTile, quads: number): number => {
  const { staged, weights } = vectors(tile, quads);
  return 16 * (staged + weights);
};

/** Vec4s of the staged tile, and of the buffer for the weights. */
function vectors(tile: AttentionTile, quads: number): { staged: number; weights: number } {
  const staged = columns * Math.min(quads, sliceQuads);
  return { staged, weights: Math.max(staged, rowsOfTile(tile) * lanes) };
}

export const component = 'xyzw';
export const scoreOf = (r: number): string => `score${r}`;

interface Slice {
  /** First quad of the depth. */
  readonly first: number;
  readonly quads: number;
}

const slicesOf = (quads: number): Slice[] =>
  range(Math.ceil(quads / sliceQuads)).map((i) => ({ first: i * sliceQuads, quads: Math.min(sliceQuads, quads - i * sliceQuads) }));

/** A load of a staged tile in two steps, so that the loads may come earlier than the stores. */
interface Staging {
  readonly load: string[];
  readonly store: string[];
}

/** Parts of the text of a tiled kernel, for one tile. */
export class TileEmitter {
  protected readonly threads: number;
  protected readonly slices: Slice[];
  protected readonly tile: AttentionTile;
  protected readonly quads: number;
  protected readonly attributes: AttentionAttributes;

  constructor(tile: AttentionTile, quads: number, attributes: AttentionAttributes) {
    this.tile = tile;
    this.quads = quads;
    this.attributes = attributes;
    this.threads = lanes * tile.height;
    this.slices = slicesOf(quads);
  }

  protected get tileRows(): number {
    return rowsOfTile(this.tile);
  }

  /** Workgroup variables and the start of `main`: positions of the workgroup and of the rows. */
  head(along: 'queries' | 'keys', body: readonly string[]): string {
    const { rows, height } = this.tile;
    const { causal } = this.attributes;
    const { staged, weights } = vectors(this.tile, this.quads);
    // With causality a tile of late queries, or of early keys, has the most work. Long tiles start first.
    const ofTile = causal
      ? [
          'let allHeads = params.groups / params.tiles;',
          'let head = group % allHeads;',
          along === 'queries' ? 'let tile = params.tiles - 1u - group / allHeads;' : 'let tile = group / allHeads;',
        ]
      : ['let head = group / params.tiles;', 'let tile = group % params.tiles;'];
    return [
      `var<workgroup> staged: array<vec4<f32>, ${staged}>;`,
      `var<workgroup> shared4: array<vec4<f32>, ${weights}>;`,
      '',
      `@compute @workgroup_size(${lanes}, ${height})`,
      'fn main(',
      '  @builtin(workgroup_id) workgroup: vec3<u32>,',
      '  @builtin(local_invocation_id) local: vec3<u32>,',
      '  @builtin(local_invocation_index) index: u32,',
      ') {',
      ...indent([
        'let group = workgroup.y * params.gridWidth + workgroup.x;',
        'if (group >= params.groups) { return; }',
        ...ofTile,
        'let batch = head / params.heads;',
        'let inner = head % params.heads;',
        'let scale = bitcast<f32>(params.scale);',
        `let row = tile * ${this.tileRows}u + local.y * ${rows}u;`,
        `let lastRow = params.${along} - 1u;`,
        `let lastColumn = params.${along === 'queries' ? 'keys' : 'queries'} - 1u;`,
        ...['q', 'k', 'v'].map((x) => `let ${x}First = params.${x}Offset + batch * params.${x}Batch + inner * params.${x}Head;`),
        ...range(rows).map((r) => `let row${r} = min(row + ${r}u, lastRow);`),
        ...body,
      ]),
      '}',
    ].join('\n');
  }

  /** First positions of the rows of an operand: `qAt0`, … */
  rowsOf(x: string): string[] {
    return range(this.tile.rows).map((r) => `let ${x}At${r} = ${x}First + row${r} * params.${x}Row;`);
  }

  /** Stages columns for products along the depth: [quad, column]. Eight neighbouring invocations store neighbours. */
  stageAcross(x: string, target: string, { first, quads }: Slice, prefix: string): Staging {
    const load: string[] = [];
    const store: string[] = [];
    const total = columns * 4 * Math.ceil(quads / 4);
    for (const i of range(Math.ceil(total / this.threads))) {
      const n = i ? `(index + ${i * this.threads}u)` : 'index';
      const column = `(${n} % 8u + ${n} / 32u % 4u * 8u)`;
      const quad = `(${n} / 8u % 4u + ${n} / 128u * 4u)`;
      const isWhole = quads % 4 === 0 && total % this.threads === 0;
      const at = `${x}First + min(start + ${column}, lastColumn) * params.${x}Row + ${first}u`;
      const last = quads - 1;
      load.push(`let ${prefix}${i} = ${x}[${at} + ${isWhole ? quad : `min(${quad}, ${last}u)`}];`);
      const put = `${target}[${quad} * ${columns}u + ${column}] = ${prefix}${i};`;
      store.push(isWhole ? put : `if (${quad} < ${quads}u) { ${put} }`);
    }
    return { load, store };
  }

  /** Stages columns for sums over the columns: [column, quad]. */
  stageAlong(x: string, { first, quads }: Slice, prefix: string): Staging {
    const load: string[] = [];
    const store: string[] = [];
    const total = columns * quads;
    for (const i of range(Math.ceil(total / this.threads))) {
      const n = i ? `(index + ${i * this.threads}u)` : 'index';
      load.push(
        `let ${prefix}${i} = ${x}[${x}First + min(start + ${n} / ${quads}u, lastColumn) * params.${x}Row + ${first}u + ${n} % ${quads}u];`,
      );
      const isWhole = (i + 1) * this.threads <= total;
      const put = `staged[${n}] = ${prefix}${i};`;
      store.push(isWhole ? put : `if (${n} < ${total}u) { ${put} }`);
    }
    return { load, store };
  }

  declare(sums: string): string[] {
    return range(this.tile.rows).map((r) => `var ${sums}${r} = vec4<f32>();`);
  }

  /** sums[row, column] += rows of x times the columns in `source`. */
  multiply(sums: string, x: string, source: string, { first, quads }: Slice): string[] {
    const { rows } = this.tile;
    return [
      `for (var d = 0u; d < ${quads}u; d++) {`,
      ...indent([
        ...range(4).map((c) => `let column${c} = ${source}[d * ${columns}u + local.x + ${c * lanes}u];`),
        ...range(4).map(
          (k) =>
            `let b${k} = vec4<f32>(${range(4)
              .map((c) => `column${c}.${component[k]}`)
              .join(', ')});`,
        ),
        ...range(rows).map((r) => `let a${r} = ${x}[${x}At${r} + ${first}u + d];`),
        ...range(4).flatMap((k) => range(rows).map((r) => `${sums}${r} = fma(vec4<f32>(a${r}.${component[k]}), b${k}, ${sums}${r});`)),
      ]),
      '}',
    ];
  }

  /** Quads of a slice that each invocation adds up. */
  private own(slice: Slice): number {
    return Math.ceil(slice.quads / lanes);
  }

  private each(visit: (name: (sums: string) => string, r: number, q: number, slice: Slice) => string[]): string[] {
    return this.slices.flatMap((slice) =>
      range(this.own(slice)).flatMap((m) => {
        const q = slice.first / lanes + m;
        return range(this.tile.rows).flatMap((r) => visit((sums) => `${sums}${r}_${q}`, r, q, slice));
      }),
    );
  }

  declareOwn(sums: string): string[] {
    return this.each((name) => [`var ${name(sums)} = vec4<f32>();`]);
  }

  scaleOwn(sums: string, factor: (r: number) => string): string[] {
    return this.each((name, r) => [`${name(sums)} *= ${factor(r)};`]);
  }

  /** sums[row, quad] += weights of `shared4` times the staged columns of one slice. */
  accumulate(sums: string, slice: Slice): string[] {
    const { rows } = this.tile;
    const { first, quads } = slice;
    const own = range(this.own(slice));
    // Invocations past the depth repeat the last quad; their sums are not stored.
    const quad = (m: number): string => {
      const at = m ? `local.x + ${m * lanes}u` : 'local.x';
      return (m + 1) * lanes <= quads ? at : `min(${at}, ${quads - 1}u)`;
    };
    return [
      `for (var j = 0u; j < ${lanes}u; j++) {`,
      ...indent([
        ...range(rows).map((r) => `let a${r} = shared4[(local.y * ${rows}u + ${r}u) * ${lanes}u + j];`),
        ...range(4).flatMap((c) => own.map((m) => `let b${c}_${m} = staged[(j + ${c * lanes}u) * ${quads}u + ${quad(m)}];`)),
        ...range(4).flatMap((c) =>
          own.flatMap((m) =>
            range(rows).map((r) => {
              const sum = `${sums}${r}_${first / lanes + m}`;
              return `${sum} = fma(vec4<f32>(a${r}.${component[c]}), b${c}_${m}, ${sum});`;
            }),
          ),
        ),
      ]),
      '}',
    ];
  }

  /** `keys` columns: hidden if after the query; `queries` columns: hidden if before the key. */
  scores(along: 'queries' | 'keys'): string[] {
    const { rows } = this.tile;
    const { causal, masked } = this.attributes;
    const lines = [`let column = vec4<u32>(start + local.x) + vec4<u32>(0u, ${lanes}u, ${2 * lanes}u, ${3 * lanes}u);`];
    const [rowStride, columnStride] = along === 'queries' ? ['maskRow', 'maskColumn'] : ['maskColumn', 'maskRow'];
    if (masked) lines.push(`let maskAt = maskFirst + min(column, vec4<u32>(lastColumn)) * params.${columnStride};`);
    for (const r of range(rows)) {
      const s = scoreOf(r);
      lines.push(`${s} *= scale;`);
      if (masked) {
        lines.push(`let maskAt${r} = maskAt + row${r} * params.${rowStride};`);
        lines.push(
          `${s} += vec4<f32>(${range(4)
            .map((c) => `mask[maskAt${r}.${component[c]}]`)
            .join(', ')});`,
        );
      }
      const outside = along === 'queries' && causal ? `column > vec4<u32>(min(lastColumn, row${r}))` : 'column > vec4<u32>(lastColumn)';
      const hidden = along === 'keys' && causal ? `(${outside}) | (column < vec4<u32>(row${r}))` : outside;
      lines.push(`${s} = select(${s}, vec4<f32>(excluded), ${hidden});`);
    }
    return lines;
  }

  /** Stores the vec4s of a register tile into `shared4`. */
  share(values: string): string[] {
    const { rows } = this.tile;
    return range(rows).map((r) => `shared4[(local.y * ${rows}u + ${r}u) * ${lanes}u + local.x] = ${values}${r};`);
  }

  /** Stores the sums of this invocation. `place` gives the first quad of row r. */
  storeOwn(sums: string, place: (r: number) => string, factor: (r: number) => string = () => ''): string[] {
    return range(this.tile.rows).flatMap((r) => [
      `if (row + ${r}u <= lastRow) {`,
      ...this.slices.flatMap((slice) =>
        range(this.own(slice)).map((m) => {
          const q = slice.first / lanes + m;
          const quad = `local.x + ${q * lanes}u`;
          const store = `result[${place(r)} + ${quad}] = ${sums}${r}_${q}${factor(r)};`;
          return (m + 1) * lanes <= slice.quads ? `  ${store}` : `  if (${quad} < ${this.quads}u) { ${store} }`;
        }),
      ),
      '}',
    ]);
  }

  get maskFirst(): string {
    return this.attributes.masked
      ? 'let maskFirst = params.maskOffset + batch * params.maskBatch + inner * params.maskHead;'
      : // The binding stays in the layout.
        '_ = &mask;';
  }
}
