// Elements of x [outer, rows, inner] at indices [count] of the middle axis: result[outer, count, inner]. Indices are clamped into the axis.
// One element an invocation.
alias Element = f32;
alias Value = f32;
alias Index = i32;

struct Params {
  size: u32,
  gridWidth: u32,
  rows: u32,
  count: u32,
  inner: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> indices: array<Index>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: Value) { result[index] = Element(value); }
// end epilogue

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (workgroup.y * params.gridWidth + workgroup.x) * 64u + local;
  if (index >= params.size) {
    return;
  }
  let line = index / params.inner;
  let row = u32(clamp(indices[line % params.count], Index(0), Index(params.rows - 1u)));
  let outer = line / params.count;
  store(index, Value(x[(outer * params.rows + row) * params.inner + index % params.inner]));
}
