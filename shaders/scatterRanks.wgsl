// Sorts few indices by counting. For each line of indices [outer, count, inner], links has rows + 1 starts and then an order: the updates
// of row r are order[starts[r]] to order[starts[r + 1] - 1], ascending. Each invocation computes its own entry by comparison with every
// index of the line, so the result does not depend on timing.
alias Index = i32;

struct Params {
  size: u32, // entries of all lines
  rows: u32,
  count: u32,
  inner: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<Index>;
@group(0) @binding(2) var<storage, read_write> links: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let p = id.y * (groups.x * 64u) + id.x;
  if (p >= params.size) {
    return;
  }
  let entries = params.rows + 1u + params.count;
  let line = p / entries;
  let entry = p % entries;
  let base = line / params.inner * params.count * params.inner + line % params.inner;
  let isStart = entry <= params.rows;
  let own = entry - params.rows - 1u;
  var row = entry;
  if (!isStart) {
    row = u32(clamp(indices[base + own * params.inner], Index(0), Index(params.rows - 1u)));
  }
  // Before a start are all indices of lower rows. Before a position are also the earlier ones of its own row.
  var rank = 0u;
  for (var i = 0u; i < params.count; i++) {
    let other = u32(clamp(indices[base + i * params.inner], Index(0), Index(params.rows - 1u)));
    rank += select(0u, 1u, (other < row) | ((other == row) & !isStart & (i < own)));
  }
  if (isStart) {
    links[p] = rank;
  } else {
    links[line * entries + params.rows + 1u + rank] = own;
  }
}
