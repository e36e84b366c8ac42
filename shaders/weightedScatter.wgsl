// The transpose of weightedGather.wgsl: row r of result [batch, rows, channels] is the sum of weights[b, n, t] * dy[b, n, c] over the pairs
// (n, t) with index r, in their order. For each image, links has the starts of the pairs of each row and then the pairs (see
// scatterRanks.wgsl). It has one row more than the result, for ignored pairs. If channels are a multiple of four, an element is a vec4 of
// them.
alias Element = f32; // f32 or f16, or a vec4 of them
alias Value = f32; // f32 or vec4<f32>

struct Params {
  size: u32, // elements written
  gridWidth: u32,
  rows: u32,
  count: u32,
  taps: u32,
  channels: u32,
  lineStride: u32,
  run: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Element>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> links: array<u32>;
// epilogue
@group(0) @binding(4) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: f32) { result[index] = Element(value); }
// end epilogue

// put
fn put(index: u32, value: f32) { store(index, value); }
// end put

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let first = ((workgroup.y * params.gridWidth + workgroup.x) * 64u + local) * params.run;
  let end = min(first + params.run, params.size);
  for (var index = first; index < end; index++) {
    let line = index / params.channels;
    let channel = index - line * params.channels;
    let image = line / params.rows;
    let row = line - image * params.rows;
    let starts = image * params.lineStride;
    // The buffer has the starts of rows + 1 rows first, then the pairs.
    let pairs = starts + params.rows + 2u;
    let endPair = links[starts + row + 1u];
    var sum = Value(0.0);
    for (var p = links[starts + row]; p < endPair; p++) {
      let pair = links[pairs + p];
      let out = image * params.count + pair / params.taps;
      sum += weights[image * params.count * params.taps + pair] * Value(dy[out * params.channels + channel]);
    }
    put(index, sum);
  }
}
