// matmul_tiled: 4 x 4 sums per invocation from tiles in workgroup memory; a by outer4, b by inner4
alias Element = f32;
alias Result = f32;
struct Params {
  rows: u32,
  columns: u32,
  inner: u32,
  rowTiles: u32,
  columnTiles: u32,
  gridWidth: u32,
  matrices: u32,
  splits: u32,
  splitLength: u32,
  splitEnd: u32,
  batchInner: u32,
  resultRow: u32,
  resultColumn: u32,
  resultBatch: u32,
  resultSplit: u32,
  aOffset: u32,
  aOuter: u32,
  aInner: u32,
  aSegment: u32,
  aBatchOuter: u32,
  aBatchInner: u32,
  bOffset: u32,
  bOuter: u32,
  bInner: u32,
  bSegment: u32,
  bBatchOuter: u32,
  bBatchInner: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<Element>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<Element>>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<vec4<Result>>;
fn store4(index: u32, value: vec4<f32>) { result[index / 4u] = vec4<Result>(value); }
// end epilogue

alias ARow = u32;
alias ARun = u32;
fn aRow(batch: u32, row: u32) -> ARow {
  let first = params.aOffset + batch / params.batchInner * params.aBatchOuter + batch % params.batchInner * params.aBatchInner;
  return first + row;
}
fn aRun(at: ARow, segment: u32) -> ARun {
  return at + segment * params.aSegment;
}
fn aLoad(run: ARun, k: u32) -> vec4<f32> {
  return vec4<f32>(a[(run + k * params.aInner) / 4u]);
}

alias BRow = u32;
alias BRun = u32;
fn bRow(batch: u32, column: u32) -> BRow {
  let first = params.bOffset + batch / params.batchInner * params.bBatchOuter + batch % params.batchInner * params.bBatchInner;
  return first + column * params.bOuter;
}
fn bRun(at: BRow, segment: u32) -> BRun {
  return at + segment * params.bSegment;
}
fn bLoad(run: BRun, k: u32) -> vec4<f32> {
  return vec4<f32>(b[(run + k) / 4u]);
}

fn resultIndex(matrix: u32, row: u32, column: u32) -> u32 {
  let first = matrix / params.splits * params.resultBatch + matrix % params.splits * params.resultSplit;
  return first + row * params.resultRow + column * params.resultColumn;
}

var<workgroup> tileA: array<vec4<f32>, 128>;
var<workgroup> tileB: array<vec4<f32>, 160>;

fn storeRow(matrix: u32, row: u32, column: u32, sum: vec4<f32>) {
  if (row >= params.rows) { return; }
  if (column < params.columns) { store4(resultIndex(matrix, row, column), sum); }
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let tile = workgroup.y * params.gridWidth + workgroup.x;
  let columnTile = tile % params.columnTiles;
  let rowTile = tile / params.columnTiles % params.rowTiles;
  let matrix = tile / params.columnTiles / params.rowTiles;
  if (matrix >= params.matrices) { return; }
  let batch = matrix / params.splits;
  let first = matrix % params.splits * params.splitLength;
  let last = min(first + params.splitLength, params.splitEnd);
  let row = rowTile * 32u + local.y * 4u;
  let column = columnTile * 32u + local.x * 4u;
  let aRow0 = rowTile * 32u + index % 8u * 4u;
  let aK0 = index / 8u;
  let aAt0 = aRow(batch, min(aRow0, params.rows - 1u));
  let aRow1 = rowTile * 32u + (index + 64u) % 8u * 4u;
  let aK1 = (index + 64u) / 8u;
  let aAt1 = aRow(batch, min(aRow1, params.rows - 1u));
  let bColumn0 = columnTile * 32u + index / 4u % 8u * 4u + index / 32u;
  let bK0 = index % 4u * 4u;
  let bAt0 = bRow(batch, min(bColumn0, params.columns - 1u));
  let bColumn1 = columnTile * 32u + (index + 64u) / 4u % 8u * 4u + (index + 64u) / 32u;
  let bK1 = (index + 64u) % 4u * 4u;
  let bAt1 = bRow(batch, min(bColumn1, params.columns - 1u));
  var sum0 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum3 = vec4<f32>();
  var nextA0 = vec4<f32>(-0.0);
  if (first + aK0 < last) { nextA0 = aLoad(aRun(aAt0, 0u), first + aK0); }
  var nextA1 = vec4<f32>(-0.0);
  if (first + aK1 < last) { nextA1 = aLoad(aRun(aAt1, 0u), first + aK1); }
  var nextB0 = vec4<f32>();
  if (first + bK0 < last) { nextB0 = bLoad(bRun(bAt0, 0u), first + bK0); }
  var nextB1 = vec4<f32>();
  if (first + bK1 < last) { nextB1 = bLoad(bRun(bAt1, 0u), first + bK1); }
  for (var start = first; start < last; start += 16u) {
    tileA[index] = nextA0;
    tileA[(index + 64u)] = nextA1;
    tileB[index / 4u * 5u + index % 4u] = nextB0;
    tileB[(index + 64u) / 4u * 5u + (index + 64u) % 4u] = nextB1;
    workgroupBarrier();
    nextA0 = vec4<f32>(-0.0);
    if (start + 16u + aK0 < last) { nextA0 = aLoad(aRun(aAt0, 0u), start + 16u + aK0); }
    nextA1 = vec4<f32>(-0.0);
    if (start + 16u + aK1 < last) { nextA1 = aLoad(aRun(aAt1, 0u), start + 16u + aK1); }
    nextB0 = vec4<f32>();
    if (start + 16u + bK0 < last) { nextB0 = bLoad(bRun(bAt0, 0u), start + 16u + bK0); }
    nextB1 = vec4<f32>();
    if (start + 16u + bK1 < last) { nextB1 = bLoad(bRun(bAt1, 0u), start + 16u + bK1); }
    for (var k = 0u; k < 4u; k++) {
      let column0 = tileB[local.x * 5u + k];
      let column1 = tileB[(local.x + 8u) * 5u + k];
      let column2 = tileB[(local.x + 16u) * 5u + k];
      let column3 = tileB[(local.x + 24u) * 5u + k];
      let b0 = vec4<f32>(column0.x, column1.x, column2.x, column3.x);
      let b1 = vec4<f32>(column0.y, column1.y, column2.y, column3.y);
      let b2 = vec4<f32>(column0.z, column1.z, column2.z, column3.z);
      let b3 = vec4<f32>(column0.w, column1.w, column2.w, column3.w);
      let quad0_0 = tileA[(k * 4u + 0u) * 8u + local.y * 1u + 0u];
      sum0 = fma(vec4<f32>(quad0_0.x), b0, sum0);
      sum1 = fma(vec4<f32>(quad0_0.y), b0, sum1);
      sum2 = fma(vec4<f32>(quad0_0.z), b0, sum2);
      sum3 = fma(vec4<f32>(quad0_0.w), b0, sum3);
      let quad1_0 = tileA[(k * 4u + 1u) * 8u + local.y * 1u + 0u];
      sum0 = fma(vec4<f32>(quad1_0.x), b1, sum0);
      sum1 = fma(vec4<f32>(quad1_0.y), b1, sum1);
      sum2 = fma(vec4<f32>(quad1_0.z), b1, sum2);
      sum3 = fma(vec4<f32>(quad1_0.w), b1, sum3);
      let quad2_0 = tileA[(k * 4u + 2u) * 8u + local.y * 1u + 0u];
      sum0 = fma(vec4<f32>(quad2_0.x), b2, sum0);
      sum1 = fma(vec4<f32>(quad2_0.y), b2, sum1);
      sum2 = fma(vec4<f32>(quad2_0.z), b2, sum2);
      sum3 = fma(vec4<f32>(quad2_0.w), b2, sum3);
      let quad3_0 = tileA[(k * 4u + 3u) * 8u + local.y * 1u + 0u];
      sum0 = fma(vec4<f32>(quad3_0.x), b3, sum0);
      sum1 = fma(vec4<f32>(quad3_0.y), b3, sum1);
      sum2 = fma(vec4<f32>(quad3_0.z), b3, sum2);
      sum3 = fma(vec4<f32>(quad3_0.w), b3, sum3);
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r++) {
    storeRow(matrix, row + r, column, sum0);
    sum0 = sum1;
    sum1 = sum2;
    sum2 = sum3;
  }
}
