// matmul_direct: 8 x 4 sums per invocation; a by inner4, b by outer4
enable subgroups;
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

@compute @workgroup_size(4, 1)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tile = workgroup.y * params.gridWidth + workgroup.x;
  let columnTile = tile % params.columnTiles;
  let rowTile = tile / params.columnTiles % params.rowTiles;
  let matrix = tile / params.columnTiles / params.rowTiles;
  if (matrix >= params.matrices) { return; }
  let batch = matrix / params.splits;
  let first = matrix % params.splits * params.splitLength;
  let last = min(first + params.splitLength, params.splitEnd);
  let row = (rowTile * 1u + local.y) * 8u;
  let column = (columnTile * 4u + local.x) * 4u;
  let slot = lane % 4u;
  let aAt0 = aRow(batch, min(row + slot + 0u, params.rows - 1u));
  let aAt1 = aRow(batch, min(row + slot + 4u, params.rows - 1u));
  let bAt0 = bRow(batch, min(column + 0u, params.columns - 4u));
  var sum0 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum3 = vec4<f32>();
  var sum4 = vec4<f32>();
  var sum5 = vec4<f32>();
  var sum6 = vec4<f32>();
  var sum7 = vec4<f32>();
  let aRun0 = aRun(aAt0, 0u);
  let aRun1 = aRun(aAt1, 0u);
  let bRun0 = bRun(bAt0, 0u);
  for (var k = first; k < last; k += 4u) {
    let b0 = bLoad(bRun0, k);
    let b1 = bLoad(bRun0, k + 1u);
    let b2 = bLoad(bRun0, k + 2u);
    let b3 = bLoad(bRun0, k + 3u);
    let a0 = aLoad(aRun0, k);
    let a1 = aLoad(aRun1, k);
    let row0 = subgroupBroadcast(a0, 0u);
    let row1 = subgroupBroadcast(a0, 1u);
    let row2 = subgroupBroadcast(a0, 2u);
    let row3 = subgroupBroadcast(a0, 3u);
    let row4 = subgroupBroadcast(a1, 0u);
    let row5 = subgroupBroadcast(a1, 1u);
    let row6 = subgroupBroadcast(a1, 2u);
    let row7 = subgroupBroadcast(a1, 3u);
    sum0 = fma(vec4<f32>(row0.x), b0, sum0);
    sum1 = fma(vec4<f32>(row1.x), b0, sum1);
    sum2 = fma(vec4<f32>(row2.x), b0, sum2);
    sum3 = fma(vec4<f32>(row3.x), b0, sum3);
    sum4 = fma(vec4<f32>(row4.x), b0, sum4);
    sum5 = fma(vec4<f32>(row5.x), b0, sum5);
    sum6 = fma(vec4<f32>(row6.x), b0, sum6);
    sum7 = fma(vec4<f32>(row7.x), b0, sum7);
    sum0 = fma(vec4<f32>(row0.y), b1, sum0);
    sum1 = fma(vec4<f32>(row1.y), b1, sum1);
    sum2 = fma(vec4<f32>(row2.y), b1, sum2);
    sum3 = fma(vec4<f32>(row3.y), b1, sum3);
    sum4 = fma(vec4<f32>(row4.y), b1, sum4);
    sum5 = fma(vec4<f32>(row5.y), b1, sum5);
    sum6 = fma(vec4<f32>(row6.y), b1, sum6);
    sum7 = fma(vec4<f32>(row7.y), b1, sum7);
    sum0 = fma(vec4<f32>(row0.z), b2, sum0);
    sum1 = fma(vec4<f32>(row1.z), b2, sum1);
    sum2 = fma(vec4<f32>(row2.z), b2, sum2);
    sum3 = fma(vec4<f32>(row3.z), b2, sum3);
    sum4 = fma(vec4<f32>(row4.z), b2, sum4);
    sum5 = fma(vec4<f32>(row5.z), b2, sum5);
    sum6 = fma(vec4<f32>(row6.z), b2, sum6);
    sum7 = fma(vec4<f32>(row7.z), b2, sum7);
    sum0 = fma(vec4<f32>(row0.w), b3, sum0);
    sum1 = fma(vec4<f32>(row1.w), b3, sum1);
    sum2 = fma(vec4<f32>(row2.w), b3, sum2);
    sum3 = fma(vec4<f32>(row3.w), b3, sum3);
    sum4 = fma(vec4<f32>(row4.w), b3, sum4);
    sum5 = fma(vec4<f32>(row5.w), b3, sum5);
    sum6 = fma(vec4<f32>(row6.w), b3, sum6);
    sum7 = fma(vec4<f32>(row7.w), b3, sum7);
  }
  var sums = array<vec4<f32>, 8>(sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7);
  let origin = resultIndex(matrix, row, column);
  let height = select(0u, min(8u, params.rows - min(row, params.rows)), column < params.columns);
  for (var r = 0u; r < height; r++) {
    store4(origin + r * params.resultRow, sums[r]);
  }
}
