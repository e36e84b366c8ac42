// Row kernel, one workgroup per row, for real GPUs. Each invocation takes every `step`th item (neighbours read neighbours), and may hold its
// items in registers. A tree in workgroup memory merges the totals of a loop, and all invocations read the result there. The compiler replaces
// the marked blocks; this file itself divides the rows of a matrix by their sums.

// bindings
struct Params { rows: u32, length: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> in0: array<f32>;
@group(0) @binding(2) var<storage, read_write> out0: array<f32>;
var<workgroup> totals0: array<f32, 64>;
// end bindings

const step = 64u;

@compute @workgroup_size(step)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) first: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
// loops
  let rounds = (params.length + step - 1u - first) / step;
  var r0 = 0.0;
  for (var round = 0u; round < rounds; round++) { r0 = r0 + in0[row * params.length + first + round * step]; }
  totals0[first] = r0;
  for (var reach = step / 2u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if ((first < reach) & (first + reach < params.length)) { totals0[first] = totals0[first] + totals0[first + reach]; }
  }
  workgroupBarrier();
  r0 = totals0[0];
  for (var round = 0u; round < rounds; round++) {
    let item = first + round * step;
    out0[row * params.length + item] = in0[row * params.length + item] / r0;
  }
// end loops
}
