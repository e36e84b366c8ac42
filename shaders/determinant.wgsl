// The product of lu.wgsl's pivots times the permutation's sign: the product itself (mode 0), its sign (1) or the logarithm of its absolute
// value (2). Mantissas and exponents are kept separate, so that no intermediate product overflows. Pivots that are not finite give NaN.
// Each invocation computes one matrix.
const mode = 0u;

struct Params {
  count: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> factors: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

fn fromBits(word: u32) -> f32 {
  var bits = word;
  return bitcast<f32>(bits);
}

// 2^e for e from -126 to 127.
fn powerOfTwo(e: i32) -> f32 {
  return bitcast<f32>(u32(clamp(e, -126, 127) + 127) << 23u);
}

// log(m) for m in [1/√2, √2]: 2 artanh of (m - 1) / (m + 1).
fn logNearOne(m: f32) -> f32 {
  let t = (m - 1.0) / (m + 1.0);
  let z = t * t;
  return 2.0 * t * ((((z / 9.0 + 1.0 / 7.0) * z + 0.2) * z + 1.0 / 3.0) * z + 1.0);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let matrix = id.y * (groups.x * 64u) + id.x;
  if (matrix >= params.count) {
    return;
  }
  let n = params.n;
  let at = matrix * (n * n + n + 1u);
  // |product| = mantissa * 2^exponent, mantissa in [1/√2, √2)
  var mantissa = 1.0;
  var exponent = 0;
  var sign = factors[at + n * n + n];
  var isFinite = true;
  var isZero = false;
  for (var i = 0u; i < n; i++) {
    let pivot = factors[at + i * n + i];
    let bits = bitcast<u32>(pivot);
    isFinite = isFinite & ((bits & 0x7f800000u) != 0x7f800000u);
    isZero = isZero | (pivot == 0.0);
    sign = select(sign, -sign, (bits >> 31u) == 1u);
    exponent += i32((bits >> 23u) & 0xffu) - 127;
    mantissa *= bitcast<f32>((bits & 0x7fffffu) | 0x3f800000u);
    // Below 2.83, so one halving is enough.
    let isLarge = mantissa >= 1.4142135;
    mantissa = select(mantissa, 0.5 * mantissa, isLarge);
    exponent += select(0, 1, isLarge);
  }
  let half = clamp(exponent, -252, 254) / 2;
  var value = sign;
  if (mode == 0u) {
    value = select(sign * mantissa * powerOfTwo(half) * powerOfTwo(clamp(exponent, -252, 254) - half), 0.0, isZero);
  } else if (mode == 1u) {
    value = select(sign, 0.0, isZero);
  } else {
    value = select(logNearOne(mantissa) + f32(exponent) * 0.69314718, fromBits(0xff800000u), isZero);
  }
  result[matrix] = select(fromBits(0x7fc00000u), value, isFinite);
}
