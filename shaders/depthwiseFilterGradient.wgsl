// Filter gradient of depthwise.wgsl: for a tap and an output channel, x under the tap times dy, over a part of the lines of all images.
// The sums of the parts are stored one after the other and added by splitSum.wgsl.
// With one output per channel, an element may be a vec4 of channels, and sizes of channels then count vec4s.
alias Element = f32; // f32 or f16, or a vec4 of them
alias Value = f32; // f32 or vec4<f32>
alias Result = f32;

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
  // Elements of the filter, lines of dy, lines per part.
  elements: u32,
  lines: u32,
  stretch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> dy: array<Element>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<Result>;
fn store(index: u32, value: f32) { result[index] = Result(value); }
// end epilogue

// put
fn put(index: u32, value: Value) { store(index, value); }
// end put

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (workgroup.y * params.gridWidth + workgroup.x) * 64u + local;
  if (index >= params.size) {
    return;
  }
  let outputs = params.channels * params.multiplier;
  let element = index % params.elements;
  let tap = element / outputs;
  let place = element % outputs;
  let channel = i32(place / params.multiplier);
  let shiftY = i32(tap / params.windowWidth * params.dilationY) - i32(params.padTop);
  let shiftX = i32(tap % params.windowWidth * params.dilationX) - i32(params.padLeft);
  // The windows of a line with this tap inside the image.
  let first = (u32(max(0, -shiftX)) + params.strideX - 1u) / params.strideX;
  let last = min(params.outWidth, (u32(max(0, i32(params.width) - shiftX)) + params.strideX - 1u) / params.strideX);
  let begin = index / params.elements * params.stretch;
  let end = min(begin + params.stretch, params.lines);
  var sum = Value(0.0);
  // Sums of 256 windows keep the digits that one long sum would lose.
  for (var line = begin; line < end; line++) {
    let y = i32(line % params.outHeight * params.strideY) + shiftY;
    if ((y >= 0) & (y < i32(params.height))) {
      let imageLine = (i32(line / params.outHeight * params.height) + y) * i32(params.width) + shiftX;
      for (var run = first; run < last; run += 256u) {
        let runEnd = min(run + 256u, last);
        var runSum = Value(0.0);
        for (var ox = run; ox < runEnd; ox++) {
          let at = (imageLine + i32(ox * params.strideX)) * i32(params.channels) + channel;
          runSum += Value(x[at]) * Value(dy[(line * params.outWidth + ox) * outputs + place]);
        }
        sum += runSum;
      }
    }
  }
  put(index, sum);
}
