// Scalar functions for generated kernels. A kernel includes the functions that it calls, and those that they call, in the order of this file.
// WGSL does not define NaN, infinities and the accuracy of its functions: log(0), tanh(90) or pow(-2.0, 3.0) differ between stacks. Results
// of these functions do not. Special values are tested and made by their bits: comparisons with NaN may be optimised away, and a constant
// infinity does not compile. There is no `&&`, `||` or `if`, except for an expensive slow path: each branch doubles SwiftShader's build time.
// Polynomials, unless noted, are from Cephes (S. L. Moshier, single precision), with errors of 1 to 3 ULP.

// --- special values ---

fn isNan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn isFinite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

fn isInf(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u;
}

// Made from a variable, because WGSL does not accept a constant infinity.
fn infinity() -> f32 {
  var bits = 0x7f800000u;
  return bitcast<f32>(bits);
}

fn notANumber() -> f32 {
  var bits = 0x7fc00000u;
  return bitcast<f32>(bits);
}

// The magnitude of one number with the sign of another; -0 is negative.
fn withSign(magnitude: f32, sign: f32) -> f32 {
  return bitcast<f32>((bitcast<u32>(magnitude) & 0x7fffffffu) | (bitcast<u32>(sign) & 0x80000000u));
}

// x with its last 12 bits zero: the product of two such numbers is exact.
fn leadingBits(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
}

// --- comparison and choice ---

// a * b, and 0 if a is 0 (or subnormal): 0 times an infinite slope is 0 in gradients.
fn productOrZero(a: f32, b: f32) -> f32 {
  return select(a * b, 0.0, (bitcast<u32>(a) & 0x7f800000u) == 0u);
}

fn quotientOrZero(a: f32, b: f32) -> f32 {
  return select(a / b, 0.0, (bitcast<u32>(a) & 0x7f800000u) == 0u);
}

// a * b, and 0 if either is 0.
fn productOfNonzero(a: f32, b: f32) -> f32 {
  let isNull = ((bitcast<u32>(a) & 0x7f800000u) == 0u) | ((bitcast<u32>(b) & 0x7f800000u) == 0u);
  return select(a * b, 0.0, isNull);
}

// NaN if either is NaN; max() may return the other operand.
fn safeMax(a: f32, b: f32) -> f32 {
  return select(max(a, b), select(b, a, isNan(a)), isNan(a) | isNan(b));
}

fn safeMin(a: f32, b: f32) -> f32 {
  return select(min(a, b), select(b, a, isNan(a)), isNan(a) | isNan(b));
}

// NaN stays NaN.
fn safeClip(x: f32, low: f32, high: f32) -> f32 {
  return safeMin(safeMax(x, low), high);
}

// Whether candidate b replaces a as the largest. NaN is larger than every number.
fn beatsMax(a: f32, b: f32) -> bool {
  return select(b > a, isNan(b) & !isNan(a), isNan(a) | isNan(b));
}

fn beatsMin(a: f32, b: f32) -> bool {
  return select(b < a, isNan(b) & !isNan(a), isNan(a) | isNan(b));
}

// 0 and NaN are returned unchanged.
fn safeSign(x: f32) -> f32 {
  let isNonzero = ((bitcast<u32>(x) & 0x7fffffffu) - 1u) < 0x7f800000u;
  return select(x, withSign(1.0, x), isNonzero);
}

// --- conversion ---

// Truncated and clamped to the range; NaN becomes 0. 2147483520 is the largest f32 below 2^31.
fn toI32(x: f32) -> i32 {
  let inside = i32(clamp(x, -2147483648.0, 2147483520.0));
  return select(select(inside, 2147483647, x >= 2147483648.0), 0, isNan(x));
}

fn toU32(x: f32) -> u32 {
  let inside = u32(clamp(x, 0.0, 4294967040.0));
  return select(select(inside, 0xffffffffu, x >= 4294967296.0), 0u, isNan(x));
}

// --- division with a floored quotient, as in Python: the remainder has the sign of the divisor ---

