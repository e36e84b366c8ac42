// Sources of the two factors of a product. A factor is a family of WGSL functions that the cores in direct.ts and tiled.ts call:
//
//   aRow(batch, row) -> ARow            values that are constant along k, such as the start of the row
//   aRun(ARow, segment) -> ARun         k is cut into segments (one for a plain matrix, one a filter tap for a convolution)
//   aLoad(ARun, k) -> vec4<f32>         four elements that start at position k of the segment
//   aOne(ARun, k) -> f32                one element
//
// The same functions exist with b for columns. "inner" is the direction of k. "outer" is the direction of rows (of a) or columns (of b).

/**
 * Access to four elements at once. `inner4`: one vec4 load along k. `outer4`: one vec4 load along rows (columns). `scalar`: four loads
 * along k with any strides.
 */
export type Access = 'inner4' | 'outer4' | 'scalar';

export interface Factor {
  readonly access: Access;
  /** Storage type of an element of the buffer. By default it is that of the product, or four of them. */
  readonly storage?: 'u32' | 'vec4<f32>';
  /** Names of the factor's `Params` fields. */
  readonly fields: readonly string[];
  /** WGSL source of the functions named above. */
  readonly wgsl: string;
}

/**
 * Batches of a product that differ in the length of k and in the places of their rows. The WGSL of factor a then has `beginBatch(batch)`,
 * which returns the length of k and comes before all other calls.
 */
export interface BatchLayout {
  /** WGSL of `isStored(row) -> bool` and of `rowIndex(row) -> u32`, the place of the row's first element in the result. */
  readonly wgsl: string;
}

const matrixFields = (x: 'a' | 'b'): string[] =>
  ['Offset', 'Outer', 'Inner', 'Segment', 'BatchOuter', 'BatchInner'].map((field) => x + field);

/**
 * A strided matrix. Element (outer, k) of a batch is at offset + batch + outer * outerStride + k * innerStride. `segment` is the WGSL of a
 * segment's position in memory, in units of the segment stride.
 */
export function matrixFactor(x: 'a' | 'b', access: Access, segment = 'segment'): Factor {
  const place = x === 'a' ? 'row' : 'column';
  const name = x.toUpperCase();
  const along = { inner4: 'k', outer4: `k * params.${x}Inner`, scalar: `k * params.${x}Inner` }[access];
  const load =
    access === 'scalar'
      ? `  return vec4<f32>(${[0, 1, 2, 3].map((i) => `${x}One(run, k${i ? ` + ${i}u` : ''})`).join(', ')});`
      : `  return vec4<f32>(${x}[(run + ${along}) / 4u]);`;
  const one =
    access === 'scalar'
      ? `
fn ${x}One(run: ${name}Run, k: u32) -> f32 {
  return f32(${x}[run + ${along}]);
}`
      : '';
  return {
    access,
    fields: matrixFields(x),
    wgsl: `alias ${name}Row = u32;
alias ${name}Run = u32;
fn ${x}Row(batch: u32, ${place}: u32) -> ${name}Row {
  let first = params.${x}Offset + batch / params.batchInner * params.${x}BatchOuter + batch % params.batchInner * params.${x}BatchInner;
  return first + ${place}${access === 'outer4' ? '' : ` * params.${x}Outer`};
}
fn ${x}Run(at: ${name}Row, segment: u32) -> ${name}Run {
  return at + ${segment} * params.${x}Segment;
}
fn ${x}Load(run: ${name}Run, k: u32) -> vec4<f32> {
${load}
}${one}`,
  };
}

/** A matrix of whole numbers of 8 bits, four neighbouring columns in a u32: 128 is added to each, and the first is in the low byte. */
export const packedFactor: Factor = {
  access: 'outer4',
  storage: 'u32',
  fields: matrixFields('b'),
  wgsl: `alias BRow = u32;
alias BRun = u32;
fn bRow(batch: u32, column: u32) -> BRow {
  return params.bOffset + column / 4u;
}
fn bRun(at: BRow, segment: u32) -> BRun {
  return at;
}
fn bLoad(run: BRun, k: u32) -> vec4<f32> {
  let word = b[run + k * params.bInner];
  return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u)) - 128.0;
}`,
};

/** The values of a matrix factor's fields. */
export interface MatrixLayout {
  readonly offset: number;
  readonly outer: number;
  readonly inner: number;
  /** Stride between segments of k; 0 for a single segment. */
  readonly segment: number;
  readonly batchOuter: number;
  readonly batchInner: number;
}

export const matrixParams = (x: 'a' | 'b', layout: MatrixLayout): Record<string, number> => ({
  [`${x}Offset`]: layout.offset,
  [`${x}Outer`]: layout.outer,
  [`${x}Inner`]: layout.inner,
  [`${x}Segment`]: layout.segment,
  [`${x}BatchOuter`]: layout.batchOuter,
  [`${x}BatchInner`]: layout.batchInner,
});

/** The widest access that strides and sizes allow. `outerSize` counts rows or columns, `innerSize` is the length of a segment of k. */
export function accessOf(layout: MatrixLayout, outerSize: number, innerSize: number): Access {
  const { offset, segment, batchOuter, batchInner } = layout;
  // A stride matters only if its axis has more than one element.
  const outer = outerSize === 1 ? 0 : layout.outer;
  const inner = innerSize === 1 ? 0 : layout.inner;
  const aligned = [offset, segment, batchOuter, batchInner].every((n) => n % 4 === 0);
  if (aligned && inner === 1 && innerSize % 4 === 0 && outer % 4 === 0) return 'inner4';
  if (aligned && outer === 1 && outerSize % 4 === 0 && inner % 4 === 0) return 'outer4';
  return 'scalar';
}
