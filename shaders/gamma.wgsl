// Scalar functions for generated kernels: the gamma function's relatives. The notes of math.wgsl on special values apply here too.
// Polynomials are fitted for the least relative error, which is below 3e-8.

// lgamma(1 + t) for |t| <= 1/2.
fn lgammaNearOne(t: f32) -> f32 {
  let far = ((((((-1.4806483e-1 * t + 1.7807257e-1) * t - 7.2636478e-2) * t + 6.6450171e-2) * t - 1.1257850e-1) * t + 1.3081184e-1) * t - 1.4416663e-1) * t + 1.6916533e-1;
  return t * (((((far * t - 2.0736848e-1) * t + 2.7059293e-1) * t - 4.0068614e-1) * t + 8.2246691e-1) * t - 5.7721567e-1);
}

// lgamma(2 + t) for |t| <= 1/2.
fn lgammaNearTwo(t: f32) -> f32 {
  let far = ((((-2.6633762e-4 * t + 5.7018560e-4) * t - 1.1795943e-3) * t + 2.8788974e-3) * t - 7.3871543e-3) * t + 2.0581622e-2;
  return t * (((far * t - 6.7352235e-2) * t + 3.2246703e-1) * t + 4.2278433e-1);
}

// lgamma(y) for y >= 1/2: polynomials about 1 and 2, steps down to 2.5, and Stirling's series for y >= 8.
fn lgammaPositive(y: f32) -> f32 {
  if (y < 1.5) {
    return lgammaNearOne(y - 1.0);
  }
  if (y < 8.0) {
    var z = y;
    var product = 1.0;
    for (var i = 0; i < 6; i++) {
      let step = select(0.0, 1.0, z >= 2.5);
      z -= step;
      product *= select(1.0, z, step > 0.0);
    }
    return lgammaNearTwo(z - 2.0) + safeLog(product);
  }
  let q = 1.0 / y;
  let z = q * q;
  let series = q * ((7.9365079e-4 * z - 2.7777778e-3) * z + 8.3333333e-2);
  return (y - 0.5) * (safeLog(y) - 1.0) + (4.1893853e-1 + series);
}

// x minus the nearest integer. Periodic functions of πx then have no reduction error.
fn turnOf(x: f32) -> f32 {
  return x - round(x);
}

// sin(πr) and cos(πr) for |r| <= 1/2.
fn sinPi(r: f32) -> f32 {
  let z = r * r;
  return r * ((((7.7558637e-2 * z - 5.9824121e-1) * z + 2.5500696) * z - 5.1677098) * z + 3.1415927);
}

fn cosPi(r: f32) -> f32 {
  let z = r * r;
  return (0.5 - r) * (0.5 + r) * ((((2.4153706e-2 * z - 2.2873834e-1) * z + 1.2779897) * z - 3.7392080) * z + 4.0);
}

// 0, -1, -2, … and all values past 2^23 in magnitude, because every such f32 is an integer.
fn isGammaPole(x: f32) -> bool {
  return (x <= 0.0) & (x == floor(x));
}

fn lgamma(x: f32) -> f32 {
  let a = abs(x);
  if (isNan(x) | isInf(x)) {
    return select(infinity(), x, isNan(x));
  }
  if (isGammaPole(x)) {
    return infinity();
  }
  if (a < 0.5) {
    return lgammaNearOne(x) - safeLog(a);
  }
  if (x < 0.0) {
    // Γ(x) Γ(1 - x) = π / sin(πx)
    return 1.1447299 - safeLog(abs(sinPi(turnOf(x)))) - lgammaPositive(1.0 + a);
  }
  return lgammaPositive(x);
}

// digamma(y) for y >= 1: a polynomial about the root, which is given in two parts; steps down to 2; a series for y >= 10.
fn digammaPositive(y: f32) -> f32 {
  if (y >= 10.0) {
    let q = 1.0 / y;
    let z = q * q;
    return safeLog(y) - 0.5 * q - z * ((3.9682540e-3 * z - 8.3333333e-3) * z + 8.3333333e-2);
  }
  var z = y;
  var sum = 0.0;
  for (var i = 0; i < 8; i++) {
    let step = select(0.0, 1.0, z > 2.0);
    z -= step;
    sum += step / z;
  }
  let t = z - 1.5;
  let far = ((((1.0791888e-2 * t - 1.6365295e-2) * t + 1.7183676e-2) * t - 2.5791539e-2) * t + 4.0835142e-2) * t - 6.2055115e-2;
  let slope = ((((far * t + 9.4985999e-2) * t - 1.4839892e-1) * t + 2.4054250e-1) * t - 4.2362750e-1) * t + 9.5105588e-1;
  // The root's second part, times the slope there. Subtracting two constants from z in a row would be folded into one.
  return (z - 1.4616321325302124) * slope - 1.2036052e-8 + sum;
}

fn digamma(x: f32) -> f32 {
  if (isNan(x) | isInf(x)) {
    return select(notANumber(), x, !(x < 0.0));
  }
  if (x == 0.0) {
    return select(-infinity(), infinity(), (bitcast<u32>(x) & 0x80000000u) != 0u);
  }
  if (isGammaPole(x)) {
    return notANumber();
  }
  if (x < 0.0) {
    // ψ(x) = ψ(1 - x) - π / tan(πx)
    let r = turnOf(x);
    return digammaPositive(1.0 - x) - 3.1415927 * cosPi(r) / sinPi(r);
  }
  if (x < 1.0) {
    return digammaPositive(1.0 + x) - 1.0 / x;
  }
  return digammaPositive(x);
}

// y^-power for an integer power.
fn inversePower(y: f32, power: u32) -> f32 {
  let q = 1.0 / y;
  var result = q;
  for (var i = 1u; i < power; i++) {
    result *= q;
  }
  return result;
}

// |ψ_n(x)| / n! for x > 0, the sum of 1 / (x + k)^(n + 1) over all k >= 0: a few terms, then the Euler-Maclaurin formula.
fn hurwitzZeta(x: f32, n: u32) -> f32 {
  var sum = 0.0;
  var y = x;
  for (var i = 0u; i < n + 8u; i++) {
    sum += inversePower(y, n + 1u);
    y += 1.0;
  }
  let m = f32(n);
  let q = 1.0 / y;
  let z = q * q;
  let third = (m + 4.0) * (m + 5.0) * (m + 2.0) * (m + 3.0) / 30240.0;
  let series = (third * z - (m + 2.0) * (m + 3.0) / 720.0) * z + 1.0 / 12.0;
  return sum + inversePower(y, n) * (1.0 / m + q * (0.5 + (m + 1.0) * q * series));
}
