// conv2d_direct: 8 x 4 sums per invocation; a by scalar, b by outer4
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
  inHeight: u32,
  inWidth: u32,
  channels: u32,
  outHeight: u32,
  outWidth: u32,
  strideY: u32,
  strideX: u32,
  dilationY: u32,
  dilationX: u32,
  padTop: u32,
  padLeft: u32,
  tapsX: u32,
  runWidth: u32,
  groupChannels: u32,
  bOffset: u32,
  bOuter: u32,
  bInner: u32,
  bSegment: u32,
  bBatchOuter: u32,
  bBatchInner: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Element>;
@group(0) @binding(2) var<storage, read> b: array<vec4<Element>>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<vec4<Result>>;
fn store4(index: u32, value: vec4<f32>) { result[index / 4u] = vec4<Result>(value); }
// end epilogue

struct ARow { image: i32, y: i32, x: i32, channel: i32 }
struct ARun { base: i32, begin: i32, end: i32 }
fn aRow(group: u32, row: u32) -> ARow {
  let line = row / params.outWidth;
  let y = i32(line % params.outHeight * params.strideY) - i32(params.padTop);
  let x = i32(row % params.outWidth * params.strideX) - i32(params.padLeft);
  return ARow(i32(line / params.outHeight * params.inHeight), y, x, i32(group * params.groupChannels));
}
fn aRun(at: ARow, segment: u32) -> ARun {
  let y = at.y + i32(segment / params.tapsX * params.dilationY);
  let x = at.x + i32(segment % params.tapsX * params.dilationX);
  let taps = select(0, min(i32(params.runWidth), i32(params.inWidth) - x), (y >= 0) & (y < i32(params.inHeight)));
  let base = ((at.image + y) * i32(params.inWidth) + x) * i32(params.channels) + at.channel;
  return ARun(base, max(0, -x) * i32(params.groupChannels), taps * i32(params.groupChannels));
}
fn aLoad(run: ARun, k: u32) -> vec4<f32> {
  return vec4<f32>(aOne(run, k), aOne(run, k + 1u), aOne(run, k + 2u), aOne(run, k + 3u));
}
fn aOne(run: ARun, k: u32) -> f32 {
  return select(0.0, f32(a[u32(run.base + i32(k))]), (i32(k) >= run.begin) & (i32(k) < run.end));
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
  let aAt0 = aRow(batch, min(row + 0u, params.rows - 1u));
  let aAt1 = aRow(batch, min(row + 1u, params.rows - 1u));
  let aAt2 = aRow(batch, min(row + 2u, params.rows - 1u));
  let aAt3 = aRow(batch, min(row + 3u, params.rows - 1u));
  let aAt4 = aRow(batch, min(row + 4u, params.rows - 1u));
  let aAt5 = aRow(batch, min(row + 5u, params.rows - 1u));
  let aAt6 = aRow(batch, min(row + 6u, params.rows - 1u));
  let aAt7 = aRow(batch, min(row + 7u, params.rows - 1u));
  let bAt0 = bRow(batch, min(column + 0u, params.columns - 4u));
  var sum0 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum3 = vec4<f32>();
  var sum4 = vec4<f32>();
  var sum5 = vec4<f32>();
  var sum6 = vec4<f32>();
  var sum7 = vec4<f32>();
  for (var segment = first; segment < last; segment++) {
    let aRun0 = aRun(aAt0, segment);
    let aRun1 = aRun(aAt1, segment);
    let aRun2 = aRun(aAt2, segment);
    let aRun3 = aRun(aAt3, segment);
    let aRun4 = aRun(aAt4, segment);
    let aRun5 = aRun(aAt5, segment);
    let aRun6 = aRun(aAt6, segment);
    let aRun7 = aRun(aAt7, segment);
    let bRun0 = bRun(bAt0, segment);
    for (var k = 0u; k < params.inner; k += 4u) {
      let inside = vec4<u32>(k, k + 1u, k + 2u, k + 3u) < vec4<u32>(params.inner);
      let b0 = bLoad(bRun0, k);
      let b1 = select(vec4<f32>(), bLoad(bRun0, k + 1u), k + 1u < params.inner);
      let b2 = select(vec4<f32>(), bLoad(bRun0, k + 2u), k + 2u < params.inner);
      let b3 = select(vec4<f32>(), bLoad(bRun0, k + 3u), k + 3u < params.inner);
      let a0 = select(vec4<f32>(-0.0), aLoad(aRun0, k), inside);
      let a1 = select(vec4<f32>(-0.0), aLoad(aRun1, k), inside);
      let a2 = select(vec4<f32>(-0.0), aLoad(aRun2, k), inside);
      let a3 = select(vec4<f32>(-0.0), aLoad(aRun3, k), inside);
      let a4 = select(vec4<f32>(-0.0), aLoad(aRun4, k), inside);
      let a5 = select(vec4<f32>(-0.0), aLoad(aRun5, k), inside);
      let a6 = select(vec4<f32>(-0.0), aLoad(aRun6, k), inside);
      let a7 = select(vec4<f32>(-0.0), aLoad(aRun7, k), inside);
      let row0 = a0;
      let row1 = a1;
      let row2 = a2;
      let row3 = a3;
      let row4 = a4;
      let row5 = a5;
      let row6 = a6;
      let row7 = a7;
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
  }
  var sums = array<vec4<f32>, 8>(sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7);
  let origin = resultIndex(matrix, row, column);
  let height = select(0u, min(8u, params.rows - min(row, params.rows)), column < params.columns);
  for (var r = 0u; r < height; r++) {
    store4(origin + r * params.resultRow, sums[r]);
  }
}
