// Common part of the kernels of a recurrence's gradients: what one unit passes on in a step. drive [rows, steps + 1, states, units],
// gateFactors [rows, steps, gates, units], stateFactors [rows, steps, n, units]: K, or K, D and F -> result like drive, the last binding.
@group(0) @binding(1) var<storage, read> drive: array<f32>;
@group(0) @binding(2) var<storage, read> gateFactors: array<f32>;
@group(0) @binding(3) var<storage, read> stateFactors: array<f32>;
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read_write> result: array<f32>;

// Positions of one step, which goes from the state `after` to the state `to`.
struct Step {
  after: u32,
  to: u32,
  factors: u32, // in gateFactors
  own: u32, // in stateFactors
}

// Step n from the end of a sequence.
fn stepOf(row: u32, n: u32) -> Step {
  let stride = states * params.units;
  let step = row * params.steps + params.steps - 1u - n;
  let after = (row * (params.steps + 1u) + params.steps - n) * stride;
  return Step(after, after - stride, step * gates * params.units, step * (2u * states - 1u) * params.units);
}

// The gradient of the last state is that which drives it.
fn begin(row: u32, j: u32) {
  let last = stepOf(row, 0u).after;
  for (var s = 0u; s < states; s++) {
    result[last + s * params.units + j] = drive[last + s * params.units + j];
  }
}

// Gradient of the memory that a unit has after the step, if there is one; otherwise that of its output. The gradient of the memory before
// the step is written.
fn memoryGradient(step: Step, j: u32) -> f32 {
  let h = result[step.after + j];
  if (states == 1u) {
    return h;
  }
  let units = params.units;
  let memory = fma(stateFactors[step.own + units + j], h, result[step.after + units + j]);
  result[step.to + units + j] = fma(stateFactors[step.own + 2u * units + j], memory, drive[step.to + units + j]);
  return memory;
}

// Gradient of a gate's product. Every gate but the last leads to the memory.
fn gateGradient(step: Step, g: u32, j: u32, memory: f32) -> f32 {
  return gateFactors[step.factors + g * params.units + j] * select(memory, result[step.after + j], g == gates - 1u);
}

// Gradient of the output before the step, without that of the products.
fn directGradient(step: Step, j: u32) -> f32 {
  return fma(stateFactors[step.own + j], result[step.after + j], drive[step.to + j]);
}
