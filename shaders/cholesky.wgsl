// The lower triangular L with L L^T = A for each symmetric matrix [n, n]. Only the lower triangle of A is read; NaN if A is not positive
// definite. On a GPU a workgroup computes each matrix, otherwise one invocation does.
struct Params {
  count: u32, // matrices
  n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrices: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

// team
const lanes = 64u;
fn matrixOf(group: u32, local: u32) -> u32 { return group; }
fn laneOf(local: u32) -> u32 { return local; }
fn synchronize() {
  storageBarrier();
  workgroupBarrier();
}
// end team

fn isPositive(value: f32) -> bool {
  let isNumber = (bitcast<u32>(value) & 0x7fffffffu) <= 0x7f800000u;
  return isNumber & (value > 0.0);
}

fn notANumber() -> f32 {
  var bits = 0x7fc00000u;
  return bitcast<f32>(bits);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let matrix = matrixOf(group.y * groups.x + group.x, local);
  let lane = laneOf(local);
  if (matrix >= params.count) {
    return;
  }
  let n = params.n;
  let at = matrix * n * n;
  var isDefinite = true;
  for (var k = 0u; k < n; k++) {
    // Every lane computes the same diagonal element.
    var diagonal = matrices[at + k * n + k];
    for (var j = 0u; j < k; j++) {
      let left = result[at + k * n + j];
      diagonal = fma(-left, left, diagonal);
    }
    isDefinite = isDefinite & isPositive(diagonal);
    let pivot = sqrt(select(1.0, diagonal, isDefinite));
    for (var i = lane; i < n; i += lanes) {
      var value = 0.0;
      if (i == k) {
        value = pivot;
      } else if (i > k) {
        value = matrices[at + i * n + k];
        for (var j = 0u; j < k; j++) {
          value = fma(-result[at + i * n + j], result[at + k * n + j], value);
        }
        value /= pivot;
      }
      result[at + i * n + k] = value;
    }
    synchronize();
  }
  if (!isDefinite) {
    for (var i = lane; i < n * n; i += lanes) {
      result[at + i] = notANumber();
    }
  }
}
