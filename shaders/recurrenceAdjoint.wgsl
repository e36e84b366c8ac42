// Gradients of a recurrence, from the last step to the first. matrices [kernels, gates * units, units], scale [rows, units]; the others are those
// of recurrenceAdjointSteps.wgsl. Products of a step are stored in scratch [rows, 2, gates, units], in turns.
@group(0) @binding(4) var<storage, read> matrices: array<f32>;
@group(0) @binding(6) var<storage, read_write> scratch: array<f32>;

@compute @workgroup_size(width)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = rowOf(group.y * groups.x + group.x, local);
  let lane = laneOf(local);
  if (row >= params.rows) {
    return;
  }
  let units = params.units;
  let weights = kernelOf(row) * gates * units * units;
  if (params.first == 0u) {
    for (var j = lane; j < units; j += lanes) {
      begin(row, j);
    }
  }
  for (var n = params.first; n < params.last; n++) {
    let step = stepOf(row, n);
    let products = (row * 2u + (n & 1u)) * gates * units;
    for (var j = lane; j < units; j += lanes) {
      let memory = memoryGradient(step, j);
      for (var g = 0u; g < gates; g++) {
        scratch[products + g * units + j] = gateGradient(step, g, j, memory);
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
        result[step.to + j] = total + directGradient(step, j);
      }
    }
  }
}
