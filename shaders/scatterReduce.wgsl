// Merges the updates [outer, count, inner] of each row into x [outer, rows, inner], in their order: replace (mode 0, the last update
// stays), multiply (1), minimum (2) or maximum (3). links has the layout of scatterSum.wgsl. NaN stays NaN in modes 1 to 3; it is found by
// its bits. Each invocation computes a run of neighbouring elements of the result.
alias Element = f32;
alias Value = f32;
const mode = 0u;
const isFloat = true;

struct Params {
  size: u32,
  run: u32,
  rows: u32,
  count: u32,
  inner: u32,
  lineStride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> updates: array<Element>;
@group(0) @binding(3) var<storage, read> links: array<u32>;
// epilogue
@group(0) @binding(4) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: Value) { result[index] = Element(value); }
// end epilogue

fn isNaN(value: Value) -> bool {
  return isFloat & ((bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u);
}

fn merge(a: Value, b: Value) -> Value {
  if (mode == 0u) {
    return b;
  }
  if (mode == 1u) {
    return a * b;
  }
  let better = select(b > a, b < a, mode == 2u) | isNaN(b);
  return select(select(a, b, better), a, isNaN(a));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = (id.y * (groups.x * 64u) + id.x) * params.run;
  let finish = min(begin + params.run, params.size);
  for (var index = begin; index < finish; index++) {
    let line = index / params.inner;
    let outer = line / params.rows;
    let first = outer * params.count;
    let start = (outer * params.inner + index % params.inner) * params.lineStride + line % params.rows;
    let end = links[start + 1u];
    // The order is stored after the starts.
    let order = start - line % params.rows + params.rows + 1u;
    var p = links[start];
    if (mode == 0u) {
      p = max(p, max(end, 1u) - 1u);
    }
    var value = Value(x[index]);
    for (; p < end; p++) {
      value = merge(value, Value(updates[(first + links[order + p]) * params.inner + index % params.inner]));
    }
    store(index, value);
  }
}
