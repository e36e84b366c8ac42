// Weighted sums of rows of x [batch, rows, channels]: result[b, n, c] is the sum of weights[b, n, t] * x[b, indices[b, n, t], c] over the
// taps t, in their order. Taps with an index of `rows` or more are ignored. If channels are a multiple of four, an element is a vec4 of
// them, and sizes count vec4s.
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
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
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
  for (var index = first; index < end; index++) {
    let out = index / params.channels;
    let channel = index - out * params.channels;
    let image = out / params.count * params.rows;
    var sum = Value(0.0);
    let lastTap = (out + 1u) * params.taps;
    for (var tap = out * params.taps; tap < lastTap; tap++) {
      let row = u32(max(indices[tap], 0));
      // A branch instead of a product with 0, because an ignored value may be infinite.
      if (row < params.rows) {
        sum += weights[tap] * Value(x[(image + row) * params.channels + channel]);
      }
    }
    put(index, sum);
  }
}
