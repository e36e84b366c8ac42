// One pass of a stable merge sort: neighbouring sorted parts of `width` keys of each line [lines, length] become one. Each invocation
// writes `run` neighbours of the result. By bisection it finds the number of earlier elements that come from the left part (Green, McColl
// and Bader, GPU Merge Path, 2012), then it merges. `run` divides 2 * width. The order has the layout of sortBlocks.wgsl.
struct Params {
  size: u32, // invocations for all lines
  length: u32,
  width: u32,
  run: u32,
  runs: u32, // of one line
  orderInner: u32,
  lineStride: u32,
  offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read_write> mergedKeys: array<u32>;
@group(0) @binding(4) var<storage, read_write> mergedOrder: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let p = id.y * (groups.x * 64u) + id.x;
  if (p >= params.size) {
    return;
  }
  let line = p / params.runs;
  let base = line * params.length;
  let first = p % params.runs * params.run;
  let end = min(first + params.run, params.length);
  let start = first / (2u * params.width) * (2u * params.width);
  let middle = min(start + params.width, params.length);
  let stop = min(middle + params.width, params.length);
  let before = first - start;
  // Of equal keys the left one comes first, so that the sort is stable.
  var low = select(0u, before - (stop - middle), before > stop - middle);
  var high = min(before, middle - start);
  while (low < high) {
    let half = (low + high) / 2u;
    if (keys[base + start + half] <= keys[base + middle + before - 1u - half]) {
      low = half + 1u;
    } else {
      high = half;
    }
  }
  var left = start + low;
  var right = middle + before - low;
  let orderBase = line / params.orderInner * params.lineStride + params.offset + line % params.orderInner;
  for (var i = first; i < end; i++) {
    // Past its end a part gives any key, and the other part is chosen.
    let leftKey = keys[base + min(left, middle - 1u)];
    let rightKey = keys[base + min(right, params.length - 1u)];
    let takeLeft = (right >= stop) | ((left < middle) & (leftKey <= rightKey));
    let at = select(right, left, takeLeft);
    mergedKeys[base + i] = select(rightKey, leftKey, takeLeft);
    mergedOrder[orderBase + i * params.orderInner] = order[base + at];
    left += select(0u, 1u, takeLeft);
    right += select(1u, 0u, takeLeft);
  }
}
