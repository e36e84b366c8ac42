// Steps of a recurrent cell. The first state of the result is `initial`. A step whose mask is 0 keeps the state.
//
//   x [rows, steps, gates, units], matrices [kernels, units, gates, units], initial [rows, states, units], mask [rows, steps],
//   scale [rows, units], bias [kernels, units] -> result [rows, steps + 1, states, units]
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> matrices: array<f32>;
@group(0) @binding(3) var<storage, read> initial: array<f32>;
@group(0) @binding(4) var<storage, read> mask: array<f32>;
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read> bias: array<f32>;
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
  let weights = kernelOf(row);
  var before = (row * (params.steps + 1u) + params.first) * stride;
  if (params.first == 0u) {
    for (var j = lane; j < stride; j += lanes) {
      result[before + j] = initial[row * stride + j];
    }
    synchronize();
  }
  for (var t = params.first; t < params.last; t++) {
    let counts = mask[row * params.steps + t] != 0.0;
    for (var first = lane * block; first < units; first += lanes * block) {
      let sums = productsAt(before, row, first, weights * units * gates * units);
      for (var b = 0u; b < block; b++) {
        let j = first + b;
        if (j >= units) {
          break;
        }
        let step = (row * params.steps + t) * gates * units + j;
        var entering = vec4f();
        for (var g = 0u; g < gates; g++) {
          entering[g] = x[step + g * units];
        }
        var memory = 0.0;
        if (states == 2u) {
          memory = result[before + units + j];
        }
        var own = 0.0;
        if (cell == 2u) {
          own = bias[weights * units + j];
        }
        let now = vec2f(result[before + j], memory);
        let next = select(now, stateAfter(entering, gatesOf(sums, b), now, own), counts);
        result[before + stride + j] = next[0];
        if (states == 2u) {
          result[before + stride + units + j] = next[1];
        }
      }
    }
    synchronize();
    before += stride;
  }
}
