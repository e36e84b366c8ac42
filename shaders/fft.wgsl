// One pass of a Fourier transform along the middle axis of x [outer, n, inner] complex numbers (Stockham's algorithm, which needs no
// reordering). The input has transforms of every (n / span)-th element, with `span` values each. Butterflies of `radix` of them make
// transforms that are radix times as long. Each invocation computes a run of neighbouring butterflies.
const radix = 2u;

struct Params {
  size: u32, // butterflies of all lines
  run: u32,
  n: u32,
  inner: u32,
  span: u32,
  inverse: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec2f>;
// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
fn store(index: u32, value: f32) { result[index] = value; }
// end epilogue

// cos and sin of 2π t / period, t < period. The nearest quarter turn is subtracted in integers, so the polynomials get at most an eighth of
// a turn.
fn turn(t: u32, period: u32) -> vec2f {
  let quarter = (8u * t + period) / (2u * period);
  let f = f32(i32(4u * t - quarter * period)) / (4.0 * f32(period));
  let z = f * f;
  let s = f * ((((41.46983 * z - 76.69777) * z + 81.605202) * z - 41.341702) * z + 6.2831855);
  let c = (((59.202679 * z - 85.442291) * z + 64.939308) * z - 19.739208) * z + 1.0;
  let turned = select(vec2f(c, s), vec2f(-s, c), (quarter & 1u) == 1u);
  return select(turned, -turned, (quarter & 2u) == 2u);
}

fn load(at: u32, t: u32, direction: f32) -> vec2f {
  let value = x[at];
  let w = turn(t, params.span * radix) * vec2f(1.0, direction);
  return vec2f(value.x * w.x - value.y * w.y, value.x * w.y + value.y * w.x);
}

// value times -i, or i for the inverse transform.
fn rotated(value: vec2f, direction: f32) -> vec2f {
  return direction * vec2f(-value.y, value.x);
}

fn put(at: u32, value: vec2f) {
  store(2u * at, value.x);
  store(2u * at + 1u, value.y);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = (id.y * (groups.x * 64u) + id.x) * params.run;
  let finish = min(begin + params.run, params.size);
  let direction = select(-1.0, 1.0, params.inverse == 1u);
  let count = params.n / radix;
  let inner = params.inner;
  for (var p = begin; p < finish; p++) {
    let line = p / inner / count * params.n * inner + p % inner;
    let b = p / inner % count;
    let k = b % params.span;
    let first = line + b * inner;
    let step = count * inner;
    let to = line + ((b - k) * radix + k) * inner;
    let apart = params.span * inner;
// butterfly
    let v0 = load(first, 0u, direction);
    let v1 = load(first + step, k, direction);
    put(to, v0 + v1);
    put(to + apart, v0 - v1);
// end butterfly
  }
}