// |a| / |b| in integers, for finite numbers and for an infinite b, because a device's a / b has one or two rounding errors. The integer
// quotient is x 2^y plus lower digits. Bit 0 of z: a lower digit is not 0. Bit 1: a lower digit is not 1. Bit 2: there is a remainder, with
// the bits w as an f32, unless the device flushes subnormal numbers to 0.
fn longDivision(a: f32, b: f32) -> vec4<u32> {
  let dividend = bitcast<u32>(a) & 0x7fffffffu;
  let divisor = bitcast<u32>(b) & 0x7fffffffu;
  let dividendExponent = max(dividend >> 23u, 1u);
  let divisorExponent = max(divisor >> 23u, 1u);
  let whole = max((divisor & 0x007fffffu) | select(0u, 0x00800000u, divisor >= 0x00800000u), 1u);
  var remainder = (dividend & 0x007fffffu) | select(0u, 0x00800000u, dividend >= 0x00800000u);
  var quotient = remainder / whole;
  remainder -= quotient * whole;
  var exponent = 0u;
  var flags = 0u;
  // Seven bits of the quotient at a time. Common arguments need at most five iterations.
  for (var left = dividendExponent - min(dividendExponent, divisorExponent); left > 0u; left -= min(left, 7u)) {
    let step = min(left, 7u);
    let digit = (remainder << step) / whole;
    remainder = (remainder << step) - digit * whole;
    let fits = quotient < 0x01000000u;
    quotient = select(quotient, (quotient << step) | digit, fits);
    exponent += select(step, 0u, fits);
    flags |= select(select(0u, 1u, digit != 0u) | select(2u, 0u, digit == (1u << step) - 1u), 0u, fits);
  }
  // The remainder counts units of 2^(divisorExponent - 150).
  let rest = f32(remainder) * 1.1920929e-7 * bitcast<f32>(divisorExponent << 23u);
  let isSmaller = dividendExponent < divisorExponent;
  flags |= select(0u, 4u, select(remainder, dividend, isSmaller) != 0u);
  return vec4<u32>(select(quotient, 0u, isSmaller), exponent, flags, select(bitcast<u32>(rest), dividend, isSmaller));
}

// Whether the quotient is negative and not an integer. The floored one is then one less than the truncated one, and the remainder one b
// more.
fn isFloored(a: f32, b: f32, flags: u32) -> bool {
  return ((flags & 4u) != 0u) & ((bitcast<u32>(a) ^ bitcast<u32>(b)) >= 0x80000000u);
}

fn floorMod(a: f32, b: f32) -> f32 {
  let division = longDivision(a, b);
  let remainder = withSign(bitcast<f32>(division.w), a);
  let floored = select(remainder, remainder + b, isFloored(a, b, division.z));
  return select(floored, notANumber(), !isFinite(a) | isNan(b) | ((bitcast<u32>(b) & 0x7fffffffu) == 0u));
}

// The exact quotient, rounded once to an f32.
fn floorDiv(a: f32, b: f32) -> f32 {
  let division = longDivision(a, b);
  let floored = isFloored(a, b, division.z);
  // Adding one carries through digits that are all 1.
  let carries = floored & ((division.z & 2u) == 0u);
  let quotient = division.x + select(0u, 1u, carries);
  let lost = (((division.z & 1u) != 0u) | floored) & !carries;
  let shift = 8u - min(countLeadingZeros(quotient), 8u);
  let kept = quotient >> shift;
  let below = quotient - (kept << shift);
  let half = (1u << shift) >> 1u;
  let up = (below > half) | ((below == half) & (half != 0u) & (lost | ((kept & 1u) == 1u)));
  let magnitude = scaleByPowerOfTwo(f32(kept + select(0u, 1u, up)), f32(shift + division.y));
  let negative = (bitcast<u32>(a) ^ bitcast<u32>(b)) & 0x80000000u;
  let aIsZero = (bitcast<u32>(a) & 0x7fffffffu) == 0u;
  let bIsZero = (bitcast<u32>(b) & 0x7fffffffu) == 0u;
  let signed = bitcast<f32>(bitcast<u32>(select(magnitude, infinity(), bIsZero)) | negative);
  let undefined = isNan(a) | isNan(b) | (isInf(a) & !bIsZero) | (aIsZero & bIsZero);
  return select(signed, notANumber(), undefined);
}

// An integer divided by zero gives 0.
fn floorDivI32(a: i32, b: i32) -> i32 {
  let divisor = select(b, 1, b == 0);
  let quotient = a / divisor;
  let inexact = a - quotient * divisor != 0;
  return select(quotient - select(0, 1, inexact & ((a < 0) != (divisor < 0))), 0, b == 0);
}

fn floorModI32(a: i32, b: i32) -> i32 {
  return select(a - floorDivI32(a, b) * b, 0, b == 0);
}

fn floorDivU32(a: u32, b: u32) -> u32 {
  return select(a / select(b, 1u, b == 0u), 0u, b == 0u);
}

fn floorModU32(a: u32, b: u32) -> u32 {
  return select(a % select(b, 1u, b == 0u), 0u, b == 0u);
}

// --- powers ---

fn powU32(a: u32, b: u32) -> u32 {
  var result = 1u;
  var base = a;
  for (var rest = b; rest > 0u; rest >>= 1u) {
    result *= select(1u, base, (rest & 1u) == 1u);
    base *= base;
  }
  return result;
}

