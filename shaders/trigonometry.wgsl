// Scalar functions for generated kernels, continued: hyperbolic and trigonometric functions and the error function. They call functions of
// math.wgsl, and its notes on special values and accuracy apply here too.

// --- hyperbolic functions ---

// x P(x^2) / Q(x^2) on [-8, 8], fitted for the least relative error (6.4e-9; 6 ULP when evaluated in f32). Outside, 1 is correct to 4 ULP.
fn safeTanh(x: f32) -> f32 {
  let t = clamp(x, -8.0, 8.0);
  let z = t * t;
  let p = (((1.5230415e-8 * z + 2.1894661e-5) * z + 3.5715980e-3) * z + 1.3444498e-1) * z + 1.0;
  let q = (((8.5224459e-7 * z + 3.4112920e-4) * z + 2.6164443e-2) * z + 4.6777825e-1) * z + 1.0;
  return select(select(t * p / q, withSign(1.0, x), abs(x) > 8.0), x, isNan(x));
}

fn safeSinh(x: f32) -> f32 {
  let z = x * x;
  let near = x + x * z * ((2.03721912945e-4 * z + 8.33028376239e-3) * z + 1.66667160211e-1);
  let a = abs(x);
  // e^a overflows before sinh does.
  let root = safeExp(0.5 * a);
  let e = safeExp(a);
  let far = select(0.5 * e - 0.5 / e, (0.5 * root) * root, a > 80.0);
  return select(withSign(far, x), near, a < 1.0);
}

fn safeCosh(x: f32) -> f32 {
  let a = abs(x);
  let root = safeExp(0.5 * a);
  let e = safeExp(a);
  return select(0.5 * e + 0.5 / e, (0.5 * root) * root, a > 80.0);
}

fn safeAsinh(x: f32) -> f32 {
  let a = abs(x);
  let small = log1p(a + a * a / (1.0 + sqrt(a * a + 1.0)));
  return withSign(select(small, safeLog(a) + 0.693147181, a > 1e6), x);
}

fn safeAcosh(x: f32) -> f32 {
  let t = x - 1.0;
  let small = log1p(t + safeSqrt(t * (t + 2.0)));
  return select(select(small, safeLog(x) + 0.693147181, x > 1e6), notANumber(), x < 1.0);
}

fn safeAtanh(x: f32) -> f32 {
  let a = abs(x);
  let y = 0.5 * log1p(2.0 * a / (1.0 - a));
  return select(select(withSign(y, x), withSign(infinity(), x), a == 1.0), notANumber(), a > 1.0);
}

// --- trigonometric functions ---

// One word of zeros, then the first 224 bits of 2/π. The reduction of an angle uses 96 of these bits, chosen by its exponent.
const twoOverPi = array<u32, 8>(0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);

// The upper 32 bits of a product.
fn multiplyHigh(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}

// Like reduceAngle, exactly, for any finite a >= 2048: a = m 2^e times the relevant bits of 2/π (Payne and Hanek, 1983). Higher bits are
// whole turns; lower bits are less than the last bit of the result.
fn reduceLargeAngle(a: f32) -> vec2<u32> {
  let bits = bitcast<u32>(a);
  let m = (bits & 0x007fffffu) | 0x00800000u;
  // Bit e - 1 of 2/π, of weight 2^(1 - e), is the first: m times 2 turns by a half, the highest bit of the two-bit quadrant.
  let first = (bits >> 23u) - 120u;
  let word = min(first >> 5u, 4u);
  let shift = first & 31u;
  var table = twoOverPi;
  let words = vec4<u32>(table[word], table[word + 1u], table[word + 2u], table[word + 3u]);
  let up = words << vec4<u32>(shift);
  // WGSL has no shift by 32, so the shift is done in two.
  let down = (words >> vec4<u32>(31u - shift)) >> vec4<u32>(1u);
  let w = up.xyz | down.yzw;
  // The upper 64 of the 96 bits of the product, in quadrants: two bits before the point.
  let middle = m * w.y;
  let low = middle + multiplyHigh(m, w.z);
  let high = m * w.x + multiplyHigh(m, w.y) + select(0u, 1u, low < middle);
  let quadrant = (high + 0x20000000u) >> 30u;
  let rest = high - (quadrant << 30u);
  // The magnitude, so that a small angle keeps its digits; two's complement over both words.
  let negative = rest >= 0x80000000u;
  let restLow = select(low, 0u - low, negative);
  let restHigh = select(rest, ~rest + select(0u, 1u, low == 0u), negative);
  let angle = (f32(restHigh) * 9.31322575e-10 + f32(restLow) * 2.16840434e-19) * 1.570796327;
  return vec2<u32>(bitcast<u32>(select(angle, -angle, negative)), quadrant & 3u);
}

