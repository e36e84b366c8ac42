// Scalar functions for generated kernels: division of integers with a truncated quotient, and shifts. The notes of math.wgsl on special
// values apply here too.

// --- division with a truncated quotient, as in C: the remainder has the sign of the dividend ---

// Whether exactly one of two numbers has its sign bit set; -0 is negative.
fn signsDiffer(a: f32, b: f32) -> bool {
  return ((bitcast<u32>(a) ^ bitcast<u32>(b)) & 0x80000000u) != 0u;
}

fn truncMod(a: f32, b: f32) -> f32 {
  let remainder = floorMod(abs(a), abs(b));
  return select(remainder, -remainder, signsDiffer(a, 1.0));
}

fn truncDiv(a: f32, b: f32) -> f32 {
  // For an infinite a, the result is a / b: an infinity, or NaN if b is infinite or NaN.
  let ofInfinity = select(notANumber(), infinity(), isFinite(b));
  let quotient = select(floorDiv(abs(a), abs(b)), ofInfinity, isInf(a));
  return select(quotient, -quotient, signsDiffer(a, b));
}

// An integer divided by zero gives 0.
fn truncDivI32(a: i32, b: i32) -> i32 {
  return select(a / select(b, 1, b == 0), 0, b == 0);
}

fn truncModI32(a: i32, b: i32) -> i32 {
  return select(a - truncDivI32(a, b) * b, 0, b == 0);
}

// --- shifts: 32 bits or more remove the whole number; negative counts do so too ---

fn shiftLeftU32(a: u32, count: u32) -> u32 {
  return select(a << (count & 31u), 0u, count > 31u);
}

fn shiftLeftI32(a: i32, count: i32) -> i32 {
  return bitcast<i32>(shiftLeftU32(bitcast<u32>(a), bitcast<u32>(count)));
}

fn shiftRightU32(a: u32, count: u32) -> u32 {
  return select(a >> (count & 31u), 0u, count > 31u);
}

// Keeps the sign: shifts of 32 or more give 0 or -1.
fn shiftRightI32(a: i32, count: i32) -> i32 {
  return a >> min(bitcast<u32>(count), 31u);
}
