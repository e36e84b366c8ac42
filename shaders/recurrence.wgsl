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

// 0: simple, 1: lstm, 2: gru
const cell = 0u;

// functions
fn activate(x: f32) -> f32 { return x; }
fn gateOf(x: f32) -> f32 { return x; }
// end functions

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
        let y = gatesOf(sums, b);
        let h = result[before + j];
        let entering = (row * params.steps + t) * gates * units + j;
        var next = h;
        if (cell == 0u) {
          next = activate(x[entering] + y[0]);
        } else if (cell == 1u) {
          let i = gateOf(x[entering] + y[0]);
          let f = gateOf(x[entering + units] + y[1]);
          let g = activate(x[entering + 2u * units] + y[2]);
          let o = gateOf(x[entering + 3u * units] + y[3]);
          let c = result[before + units + j];
          let memory = fma(f, c, i * g);
          next = o * activate(memory);
          result[before + stride + units + j] = select(c, memory, counts);
        } else {
          let z = gateOf(x[entering] + y[0]);
          let r = gateOf(x[entering + units] + y[1]);
          let n = activate(fma(r, y[2] + bias[weights * units + j], x[entering + 2u * units]));
          next = fma(z, h, (1.0 - z) * n);
        }
        result[before + stride + j] = select(h, next, counts);
      }
    }
    synchronize();
    before += stride;
  }
}