// a >= 0 minus the nearest multiple of π/2, as the bits of an f32, and that multiple's count modulo 4; π/2 in three parts (Cody and Waite).
fn reduceAngle(a: f32) -> vec2<u32> {
  let n = round(a * 0.636619772);
  let r = ((a - n * 1.5703125) - n * 4.837512969970703e-4) - n * 7.549789948768648e-8;
  var reduced = vec2<u32>(bitcast<u32>(r), u32(n) & 3u);
  // The only branch of this library: few angles are large, and the exact reduction takes ten times as long.
  if (a >= 2048.0) {
    reduced = reduceLargeAngle(a);
  }
  return reduced;
}

fn sinNearZero(x: f32) -> f32 {
  let z = x * x;
  return x + x * z * ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1);
}

fn cosNearZero(x: f32) -> f32 {
  let z = x * x;
  return 1.0 - 0.5 * z + z * z * ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2);
}

fn safeSin(x: f32) -> f32 {
  let angle = reduceAngle(abs(x));
  let r = bitcast<f32>(angle.x);
  let y = select(sinNearZero(r), cosNearZero(r), (angle.y & 1u) == 1u);
  // Negative in quadrants 2 and 3; reversed for negative x.
  let signed = bitcast<f32>(bitcast<u32>(y) ^ ((angle.y & 2u) << 30u) ^ (bitcast<u32>(x) & 0x80000000u));
  return select(signed, notANumber(), !isFinite(x));
}

fn safeCos(x: f32) -> f32 {
  let angle = reduceAngle(abs(x));
  let r = bitcast<f32>(angle.x);
  let y = select(cosNearZero(r), sinNearZero(r), (angle.y & 1u) == 1u);
  // Negative in quadrants 1 and 2.
  let signed = bitcast<f32>(bitcast<u32>(y) ^ (((angle.y + 1u) & 2u) << 30u));
  return select(signed, notANumber(), !isFinite(x));
}

fn safeTan(x: f32) -> f32 {
  let angle = reduceAngle(abs(x));
  let r = bitcast<f32>(angle.x);
  let s = sinNearZero(r);
  let c = cosNearZero(r);
  let odd = (angle.y & 1u) == 1u;
  let y = select(s, -c, odd) / select(c, s, odd);
  return select(bitcast<f32>(bitcast<u32>(y) ^ (bitcast<u32>(x) & 0x80000000u)), notANumber(), !isFinite(x));
}

fn atanNearZero(x: f32) -> f32 {
  let z = x * x;
  return x + x * z * (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1);
}

// atan of t = numerator / denominator >= 0; an infinite t is passed as 1 / 0.
fn atanOfRatio(numerator: f32, denominator: f32) -> f32 {
  // tan(3π/8) and tan(π/8) bound the three ranges: atan(t) = π/2 - atan(1 / t) = π/4 + atan((t - 1) / (t + 1)).
  let steep = numerator > 2.414213562 * denominator;
  let middle = numerator > 0.414213562 * denominator;
  let above = select(select(numerator, numerator - denominator, middle), -denominator, steep);
  let below = select(select(denominator, numerator + denominator, middle), numerator, steep);
  return select(select(0.0, 0.785398163, middle), 1.570796327, steep) + atanNearZero(above / below);
}

fn safeAtan(x: f32) -> f32 {
  let y = atanOfRatio(min(abs(x), 1e30), 1.0);
  return select(withSign(y, x), x, isNan(x));
}

fn safeAtan2(y: f32, x: f32) -> f32 {
  let anyInfinite = isInf(y) | isInf(x);
  let up = select(abs(y), select(0.0, 1.0, isInf(y)), anyInfinite);
  let across = select(abs(x), select(0.0, 1.0, isInf(x)), anyInfinite);
  // The factors keep sums and products of the two in range.
  let scale = select(select(1.0, 1e-20, max(up, across) > 1e18), 1e20, max(up, across) < 1e-18);
  let angle = select(atanOfRatio(up * scale, across * scale), 0.0, (up == 0.0) & (across == 0.0));
  // Tests bits: -0 is negative too.
  let turned = select(angle, 3.141592654 - angle, bitcast<u32>(x) >= 0x80000000u);
  return select(withSign(turned, y), notANumber(), isNan(x) | isNan(y));
}

