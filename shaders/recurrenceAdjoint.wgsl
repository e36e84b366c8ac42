// Gradients of a recurrence, from the last step to the first. drive [rows, steps + 1, states, units], gateFactors [rows, steps, gates,
// units], stateFactors [rows, steps, n, units]: K, or K, D and F; matrices [kernels, gates * units, units], scale [rows, units] -> result
// like drive. Products of a step are stored in scratch [rows, 2, gates, units], in turns.
@group(0) @binding(1) var<storage, read> drive: array<f32>;
@group(0) @binding(2) var<storage, read> gateFactors: array<f32>;
@group(0) @binding(3) var<storage, read> stateFactors: array<f32>;
@group(0) @binding(4) var<storage, read> matrices: array<f32>;
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read_write> scratch: array<f32>;
@group(0) @binding(7) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(width)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = rowOf(group.y * groups.x + group.x, local);
  let lane = laneOf(local);
  if (row >= params.rows) {
    return;
  }
  let units = params.units;
  let stride = states * units;
  let weights = kernelOf(row) * gates * units * units;
  let last = (row * (params.steps + 1u) + params.steps) * stride;
  if (params.first == 0u) {
    for (var j = lane; j < units; j += lanes) {
      for (var s = 0u; s < states; s++) {
        result[last + s * units + j] = drive[last + s * units + j];
      }
    }
  }
  for (var n = params.first; n < params.last; n++) {
    let after = last - n * stride;
    let to = after - stride;
    let step = row * params.steps + params.steps - 1u - n;
    let factors = step * gates * units;
    let own = step * (2u * states - 1u) * units;
    let products = (row * 2u + (n & 1u)) * gates * units;
    for (var j = lane; j < units; j += lanes) {
      let h = result[after + j];
      var memory = h;
      if (states == 2u) {
        memory = fma(stateFactors[own + units + j], h, result[after + units + j]);
        result[to + units + j] = fma(stateFactors[own + 2u * units + j], memory, drive[to + units + j]);
      }
      for (var g = 0u; g < gates; g++) {
        scratch[products + g * units + j] = gateFactors[factors + g * units + j] * select(memory, h, g == gates - 1u);
      }
    }
    synchronize();
    for (var first = lane * block; first < units; first += lanes * block) {
      var sums = mat4x4f(); // by unit
      var at = weights;
      for (var k = 0u; k < gates * units; k++) {
        let left = scratch[products + k];
        for (var b = 0u; b < block; b++) {
          sums[b / 4u][b % 4u] = fma(left, matrices[at + min(first + b, units - 1u)], sums[b / 4u][b % 4u]);
        }
        at += units;
      }
      for (var b = 0u; b < block; b++) {
        let j = first + b;
        if (j >= units) {
          break;
        }
        var total = sums[b / 4u][b % 4u];
        if (isScaled) {
          total *= scale[row * units + j];
        }
        result[to + j] = total + fma(stateFactors[own + j], result[after + j], drive[to + j]);
      }
    }
  }
}
