// Reads x [batch, height, width, channels] at the pixel with the largest value of each window of a max pooling: the transpose of
// maxPoolScatter.wgsl. A window without such a pixel gives 0.
// Follows poolingHead.wgsl.

@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> winners: array<i32>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: f32) { result[index] = Element(value); }
// end epilogue

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let run = runOf(workgroup, local);
  let end = run.y;
  var index = run.x;
  while (index < end) {
    let pixel = index / params.channels;
    let line = pixel / params.outWidth;
    let image = line / params.outHeight;
    let cornerY = line % params.outHeight * params.strideY - params.padTop;
    let cornerX = pixel % params.outWidth * params.strideX - params.padLeft;
    let steps = tapSteps();
    let pixelEnd = min(end, (pixel + 1u) * params.channels);
    for (var channel = index - pixel * params.channels; index < pixelEnd; channel++) {
      let winner = winners[index];
      let tap = u32(max(0, winner));
      let y = cornerY + tap / params.windowWidth * steps.x;
      let column = cornerX + tap % params.windowWidth * steps.y;
      let at = ((image * params.height + y) * params.width + column) * params.channels + channel;
      store(index, select(0.0, f32(x[select(0u, at, winner >= 0)]), winner >= 0));
      index++;
    }
  }
}
