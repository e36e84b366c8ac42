// The gradient of attention with respect to its queries, without a matrix of scores in memory. P = exp(score - logSumExp) is recomputed:
// result[t] = scale * sum over s of P[t, s] (g[t] . v[s] - delta[t]) k[s]. As in attention.wgsl, an invocation computes one query and reads
// keys by four.
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
  // Invocations past the last query compute it again and write nothing.
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
    let weight = weightsOf(score, vec4<f32>(shift));
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
// end main
