// Input gradient of depthwise.wgsl as a gather: dx at a pixel sums dy over the windows that cover it, tap by tap, weighted by the filter.
// Each invocation computes a run of neighbouring elements of dx and divides by image sizes once per pixel.
// With one output per channel, an element may be a vec4 of channels, and sizes of channels then count vec4s.
alias Element = f32; // f32 or f16, or a vec4 of them
alias Value = f32; // f32 or vec4<f32>

struct Params {
  size: u32,
  gridWidth: u32,
  height: u32,
  width: u32,
  outHeight: u32,
  outWidth: u32,
  channels: u32,
  multiplier: u32,
  windowHeight: u32,
  windowWidth: u32,
  strideY: u32,
  strideX: u32,
  dilationY: u32,
  dilationX: u32,
  padTop: u32,
  padLeft: u32,
  // Steps from one tap whose window covers a pixel to the next one: number of taps forwards, number of windows backwards.
  tapStepY: u32,
  tapStepX: u32,
  windowStepY: u32,
  windowStepX: u32,
  run: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Element>;
@group(0) @binding(2) var<storage, read> weights: array<Element>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: f32) { result[index] = Element(value); }
// end epilogue

// put
fn put(index: u32, value: Value) { store(index, value); }
// end put

// First tap that reaches `place` from the corner of a window; `taps` if there is none. `place` counts from the corner of the padding.
fn firstTap(place: i32, stride: i32, dilation: i32, tapStep: u32, taps: u32) -> u32 {
  for (var tap = 0u; tap < min(tapStep, taps); tap++) {
    if ((place - i32(tap) * dilation) % stride == 0) {
      return tap;
    }
  }
  return taps;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  var index = ((workgroup.y * params.gridWidth + workgroup.x) * 64u + local) * params.run;
  let end = min(index + params.run, params.size);
  let outputs = params.channels * params.multiplier;
  let strideY = i32(params.strideY);
  let strideX = i32(params.strideX);
  let dilationY = i32(params.dilationY);
  let dilationX = i32(params.dilationX);
  while (index < end) {
    let pixel = index / params.channels;
    let line = pixel / params.width;
    let image = line / params.height;
    let y = i32(line % params.height + params.padTop);
    let x = i32(pixel % params.width + params.padLeft);
    let firstY = firstTap(y, strideY, dilationY, params.tapStepY, params.windowHeight);
    let firstX = firstTap(x, strideX, dilationX, params.tapStepX, params.windowWidth);
    let firstWindowY = (y - i32(firstY) * dilationY) / strideY;
    let firstWindowX = (x - i32(firstX) * dilationX) / strideX;
    let pixelEnd = min(end, (pixel + 1u) * params.channels);
    for (var channel = index - pixel * params.channels; index < pixelEnd; channel++) {
      var sum = Value(0.0);
      var oy = firstWindowY;
      for (var ky = firstY; ky < params.windowHeight; ky += params.tapStepY) {
        if ((oy >= 0) & (oy < i32(params.outHeight))) {
          let outLine = (image * params.outHeight + u32(oy)) * params.outWidth;
          var ox = firstWindowX;
          for (var kx = firstX; kx < params.windowWidth; kx += params.tapStepX) {
            if ((ox >= 0) & (ox < i32(params.outWidth))) {
              let output = (outLine + u32(ox)) * outputs + channel * params.multiplier;
              let weight = (ky * params.windowWidth + kx) * outputs + channel * params.multiplier;
              for (var m = 0u; m < params.multiplier; m++) {
                sum += Value(dy[output + m]) * Value(weights[weight + m]);
              }
            }
            ox -= i32(params.windowStepX);
          }
        }
        oy -= i32(params.windowStepY);
      }
      put(index, sum);
      index++;
    }
  }
}
