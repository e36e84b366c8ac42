// First pass of a stable sort of the lines of x [outer, length, inner] along the middle axis. Elements of every type become u32 keys with
// the same order, and each block of `block` neighbours is sorted by insertion. The keys are written as [lines, length]. `order`, the
// position of each key within its line, is written as [.., length, orderInner] with `lineStride` elements for each line (or lines of
// orderInner), starting at `offset`. Each invocation sorts one block.
alias Element = u32;
alias Value = u32;

struct Params {
  size: u32, // blocks of all lines
  length: u32,
  inner: u32,
  block: u32,
  blocks: u32, // of one line
  kind: u32, // 0: u32, 1: i32, 2: f32
  descending: u32,
  orderInner: u32,
  lineStride: u32,
  offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> keys: array<u32>;
@group(0) @binding(3) var<storage, read_write> order: array<u32>;

// NaN comes last in either direction; -0 is equal to 0.
fn keyOf(value: Value) -> u32 {
  let bits = bitcast<u32>(value);
  var key = bits;
  if (params.kind == 1u) {
    key = bits ^ 0x80000000u;
  }
  if (params.kind == 2u) {
    let magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
      return 0xffffffffu;
    }
    key = select(bits | 0x80000000u, 0x80000000u - magnitude, bits >> 31u == 1u);
  }
  return select(key, ~key, params.descending == 1u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let p = id.y * (groups.x * 64u) + id.x;
  if (p >= params.size) {
    return;
  }
  let line = p / params.blocks;
  let origin = line / params.inner * params.length * params.inner + line % params.inner;
  let base = line * params.length;
  let orderBase = line / params.orderInner * params.lineStride + params.offset + line % params.orderInner;
  let first = p % params.blocks * params.block;
  let end = min(first + params.block, params.length);
  for (var i = first; i < end; i++) {
    let key = keyOf(Value(x[origin + i * params.inner]));
    var at = i;
    while (at > first) {
      let other = keys[base + at - 1u];
      if (other <= key) {
        break;
      }
      keys[base + at] = other;
      order[orderBase + at * params.orderInner] = order[orderBase + (at - 1u) * params.orderInner];
      at--;
    }
    keys[base + at] = key;
    order[orderBase + at * params.orderInner] = i;
  }
}
