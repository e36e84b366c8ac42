// Largest value of each window of x [batch, height, width, channels], and its tap in the window (row * windowWidth + column).
// Ties go to the first tap, NaN is larger than every number, padding is never selected. A window with no tap inside the image gives
// -Infinity and tap -1.
// Follows poolingHead.wgsl. If channels are a multiple of four, an element is a vec4 of them, and sizes count vec4s.

alias Value = f32; // f32 or vec4<f32>
alias Bits = u32; // u32 or vec4<u32>
alias Winner = i32; // i32 or vec4<i32>
alias Truth = bool; // bool or vec4<bool>

@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> values: array<Element>;
@group(0) @binding(3) var<storage, read_write> winners: array<Winner>;

// Tests bits: WGSL may assume that no value is NaN and fold v != v to false.
fn isNan(value: Value) -> Truth {
  return (bitcast<Bits>(value) & Bits(0x7fffffffu)) > Bits(0x7f800000u);
}

// WGSL has no infinity literal.
fn infinity() -> Value {
  var bits = 0x7f800000u;
  return Value(bitcast<f32>(bits));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let run = runOf(workgroup, local);
  let end = run.y;
  var index = run.x;
  while (index < end) {
    let pixel = index / params.channels;
    let line = pixel / params.outWidth;
    let image = line / params.outHeight;
    // Corner of the window, and its taps first … last inside the image, in each direction. Without gaps there is at least one.
    let cornerY = i32(line % params.outHeight * params.strideY) - i32(params.padTop);
    let cornerX = i32(pixel % params.outWidth * params.strideX) - i32(params.padLeft);
    let steps = vec2<i32>(tapSteps());
    let firstY = (max(0, -cornerY) + steps.x - 1) / steps.x;
    let firstX = (max(0, -cornerX) + steps.y - 1) / steps.y;
    let lastY = min(i32(params.windowHeight), (i32(params.height) - cornerY + steps.x - 1) / steps.x);
    let lastX = min(i32(params.windowWidth), (i32(params.width) - cornerX + steps.y - 1) / steps.y);
    let corner = ((i32(image * params.height) + cornerY) * i32(params.width) + cornerX) * i32(params.channels);
    let pixelEnd = min(end, (pixel + 1u) * params.channels);
    for (var channel = i32(index - pixel * params.channels); index < pixelEnd; channel++) {
      var best = Value(0.0);
      var winner = Winner(-1);
      for (var ky = firstY; ky < lastY; ky++) {
        for (var kx = firstX; kx < lastX; kx++) {
          let value = Value(x[corner + (ky * steps.x * i32(params.width) + kx * steps.y) * i32(params.channels) + channel]);
          let wins = (winner < Winner(0)) | (!isNan(best) & (isNan(value) | (value > best)));
          best = select(best, value, wins);
          winner = select(winner, Winner(ky * i32(params.windowWidth) + kx), wins);
        }
      }
      if (dilated) {
        best = select(best, -infinity(), winner < Winner(0));
      }
      values[index] = Element(best);
      winners[index] = winner;
      index++;
    }
  }
}
