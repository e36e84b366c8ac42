// The gradient of attention with respect to its queries, without a matrix of scores in memory: with P = exp(score - logSumExp) recomputed,
// result[t] = scale * sum over s of P[t, s] (g[t] . v[s] - delta[t]) k[s]. Laid out as attention.wgsl: one query an invocation, keys by four.
const quads = 2u;
// Whether the loops over the depth have a constant end, so that arrays become registers. llvmpipe unrolls such loops for minutes.
const unrolled = true;

struct Params {
  gridWidth: u32,
  // Workgroups that have work: a grid of two dimensions may hold more.
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
  gOffset: u32,
  gBatch: u32,
  gHead: u32,
  gRow: u32,
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
// Of the result, of each row: what its gradient is.
@group(0) @binding(4) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> logSumExp: array<f32>;
// Sum over the depth of g times the result.
@group(0) @binding(6) var<storage, read> delta: array<f32>;
// Not read where nothing is masked: any buffer will do.
@group(0) @binding(7) var<storage, read> mask: array<f32>;
@group(0) @binding(8) var<storage, read_write> result: array<vec4<f32>>;

// Scores at or below `nothing` weigh nothing; `excluded` is the score of what a query may not see.
const nothing = -1e37;
const excluded = -3e38;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let depth = select(params.quads, quads, unrolled);
  let group = workgroup.y * params.gridWidth + workgroup.x;
  if (group >= params.groups) {
    return;
  }
  let head = group / params.tiles;
  let tile = group % params.tiles;
  let batch = head / params.heads;
  let inner = head % params.heads;
  let row = tile * 64u + local;
  // Invocations beyond the last query compute it again and write nothing.
  let query = min(row, params.queries - 1u);
  let scale = bitcast<f32>(params.scale);
  let qFirst = params.qOffset + batch * params.qBatch + inner * params.qHead + query * params.qRow;
  let kFirst = params.kOffset + batch * params.kBatch + inner * params.kHead;
  let vFirst = params.vOffset + batch * params.vBatch + inner * params.vHead;
  let gFirst = params.gOffset + batch * params.gBatch + inner * params.gHead + query * params.gRow;
  let maskFirst = params.maskOffset + batch * params.maskBatch + inner * params.maskHead + query * params.maskRow;
  let shift = logSumExp[head * params.queries + query];
  let mean = delta[head * params.queries + query];

  var own: array<vec4<f32>, quads>;
  var slope: array<vec4<f32>, quads>;
  var sums: array<vec4<f32>, quads>;
  for (var d = 0u; d < depth; d++) {
    own[d] = q[qFirst + d] * scale;
    slope[d] = g[gFirst + d];
    sums[d] = vec4<f32>();
  }

  let end = select(params.keys, min(params.keys, tile * 64u + 64u), params.causal != 0u);
  let lastKey = params.keys - 1u;
  for (var s = 0u; s < end; s += 4u) {
    let at = min(vec4<u32>(s, s + 1u, s + 2u, s + 3u), vec4<u32>(lastKey));
    let kAt = kFirst + at * params.kRow;
    let vAt = vFirst + at * params.vRow;
    var score = vec4<f32>();
    var product = vec4<f32>();
    for (var d = 0u; d < depth; d++) {
      let x = own[d];
      let y = slope[d];
      score += vec4<f32>(dot(x, k[kAt.x + d]), dot(x, k[kAt.y + d]), dot(x, k[kAt.z + d]), dot(x, k[kAt.w + d]));
      product += vec4<f32>(dot(y, v[vAt.x + d]), dot(y, v[vAt.y + d]), dot(y, v[vAt.z + d]), dot(y, v[vAt.w + d]));
    }
    if (params.masked != 0u) {
      let m = maskFirst + at * params.maskColumn;
      score += vec4<f32>(mask[m.x], mask[m.y], mask[m.z], mask[m.w]);
    }
    let last = select(lastKey, min(lastKey, query), params.causal != 0u);
    score = select(score, vec4<f32>(excluded), vec4<u32>(s, s + 1u, s + 2u, s + 3u) > vec4<u32>(last));
    let weight = select(exp(max(score - shift, vec4<f32>(-200.0))), vec4<f32>(), score <= vec4<f32>(nothing));
    let ds = weight * (product - mean) * scale;
    for (var d = 0u; d < depth; d++) {
      sums[d] += ds.x * k[kAt.x + d] + ds.y * k[kAt.y + d] + ds.z * k[kAt.z + d] + ds.w * k[kAt.w + d];
    }
  }

  if (row >= params.queries) {
    return;
  }
  for (var d = 0u; d < depth; d++) {
    result[(head * params.queries + row) * quads + d] = sums[d];
  }
}
