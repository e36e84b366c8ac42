// The transpose of recurrenceAdjoint.wgsl, from the first step to the last: gradients of gradients. drive [rows, steps + 1, states, units],
// gateFactors [rows, steps, gates, units], stateFactors [rows, steps, n, units]: K, or K, D and F; matrices [kernels, units, gates * units],
// scale [rows, units] -> result like drive.
@group(0) @binding(1) var<storage, read> drive: array<f32>;
@group(0) @binding(2) var<storage, read> gateFactors: array<f32>;
@group(0) @binding(3) var<storage, read> stateFactors: array<f32>;
@group(0) @binding(4) var<storage, read> matrices: array<f32>;
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read_write> result: array<f32>;

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
  let start = row * (params.steps + 1u) * stride;
  if (params.first == 0u) {
    for (var j = lane; j < stride; j += lanes) {
      result[start + j] = drive[start + j];
    }
    synchronize();
  }
  for (var t = params.first; t < params.last; t++) {
    let before = start + t * stride;
    let to = before + stride;
    let step = row * params.steps + t;
    let factors = step * gates * units;
    let own = step * (2u * states - 1u) * units;
    for (var first = lane * block; first < units; first += lanes * block) {
      let sums = productsAt(before, row, first, weights);
      for (var b = 0u; b < block; b++) {
        let j = first + b;
        if (j >= units) {
          break;
        }
        let y = gatesOf(sums, b);
        // Every gate but the last leads to the memory, if there is one.
        var inner = 0.0;
        if (states == 2u) {
          inner = stateFactors[own + 2u * units + j] * result[before + units + j];
        }
        for (var g = 0u; g + 1u < gates; g++) {
          inner = fma(gateFactors[factors + g * units + j], y[g], inner);
        }
        let direct = fma(gateFactors[factors + (gates - 1u) * units + j], y[gates - 1u], drive[to + j]);
        let h = fma(stateFactors[own + j], result[before + j], direct);
        if (states == 2u) {
          result[to + units + j] = inner + drive[to + units + j];
          result[to + j] = fma(stateFactors[own + units + j], inner, h);
        } else {
          result[to + j] = h + inner;
        }
      }
    }
    synchronize();
  }
}
