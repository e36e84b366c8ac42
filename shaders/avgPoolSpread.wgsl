// Gradient of avgPool.wgsl in gather form: dx at a pixel is the sum of dy / taps over the windows that cover it, in the order of the windows.
// Behind pooling.wgsl.

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
  let run = run_of(workgroup, local);
  let end = run.y;
  var index = run.x;
  while (index < end) {
    let pixel = index / params.channels;
    let line = pixel / params.width;
    let image = line / params.height;
    let y = line % params.height + params.padTop;
    let x = pixel % params.width + params.padLeft;
    let rows = windows_over(y, params.windowHeight, params.strideY, params.outHeight);
    let columns = windows_over(x, params.windowWidth, params.strideX, params.outWidth);
    let pixelEnd = min(end, (pixel + 1u) * params.channels);
    for (var channel = index - pixel * params.channels; index < pixelEnd; channel++) {
      var sum = 0.0;
      for (var oy = rows.x; oy < rows.y; oy++) {
        let high = taps(oy, params.strideY, params.padTop, params.windowHeight, params.height);
        for (var ox = columns.x; ox < columns.y; ox++) {
          let count = high * taps(ox, params.strideX, params.padLeft, params.windowWidth, params.width);
          sum += f32(dy[((image * params.outHeight + oy) * params.outWidth + ox) * params.channels + channel]) / f32(count);
        }
      }
      store(index, sum);
      index++;
    }
  }
}
