// Gaussian elimination with partial pivoting: P A = L U for each matrix [n, n]. For each matrix, factors has n * n elements of L (below the
// diagonal, without its ones) and U, then the row of A that was moved to each row, then the sign of that permutation. A zero pivot is kept;
// with `perturb` it becomes 2^-24 of the largest element. NaN is chosen as the pivot, so that it propagates. On a GPU a workgroup computes
// each matrix, otherwise one invocation does.
struct Params {
  count: u32, // matrices
  n: u32,
  perturb: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrices: array<f32>;
@group(0) @binding(2) var<storage, read_write> factors: array<f32>;

// team
const lanes = 64u;
fn matrixOf(group: u32, local: u32) -> u32 { return group; }
fn laneOf(local: u32) -> u32 { return local; }
fn synchronize() {
  storageBarrier();
  workgroupBarrier();
}
// end team

fn isNaN(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let matrix = matrixOf(group.y * groups.x + group.x, local);
  let lane = laneOf(local);
  if (matrix >= params.count) {
    return;
  }
  let n = params.n;
  let origin = matrix * n * n;
  let to = matrix * (n * n + n + 1u);
  for (var i = lane; i < n * n; i += lanes) {
    factors[to + i] = matrices[origin + i];
  }
  for (var i = lane; i < n; i += lanes) {
    factors[to + n * n + i] = f32(i);
  }
  var least = 0.0;
  if (params.perturb == 1u) {
    for (var i = 0u; i < n * n; i++) {
      let size = abs(matrices[origin + i]);
      least = select(least, size, size > least);
    }
    least = select(least, 1.0, least == 0.0) * 5.9604645e-8;
  }
  var sign = 1.0;
  synchronize();
  for (var k = 0u; k < n; k++) {
    // Every lane finds the same pivot.
    var row = k;
    var pivot = factors[to + k * n + k];
    for (var i = k + 1u; i < n; i++) {
      let candidate = factors[to + i * n + k];
      if (!isNaN(pivot) & (isNaN(candidate) | (abs(candidate) > abs(pivot)))) {
        row = i;
        pivot = candidate;
      }
    }
    let isReplaced = (pivot == 0.0) & (params.perturb == 1u);
    pivot = select(pivot, least, isReplaced);
    synchronize();
    if (row != k) {
      sign = -sign;
      for (var j = lane; j < n; j += lanes) {
        let above = factors[to + k * n + j];
        factors[to + k * n + j] = factors[to + row * n + j];
        factors[to + row * n + j] = above;
      }
      if (lane == 0u) {
        let above = factors[to + n * n + k];
        factors[to + n * n + k] = factors[to + n * n + row];
        factors[to + n * n + row] = above;
      }
    }
    synchronize();
    if (isReplaced & (lane == 0u)) {
      factors[to + k * n + k] = pivot;
    }
    for (var i = k + 1u + lane; i < n; i += lanes) {
      let value = factors[to + i * n + k];
      factors[to + i * n + k] = select(value / pivot, 0.0, pivot == 0.0);
    }
    synchronize();
    for (var i = k + 1u; i < n; i++) {
      let factor = factors[to + i * n + k];
      for (var j = k + 1u + lane; j < n; j += lanes) {
        factors[to + i * n + j] = fma(-factor, factors[to + k * n + j], factors[to + i * n + j]);
      }
    }
    synchronize();
  }
  if (lane == 0u) {
    factors[to + n * n + n] = sign;
  }
}
