// Arg-reduction, one invocation per output and chunk: the position of the best item of [c * chunk, (c + 1) * chunk), the first of equal
// items.
// A second pass over the chunks reads only their best items. The compiler replaces the marked blocks; this file itself finds the largest
// item of each row of a matrix.

struct Params {
  outputs: u32, // number of results of one chunk
  length: u32, // number of candidates of each result
  chunk: u32, // candidates per invocation
  chunks: u32,
}
@group(0) @binding(0) var<uniform> params: Params;

// merge
alias Accumulator = f32;
fn beats(a: Accumulator, b: Accumulator) -> bool { return b > a; } // candidate b against the best so far
// end merge

// prologue
@group(0) @binding(1) var<storage, read> x: array<f32>;
fn element(output: u32, item: u32) -> Accumulator { return x[output * params.length + item]; }
// end prologue

// candidates
fn candidate(output: u32, number: u32) -> u32 { return number; } // the item of the candidate
// end candidates

// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<i32>;
fn store(index: u32, value: i32) { result[index] = value; }
// end epilogue

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let place = id.y * (groups.x * 64u) + id.x;
  if (place >= params.outputs * params.chunks) { return; }
  let output = place % params.outputs;
  let first = (place / params.outputs) * params.chunk;
  let end = min(first + params.chunk, params.length);
  var winner = candidate(output, first);
  var best = element(output, winner);
  for (var number = first + 1u; number < end; number++) {
    let item = candidate(output, number);
    let value = element(output, item);
    if (beats(best, value)) {
      best = value;
      winner = item;
    }
  }
  store(place, i32(winner));
}
