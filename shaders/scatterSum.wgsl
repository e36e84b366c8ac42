// Adds the updates [outer, count, inner] that belong to each row of the result [outer, rows, inner], in ascending order of their position, along
// the chains of scatterLinks.wgsl. One element of the result an invocation.
alias Element = f32;
alias Value = f32;

struct Params {
  size: u32,
  gridWidth: u32,
  rows: u32,
  count: u32,
  inner: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> updates: array<Element>;
@group(0) @binding(2) var<storage, read> links: array<u32>;
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
  let first = line / params.rows * params.count;
  var sum = Value(0);
  var position = links[line % params.rows];
  while (position < params.count) {
    sum += Value(updates[(first + position) * params.inner + index % params.inner]);
    position = links[params.rows + position];
  }
  store(index, sum);
}
