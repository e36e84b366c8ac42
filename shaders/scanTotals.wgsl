// First pass of a scan over the middle axis of [outer, length, inner]: what each chunk of `chunk` neighbouring items does to the state that enters
// it. A step is state = state + b (mode 0), state * a (mode 1) or a * state + b (mode 2), so a whole chunk is state = products * state + sums,
// which scan.wgsl scans in turn. One chunk of one line after the other for each invocation, `run` of them.
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
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Element>;
@group(0) @binding(2) var<storage, read> b: array<Element>;
@group(0) @binding(3) var<storage, read_write> products: array<Value>;
@group(0) @binding(4) var<storage, read_write> sums: array<Value>;

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
    var product = Value(1);
    var sum = Value(0);
    var at = base + place(first);
    // Backwards by wrapping around.
    let step = select(params.inner, 0u - params.inner, params.reverse == 1u);
    if (params.mode == 0u) {
      for (var t = first; t < end; t++) {
        sum += Value(b[at]);
        at += step;
      }
      sums[p] = sum;
    } else if (params.mode == 1u) {
      for (var t = first; t < end; t++) {
        product *= Value(a[at]);
        at += step;
      }
      products[p] = product;
    } else {
      for (var t = first; t < end; t++) {
        // Before the first step there is nothing to multiply.
        var factor = Value(0);
        if (t >= params.lagged) {
          factor = Value(a[at - params.lagged * step]);
        }
        product *= factor;
        sum = factor * sum + Value(b[at]);
        at += step;
      }
      products[p] = product;
      sums[p] = sum;
    }
  }
}
