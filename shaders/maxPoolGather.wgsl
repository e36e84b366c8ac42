// Reads x [batch, height, width, channels] at the pixel that won each window of a max pooling: the transpose of maxPoolScatter.wgsl.
// A run of neighbouring elements an invocation; what divides by a size of the image is done once a pixel.
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
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> winners: array<i32>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: f32) { result[index] = Element(value); }
// end epilogue

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  var index = ((workgroup.y * params.gridWidth + workgroup.x) * 64u + local) * params.run;
  let end = min(index + params.run, params.size);
  while (index < end) {
    let pixel = index / params.channels;
    let line = pixel / params.outWidth;
    let image = line / params.outHeight;
    let cornerY = line % params.outHeight * params.strideY - params.padTop;
    let cornerX = pixel % params.outWidth * params.strideX - params.padLeft;
    let pixelEnd = min(end, (pixel + 1u) * params.channels);
    for (var channel = index - pixel * params.channels; index < pixelEnd; channel++) {
      let tap = u32(winners[index]);
      let y = cornerY + tap / params.windowWidth;
      let column = cornerX + tap % params.windowWidth;
      store(index, f32(x[((image * params.height + y) * params.width + column) * params.channels + channel]));
      index++;
    }
  }
}
