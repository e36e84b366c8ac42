// Packs the right factor of a product in panels of eight neighbouring columns, for WebAssembly: panel [segments, k, 8]. A panel is read from
// its start to its end while all rows pass by, so it stays in the first cache (Goto and van de Geijn 2008). Columns past the edge are 0.
import type { KernelDispatch, Operand, Target } from '../../graph/op.ts';
import { gridOf } from '../../graph/workgroups.ts';
import { declareStruct, indent, layOut, wordFields } from '../../wgsl/index.ts';
import type { DirectTile } from './direct.ts';
import type { Factor } from './factors.ts';
import { range } from './multiply.ts';

/** Columns of a panel: two vec4. With four rows, eight sums stay in registers. */
export const panelWidth = 8;

/** The tile of a product with panels. */
export const panelTile: DirectTile = {
  kind: 'direct',
  rows: 4,
  columns: panelWidth,
  width: 1,
  height: 1,
  subgroup: 1,
  quad: false,
  slices: 1,
};

/** Minimum number of rows for which packing pays. */
const fewestRows = 48;

/** Whether a target reads panels. Factors of whole numbers are not packed. */
export const packsPanels = ({ compiler }: Target, rows: number, b: Factor): boolean =>
  compiler === 'wasm' && rows >= fewestRows && b.storage === undefined;

/** Columns as they are in panels. */
export const panelFactor: Factor = {
  access: 'outer4',
  storage: 'vec4<f32>',
  fields: ['bPanel', 'bSegment', 'bBatch'],
  wgsl: `alias BRow = u32;
alias BRun = u32;
fn bRow(batch: u32, column: u32) -> BRow {
  return batch * params.bBatch + column / ${panelWidth}u * params.bPanel + column % ${panelWidth}u / 4u;
}
fn bRun(at: BRow, segment: u32) -> BRun {
  return at + segment * params.bSegment;
}
fn bLoad(run: BRun, k: u32) -> vec4<f32> {
  return b[run + k * ${panelWidth / 4}u];
}`,
};

export interface Panels {
  readonly columns: number;
  readonly inner: number;
  readonly segments: number;
  readonly batches: number;
  readonly batchInner: number;
}

/** Number of floats of all panels. */
export const panelSize = ({ columns, inner, segments, batches }: Panels): number =>
  Math.ceil(columns / panelWidth) * panelWidth * inner * segments * batches;

/** Values of the fields of `panelFactor`, in vec4s. */
export function panelParams({ columns, inner, segments }: Panels): Record<string, number> {
  const panel = (inner * segments * panelWidth) / 4;
  return { bPanel: panel, bSegment: (inner * panelWidth) / 4, bBatch: panel * Math.ceil(columns / panelWidth) };
}

/** The dispatch that packs a factor. */
export function packPanels(
  name: string,
  b: Factor,
  params: Readonly<Record<string, number>>,
  panels: Panels,
  element: 'f32' | 'f16',
  operands: readonly [from: Operand, to: Operand],
  target: Target,
): KernelDispatch {
  const { columns, inner, segments, batches, batchInner } = panels;
  const count = Math.ceil(columns / panelWidth);
  const workgroups = gridOf(count * segments * batches, target);
  const layout = wordFields(['columns', 'inner', 'segments', 'panels', 'groups', 'gridWidth', 'batchInner', ...b.fields]);
  const columnsOf = range(b.access === 'outer4' ? panelWidth / 4 : panelWidth);
  const step = b.access === 'outer4' ? 4 : 1;
  const last = b.access === 'outer4' ? 4 : 1;
  const lines = [
    `// ${name}: panels of ${panelWidth} columns; b by ${b.access}`,
    ...(element === 'f16' ? ['enable f16;'] : []),
    `alias Element = ${element};`,
    ...declareStruct('Params', layout),
    '@group(0) @binding(0) var<uniform> params: Params;',
    `@group(0) @binding(1) var<storage, read> b: array<${b.access === 'scalar' ? 'Element' : 'vec4<Element>'}>;`,
    '@group(0) @binding(2) var<storage, read_write> packed: array<vec4<f32>>;',
    '',
    b.wgsl,
    '',
    '@compute @workgroup_size(1)',
    'fn main(@builtin(workgroup_id) workgroup: vec3<u32>) {',
    '  let group = workgroup.y * params.gridWidth + workgroup.x;',
    '  if (group >= params.groups) { return; }',
    '  let segment = group % params.segments;',
    '  let panel = group / params.segments;',
    '  let batch = panel / params.panels;',
    `  let column = panel % params.panels * ${panelWidth}u;`,
    `  let origin = group * params.inner * ${panelWidth / 4}u;`,
    ...columnsOf.map((i) => `  let run${i} = bRun(bRow(batch, min(column + ${i * step}u, params.columns - ${last}u)), segment);`),
    ...columnsOf.map((i) => `  let inside${i} = column + ${i * step}u < params.columns;`),
    ...indent(body(b)),
    '}',
    '',
  ];
  const values = {
    columns,
    inner,
    segments,
    panels: count,
    groups: count * segments * batches,
    gridWidth: workgroups[0],
    batchInner,
    ...params,
  };
  return { name: `${name}_pack`, source: lines.join('\n'), params: layOut(name, layout, values), operands, workgroups };
}

/** The loop over k: each step writes the eight columns of one k, or of four. */
function body({ access }: Factor): string[] {
  const kept = (value: string, i: number): string => `select(vec4<f32>(), ${value}, inside${i})`;
  if (access === 'outer4') {
    return [
      'for (var k = 0u; k < params.inner; k++) {',
      ...range(panelWidth / 4).map((q) => `  packed[origin + k * 2u + ${q}u] = ${kept(`bLoad(run${q}, k)`, q)};`),
      '}',
    ];
  }
  const quad = (names: readonly string[]): string => `vec4<f32>(${names.join(', ')})`;
  const halves = range(panelWidth / 4);
  if (access === 'scalar') {
    return [
      'for (var k = 0u; k < params.inner; k++) {',
      ...halves.map(
        (q) =>
          `  packed[origin + k * 2u + ${q}u] = ${quad(range(4).map((i) => `select(0.0, bOne(run${4 * q + i}, k), inside${4 * q + i})`))};`,
      ),
      '}',
    ];
  }
  const letters = ['x', 'y', 'z', 'w'];
  return [
    'for (var k = 0u; k < params.inner; k += 4u) {',
    ...range(panelWidth).map((i) => `  let column${i} = ${kept(`bLoad(run${i}, k)`, i)};`),
    ...range(4).flatMap((k) =>
      halves.map((q) => `  packed[origin + (k + ${k}u) * 2u + ${q}u] = ${quad(range(4).map((i) => `column${4 * q + i}.${letters[k]}`))};`),
    ),
    '}',
  ];
}
