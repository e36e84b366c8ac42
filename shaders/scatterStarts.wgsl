// Start of the updates of each row in the sorted keys [lines, count] of a scatter's indices. The starts are found by bisection and stored
// before the order that sortMerge.wgsl wrote into links. Rows have the keys bias, bias + 1, …; other keys belong to the nearest row.
struct Params {
  size: u32, // starts of all lines
  rows: u32,
  count: u32,
  bias: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> links: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let p = id.y * (groups.x * 64u) + id.x;
  if (p >= params.size) {
    return;
  }
  let line = p / (params.rows + 1u);
  let row = p % (params.rows + 1u);
  let base = line * params.count;
  var low = 0u;
  var high = params.count;
  if (row == 0u) {
    high = 0u;
  }
  if (row == params.rows) {
    low = params.count;
  }
  while (low < high) {
    let half = (low + high) / 2u;
    if (keys[base + half] < params.bias + row) {
      low = half + 1u;
    } else {
      high = half;
    }
  }
  links[line * (params.rows + 1u + params.count) + row] = low;
}
