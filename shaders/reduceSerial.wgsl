// Reduction, one invocation per output and chunk: for long rows with many outputs, for columns, and (with chunks, in two passes) for few
// outputs. Chunk c of output o sums items [c * chunk, (c + 1) * chunk) in ascending order, so the result does not depend on timing.
// Items are added in runs of 256, and their totals again in runs of 256. One total of 10^7 items would have a rounding error of a
// thousandth.
// The compiler replaces the marked blocks; this file itself sums the rows of a matrix.

struct Params {
  outputs: u32, // number of results of one chunk
  length: u32, // number of items of each result
  chunk: u32, // items per invocation
  chunks: u32,
}
@group(0) @binding(0) var<uniform> params: Params;

// merge
alias Accumulator = f32;
fn identity() -> Accumulator { return 0.0; }
fn merge(a: Accumulator, b: Accumulator) -> Accumulator { return a + b; }
// end merge

// prologue
@group(0) @binding(1) var<storage, read> x: array<f32>;
fn element(output: u32, item: u32) -> Accumulator { return x[output * params.length + item]; }
// end prologue

// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
fn store(index: u32, value: Accumulator) { result[index] = value; }
// end epilogue

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let place = id.y * (groups.x * 64u) + id.x;
  if (place >= params.outputs * params.chunks) { return; }
  let output = place % params.outputs;
  let first = (place / params.outputs) * params.chunk;
  let end = min(first + params.chunk, params.length);
  var total = identity();
  for (var block = first; block < end; block += 65536u) {
    let blockEnd = min(block + 65536u, end);
    var blockTotal = identity();
    for (var run = block; run < blockEnd; run += 256u) {
      let runEnd = min(run + 256u, blockEnd);
      var runTotal = identity();
// items
      for (var item = run; item < runEnd; item++) { runTotal = merge(runTotal, element(output, item)); }
// end items
      blockTotal = merge(blockTotal, runTotal);
    }
    total = merge(total, blockTotal);
  }
// finish
// end finish
  store(place, total);
}
