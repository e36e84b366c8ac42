// Reduction of rows, one invocation per output and chunk as in reduceSerial.wgsl, but it loads four neighbouring items at once. It is for
// CPU-implemented Vulkan: a load has the same cost for every width. Items are merged one by one in ascending order, in the runs
// of reduceSerial.wgsl, so the results are bit-identical. Lengths and chunks are multiples of 4.
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
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
fn element(output: u32, item: u32, xItem: f32) -> Accumulator { return xItem; }
fn quad(output: u32, item: u32) -> vec4<Accumulator> {
  let xQuad = x[(output * params.length + item) / 4u];
  return vec4<Accumulator>(
    element(output, item, xQuad.x),
    element(output, item + 1u, xQuad.y),
    element(output, item + 2u, xQuad.z),
    element(output, item + 3u, xQuad.w),
  );
}
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
      for (var item = run; item < runEnd; item += 4u) {
        let values = quad(output, item);
        runTotal = merge(merge(merge(merge(runTotal, values.x), values.y), values.z), values.w);
      }
      blockTotal = merge(blockTotal, runTotal);
    }
    total = merge(total, blockTotal);
  }
// finish
// end finish
  store(place, total);
}
