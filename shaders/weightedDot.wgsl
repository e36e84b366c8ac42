// Products of rows: result[b, n, t] is the sum of dy[b, n, c] * x[b, indices[b, n, t], c] over the channels c; 0 if the index is the number
// of rows or more. If channels are a multiple of four, an element is a vec4 of them, and channels count vec4s.
alias Element = f32; // f32 or f16, or a vec4 of them
alias Value = f32; // f32 or vec4<f32>

struct Params {
  size: u32, // elements written
  gridWidth: u32,
  rows: u32,
  count: u32,
  taps: u32,
  channels: u32,
  run: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Element>;
@group(0) @binding(2) var<storage, read> x: array<Element>;
@group(0) @binding(3) var<storage, read> indices: array<i32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;

// total
fn total(value: f32) -> f32 { return value; }
// end total

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let first = ((workgroup.y * params.gridWidth + workgroup.x) * 64u + local) * params.run;
  let end = min(first + params.run, params.size);
  for (var index = first; index < end; index++) {
    let out = index / params.taps;
    let row = u32(max(indices[index], 0));
    var sum = Value(0.0);
    if (row < params.rows) {
      let base = out * params.channels;
      let at = (out / params.count * params.rows + row) * params.channels;
      for (var channel = 0u; channel < params.channels; channel++) {
        sum += Value(dy[base + channel]) * Value(x[at + channel]);
      }
    }
    result[index] = total(sum);
  }
}
