// Gradient of avgPool.wgsl in gather form: dx at a pixel is the sum of dy / taps over the windows that cover it, in the order of the windows.
// A run of neighbouring elements of dx an invocation; what divides by a size of the image is done once a pixel.
alias Element = f32;

struct Params {
  size: u32,
  gridWidth: u32,
  height: u32,
  width: u32,
  outHeight: u32,
  outWidth: u32,
  channels: u32,
  windowHeight: u32,
  windowWidth: u32,
  strideY: u32,
  strideX: u32,
  padTop: u32,
  padLeft: u32,
  run: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Element>;
// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: f32) { result[index] = Element(value); }
// end epilogue

// Taps of a window inside the image, along one direction.
fn taps(window: u32, stride: u32, pad: u32, length: u32, size: u32) -> u32 {
  let corner = i32(window * stride) - i32(pad);
  return u32(min(i32(size), corner + i32(length)) - max(0, corner));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  var index = ((workgroup.y * params.gridWidth + workgroup.x) * 64u + local) * params.run;
  let end = min(index + params.run, params.size);
  while (index < end) {
    let pixel = index / params.channels;
    let line = pixel / params.width;
    let image = line / params.height;
    // Counted from the corner of the padding, a pixel lies under the windows first … last of each direction.
    let y = line % params.height + params.padTop;
    let x = pixel % params.width + params.padLeft;
    let firstY = select(0u, (y - params.windowHeight) / params.strideY + 1u, y >= params.windowHeight);
    let firstX = select(0u, (x - params.windowWidth) / params.strideX + 1u, x >= params.windowWidth);
    let lastY = min(y / params.strideY + 1u, params.outHeight);
    let lastX = min(x / params.strideX + 1u, params.outWidth);
    let pixelEnd = min(end, (pixel + 1u) * params.channels);
    for (var channel = index - pixel * params.channels; index < pixelEnd; channel++) {
      var sum = 0.0;
      for (var oy = firstY; oy < lastY; oy++) {
        let rows = taps(oy, params.strideY, params.padTop, params.windowHeight, params.height);
        for (var ox = firstX; ox < lastX; ox++) {
          let count = rows * taps(ox, params.strideX, params.padLeft, params.windowWidth, params.width);
          sum += f32(dy[((image * params.outHeight + oy) * params.outWidth + ox) * params.channels + channel]) / f32(count);
        }
      }
      store(index, sum);
      index++;
    }
  }
}
