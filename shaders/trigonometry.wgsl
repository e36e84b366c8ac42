// Scalar functions for generated kernels, continued: hyperbolic and trigonometric functions and the error function. What math.wgsl says of
// special values and of accuracy holds here too; these functions call those.

// --- hyperbolic functions ---

// x P(x^2) / Q(x^2) on [-8, 8], fitted for the least relative error (6.4e-9; 6 ULP as evaluated in f32); beyond, 1 is right to 4 ULP.
fn safe_tanh(x: f32) -> f32 {
  let t = clamp(x, -8.0, 8.0);
  let z = t * t;
  let p = (((1.5230415e-8 * z + 2.1894661e-5) * z + 3.5715980e-3) * z + 1.3444498e-1) * z + 1.0;
  let q = (((8.5224459e-7 * z + 3.4112920e-4) * z + 2.6164443e-2) * z + 4.6777825e-1) * z + 1.0;
  let far = select(1.0, -1.0, x < 0.0);
  return select(select(t * p / q, far, abs(x) > 8.0), x, is_nan(x));
}

fn safe_sinh(x: f32) -> f32 {
  let z = x * x;
  let near = x + x * z * ((2.03721912945e-4 * z + 8.33028376239e-3) * z + 1.66667160211e-1);
  let a = abs(x);
  // e^a overflows before sinh does.
  let root = safe_exp(0.5 * a);
  let e = safe_exp(a);
  let far = select(0.5 * e - 0.5 / e, (0.5 * root) * root, a > 80.0);
  return select(select(far, -far, x < 0.0), near, a < 1.0);
}

fn safe_cosh(x: f32) -> f32 {
  let a = abs(x);
  let root = safe_exp(0.5 * a);
  let e = safe_exp(a);
  return select(0.5 * e + 0.5 / e, (0.5 * root) * root, a > 80.0);
}

fn safe_asinh(x: f32) -> f32 {
  let a = abs(x);
  let small = log1p(a + a * a / (1.0 + sqrt(a * a + 1.0)));
  let y = select(small, safe_log(a) + 0.693147181, a > 1e6);
  return select(y, -y, x < 0.0);
}

fn safe_acosh(x: f32) -> f32 {
  let t = x - 1.0;
  let small = log1p(t + safe_sqrt(t * (t + 2.0)));
  return select(select(small, safe_log(x) + 0.693147181, x > 1e6), not_a_number(), x < 1.0);
}

fn safe_atanh(x: f32) -> f32 {
  let a = abs(x);
  let y = 0.5 * log1p(2.0 * a / (1.0 - a));
  return select(select(select(y, -y, x < 0.0), x * infinity(), a == 1.0), not_a_number(), a > 1.0);
}

// --- trigonometric functions ---

// x less the nearest multiple of π/2, whose count modulo 4 comes second; π/2 in three parts (Cody and Waite), good for |x| < 10,000.
fn reduce_angle(x: f32) -> vec2f {
  let n = round(x * 0.636619772);
  let r = ((x - n * 1.5703125) - n * 4.837512969970703e-4) - n * 7.549789948768648e-8;
  return vec2f(r, n - 4.0 * floor(n * 0.25));
}

fn sin_near_zero(x: f32) -> f32 {
  let z = x * x;
  return x + x * z * ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1);
}

fn cos_near_zero(x: f32) -> f32 {
  let z = x * x;
  return 1.0 - 0.5 * z + z * z * ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2);
}

fn safe_sin(x: f32) -> f32 {
  let angle = reduce_angle(x);
  let y = select(sin_near_zero(angle.x), cos_near_zero(angle.x), angle.y == 1.0 || angle.y == 3.0);
  return select(select(y, -y, angle.y >= 2.0), not_a_number(), !is_finite(x));
}

fn safe_cos(x: f32) -> f32 {
  let angle = reduce_angle(x);
  let y = select(cos_near_zero(angle.x), sin_near_zero(angle.x), angle.y == 1.0 || angle.y == 3.0);
  return select(select(y, -y, angle.y == 1.0 || angle.y == 2.0), not_a_number(), !is_finite(x));
}

fn safe_tan(x: f32) -> f32 {
  let angle = reduce_angle(x);
  let s = sin_near_zero(angle.x);
  let c = cos_near_zero(angle.x);
  return select(select(s / c, -c / s, angle.y == 1.0 || angle.y == 3.0), not_a_number(), !is_finite(x));
}

fn atan_near_zero(x: f32) -> f32 {
  let z = x * x;
  return x + x * z * (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1);
}

// atan of t >= 0; an infinite t is passed as 1 / t = 0 by atan_of_ratio.
fn atan_of_ratio(numerator: f32, denominator: f32) -> f32 {
  // tan(3π/8) and tan(π/8) bound the three ranges.
  if (numerator > 2.414213562 * denominator) {
    return 1.570796327 - atan_near_zero(denominator / numerator);
  }
  if (numerator > 0.414213562 * denominator) {
    return 0.785398163 + atan_near_zero((numerator - denominator) / (numerator + denominator));
  }
  return atan_near_zero(numerator / denominator);
}

fn safe_atan(x: f32) -> f32 {
  let a = abs(x);
  let y = atan_of_ratio(min(a, 1e30), 1.0);
  return select(select(y, -y, x < 0.0), x, is_nan(x) || x == 0.0);
}

