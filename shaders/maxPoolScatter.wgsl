// Gradient of max pooling as a gather: dx at a pixel is the sum of dy over the windows whose largest value is at the pixel, in the order of
// the windows.
// Follows poolingHead.wgsl. If channels are a multiple of four, an element is a vec4 of them, and sizes count vec4s.

alias Value = f32; // f32 or vec4<f32>
alias Winner = i32; // i32 or vec4<i32>

@group(0) @binding(1) var<storage, read> dy: array<Element>;
@group(0) @binding(2) var<storage, read> winners: array<Winner>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: f32) { result[index] = Element(value); }
// end epilogue

// put
fn put(index: u32, value: f32) { store(index, value); }
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
    let steps = tapSteps();
    let rows = windowsOver(y, (params.windowHeight - 1u) * steps.x + 1u, params.strideY, params.outHeight);
    let columns = windowsOver(x, (params.windowWidth - 1u) * steps.y + 1u, params.strideX, params.outWidth);
    let pixelEnd = min(end, (pixel + 1u) * params.channels);
    for (var channel = index - pixel * params.channels; index < pixelEnd; channel++) {
      var sum = Value(0.0);
      for (var oy = rows.x; oy < rows.y; oy++) {
        for (var ox = columns.x; ox < columns.y; ox++) {
          let down = y - oy * params.strideY;
          let across = x - ox * params.strideX;
          var tap = down * params.windowWidth + across;
          if (dilated) {
            // Pixels in the gaps of a window get a number that is no tap of the window.
            let onTap = (down % steps.x == 0u) & (across % steps.y == 0u);
            tap = select(params.windowHeight * params.windowWidth, down / steps.x * params.windowWidth + across / steps.y, onTap);
          }
          let at = ((image * params.outHeight + oy) * params.outWidth + ox) * params.channels + channel;
          sum += select(Value(0.0), Value(dy[at]), winners[at] == Winner(i32(tap)));
        }
      }
      put(index, sum);
      index++;
    }
  }
}
