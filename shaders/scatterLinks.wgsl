// Chains the positions of equal indices, in ascending order: links[row] is the first position whose index is `row`, and links[rows + i] the next
// position after i with the same index; `count` ends a chain. Each invocation scans for its own link, so the result does not depend on timing.
alias Index = i32;

struct Params {
  rows: u32,
  count: u32,
  gridWidth: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<Index>;
@group(0) @binding(2) var<storage, read_write> links: array<u32>;

fn row_at(position: u32) -> u32 {
  return u32(clamp(indices[position], Index(0), Index(params.rows - 1u)));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (workgroup.y * params.gridWidth + workgroup.x) * 64u + local;
  if (index >= params.rows + params.count) {
    return;
  }
  var row = index;
  var position = 0u;
  if (index >= params.rows) {
    row = row_at(index - params.rows);
    position = index - params.rows + 1u;
  }
  while (position < params.count && row_at(position) != row) {
    position++;
  }
  links[index] = position;
}
