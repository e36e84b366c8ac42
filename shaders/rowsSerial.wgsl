// Row kernel, one invocation per row: for CPU-implemented Vulkan, for columns, and for rows of a few items. Each loop reads the row once;
// later loops can use the totals of earlier ones. The compiler replaces the marked blocks; this file itself computes the softmax of the
// rows of a matrix.

// bindings
struct Params { rows: u32, length: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> in0: array<f32>;
@group(0) @binding(2) var<storage, read_write> out0: array<f32>;
// end bindings

const first = 0u;
const step = 1u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * (groups.x * 64u) + id.x;
  if (row >= params.rows) { return; }
// loops
  var r0 = -3.4e38;
  for (var item = first; item < params.length; item += step) { r0 = max(r0, in0[row * params.length + item]); }
  var r1 = 0.0;
  for (var item = first; item < params.length; item += step) { r1 = r1 + exp(in0[row * params.length + item] - r0); }
  for (var item = first; item < params.length; item += step) {
    out0[row * params.length + item] = exp(in0[row * params.length + item] - r0) / r1;
  }
// end loops
}
