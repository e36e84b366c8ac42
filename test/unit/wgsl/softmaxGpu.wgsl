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

// Row kernel, one workgroup per row, for real GPUs. Each invocation takes every `step`th item (neighbours read neighbours), and may hold its
// items in registers. A tree in workgroup memory merges the totals of a loop, and all invocations read the result there. The compiler replaces
// the marked blocks; this file itself divides the rows of a matrix by their sums.

// bindings
struct Params { rows: u32, length: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out0: array<f32>;
@group(0) @binding(2) var<storage, read> in0: array<f32>;
var<workgroup> r0_total: array<f32, 64>;
var<workgroup> r1_total: array<f32, 64>;
// end bindings

const step = 64u;

@compute @workgroup_size(step)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) first: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
// loops
  var held0: array<f32, 2>;
  var held1: array<f32, 2>;
  var r0 = f32((-infinity()));
  {
    for (var round = 0u; round < 2u; round++) {
      let item = first + round * step;
      if (item < params.length) {
        let index = row * params.length + item;
        let ix0 = in0[index];
        held1[round] = ix0;
        r0 = safeMax(r0, ix0);
      }
    }
  }
  r0_total[first] = r0;
  for (var reach = 32u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if ((first < reach) & (first + reach < params.length)) {
      r0_total[first] = safeMax(r0_total[first], r0_total[first + reach]);
    }
  }
  workgroupBarrier();
  r0 = r0_total[0];
  var r1 = f32(0.0);
  {
    for (var round = 0u; round < 2u; round++) {
      let item = first + round * step;
      if (item < params.length) {
        let iv0: f32 = (held1[round] - r0);
        let iv1: f32 = safeExp(iv0);
        held0[round] = iv1;
        r1 = (r1 + iv1);
      }
    }
  }
  r1_total[first] = r1;
  for (var reach = 32u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if ((first < reach) & (first + reach < params.length)) {
      r1_total[first] = (r1_total[first] + r1_total[first + reach]);
    }
  }
  workgroupBarrier();
  r1 = r1_total[0];
  {
    for (var round = 0u; round < 2u; round++) {
      let item = first + round * step;
      if (item < params.length) {
        let index = row * params.length + item;
        let iv1: f32 = (held0[round] / r1);
        out0[index] = iv1;
      }
    }
  }
// end loops
}
