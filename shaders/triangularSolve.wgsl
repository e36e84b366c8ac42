// X with T X = B for triangular matrices T [n, n], with a stride of `stride` words, and B [n, m]. Each invocation computes one column.
// `transposed` solves T^T X = B; `unit` treats the diagonal as ones; `permuted` reads the rows of B in the order that lu.wgsl stored after
// T; `identity` solves for the identity, and B is not read. A zero on the diagonal makes every element NaN.
struct Params {
  size: u32, // columns of all matrices
  n: u32,
  m: u32,
  stride: u32,
  lower: u32,
  transposed: u32,
  unit: u32,
  permuted: u32,
  identity: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> triangles: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;

fn notANumber() -> f32 {
  var bits = 0x7fc00000u;
  return bitcast<f32>(bits);
}

// Row of a step: from the first to the last, or backwards.
fn rowOf(step: u32, isForward: bool) -> u32 {
  return select(params.n - 1u - step, step, isForward);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * 64u) + id.x;
  if (index >= params.size) {
    return;
  }
  let n = params.n;
  let m = params.m;
  let column = index % m;
  let triangle = index / m * params.stride;
  let first = index / m * n * m + column;
  let isForward = (params.lower == 1u) != (params.transposed == 1u);
  let rowStep = select(n, 1u, params.transposed == 1u);
  let columnStep = select(1u, n, params.transposed == 1u);
  let start = select(n - 1u, 0u, isForward);
  // Backwards by adding the two's complement.
  let factorStep = select(0u - columnStep, columnStep, isForward);
  let knownStep = select(0u - m, m, isForward);
  var isRegular = true;
  // Four rows at a time, so that each known element is read once for four rows.
  for (var block = 0u; block < n; block += 4u) {
    var values = vec4f();
    var factors = vec4u();
    for (var c = 0u; c < 4u; c++) {
      let i = rowOf(min(block + c, n - 1u), isForward);
      var source = i;
      if (params.permuted == 1u) {
        source = u32(triangles[triangle + n * n + i]);
      }
      values[c] = select(0.0, 1.0, source == column);
      if (params.identity == 0u) {
        values[c] = b[first + source * m];
      }
      factors[c] = triangle + i * rowStep + start * columnStep;
    }
    var known = first + start * m;
    for (var t = 0u; t < block; t++) {
      let row = vec4f(triangles[factors.x], triangles[factors.y], triangles[factors.z], triangles[factors.w]);
      values = fma(-row, vec4f(x[known]), values);
      factors += vec4u(factorStep);
      known += knownStep;
    }
    let rows = min(4u, n - block);
    for (var c = 0u; c < rows; c++) {
      let i = rowOf(block + c, isForward);
      var value = values[c];
      for (var t = 0u; t < c; t++) {
        let j = rowOf(block + t, isForward);
        value = fma(-triangles[triangle + i * rowStep + j * columnStep], x[first + j * m], value);
      }
      if (params.unit == 0u) {
        let diagonal = triangles[triangle + i * n + i];
        isRegular = isRegular & !(diagonal == 0.0);
        value /= select(diagonal, 1.0, diagonal == 0.0);
      }
      x[first + i * m] = value;
    }
  }
  if (!isRegular) {
    for (var i = 0u; i < n; i++) {
      x[first + i * m] = notANumber();
    }
  }
}
