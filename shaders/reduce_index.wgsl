// Arg-reduction, one invocation per output: the place of the best item, the first one among equals.
// The compiler replaces the marked blocks; as it stands this file finds the largest item of each row of a matrix.

struct Params {
  outputs: u32, // number of results
  length: u32, // number of items behind each result
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

// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<i32>;
fn store(index: u32, value: i32) { result[index] = value; }
// end epilogue

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let output = id.y * (groups.x * 64u) + id.x;
  if (output >= params.outputs) { return; }
  var best = element(output, 0u);
  var place = 0u;
  for (var item = 1u; item < params.length; item++) {
    let candidate = element(output, item);
    if (beats(best, candidate)) {
      best = candidate;
      place = item;
    }
  }
  store(output, i32(place));
}
