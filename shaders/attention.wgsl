// Attention without a matrix of scores in memory: result[t] = sum over s of softmax(scale q[t] . k[s] + mask[t, s]) v[s], and the logarithm
// of each row's sum of exponentials. An invocation computes one query, a workgroup 64 queries of one head. The workgroup reads the same
// keys, four at a time. The running sum is rescaled when a larger score appears (Milakov and Gimelshein 2018; Dao et al. 2022).
// Depth is 4 * quads. Strides of heads, rows and keys count quads; strides of the mask count elements.
const quads = 2u;

struct Params {
  gridWidth: u32,
  // Number of workgroups in use: a grid of two dimensions may have more.
  groups: u32,
  tiles: u32,
  heads: u32,
  queries: u32,
  keys: u32,
  // The same as the constant.
  quads: u32,
  causal: u32,
  masked: u32,
  // f32 bits
  scale: u32,
  qOffset: u32,
  qBatch: u32,
  qHead: u32,
  qRow: u32,
  kOffset: u32,
  kBatch: u32,
  kHead: u32,
  kRow: u32,
  vOffset: u32,
  vBatch: u32,
  vHead: u32,
  vRow: u32,
  maskOffset: u32,
  maskBatch: u32,
  maskHead: u32,
  maskRow: u32,
  maskColumn: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> k: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> v: array<vec4<f32>>;
// Not read without a mask; any buffer may be bound.
@group(0) @binding(4) var<storage, read> mask: array<f32>;
@group(0) @binding(5) var<storage, read_write> result: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> logSumExp: array<f32>;

// Scores at or below `nothing` have the weight 0; `excluded` is the score of a key hidden from the query.
const nothing = -1e37;
const excluded = -3e38;

// Tests bits: max() and comparisons may drop NaN.
fn nanLanes(x: vec4<f32>) -> vec4<bool> {
  return (bitcast<vec4<u32>>(x) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
}

// The weights of four scores, with their largest or log-sum-exp as `shift`; NaN stays.
fn weightsOf(score: vec4<f32>, shift: vec4<f32>) -> vec4<f32> {
  let distance = score - shift;
  let weight = select(exp(max(distance, vec4<f32>(-200.0))), distance, nanLanes(distance));
  return select(weight, vec4<f32>(), (score <= vec4<f32>(nothing)) & !nanLanes(score));
}

// main
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
// depth
  // Not a constant for CPUs: llvmpipe unrolls constant loops for minutes. Kernels for GPUs have `const depth = quads;`.
  let depth = params.quads;
// end depth
  let group = workgroup.y * params.gridWidth + workgroup.x;
  if (group >= params.groups) {
    return;
  }
  let head = group / params.tiles;
  let tile = group % params.tiles;
  let batch = head / params.heads;
  let inner = head % params.heads;
  let row = tile * 64u + local;
  // Invocations past the last query compute it again and write nothing.
  let query = min(row, params.queries - 1u);
  let scale = bitcast<f32>(params.scale);
  let qFirst = params.qOffset + batch * params.qBatch + inner * params.qHead + query * params.qRow;
  let kFirst = params.kOffset + batch * params.kBatch + inner * params.kHead;
  let vFirst = params.vOffset + batch * params.vBatch + inner * params.vHead;
  let maskFirst = params.maskOffset + batch * params.maskBatch + inner * params.maskHead + query * params.maskRow;

  var own: array<vec4<f32>, quads>;
  var weighted: array<vec4<f32>, quads>;
  for (var d = 0u; d < depth; d++) {
    own[d] = q[qFirst + d] * scale;
    weighted[d] = vec4<f32>();
  }
  var largest = nothing;
  var total = 0.0;

  let end = select(params.keys, min(params.keys, tile * 64u + 64u), params.causal != 0u);
  let lastKey = params.keys - 1u;
  for (var s = 0u; s < end; s += 4u) {
    let at = min(vec4<u32>(s, s + 1u, s + 2u, s + 3u), vec4<u32>(lastKey));
    let kAt = kFirst + at * params.kRow;
    var score = vec4<f32>();
    for (var d = 0u; d < depth; d++) {
      let x = own[d];
      score += vec4<f32>(dot(x, k[kAt.x + d]), dot(x, k[kAt.y + d]), dot(x, k[kAt.z + d]), dot(x, k[kAt.w + d]));
    }
    if (params.masked != 0u) {
      let m = maskFirst + at * params.maskColumn;
      score += vec4<f32>(mask[m.x], mask[m.y], mask[m.z], mask[m.w]);
    }
    let last = select(lastKey, min(lastKey, query), params.causal != 0u);
    score = select(score, vec4<f32>(excluded), vec4<u32>(s, s + 1u, s + 2u, s + 3u) > vec4<u32>(last));

    let next = max(largest, max(max(score.x, score.y), max(score.z, score.w)));
    let shrink = exp(max(largest - next, -200.0));
    let weight = weightsOf(score, vec4<f32>(next));
    total = total * shrink + (weight.x + weight.y + weight.z + weight.w);
    largest = next;
    let vAt = vFirst + at * params.vRow;
    for (var d = 0u; d < depth; d++) {
      weighted[d] = weighted[d] * shrink + weight.x * v[vAt.x + d] + weight.y * v[vAt.y + d] + weight.z * v[vAt.z + d] + weight.w * v[vAt.w + d];
    }
  }

  if (row >= params.queries) {
    return;
  }
  // A query that sees no key gets zeros.
  let empty = total == 0.0;
  let share = select(1.0 / total, 0.0, empty);
  let position = head * params.queries + row;
  for (var d = 0u; d < depth; d++) {
    result[position * quads + d] = weighted[d] * share;
  }
  logSumExp[position] = select(largest + log(select(total, 1.0, empty)), 0.0, empty);
}
// end main
