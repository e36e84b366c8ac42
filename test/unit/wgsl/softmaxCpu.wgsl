// max + sub + exp + sum + div  f32[8,100]
fn isNan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// Made from a variable, because WGSL does not accept a constant infinity.
fn infinity() -> f32 {
  var bits = 0x7f800000u;
  return bitcast<f32>(bits);
}

// NaN if either is NaN; max() may return the other operand.
fn safeMax(a: f32, b: f32) -> f32 {
  return select(max(a, b), select(b, a, isNan(a)), isNan(a) | isNan(b));
}

// y * 2^n for integer n. It uses two factors, because 2^n may overflow although y * 2^n does not.
fn scaleByPowerOfTwo(y: f32, n: f32) -> f32 {
  let whole = i32(clamp(n, -250.0, 250.0));
  let half = whole / 2;
  return y * bitcast<f32>(u32(half + 127) << 23u) * bitcast<f32>(u32(whole - half + 127) << 23u);
}

// e^x - 1 - x over x^2 for |x| <= log(2) / 2.
fn expPolynomial(x: f32) -> f32 {
  return ((((1.9875691500e-4 * x + 1.3981999507e-3) * x + 8.3334519073e-3) * x + 4.1665795894e-2) * x + 1.6666665459e-1) * x + 5.0000001201e-1;
}

fn safeExp(x: f32) -> f32 {
  // Outside of these bounds the result is 0 or infinite.
  let bounded = clamp(x, -105.0, 90.0);
  let n = floor(bounded * 1.44269504 + 0.5);
  // log(2) in two parts. The first has few bits, so that n times it is exact.
  let r = (bounded - n * 0.693359375) - n * -2.12194440e-4;
  let y = 1.0 + (r + r * r * expPolynomial(r));
  return select(scaleByPowerOfTwo(y, n), x, isNan(x));
}

// Row kernel, one invocation per row: for CPU-implemented Vulkan, for columns, and for rows of a few items. Each loop reads the row once;
// later loops can use the totals of earlier ones. The compiler replaces the marked blocks; this file itself computes the softmax of the
// rows of a matrix.

// bindings
struct Params { rows: u32, length: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out0: array<f32>;
@group(0) @binding(2) var<storage, read> in0: array<f32>;
// end bindings

const first = 0u;
const step = 1u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.y * (groups.x * 64u) + id.x;
  if (row >= params.rows) { return; }
// loops
  var r0 = f32((-infinity()));
  for (var item = first; item < params.length; item += step) {
    let index = row * params.length + item;
    let ix0 = in0[index];
    r0 = safeMax(r0, ix0);
  }
  var r1 = f32(0.0);
  for (var item = first; item < params.length; item += step) {
    let index = row * params.length + item;
    let ix0 = in0[index];
    let iv0: f32 = (ix0 - r0);
    let iv1: f32 = safeExp(iv0);
    out0[index] = iv1;
    r1 = (r1 + iv1);
  }
  for (var item = first; item < params.length; item += step) {
    let index = row * params.length + item;
    let iv0 = out0[index];
    let iv1: f32 = (iv0 / r1);
    out0[index] = iv1;
  }
// end loops
}
