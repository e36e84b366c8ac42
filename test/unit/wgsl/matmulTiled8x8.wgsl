// matmul_tiled_64x64x16_8x8: 8 x 8 sums per invocation from tiles in workgroup memory; a by inner4, b by outer4
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
  return first + row * params.aOuter;
}
fn aRun(at: ARow, segment: u32) -> ARun {
  return at + segment * params.aSegment;
}
fn aLoad(run: ARun, k: u32) -> vec4<f32> {
  return vec4<f32>(a[(run + k) / 4u]);
}

alias BRow = u32;
alias BRun = u32;
fn bRow(batch: u32, column: u32) -> BRow {
  let first = params.bOffset + batch / params.batchInner * params.bBatchOuter + batch % params.batchInner * params.bBatchInner;
  return first + column;
}
fn bRun(at: BRow, segment: u32) -> BRun {
  return at + segment * params.bSegment;
}
fn bLoad(run: BRun, k: u32) -> vec4<f32> {
  return vec4<f32>(b[(run + k * params.bInner) / 4u]);
}

fn resultIndex(matrix: u32, row: u32, column: u32) -> u32 {
  let first = matrix / params.splits * params.resultBatch + matrix % params.splits * params.resultSplit;
  return first + row * params.resultRow + column * params.resultColumn;
}

