// Writes updates [outer, count, inner] to the rows of result [outer, rows, inner] at indices [outer, count, inner]. No row of a line occurs
// twice, so there are no sums and the order does not matter. Phase 0 fills the result with zeros, phase 1 writes. Each invocation writes a
// run of neighbouring elements.
alias Element = f32;
alias Index = i32;

struct Params {
  size: u32,
  run: u32,
  rows: u32,
  count: u32,
  inner: u32,
  phase: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> updates: array<Element>;
@group(0) @binding(2) var<storage, read> indices: array<Index>;
@group(0) @binding(3) var<storage, read_write> result: array<Element>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = (id.y * (groups.x * 64u) + id.x) * params.run;
  let end = min(first + params.run, params.size);
  for (var index = first; index < end; index++) {
    if (params.phase == 0u) {
      result[index] = Element(0);
    } else {
      let outer = index / params.inner / params.count;
      let row = u32(clamp(indices[index], Index(0), Index(params.rows - 1u)));
      result[(outer * params.rows + row) * params.inner + index % params.inner] = updates[index];
    }
  }
}
