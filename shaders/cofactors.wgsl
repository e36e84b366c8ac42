// The matrix of cofactors: the determinant times the transposed inverse. Each invocation computes one element.
struct Params {
  size: u32, // elements of all matrices
  n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inverses: array<f32>;
@group(0) @binding(2) var<storage, read> determinants: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * 64u) + id.x;
  if (index >= params.size) {
    return;
  }
  let n = params.n;
  let matrix = index / (n * n);
  let row = index / n % n;
  let column = index % n;
  result[index] = determinants[matrix] * inverses[matrix * n * n + column * n + row];
}