var<workgroup> tileA: array<vec4<f32>, 256>;
var<workgroup> tileB: array<vec4<f32>, 256>;

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
  let row = rowTile * 64u + local.y * 8u;
  let column = columnTile * 64u + local.x * 4u;
  let aRow0 = rowTile * 64u + index / 4u;
  let aK0 = index % 4u * 4u;
  let aAt0 = aRow(batch, min(aRow0, params.rows - 1u));
  let aRow1 = rowTile * 64u + (index + 64u) / 4u;
  let aK1 = (index + 64u) % 4u * 4u;
  let aAt1 = aRow(batch, min(aRow1, params.rows - 1u));
  let aRow2 = rowTile * 64u + (index + 128u) / 4u;
  let aK2 = (index + 128u) % 4u * 4u;
  let aAt2 = aRow(batch, min(aRow2, params.rows - 1u));
  let aRow3 = rowTile * 64u + (index + 192u) / 4u;
  let aK3 = (index + 192u) % 4u * 4u;
  let aAt3 = aRow(batch, min(aRow3, params.rows - 1u));
  let bColumn0 = columnTile * 64u + index % 16u * 4u;
  let bK0 = index / 16u;
  let bAt0 = bRow(batch, min(bColumn0, params.columns - 1u));
  let bColumn1 = columnTile * 64u + (index + 64u) % 16u * 4u;
  let bK1 = (index + 64u) / 16u;
  let bAt1 = bRow(batch, min(bColumn1, params.columns - 1u));
  let bColumn2 = columnTile * 64u + (index + 128u) % 16u * 4u;
  let bK2 = (index + 128u) / 16u;
  let bAt2 = bRow(batch, min(bColumn2, params.columns - 1u));
  let bColumn3 = columnTile * 64u + (index + 192u) % 16u * 4u;
  let bK3 = (index + 192u) / 16u;
  let bAt3 = bRow(batch, min(bColumn3, params.columns - 1u));
  var sum0 = vec4<f32>();
  var sum0_1 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum1_1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum2_1 = vec4<f32>();
  var sum3 = vec4<f32>();
  var sum3_1 = vec4<f32>();
  var sum4 = vec4<f32>();
  var sum4_1 = vec4<f32>();
  var sum5 = vec4<f32>();
  var sum5_1 = vec4<f32>();
  var sum6 = vec4<f32>();
  var sum6_1 = vec4<f32>();
  var sum7 = vec4<f32>();
  var sum7_1 = vec4<f32>();
  for (var start = first; start < last; start += 16u) {
    var nextA0 = vec4<f32>(-0.0);
    if (start + aK0 < last) { nextA0 = aLoad(aRun(aAt0, 0u), start + aK0); }
    var nextA1 = vec4<f32>(-0.0);
    if (start + aK1 < last) { nextA1 = aLoad(aRun(aAt1, 0u), start + aK1); }
    var nextA2 = vec4<f32>(-0.0);
    if (start + aK2 < last) { nextA2 = aLoad(aRun(aAt2, 0u), start + aK2); }
    var nextA3 = vec4<f32>(-0.0);
    if (start + aK3 < last) { nextA3 = aLoad(aRun(aAt3, 0u), start + aK3); }
    var nextB0 = vec4<f32>();
    if (start + bK0 < last) { nextB0 = bLoad(bRun(bAt0, 0u), start + bK0); }
    var nextB1 = vec4<f32>();
    if (start + bK1 < last) { nextB1 = bLoad(bRun(bAt1, 0u), start + bK1); }
    var nextB2 = vec4<f32>();
    if (start + bK2 < last) { nextB2 = bLoad(bRun(bAt2, 0u), start + bK2); }
    var nextB3 = vec4<f32>();
    if (start + bK3 < last) { nextB3 = bLoad(bRun(bAt3, 0u), start + bK3); }
    tileA[index] = nextA0;
    tileA[(index + 64u)] = nextA1;
    tileA[(index + 128u)] = nextA2;
    tileA[(index + 192u)] = nextA3;
    tileB[index] = nextB0;
    tileB[(index + 64u)] = nextB1;
    tileB[(index + 128u)] = nextB2;
    tileB[(index + 192u)] = nextB3;
    workgroupBarrier();
    for (var k = 0u; k < 4u; k++) {
      let b0 = tileB[(k * 4u + 0u) * 16u + local.x];
      let b1 = tileB[(k * 4u + 1u) * 16u + local.x];
      let b2 = tileB[(k * 4u + 2u) * 16u + local.x];
      let b3 = tileB[(k * 4u + 3u) * 16u + local.x];
      let b0_1 = tileB[(k * 4u + 0u) * 16u + local.x + 8u];
      let b1_1 = tileB[(k * 4u + 1u) * 16u + local.x + 8u];
      let b2_1 = tileB[(k * 4u + 2u) * 16u + local.x + 8u];
      let b3_1 = tileB[(k * 4u + 3u) * 16u + local.x + 8u];
      let row0 = tileA[(local.y * 8u + 0u) * 4u + k];
      let row1 = tileA[(local.y * 8u + 1u) * 4u + k];
      let row2 = tileA[(local.y * 8u + 2u) * 4u + k];
      let row3 = tileA[(local.y * 8u + 3u) * 4u + k];
      let row4 = tileA[(local.y * 8u + 4u) * 4u + k];
      let row5 = tileA[(local.y * 8u + 5u) * 4u + k];
      let row6 = tileA[(local.y * 8u + 6u) * 4u + k];
      let row7 = tileA[(local.y * 8u + 7u) * 4u + k];
      sum0 = fma(vec4<f32>(row0.x), b0, sum0);
      sum0_1 = fma(vec4<f32>(row0.x), b0_1, sum0_1);
      sum1 = fma(vec4<f32>(row1.x), b0, sum1);
      sum1_1 = fma(vec4<f32>(row1.x), b0_1, sum1_1);
      sum2 = fma(vec4<f32>(row2.x), b0, sum2);
      sum2_1 = fma(vec4<f32>(row2.x), b0_1, sum2_1);
      sum3 = fma(vec4<f32>(row3.x), b0, sum3);
      sum3_1 = fma(vec4<f32>(row3.x), b0_1, sum3_1);
      sum4 = fma(vec4<f32>(row4.x), b0, sum4);
      sum4_1 = fma(vec4<f32>(row4.x), b0_1, sum4_1);
      sum5 = fma(vec4<f32>(row5.x), b0, sum5);
      sum5_1 = fma(vec4<f32>(row5.x), b0_1, sum5_1);
      sum6 = fma(vec4<f32>(row6.x), b0, sum6);
      sum6_1 = fma(vec4<f32>(row6.x), b0_1, sum6_1);
      sum7 = fma(vec4<f32>(row7.x), b0, sum7);
      sum7_1 = fma(vec4<f32>(row7.x), b0_1, sum7_1);
      sum0 = fma(vec4<f32>(row0.y), b1, sum0);
      sum0_1 = fma(vec4<f32>(row0.y), b1_1, sum0_1);
      sum1 = fma(vec4<f32>(row1.y), b1, sum1);
      sum1_1 = fma(vec4<f32>(row1.y), b1_1, sum1_1);
      sum2 = fma(vec4<f32>(row2.y), b1, sum2);
      sum2_1 = fma(vec4<f32>(row2.y), b1_1, sum2_1);
      sum3 = fma(vec4<f32>(row3.y), b1, sum3);
      sum3_1 = fma(vec4<f32>(row3.y), b1_1, sum3_1);
      sum4 = fma(vec4<f32>(row4.y), b1, sum4);
      sum4_1 = fma(vec4<f32>(row4.y), b1_1, sum4_1);
      sum5 = fma(vec4<f32>(row5.y), b1, sum5);
      sum5_1 = fma(vec4<f32>(row5.y), b1_1, sum5_1);
      sum6 = fma(vec4<f32>(row6.y), b1, sum6);
      sum6_1 = fma(vec4<f32>(row6.y), b1_1, sum6_1);
      sum7 = fma(vec4<f32>(row7.y), b1, sum7);
      sum7_1 = fma(vec4<f32>(row7.y), b1_1, sum7_1);
      sum0 = fma(vec4<f32>(row0.z), b2, sum0);
      sum0_1 = fma(vec4<f32>(row0.z), b2_1, sum0_1);
      sum1 = fma(vec4<f32>(row1.z), b2, sum1);
      sum1_1 = fma(vec4<f32>(row1.z), b2_1, sum1_1);
      sum2 = fma(vec4<f32>(row2.z), b2, sum2);
      sum2_1 = fma(vec4<f32>(row2.z), b2_1, sum2_1);
      sum3 = fma(vec4<f32>(row3.z), b2, sum3);
      sum3_1 = fma(vec4<f32>(row3.z), b2_1, sum3_1);
      sum4 = fma(vec4<f32>(row4.z), b2, sum4);
      sum4_1 = fma(vec4<f32>(row4.z), b2_1, sum4_1);
      sum5 = fma(vec4<f32>(row5.z), b2, sum5);
      sum5_1 = fma(vec4<f32>(row5.z), b2_1, sum5_1);
      sum6 = fma(vec4<f32>(row6.z), b2, sum6);
      sum6_1 = fma(vec4<f32>(row6.z), b2_1, sum6_1);
      sum7 = fma(vec4<f32>(row7.z), b2, sum7);
      sum7_1 = fma(vec4<f32>(row7.z), b2_1, sum7_1);
      sum0 = fma(vec4<f32>(row0.w), b3, sum0);
      sum0_1 = fma(vec4<f32>(row0.w), b3_1, sum0_1);
      sum1 = fma(vec4<f32>(row1.w), b3, sum1);
      sum1_1 = fma(vec4<f32>(row1.w), b3_1, sum1_1);
      sum2 = fma(vec4<f32>(row2.w), b3, sum2);
      sum2_1 = fma(vec4<f32>(row2.w), b3_1, sum2_1);
      sum3 = fma(vec4<f32>(row3.w), b3, sum3);
      sum3_1 = fma(vec4<f32>(row3.w), b3_1, sum3_1);
      sum4 = fma(vec4<f32>(row4.w), b3, sum4);
      sum4_1 = fma(vec4<f32>(row4.w), b3_1, sum4_1);
      sum5 = fma(vec4<f32>(row5.w), b3, sum5);
      sum5_1 = fma(vec4<f32>(row5.w), b3_1, sum5_1);
      sum6 = fma(vec4<f32>(row6.w), b3, sum6);
      sum6_1 = fma(vec4<f32>(row6.w), b3_1, sum6_1);
      sum7 = fma(vec4<f32>(row7.w), b3, sum7);
      sum7_1 = fma(vec4<f32>(row7.w), b3_1, sum7_1);
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 8u; r++) {
    storeRow(matrix, row + r, column, sum0);
    storeRow(matrix, row + r, column + 32u, sum0_1);
    sum0 = sum1;
    sum0_1 = sum1_1;
    sum1 = sum2;
    sum1_1 = sum2_1;
    sum2 = sum3;
    sum2_1 = sum3_1;
    sum3 = sum4;
    sum3_1 = sum4_1;
    sum4 = sum5;
    sum4_1 = sum5_1;
    sum5 = sum6;
    sum5_1 = sum6_1;
    sum6 = sum7;
    sum6_1 = sum7_1;
  }
}
