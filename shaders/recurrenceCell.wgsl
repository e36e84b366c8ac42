// One step of one unit of a recurrent cell.

// 0: simple, 1: lstm, 2: gru
const cell = 0u;

// functions
fn activate(x: f32) -> f32 { return x; }
fn gateOf(x: f32) -> f32 { return x; }
// end functions

// Output and memory after a step. `entering` are the inputs of the gates, y the products, `own` the bias of a GRU's candidate. Simple cells and
// GRUs have no memory.
fn stateAfter(entering: vec4f, y: vec4f, now: vec2f, own: f32) -> vec2f {
  if (cell == 0u) {
    return vec2f(activate(entering[0] + y[0]), 0.0);
  }
  if (cell == 1u) {
    let i = gateOf(entering[0] + y[0]);
    let f = gateOf(entering[1] + y[1]);
    let g = activate(entering[2] + y[2]);
    let o = gateOf(entering[3] + y[3]);
    let memory = fma(f, now[1], i * g);
    return vec2f(o * activate(memory), memory);
  }
  let z = gateOf(entering[0] + y[0]);
  let r = gateOf(entering[1] + y[1]);
  let n = activate(fma(r, y[2] + own, entering[2]));
  return vec2f(fma(z, now[0], (1.0 - z) * n), 0.0);
}
