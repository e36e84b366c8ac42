// Resamples x [batch, height, width, channels] to [batch, outHeight, outWidth, channels]. Each row of the result is a weighted sum of rows
// of x, and each column of columns. links has the starts of the taps of each row (one more than rows), the starts for each column, and the
// places of all taps; weights has their weights. If channels are a multiple of four, an element is a vec4 of them, and sizes count vec4s.
alias Element = f32; // f32 or f16, or a vec4 of them
alias Value = f32; // f32 or vec4<f32>

struct Params {
  size: u32, // elements written
  gridWidth: u32,
  height: u32,
  width: u32,
  outHeight: u32,
  outWidth: u32,
  channels: u32,
  run: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> links: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
// epilogue
@group(0) @binding(4) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: f32) { result[index] = Element(value); }
// end epilogue

// put
fn put(index: u32, value: f32) { store(index, value); }
// end put

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let first = ((workgroup.y * params.gridWidth + workgroup.x) * 64u + local) * params.run;
  let end = min(first + params.run, params.size);
  let columnStarts = params.outHeight + 1u;
  let places = columnStarts + params.outWidth + 1u;
  var index = first;
  while (index < end) {
    let pixel = index / params.channels;
    let line = pixel / params.outWidth;
    let image = line / params.outHeight * params.height;
    let row = line % params.outHeight;
    let column = columnStarts + pixel % params.outWidth;
    let firstRow = u32(links[row]);
    let endRow = u32(links[row + 1u]);
    let firstColumn = u32(links[column]);
    let endColumn = u32(links[column + 1u]);
    let pixelEnd = min(end, (pixel + 1u) * params.channels);
    for (var channel = index - pixel * params.channels; index < pixelEnd; channel++) {
      var sum = Value(0.0);
      for (var down = firstRow; down < endRow; down++) {
        let lineBase = (image + u32(links[places + down])) * params.width;
        var lineSum = Value(0.0);
        for (var across = firstColumn; across < endColumn; across++) {
          let at = (lineBase + u32(links[places + across])) * params.channels + channel;
          lineSum += weights[across] * Value(x[at]);
        }
        sum += weights[down] * lineSum;
      }
      put(index, sum);
      index++;
    }
  }
}
