// Products of a step of a recurrence from the first step to the last: the kernels recurrence.wgsl and recurrenceTangent.wgsl share them. They
// read the state from `result`, and the kernels from `matrices` [kernels, units, gates * units].

// Sums over the units of the state at `before`, for the units from `first` on: by unit, then by gate.
fn productsAt(before: u32, row: u32, first: u32, weights: u32) -> mat4x4f {
  let units = params.units;
  var sums = mat4x4f();
  var at = weights;
  for (var k = 0u; k < units; k++) {
    var left = result[before + k];
    if (isScaled) {
      left *= scale[row * units + k];
    }
    for (var b = 0u; b < block; b++) {
      for (var g = 0u; g < gates; g++) {
        let n = b * gates + g;
        sums[n / 4u][n % 4u] = fma(left, matrices[at + g * units + min(first + b, units - 1u)], sums[n / 4u][n % 4u]);
      }
    }
    at += gates * units;
  }
  return sums;
}

// The gates of one unit.
fn gatesOf(sums: mat4x4f, b: u32) -> vec4f {
  var y = vec4f();
  for (var g = 0u; g < gates; g++) {
    let n = b * gates + g;
    y[g] = sums[n / 4u][n % 4u];
  }
  return y;
}