// A negative exponent gives the truncated quotient: 0, except for bases 1 and -1.
fn powI32(a: i32, b: i32) -> i32 {
  let power = bitcast<i32>(powU32(bitcast<u32>(a), u32(max(b, 0))));
  let sign = select(1, -1, (b & 1) == 1);
  return select(power, select(select(0, sign, a == -1), 1, a == 1), b < 0);
}

// x^n for |n| < 128 by repeated squaring, without a loop. It is exact; pow()'s logarithm is not.
fn powInteger(x: f32, n: i32) -> f32 {
  let bits = vec4<u32>(u32(abs(n)));
  let x2 = x * x;
  let x4 = x2 * x2;
  let x8 = x4 * x4;
  let x16 = x8 * x8;
  let x32 = x16 * x16;
  let low = select(vec4<f32>(1.0), vec4<f32>(x, x2, x4, x8), (bits & vec4<u32>(1u, 2u, 4u, 8u)) != vec4<u32>(0u));
  let high = select(vec4<f32>(1.0), vec4<f32>(x16, x32, x32 * x32, 1.0), (bits & vec4<u32>(16u, 32u, 64u, 0u)) != vec4<u32>(0u));
  let result = low.x * low.y * low.z * low.w * high.x * high.y * high.z;
  return select(result, 1.0 / result, n < 0);
}

// a^b with C's rules: 1 for b = 0; negative bases for integer b, otherwise NaN. Special cases are tested by bits.
fn safePow(a: f32, b: f32) -> f32 {
  let whole = b == trunc(b);
  // Floats of at least 2^24 are even.
  let half = b * 0.5;
  let odd = whole & (abs(b) < 16777216.0) & (half != trunc(half));
  let negative = bitcast<u32>(a) >= 0x80000000u;
  let magnitude = powerOfPositive(abs(a), b);
  let signed = select(magnitude, -magnitude, negative & odd);
  let isZero = (bitcast<u32>(a) & 0x7fffffffu) == 0u;
  let undefined = isNan(a) | isNan(b) | (negative & !whole & !isZero & isFinite(a));
  let isOne = ((bitcast<u32>(b) & 0x7fffffffu) == 0u) | (bitcast<u32>(a) == 0x3f800000u);
  return select(select(signed, notANumber(), undefined), 1.0, isOne);
}

// a^b for a >= 0 as 2^(b log2 a). b times the logarithm's rounding error would be an error of the exponent. So the logarithm and b are each
// split into a number of 12 bits and the rest: the large products are exact, and the integer part of each goes to the exponent.
fn powerOfPositive(a: f32, b: f32) -> f32 {
  // a = (1 + f) 2^n; log(1 + f) = f - f^2 / 2 + ... = high + low
  let parts = logParts(a);
  let f = parts.x;
  let n = parts.y;
  let head = leadingBits(f);
  let square = 0.5 * head * head;
  let high = leadingBits(f - square);
  let low = ((f - high) - square) + (f * f * f * logPolynomial(f) - 0.5 * (f - head) * (f + head));
  // log2(1 + f) = log2Head + log2Tail; 1 / log(2) in two parts
  let product = high * 1.4423828125;
  let correction = high * 3.1222838896e-4 + low * 1.44269504;
  let log2Head = leadingBits(product + correction);
  let log2Tail = (product - log2Head) + correction;
  // Past ±2^32 every power except that of 1 is 0 or infinite.
  let bounded = clamp(b, -4294967296.0, 4294967296.0);
  let bHead = leadingBits(bounded);
  let bTail = bounded - bHead;
  let products = vec4<f32>(bHead * n, bTail * n, bHead * log2Head, bTail * log2Head + bounded * log2Tail);
  let exponents = round(products);
  let fractions = products - exponents;
  let rest = fractions.x + fractions.y + fractions.z + fractions.w;
  let more = round(rest);
  let exponent = exponents.x + exponents.y + exponents.z + exponents.w + more;
  let power = scaleByPowerOfTwo(exp2NearZero(rest - more), exponent);
  let shrinks = bitcast<u32>(b) >= 0x80000000u;
  let ofInfinity = select(infinity(), 0.0, shrinks);
  let ofZero = select(0.0, infinity(), shrinks);
  return select(select(power, ofInfinity, isInf(a)), ofZero, bitcast<u32>(a) == 0u);
}

// Factor for numbers before they are squared, chosen by the sum of their squares. It is 1, or a power of two if that sum overflows or is so
// small that squares underflowed. With it f32 holds the squares of up to 2^24 numbers. Squares that still underflow do not change the sum.
fn squaresScale(total: f32) -> f32 {
  return select(select(1.0, 1.2089258196146292e24, total < 3.308722450212111e-24), 1.262177448353619e-29, total > 1.7014118346046923e38);
}

