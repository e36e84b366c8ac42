// Arg-reduction, one workgroup per output and chunk: each invocation takes every 64th candidate, then a tree in workgroup memory merges
// them; the first of equal items is kept. For real GPUs; otherwise like reduceIndex.wgsl, with the same blocks.

struct Params {
  outputs: u32, // number of results of one chunk
  length: u32, // number of candidates of each result
  chunk: u32, // candidates per workgroup
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

var<workgroup> bests: array<Accumulator, 64>;
var<workgroup> winners: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let place = group.y * groups.x + group.x;
  let isInside = place < params.outputs * params.chunks;
  let output = place % params.outputs;
  let first = (place / params.outputs) * params.chunk;
  let end = select(0u, min(first + params.chunk, params.length), isInside);
  if (first + lane < end) {
    var winner = candidate(output, first + lane);
    var best = element(output, winner);
    for (var number = first + lane + 64u; number < end; number += 64u) {
      let item = candidate(output, number);
      let value = element(output, item);
      if (beats(best, value)) {
        best = value;
        winner = item;
      }
    }
    bests[lane] = best;
    winners[lane] = winner;
  }
  for (var reach = 32u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if ((lane < reach) & (first + lane + reach < end)) {
      let other = bests[lane + reach];
      // Invocations take items in turn, so the other candidate may be an earlier item.
      let isEarlier = (winners[lane + reach] < winners[lane]) & !beats(other, bests[lane]);
      if (beats(bests[lane], other) | isEarlier) {
        bests[lane] = other;
        winners[lane] = winners[lane + reach];
      }
    }
  }
  if ((lane == 0u) & isInside) { store(place, i32(winners[0])); }
}