// asin of x in [0, 1/2].
fn asinNearZero(x: f32) -> f32 {
  let z = x * x;
  return x + x * z * ((((4.2163199048e-2 * z + 2.4181311049e-2) * z + 4.5470025998e-2) * z + 7.4953002686e-2) * z + 1.6666752422e-1);
}

fn safeAsin(x: f32) -> f32 {
  let a = abs(x);
  let far = 1.570796327 - 2.0 * asinNearZero(sqrt(max(0.5 * (1.0 - a), 0.0)));
  let y = select(asinNearZero(a), far, a > 0.5);
  return select(withSign(y, x), notANumber(), (a > 1.0) | isNan(x));
}

fn safeAcos(x: f32) -> f32 {
  let a = abs(x);
  let near = 1.570796327 - select(asinNearZero(a), -asinNearZero(a), x < 0.0);
  let far = 2.0 * asinNearZero(sqrt(max(0.5 * (1.0 - a), 0.0)));
  let y = select(near, select(far, 3.141592654 - far, x < 0.0), a > 0.5);
  return select(y, notANumber(), (a > 1.0) | isNan(x));
}

// --- error function ---

// erf for |x| <= 1.
fn erfNearZero(x: f32) -> f32 {
  let z = x * x;
  return x * ((((((7.853861353153693e-5 * z - 8.010193625184903e-4) * z + 5.188327685732524e-3) * z - 2.685381193529856e-2) * z + 1.128358514861418e-1) * z - 3.761262582423300e-1) * z + 1.128379165726710);
}

// e^(-x^2), with x^2 in two parts. Otherwise its rounding error would be an error of the exponent.
fn expMinusSquare(x: f32) -> f32 {
  let high = bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
  let low = x - high;
  return safeExp(-high * high) * safeExp(-low * (high + x));
}

// erfc for x >= 1.
fn erfcFar(x: f32) -> f32 {
  let bounded = min(x, 15.0);
  let q = 1.0 / bounded;
  let z = q * q;
  let near = (((((((2.326819970068386e-2 * z - 1.387039388740657e-1) * z + 3.687424674597105e-1) * z - 5.824733027278666e-1) * z + 6.210004621745983e-1) * z - 4.944515323274145e-1) * z + 3.404879937665872e-1) * z - 2.741127028184656e-1) * z + 5.638259427386472e-1;
  let far = ((((((-1.047766399936249e+1 * z + 1.297719955372516e+1) * z - 7.495518717768503) * z + 2.921019019210786) * z - 1.015265279202700) * z + 4.218463358204948e-1) * z - 2.820767439740514e-1) * z + 5.641895067754075e-1;
  return expMinusSquare(bounded) * q * select(far, near, bounded < 2.0);
}

fn erf(x: f32) -> f32 {
  let far = 1.0 - erfcFar(max(abs(x), 1.0));
  return select(select(withSign(far, x), erfNearZero(x), abs(x) < 1.0), x, isNan(x));
}

fn erfc(x: f32) -> f32 {
  let far = erfcFar(max(abs(x), 1.0));
  return select(select(select(far, 2.0 - far, x < 0.0), 1.0 - erfNearZero(x), abs(x) < 1.0), x, isNan(x));
}

// Inverse of erf in (-1, 1): M. Giles, "Approximating the erfinv function", GPU Computing Gems, 2011.
fn erfInv(x: f32) -> f32 {
  let w = -safeLog((1.0 - x) * (1.0 + x));
  let c = w - 2.5;
  let central = (((((((2.81022636e-8 * c + 3.43273939e-7) * c - 3.5233877e-6) * c - 4.39150654e-6) * c + 2.1858087e-4) * c - 1.25372503e-3) * c - 4.17768164e-3) * c + 2.46640727e-1) * c + 1.50140941;
  let t = sqrt(max(w, 5.0)) - 3.0;
  let tail = (((((((-2.00214257e-4 * t + 1.00950558e-4) * t + 1.34934322e-3) * t - 3.67342844e-3) * t + 5.73950773e-3) * t - 7.6224613e-3) * t + 9.43887047e-3) * t + 1.00167406) * t + 2.83297682;
  let y = x * select(tail, central, w < 5.0);
  let outside = (abs(x) > 1.0) | isNan(x);
  return select(select(y, withSign(infinity(), x), abs(x) == 1.0), notANumber(), outside);
}