fn safe_atan2(y: f32, x: f32) -> f32 {
  // By their bits: -0 is negative too.
  let left = (bitcast<u32>(x) & 0x80000000u) != 0u;
  let below = (bitcast<u32>(y) & 0x80000000u) != 0u;
  var up = abs(y);
  var across = abs(x);
  if (is_inf(up) || is_inf(across)) {
    up = select(0.0, 1.0, is_inf(y));
    across = select(0.0, 1.0, is_inf(x));
  }
  // Halves and tenfolds keep sums and products of the two in range.
  let scale = select(select(1.0, 1e-20, max(up, across) > 1e18), 1e20, max(up, across) < 1e-18);
  let angle = select(atan_of_ratio(up * scale, across * scale), 0.0, up == 0.0 && across == 0.0);
  let turned = select(angle, 3.141592654 - angle, left);
  return select(select(turned, -turned, below), not_a_number(), is_nan(x) || is_nan(y));
}

// asin of x in [0, 1/2].
fn asin_near_zero(x: f32) -> f32 {
  let z = x * x;
  return x + x * z * ((((4.2163199048e-2 * z + 2.4181311049e-2) * z + 4.5470025998e-2) * z + 7.4953002686e-2) * z + 1.6666752422e-1);
}

fn safe_asin(x: f32) -> f32 {
  let a = abs(x);
  let far = 1.570796327 - 2.0 * asin_near_zero(sqrt(max(0.5 * (1.0 - a), 0.0)));
  let y = select(asin_near_zero(a), far, a > 0.5);
  return select(select(y, -y, x < 0.0), not_a_number(), a > 1.0 || is_nan(x));
}

fn safe_acos(x: f32) -> f32 {
  let a = abs(x);
  let near = 1.570796327 - select(asin_near_zero(a), -asin_near_zero(a), x < 0.0);
  let far = 2.0 * asin_near_zero(sqrt(max(0.5 * (1.0 - a), 0.0)));
  let y = select(near, select(far, 3.141592654 - far, x < 0.0), a > 0.5);
  return select(y, not_a_number(), a > 1.0 || is_nan(x));
}

// --- error function ---

// erf for |x| <= 1.
fn erf_near_zero(x: f32) -> f32 {
  let z = x * x;
  return x * ((((((7.853861353153693e-5 * z - 8.010193625184903e-4) * z + 5.188327685732524e-3) * z - 2.685381193529856e-2) * z + 1.128358514861418e-1) * z - 3.761262582423300e-1) * z + 1.128379165726710);
}

// e^(-x^2), with x^2 in two parts: its rounding error would show in the exponent.
fn exp_minus_square(x: f32) -> f32 {
  let high = bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
  let low = x - high;
  return safe_exp(-high * high) * safe_exp(-low * (high + x));
}

// erfc for x >= 1.
fn erfc_far(x: f32) -> f32 {
  let bounded = min(x, 15.0);
  let q = 1.0 / bounded;
  let z = q * q;
  let near = (((((((2.326819970068386e-2 * z - 1.387039388740657e-1) * z + 3.687424674597105e-1) * z - 5.824733027278666e-1) * z + 6.210004621745983e-1) * z - 4.944515323274145e-1) * z + 3.404879937665872e-1) * z - 2.741127028184656e-1) * z + 5.638259427386472e-1;
  let far = ((((((-1.047766399936249e+1 * z + 1.297719955372516e+1) * z - 7.495518717768503) * z + 2.921019019210786) * z - 1.015265279202700) * z + 4.218463358204948e-1) * z - 2.820767439740514e-1) * z + 5.641895067754075e-1;
  return exp_minus_square(bounded) * q * select(far, near, bounded < 2.0);
}

fn erf(x: f32) -> f32 {
  let far = 1.0 - erfc_far(max(abs(x), 1.0));
  return select(select(select(far, -far, x < 0.0), erf_near_zero(x), abs(x) < 1.0), x, is_nan(x));
}

fn erfc(x: f32) -> f32 {
  let far = erfc_far(max(abs(x), 1.0));
  return select(select(select(far, 2.0 - far, x < 0.0), 1.0 - erf_near_zero(x), abs(x) < 1.0), x, is_nan(x));
}

// Inverse of erf in (-1, 1): M. Giles, "Approximating the erfinv function", GPU Computing Gems, 2011.
fn erf_inv(x: f32) -> f32 {
  let w = -safe_log((1.0 - x) * (1.0 + x));
  let c = w - 2.5;
  let central = (((((((2.81022636e-8 * c + 3.43273939e-7) * c - 3.5233877e-6) * c - 4.39150654e-6) * c + 2.1858087e-4) * c - 1.25372503e-3) * c - 4.17768164e-3) * c + 2.46640727e-1) * c + 1.50140941;
  let t = sqrt(max(w, 5.0)) - 3.0;
  let tail = (((((((-2.00214257e-4 * t + 1.00950558e-4) * t + 1.34934322e-3) * t - 3.67342844e-3) * t + 5.73950773e-3) * t - 7.6224613e-3) * t + 9.43887047e-3) * t + 1.00167406) * t + 2.83297682;
  let y = x * select(tail, central, w < 5.0);
  let outside = (abs(x) > 1.0) | is_nan(x);
  return select(select(y, x * infinity(), abs(x) == 1.0), not_a_number(), outside);
}
