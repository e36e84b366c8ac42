// The gradients of attention with respect to its keys and values, without a matrix of scores in memory. P = exp(score - logSumExp) is
// recomputed: result[s] = [scale * sum over t of P[t, s] (g[t] . v[s] - delta[t]) q[t], sum over t of P[t, s] g[t]], side by side.
// An invocation computes one key, a workgroup 64 keys of one head; queries are read four at a time. Each sum has one writer and one order.
// Follows attentionGradientHead.wgsl.

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
  // Invocations past the last key compute it again and write nothing.
  let key = min(row, params.keys - 1u);
  let scale = bitcast<f32>(params.scale);
  let qFirst = params.qOffset + batch * params.qBatch + inner * params.qHead;
  let kFirst = params.kOffset + batch * params.kBatch + inner * params.kHead + key * params.kRow;
  let vFirst = params.vOffset + batch * params.vBatch + inner * params.vHead + key * params.vRow;
  let gFirst = params.gOffset + batch * params.gBatch + inner * params.gHead;
  let maskFirst = params.maskOffset + batch * params.maskBatch + inner * params.maskHead + key * params.maskColumn;
  let rowFirst = head * params.queries;

  var own: array<vec4<f32>, quads>;
  var value: array<vec4<f32>, quads>;
  var keySums: array<vec4<f32>, quads>;
  var valueSums: array<vec4<f32>, quads>;
  for (var d = 0u; d < depth; d++) {
    own[d] = k[kFirst + d] * scale;
    value[d] = v[vFirst + d];
    keySums[d] = vec4<f32>();
    valueSums[d] = vec4<f32>();
  }

  // Queries before the tile's first key see none of its keys. Tiles start at multiples of four.
  let begin = select(0u, tile * 64u, params.causal != 0u);
  let lastQuery = params.queries - 1u;
  for (var t = begin; t < params.queries; t += 4u) {
    let query = vec4<u32>(t, t + 1u, t + 2u, t + 3u);
    let at = min(query, vec4<u32>(lastQuery));
    let qAt = qFirst + at * params.qRow;
    let gAt = gFirst + at * params.gRow;
    var score = vec4<f32>();
    var product = vec4<f32>();
    for (var d = 0u; d < depth; d++) {
      let x = own[d];
      let y = value[d];
      score += vec4<f32>(dot(x, q[qAt.x + d]), dot(x, q[qAt.y + d]), dot(x, q[qAt.z + d]), dot(x, q[qAt.w + d]));
      product += vec4<f32>(dot(y, g[gAt.x + d]), dot(y, g[gAt.y + d]), dot(y, g[gAt.z + d]), dot(y, g[gAt.w + d]));
    }
    if (params.masked != 0u) {
      let m = maskFirst + at * params.maskRow;
      score += vec4<f32>(mask[m.x], mask[m.y], mask[m.z], mask[m.w]);
    }
    let first = select(0u, key, params.causal != 0u);
    let hidden = (query > vec4<u32>(lastQuery)) | (query < vec4<u32>(first));
    score = select(score, vec4<f32>(excluded), hidden);
    let r = rowFirst + at;
    let shift = vec4<f32>(logSumExp[r.x], logSumExp[r.y], logSumExp[r.z], logSumExp[r.w]);
    let mean = vec4<f32>(delta[r.x], delta[r.y], delta[r.z], delta[r.w]);
    let weight = weightsOf(score, shift);
    let ds = weight * (product - mean) * scale;
    for (var d = 0u; d < depth; d++) {
      keySums[d] += ds.x * q[qAt.x + d] + ds.y * q[qAt.y + d] + ds.z * q[qAt.z + d] + ds.w * q[qAt.w + d];
      valueSums[d] += weight.x * g[gAt.x + d] + weight.y * g[gAt.y + d] + weight.z * g[gAt.z + d] + weight.w * g[gAt.w + d];
    }
  }

  if (row >= params.keys) {
    return;
  }
  let position = (head * params.keys + row) * 2u * quads;
  for (var d = 0u; d < depth; d++) {
    result[position + d] = keySums[d];
    result[position + quads + d] = valueSums[d];
  }
}
// end main
