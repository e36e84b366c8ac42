// Concatenates tensors along an axis: every row of the result is a row of each input in turn. Each invocation copies a run of neighbouring
// elements.
// An element may be a vec4 of neighbours in a row, and sizes then count vec4s. The plan replaces the marked blocks for its number of inputs; this file itself joins two.
alias Element = f32; // or a vec4
alias Value = f32; // or a vec4

// inputs
struct Params { size: u32, run: u32, row: u32, size0: u32, size1: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x0: array<Element>;
@group(0) @binding(2) var<storage, read> x1: array<Element>;
// end inputs

// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: Value) { result[index] = Element(value); }
// end epilogue

// put
fn put(index: u32, value: Value) { store(index, value); }
// end put

// pick
fn pick(row: u32, column: u32) -> Element {
  var at = column;
  if (at < params.size0) { return x0[row * params.size0 + at]; }
  at -= params.size0;
  return x1[row * params.size1 + at];
}
// end pick

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = (id.y * (groups.x * 64u) + id.x) * params.run;
  let finish = min(begin + params.run, params.size);
  for (var index = begin; index < finish; index++) {
    let row = index / params.row;
    put(index, Value(pick(row, index - row * params.row)));
  }
}
