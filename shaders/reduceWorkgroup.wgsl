// Reduction, one workgroup per output and chunk. Each invocation takes every `lanes`th item, so neighbours read neighbours. A tree in
// workgroup memory merges their totals. For real GPUs; barriers are slow on CPU-implemented Vulkan. An invocation adds its items in runs of 256,
// like reduceSerial.wgsl. It loads four of them before it adds them, which hides the latency of memory.
// The compiler replaces the marked blocks; this file itself sums the rows of a matrix.

struct Params {
  outputs: u32, // number of results of one chunk
  length: u32, // number of items of each result
  chunk: u32, // items per workgroup
  chunks: u32,
}
@group(0) @binding(0) var<uniform> params: Params;

// merge
alias Accumulator = f32;
fn identity() -> Accumulator { return 0.0; }
fn merge(a: Accumulator, b: Accumulator) -> Accumulator { return a + b; }
fn join(a: Accumulator, b: Accumulator) -> Accumulator { return merge(a, b); } // the totals of two invocations
// end merge

// prologue
@group(0) @binding(1) var<storage, read> x: array<f32>;
fn element(output: u32, item: u32) -> Accumulator { return x[output * params.length + item]; }
// end prologue

// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
fn store(index: u32, value: Accumulator) { result[index] = value; }
// end epilogue

const lanes = 64u;
var<workgroup> totals: array<Accumulator, lanes>;

@compute @workgroup_size(lanes)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let place = group.y * groups.x + group.x;
  let isInside = place < params.outputs * params.chunks;
  let output = place % params.outputs;
  let first = (place / params.outputs) * params.chunk;
  let end = select(0u, min(first + params.chunk, params.length), isInside);
  var total = identity();
  for (var run = first; run < end; run += 256u * lanes) {
    let begin = run + lane;
    let count = (max(min(run + 256u * lanes, end), begin) - begin + lanes - 1u) / lanes;
    let fours = count / 4u;
    var runTotal = identity();
    for (var i = 0u; i < fours; i++) {
      let item = begin + i * (4u * lanes);
      let a = element(output, item);
      let b = element(output, item + lanes);
      let c = element(output, item + 2u * lanes);
      let d = element(output, item + 3u * lanes);
      runTotal = merge(merge(merge(merge(runTotal, a), b), c), d);
    }
    for (var i = 4u * fours; i < count; i++) { runTotal = merge(runTotal, element(output, begin + i * lanes)); }
    total = merge(total, runTotal);
  }
// finish
// end finish
  totals[lane] = total;
  for (var reach = lanes / 2u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if (lane < reach) { totals[lane] = join(totals[lane], totals[lane + reach]); }
  }
  if ((lane == 0u) & isInside) { store(place, totals[0]); }
}
