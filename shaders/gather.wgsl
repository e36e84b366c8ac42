// Elements of x [outer, rows, inner] at indices of the middle axis: result[outer, count, inner]. The indices are [count], the same for
// every line, or with `ownIndices` [outer, count, inner]. They are clamped to the axis. Each invocation copies a run of neighbouring
// elements. With equal indices for every line, an element may be a vec4 of neighbours in a row, and sizes then count vec4s.
alias Element = f32; // or a vec4
alias Value = f32; // or a vec4
alias Index = i32;
const ownIndices = false;

struct Params {
  size: u32,
  run: u32,
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

// put
fn put(index: u32, value: Value) { store(index, value); }
// end put

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = (id.y * (groups.x * 64u) + id.x) * params.run;
  let finish = min(begin + params.run, params.size);
  for (var index = begin; index < finish; index++) {
    let line = index / params.inner;
    let at = select(line % params.count, index, ownIndices);
    let row = u32(clamp(indices[at], Index(0), Index(params.rows - 1u)));
    let outer = line / params.count;
    put(index, Value(x[(outer * params.rows + row) * params.inner + index % params.inner]));
  }
}
