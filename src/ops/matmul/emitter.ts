// Writes the WGSL of a product kernel: c[matrix][row, column] = Σₖ a[row, k] b[k, column]. Matmul and the three directions of convolution
// use this kernel with different factors. Sizes and strides come through `params`, so one text serves all sizes. Only the memory access and
// the size of the register tile are fixed in the text. plan.ts chooses the variant.
import { type FilledKernel, type ParamValues, declareStruct, indent, layOut, wordFields } from '../../wgsl/index.ts';
import { type DirectTile, directBody, directDeclarations, directGroup } from './direct.ts';
import type { BatchLayout, Factor } from './factors.ts';
import { panelFactor } from './panels.ts';
import { type SharedTile, tiledBody, tiledDeclarations } from './tiled.ts';

export type Tile = DirectTile | SharedTile;

export interface ProductKernel {
  readonly name: string;
  readonly tile: Tile;
  /** Storage dtype of the factors. Sums are always f32. */
  readonly element: 'f32' | 'f16';
  /** Storage dtype of the result; f32 for the partial sums of a split. */
  readonly result: 'f32' | 'f16';
  readonly a: Factor;
  readonly b: Factor;
  /** Whether k is cut into segments of `params.inner`. Otherwise `params.inner` is the whole length of k. */
  readonly segmented: boolean;
  /** Whether the length of a segment may be no multiple of 4. */
  readonly tail: boolean;
  /**
   * Whether four neighbouring columns are adjacent in the result and the first is at a multiple of four. They are then stored by one vec4.
   */
  readonly quads: boolean;
  /** Undefined if all batches have the same k and evenly spaced rows. Only tiled kernels accept it. */
  readonly layout?: BatchLayout;
}

/** Order of the tiles. A panel of columns stays in the cache while all rows pass by. */
const columnsFirst = ['  let columnTile = tile % params.columnTiles;', '  let rowTile = tile / params.columnTiles % params.rowTiles;'];
const rowsFirst = ['  let rowTile = tile % params.rowTiles;', '  let columnTile = tile / params.rowTiles % params.columnTiles;'];

/** `Params` fields of every product. The fields of the factors follow. */
const commonFields = [
  'rows',
  'columns',
  'inner',
  'rowTiles',
  'columnTiles',
  'gridWidth',
  'matrices',
  'splits',
  'splitLength',
  'splitEnd',
  'batchInner',
  'resultRow',
  'resultColumn',
  'resultBatch',
  'resultSplit',
];

/** The field names of `Params`, in order. */
const productFields = (kernel: ProductKernel): string[] => [...new Set([...commonFields, ...kernel.a.fields, ...kernel.b.fields])];

/** Returns the kernel with its params filled. */
export function emitProduct(kernel: ProductKernel, params: ParamValues): FilledKernel {
  const { tile, a, b, element, result, layout: batches } = kernel;
  const subgroups = tile.kind === 'direct' && tile.subgroup > 1;
  const vector = (factor: Factor): string => factor.storage ?? (factor.access === 'scalar' ? 'Element' : 'vec4<Element>');
  const [x, y] = tile.kind === 'direct' ? directGroup(tile, b) : [tile.width, tile.height];
  const body =
    tile.kind === 'direct' ? directBody(tile, a, b, kernel) : tiledBody(tile, a, b, kernel.segmented ? Number(params.inner) : undefined);
  const layout = wordFields(productFields(kernel));
  const lines = [
    `// ${kernel.name}: ${tile.rows} x ${tile.columns} sums per invocation${tile.kind === 'tiled' ? ' from tiles in workgroup memory' : ''}; a by ${a.access}, b by ${b.access}`,
    ...(element === 'f16' || result === 'f16' ? ['enable f16;'] : []),
    ...(subgroups ? ['enable subgroups;'] : []),
    `alias Element = ${element};`,
    `alias Result = ${result};`,
    ...declareStruct('Params', layout),
    '@group(0) @binding(0) var<uniform> params: Params;',
    `@group(0) @binding(1) var<storage, read> a: array<${vector(a)}>;`,
    `@group(0) @binding(2) var<storage, read> b: array<${vector(b)}>;`,
    '// epilogue',
    ...(kernel.quads
      ? [
          '@group(0) @binding(3) var<storage, read_write> result: array<vec4<Result>>;',
          'fn store4(index: u32, value: vec4<f32>) { result[index / 4u] = vec4<Result>(value); }',
        ]
      : [
          '@group(0) @binding(3) var<storage, read_write> result: array<Result>;',
          'fn store(index: u32, value: f32) { result[index] = Result(value); }',
        ]),
    '// end epilogue',
    '',
    a.wgsl,
    '',
    b.wgsl,
    '',
    ...(batches ? [batches.wgsl, ''] : []),
    'fn resultIndex(matrix: u32, row: u32, column: u32) -> u32 {',
    ...(batches
      ? ['  return matrix % params.splits * params.resultSplit + rowIndex(row) + column * params.resultColumn;']
      : [
          '  let first = matrix / params.splits * params.resultBatch + matrix % params.splits * params.resultSplit;',
          '  return first + row * params.resultRow + column * params.resultColumn;',
        ]),
    '}',
    '',
    ...(tile.kind === 'tiled' ? [...tiledDeclarations(tile, b, kernel.quads, batches !== undefined), ''] : directDeclarations(tile)),
    `@compute @workgroup_size(${x}, ${y})`,
    'fn main(',
    '  @builtin(workgroup_id) workgroup: vec3<u32>,',
    '  @builtin(local_invocation_id) local: vec3<u32>,',
    ...(tile.kind === 'tiled' ? ['  @builtin(local_invocation_index) index: u32,'] : []),
    ...(subgroups ? ['  @builtin(subgroup_invocation_id) lane: u32,'] : []),
    ') {',
    '  let tile = workgroup.y * params.gridWidth + workgroup.x;',
    ...(kernel.b === panelFactor ? rowsFirst : columnsFirst),
    '  let matrix = tile / params.columnTiles / params.rowTiles;',
    '  if (matrix >= params.matrices) { return; }',
    '  let batch = matrix / params.splits;',
    '  let first = matrix % params.splits * params.splitLength;',
    `  let last = min(first + params.splitLength, ${batches ? 'beginBatch(batch)' : 'params.splitEnd'});`,
    ...indent(body),
    '}',
    '',
  ];
  return { source: lines.join('\n'), params: layOut(kernel.name, layout, params) };
}
