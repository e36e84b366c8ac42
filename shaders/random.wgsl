// Counter-based random bits, Threefry-2x32 with 20 rounds (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011), equal
// bit for bit to src/core/random.ts.

fn threefryRound(x: vec2u, rotation: u32) -> vec2u {
  let first = x.x + x.y;
  return vec2u(first, ((x.y << rotation) | (x.y >> (32u - rotation))) ^ first);
}

// Encrypts the counter under the key.
fn threefry2x32(key: vec2u, counter: vec2u) -> vec2u {
  let third = key.x ^ key.y ^ 0x1bd11bdau;
  var x = counter + key;
  x = threefryRound(threefryRound(threefryRound(threefryRound(x, 13u), 15u), 26u), 6u);
  x += vec2u(key.y, third + 1u);
  x = threefryRound(threefryRound(threefryRound(threefryRound(x, 17u), 29u), 16u), 24u);
  x += vec2u(third, key.x + 2u);
  x = threefryRound(threefryRound(threefryRound(threefryRound(x, 13u), 15u), 26u), 6u);
  x += vec2u(key.x, key.y + 3u);
  x = threefryRound(threefryRound(threefryRound(threefryRound(x, 17u), 29u), 16u), 24u);
  x += vec2u(key.y, third + 4u);
  x = threefryRound(threefryRound(threefryRound(threefryRound(x, 13u), 15u), 26u), 6u);
  return x + vec2u(third, key.x + 5u);
}

// The upper 24 bits as a number in [0, 1). Each is exact in f32.
fn bitsToUniform(bits: u32) -> f32 {
  return f32(bits >> 8u) * 5.9604644775390625e-8;
}
