// Gradient of max pooling in gather form: dx at a pixel is the sum of dy over the windows that the pixel won, in the order of the windows.
// Behind pooling.wgsl.

@group(0) @binding(1) var<storage, read> dy: array<Element>;
@group(0) @binding(2) var<storage, read> winners: array<i32>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: f32) { result[index] = Element(value); }
// end epilogue

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
        for (var ox = columns.x; ox < columns.y; ox++) {
          let tap = (y - oy * params.strideY) * params.windowWidth + x - ox * params.strideX;
          let at = ((image * params.outHeight + oy) * params.outWidth + ox) * params.channels + channel;
          sum += select(0.0, f32(dy[at]), winners[at] == i32(tap));
        }
      }
      store(index, sum);
      index++;
    }
  }
}
