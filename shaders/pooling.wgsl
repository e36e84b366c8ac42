// Head of the pooling kernels (avgPool, avgPoolSpread, maxPool, maxPoolGather, maxPoolScatter): what they all know of windows over images
// [batch, height, width, channels], and how an invocation finds its run of neighbouring elements. The kernels divide by a size of the image
// once a pixel only.
alias Element = f32;

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
  run: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

// First and end of the elements of an invocation.
fn run_of(workgroup: vec3<u32>, local: u32) -> vec2<u32> {
  let first = ((workgroup.y * params.gridWidth + workgroup.x) * 64u + local) * params.run;
  return vec2<u32>(first, min(first + params.run, params.size));
}

// First and end of the windows that cover a pixel along one direction; `place` counts from the corner of the padding.
fn windows_over(place: u32, window: u32, stride: u32, windows: u32) -> vec2<u32> {
  let first = select(0u, (place - window) / stride + 1u, place >= window);
  return vec2<u32>(first, min(place / stride + 1u, windows));
}
