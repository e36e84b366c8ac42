// Copies one input of concat into its window of the output. The input is `count / size` blocks of `size` elements; in the output a block
// starts every `stride` elements, the first one at `start`.
alias Element = f32;

struct Params {
  count: u32,
  size: u32,
  stride: u32,
  start: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * 64u) + id.x;
  if (i >= params.count) {
    return;
  }
  let block = i / params.size;
  y[block * params.stride + params.start + (i - block * params.size)] = x[i];
}
