// Running sums (mode 0), products (mode 1) or linear recurrences (mode 2) along the middle axis of [outer, length, inner], a chunk of a line after
// the other for each invocation. Where lines are cut into several chunks, `carry` holds the state that enters each one; else it is not read and
// the state starts at `initial`. Items are taken in a fixed order: the result does not depend on timing.
alias Element = f32;
alias Value = f32;

struct Params {
  size: u32, // chunks of all lines
  run: u32,
  length: u32,
  inner: u32,
  chunk: u32,
  chunks: u32, // of one line
  mode: u32,
  lagged: u32, // 1: a step takes the a of the step before it
  reverse: u32,
  exclusive: u32, // 1: the state before a step instead of after it
  initial: u32,
  carried: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Element>;
@group(0) @binding(2) var<storage, read> b: array<Element>;
@group(0) @binding(3) var<storage, read> carry: array<Value>;
@group(0) @binding(4) var<storage, read_write> result: array<Element>;

// Where the item of step t lies within its line.
fn place(t: u32) -> u32 {
  return select(t, params.length - 1u - t, params.reverse == 1u) * params.inner;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = (id.y * (groups.x * 64u) + id.x) * params.run;
  let finish = min(begin + params.run, params.size);
  for (var p = begin; p < finish; p++) {
    let line = p / params.inner;
    let base = line / params.chunks * params.length * params.inner + p % params.inner;
    let first = line % params.chunks * params.chunk;
    let end = min(first + params.chunk, params.length);
    var state = Value(params.initial);
    if (params.carried == 1u) {
      state = carry[p];
    }
    let exclusive = params.exclusive == 1u;
    var at = base + place(first);
    // Backwards by wrapping around.
    let step = select(params.inner, 0u - params.inner, params.reverse == 1u);
    if (params.mode == 0u) {
      for (var t = first; t < end; t++) {
        let before = state;
        state += Value(b[at]);
        result[at] = Element(select(state, before, exclusive));
        at += step;
      }
    } else if (params.mode == 1u) {
      for (var t = first; t < end; t++) {
        let before = state;
        state *= Value(a[at]);
        result[at] = Element(select(state, before, exclusive));
        at += step;
      }
    } else {
      for (var t = first; t < end; t++) {
        let before = state;
        // Before the first step there is nothing to multiply.
        var factor = Value(0);
        if (t >= params.lagged) {
          factor = Value(a[at - params.lagged * step]);
        }
        state = factor * state + Value(b[at]);
        result[at] = Element(select(state, before, exclusive));
        at += step;
      }
    }
  }
}
