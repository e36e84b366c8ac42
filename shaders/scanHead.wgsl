// Head of the two scan kernels, scanTotals.wgsl and scan.wgsl: lines along the middle axis of [outer, length, inner], cut into chunks. Each
// invocation computes `run` chunks, one after the other. A step is state = state + b (mode 0), state * a (mode 1) or a * state + b (mode
// 2).
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
  lagged: u32, // 1: a step uses the a of the previous step
  reverse: u32,
  exclusive: u32, // 1: the state before a step instead of after it
  initial: u32,
  carried: u32,
  total: u32, // items of all lines
  pairs: u32, // 1: intermediate products take two words, `total` or `size` apart
  packed: u32, // 1: items and results are such products
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<Element>;
@group(0) @binding(2) var<storage, read> b: array<Element>;

// One chunk of one line: its steps, the position of its first item, and the distance of its items (backwards by wrapping around).
struct Chunk {
  first: u32,
  end: u32,
  at: u32,
  stride: u32,
}

fn chunkOf(p: u32) -> Chunk {
  let line = p / params.inner;
  let base = line / params.chunks * params.length * params.inner + p % params.inner;
  let first = line % params.chunks * params.chunk;
  let end = min(first + params.chunk, params.length);
  let isReverse = params.reverse == 1u;
  let place = select(first, params.length - 1u - first, isReverse);
  return Chunk(first, end, base + place * params.inner, select(params.inner, 0u - params.inner, isReverse));
}

// Factor of a step of mode 2. There is none before the first step.
fn factorOf(t: u32, at: u32, stride: u32) -> Value {
  if (t < params.lagged) {
    return Value(0);
  }
  return Value(a[at - params.lagged * stride]);
}

// product
// A running product with a mantissa of 32 bits: 10^7 roundings to the 24 bits of f32 would be noticeable. It uses integers, because no
// compiler may reorder them. The product is sign * mantissa / 2^31 * 2^exponent; if a factor was 0, infinite or NaN, the product is sign.
struct Product {
  sign: f32,
  mantissa: u32, // the highest bit is set
  exponent: i32,
}

fn one() -> Product {
  return Product(1.0, 0x80000000u, 0);
}

fn times(p: Product, q: Product) -> Product {
  // The 64 bits of the product of both mantissas, from products of 16 bits.
  let a = vec2<u32>(p.mantissa & 0xffffu, p.mantissa >> 16u);
  let b = vec2<u32>(q.mantissa & 0xffffu, q.mantissa >> 16u);
  let lowest = a.x * b.x;
  let across = a.y * b.x + (lowest >> 16u);
  let middle = a.x * b.y + (across & 0xffffu);
  let high = a.y * b.y + (across >> 16u) + (middle >> 16u);
  let low = (middle << 16u) | (lowest & 0xffffu);
  let isShort = high < 0x80000000u;
  let mantissa = select(high, (high << 1u) | (low >> 31u), isShort);
  // Rounded to the nearest; this may carry out one more bit at the top.
  let rounded = mantissa + (select(low, low << 1u, isShort) >> 31u);
  let carried = rounded < mantissa;
  let exponent = p.exponent + q.exponent + select(1, 0, isShort) + select(0, 1, carried);
  return Product(p.sign * q.sign, select(rounded, 0x80000000u, carried), clamp(exponent, -30000, 30000));
}

// The nearest f32, made from bits. A compiler may multiply two powers of two first, and their product may underflow although the result
// does not.
fn valueOf(p: Product) -> f32 {
  // A subnormal number keeps fewer bits of the mantissa.
  let lost = 8u + u32(clamp(-126 - p.exponent, 0, 24));
  let kept = (p.mantissa >> (lost - 1u)) >> 1u;
  let rest = p.mantissa << (32u - lost);
  // A half of the last kept bit is rounded to even. The highest bit of a normal mantissa, or a carry, increments the exponent.
  let up = select(0u, 1u, (rest > 0x80000000u) | ((rest == 0x80000000u) & ((kept & 1u) == 1u)));
  let bits = (u32(clamp(p.exponent, -126, 127) + 126) << 23u) + kept + up;
  let bounded = select(select(bits, 0x7f800000u, p.exponent > 127), 0u, p.exponent < -150);
  let value = bitcast<f32>(bounded | (bitcast<u32>(p.sign) & 0x80000000u));
  return select(p.sign, value, abs(p.sign) == 1.0);
}

fn productOf(x: f32) -> Product {
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  if ((size == 0u) | (size >= 0x7f800000u)) {
    return Product(x, 0x80000000u, 0);
  }
  // The mantissa of a subnormal number is shifted up to a normal one.
  let shift = max(countLeadingZeros(size), 8u) - 8u;
  let exponent = i32(size >> 23u) + select(0, 1, shift > 0u) - i32(shift) - 127;
  return Product(select(1.0, -1.0, bits > 0x80000000u), ((size << shift) | 0x800000u) << 8u, exponent);
}

// The two words of a product. Both are integers that f32 can represent.
fn firstWord(p: Product) -> f32 {
  return select(p.sign, p.sign * f32(p.mantissa >> 8u), abs(p.sign) == 1.0);
}

fn secondWord(p: Product) -> f32 {
  return f32(p.exponent * 256 + i32(p.mantissa & 255u));
}

fn fromWords(first: f32, second: f32) -> Product {
  let size = abs(first);
  if ((size >= 8388608.0) & (size < 16777216.0)) {
    let word = i32(second);
    return Product(select(1.0, -1.0, first < 0.0), (u32(size) << 8u) | u32(word & 255), word >> 8u);
  }
  return Product(first, 0x80000000u, 0);
}

fn factorAt(at: u32) -> Product {
  if (params.packed == 1u) {
    return fromWords(f32(a[at]), f32(b[at]));
  }
  return productOf(f32(a[at]));
}
// end product
