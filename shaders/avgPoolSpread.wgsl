// Gradient of avgPool.wgsl as a gather: dx at a pixel is the sum of dy / taps over the windows that cover it, in the order of the windows.
// Follows poolingHead.wgsl.
alias Value = f32; // f32, or vec4<f32> of channels

@group(0) @binding(1) var<storage, read> dy: array<Element>;
// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: f32) { result[index] = Element(value); }
// end epilogue

// put
fn put(index: u32, value: Value) { store(index, value); }
// end put

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let run = runOf(workgroup, local);
  let end = run.y;
  var index = run.x;
  while (index < end) {
    let pixel = index / params.channels;
    let line = pixel / params.width;
    let image = line / params.height;
    let y = line % params.height + params.padTop;
    let x = pixel % params.width + params.padLeft;
    let rows = windowsOver(y, params.windowHeight, params.strideY, params.outHeight);
    let columns = windowsOver(x, params.windowWidth, params.strideX, params.outWidth);
    let pixelEnd = min(end, (pixel + 1u) * params.channels);
    for (var channel = index - pixel * params.channels; index < pixelEnd; channel++) {
      var sum = Value(0.0);
      for (var oy = rows.x; oy < rows.y; oy++) {
        let cornerY = i32(oy * params.strideY) - i32(params.padTop);
        let high = counted(cornerY, params.windowHeight, params.height, params.reachTop, params.reachBottom);
        for (var ox = columns.x; ox < columns.y; ox++) {
          let cornerX = i32(ox * params.strideX) - i32(params.padLeft);
          let count = high * counted(cornerX, params.windowWidth, params.width, params.reachLeft, params.reachRight);
          sum += Value(dy[((image * params.outHeight + oy) * params.outWidth + ox) * params.channels + channel]) / f32(count);
        }
      }
      put(index, sum);
      index++;
    }
  }
}
