// Depthwise convolution of x [batch, height, width, channels] with filters [windowHeight, windowWidth, channels, multiplier]: each channel
// has its own filters. Each invocation computes a run of neighbouring outputs and divides by image sizes once per pixel.
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
  run: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> weights: array<Element>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: f32) { result[index] = Element(value); }
// end epilogue

// put
fn put(index: u32, value: Value) { store(index, value); }
// end put

// First tap that is not before the image.
fn firstTap(corner: i32, dilation: u32) -> u32 {
  return (u32(max(0, -corner)) + dilation - 1u) / dilation;
}

// End of the taps that are not past the image's end.
fn endTap(corner: i32, dilation: u32, size: u32, taps: u32) -> u32 {
  return min(taps, (u32(max(0, i32(size) - corner)) + dilation - 1u) / dilation);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  var index = ((workgroup.y * params.gridWidth + workgroup.x) * 64u + local) * params.run;
  let end = min(index + params.run, params.size);
  let outputs = params.channels * params.multiplier;
  while (index < end) {
    let pixel = index / outputs;
    let line = pixel / params.outWidth;
    let image = line / params.outHeight;
    let cornerY = i32(line % params.outHeight * params.strideY) - i32(params.padTop);
    let cornerX = i32(pixel % params.outWidth * params.strideX) - i32(params.padLeft);
    let firstY = firstTap(cornerY, params.dilationY);
    let firstX = firstTap(cornerX, params.dilationX);
    let lastY = endTap(cornerY, params.dilationY, params.height, params.windowHeight);
    let lastX = endTap(cornerX, params.dilationX, params.width, params.windowWidth);
    let corner = (i32(image * params.height) + cornerY) * i32(params.width) + cornerX;
    let pixelEnd = min(end, (pixel + 1u) * outputs);
    for (var place = index - pixel * outputs; index < pixelEnd; place++) {
      let channel = i32(place / params.multiplier);
      var sum = Value(0.0);
      for (var ky = firstY; ky < lastY; ky++) {
        for (var kx = firstX; kx < lastX; kx++) {
          let at = corner + i32(ky * params.dilationY * params.width + kx * params.dilationX);
          let weight = weights[(ky * params.windowWidth + kx) * outputs + place];
          sum += Value(x[at * i32(params.channels) + channel]) * Value(weight);
        }
      }
      put(index, sum);
      index++;
    }
  }
}