// x * s for a power of two s > 0. Drivers may regroup products of floats; they cannot regroup the addition of exponents.
fn scaleByPower(x: f32, s: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let exponent = i32((bits >> 23u) & 255u);
  let shift = i32(bitcast<u32>(s) >> 23u) - 127;
  let moved = exponent + shift;
  let isNormal = (exponent > 0) & (exponent < 255) & (moved > 0) & (moved < 255);
  return select(x * s, bitcast<f32>(bits + (bitcast<u32>(shift) << 23u)), isNormal);
}

// The root of a sum of squares of numbers multiplied by squaresScale().
fn rootOfSquares(total: f32, scale: f32) -> f32 {
  return sqrt(total) * select(select(1.0, 8.271806125530277e-25, scale > 1.0), 7.922816251426434e28, scale < 1.0);
}

fn hypotenuse(a: f32, b: f32) -> f32 {
  let scale = squaresScale(a * a + b * b);
  let x = a * scale;
  let y = b * scale;
  return rootOfSquares(x * x + y * y, scale);
}

fn safeSqrt(x: f32) -> f32 {
  return select(sqrt(x), notANumber(), x < 0.0);
}

// --- exponentials ---

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

// 2^x for |x| <= 1 / 2.
fn exp2NearZero(x: f32) -> f32 {
  let r = x * 0.693147181;
  return 1.0 + (r + r * r * expPolynomial(r));
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

fn safeExp2(x: f32) -> f32 {
  let bounded = clamp(x, -152.0, 130.0);
  let n = round(bounded);
  return select(scaleByPowerOfTwo(exp2NearZero(bounded - n), n), x, isNan(x));
}

// e^x - 1 without cancellation near 0.
fn expm1(x: f32) -> f32 {
  return select(safeExp(x) - 1.0, x + x * x * expPolynomial(x), abs(x) < 0.35);
}

// --- logarithms ---

// x = (1 + parts.x) * 2^parts.y with 1 + parts.x in [sqrt(1/2), sqrt(2)), for positive finite x.
fn logParts(x: f32) -> vec2f {
  // Subnormal numbers are first shifted into the normal range as integers, because the device may treat them as 0.
  let shift = max(countLeadingZeros(bitcast<u32>(x)), 8u) - 8u;
  let bits = bitcast<u32>(x) << shift;
  let exponent = i32(bits >> 23u) - 126 - i32(shift);
  let mantissa = bitcast<f32>((bits & 0x007fffffu) | 0x3f000000u);
  let low = mantissa < 0.707106781;
  return vec2f(select(mantissa, mantissa + mantissa, low) - 1.0, f32(select(exponent, exponent - 1, low)));
}

// log(1 + x) - x + x^2 / 2 over x^3, for 1 + x in [sqrt(1/2), sqrt(2)).
fn logPolynomial(x: f32) -> f32 {
  return (((((((7.0376836292e-2 * x - 1.1514610310e-1) * x + 1.1676998740e-1) * x - 1.2420140846e-1) * x + 1.4249322787e-1) * x - 1.6668057665e-1) * x + 2.0000714765e-1) * x - 2.4999993993e-1) * x + 3.3333331174e-1;
}

fn log1pNearZero(x: f32) -> f32 {
  let z = x * x;
  return x + (x * z * logPolynomial(x) - 0.5 * z);
}

// Results for arguments without a finite logarithm.
fn logOrSpecial(x: f32, value: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let ofZero = select(value, -infinity(), (bits & 0x7fffffffu) == 0u);
  return select(select(ofZero, x, !isFinite(x)), notANumber(), bits > 0x80000000u);
}

fn safeLog(x: f32) -> f32 {
  let parts = logParts(x);
  let z = parts.x * parts.x;
  let y = parts.x * z * logPolynomial(parts.x) + parts.y * -2.12194440e-4 - 0.5 * z;
  return logOrSpecial(x, (parts.x + y) + parts.y * 0.693359375);
}

fn safeLog2(x: f32) -> f32 {
  let parts = logParts(x);
  return logOrSpecial(x, log1pNearZero(parts.x) * 1.44269504 + parts.y);
}

// log(1 + x) without cancellation near 0.
fn log1p(x: f32) -> f32 {
  return select(safeLog(1.0 + x), log1pNearZero(x), (x > -0.29) & (x < 0.41));
}

// --- the logistic family ---

fn sigmoid(x: f32) -> f32 {
  let e = safeExp(-abs(x));
  return select(1.0, e, x < 0.0) / (1.0 + e);
}

// log(1 + e^x) without overflow.
fn softplus(x: f32) -> f32 {
  return select(x, 0.0, x < 0.0) + log1p(safeExp(-abs(x)));
}
