// Mean of each window of x [batch, height, width, channels] over its counted taps: inside the image, or within its reach, as zeros.
// Follows poolingHead.wgsl.
alias Value = f32; // f32, or vec4<f32> of channels

@group(0) @binding(1) var<storage, read> x: array<Element>;
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
    let line = pixel / params.outWidth;
    let image = line / params.outHeight;
    // Rows and columns of the window inside the image. There is at least one of each.
    let cornerY = i32(line % params.outHeight * params.strideY) - i32(params.padTop);
    let cornerX = i32(pixel % params.outWidth * params.strideX) - i32(params.padLeft);
    let firstY = u32(max(0, cornerY));
    let firstX = u32(max(0, cornerX));
    let lastY = u32(min(i32(params.height), cornerY + i32(params.windowHeight)));
    let lastX = u32(min(i32(params.width), cornerX + i32(params.windowWidth)));
    let high = counted(cornerY, params.windowHeight, params.height, params.reachTop, params.reachBottom);
    let wide = counted(cornerX, params.windowWidth, params.width, params.reachLeft, params.reachRight);
    let count = f32(high * wide);
    let pixelEnd = min(end, (pixel + 1u) * params.channels);
    for (var channel = index - pixel * params.channels; index < pixelEnd; channel++) {
      var sum = Value(0.0);
      for (var y = firstY; y < lastY; y++) {
        let imageLine = (image * params.height + y) * params.width;
        for (var column = firstX; column < lastX; column++) {
          sum += Value(x[(imageLine + column) * params.channels + channel]);
        }
      }
      put(index, sum / count);
      index++;
    }
  }
}
