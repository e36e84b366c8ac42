// Head of the pooling kernels (avgPool, avgPoolSpread, maxPool, maxPoolGather, maxPoolScatter): the common code for windows over images
// [batch, height, width, channels], and for the run of neighbouring elements of an invocation. The kernels divide by image sizes only once
// per pixel.
alias Element = f32;
const dilated = false; // whether the taps of a window have gaps between them

struct Params {
  size: u32, // elements written
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
  dilationY: u32,
  dilationX: u32,
  // Distance outside each side of the image in which taps count for a mean.
  reachTop: u32,
  reachBottom: u32,
  reachLeft: u32,
  reachRight: u32,
  run: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

// First and end of the elements of an invocation.
fn runOf(workgroup: vec3<u32>, local: u32) -> vec2<u32> {
  let first = ((workgroup.y * params.gridWidth + workgroup.x) * 64u + local) * params.run;
  return vec2<u32>(first, min(first + params.run, params.size));
}

// Distance between the taps of a window: [down, across].
fn tapSteps() -> vec2<u32> {
  return select(vec2<u32>(1u, 1u), vec2<u32>(params.dilationY, params.dilationX), dilated);
}

// First and end of the windows that cover a pixel along one direction; `place` counts from the corner of the padding, and `window` is the
// length of a window with its gaps.
fn windowsOver(place: u32, window: u32, stride: u32, windows: u32) -> vec2<u32> {
  let first = select(0u, (place - window) / stride + 1u, place >= window);
  return vec2<u32>(first, min(place / stride + 1u, windows));
}

// Number of taps of a window that count for a mean, along one direction; `corner` is the window's first position.
fn counted(corner: i32, window: u32, size: u32, before: u32, after: u32) -> u32 {
  return u32(min(i32(size + after), corner + i32(window)) - max(-i32(before), corner));
}
