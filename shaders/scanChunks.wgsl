// Head of the two scan kernels, scanTotals.wgsl and scan.wgsl: lines along the middle axis of [outer, length, inner], cut into chunks that each
// invocation takes `run` of, one after the other. A step is state = state + b (mode 0), state * a (mode 1) or a * state + b (mode 2).
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

// One chunk of one line: its steps, where the item of the first one lies, and how far apart items are (backwards by wrapping around).
struct Chunk {
  first: u32,
  end: u32,
  at: u32,
  stride: u32,
}

fn chunk_of(p: u32) -> Chunk {
  let line = p / params.inner;
  let base = line / params.chunks * params.length * params.inner + p % params.inner;
  let first = line % params.chunks * params.chunk;
  let end = min(first + params.chunk, params.length);
  let isReverse = params.reverse == 1u;
  let place = select(first, params.length - 1u - first, isReverse);
  return Chunk(first, end, base + place * params.inner, select(params.inner, 0u - params.inner, isReverse));
}

// What a step of mode 2 multiplies by: before the first step there is nothing.
fn factor_of(t: u32, at: u32, stride: u32) -> Value {
  if (t < params.lagged) {
    return Value(0);
  }
  return Value(a[at - params.lagged * stride]);
}
