// First pass of a scan: the effect of each chunk of neighbouring items on its initial state. For any number of steps this is state =
// products * state + sums, which scan.wgsl scans in turn. Follows scanHead.wgsl.

@group(0) @binding(3) var<storage, read_write> products: array<Value>;
@group(0) @binding(4) var<storage, read_write> sums: array<Value>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = (id.y * (groups.x * 64u) + id.x) * params.run;
  let finish = min(begin + params.run, params.size);
  for (var p = begin; p < finish; p++) {
    let chunk = chunkOf(p);
    var product = Value(1);
    var sum = Value(0);
    var at = chunk.at;
    let stride = chunk.stride;
    if (params.mode == 0u) {
      for (var run = chunk.first; run < chunk.end; run += 128u) {
        let end = min(run + 128u, chunk.end);
        var own = Value(0);
        for (var t = run; t < end; t++) {
          own += Value(b[at]);
          at += stride;
        }
        sum += own;
      }
      sums[p] = sum;
    } else if (params.mode == 1u) {
      var all = one();
      for (var run = chunk.first; run < chunk.end; run += 128u) {
        let end = min(run + 128u, chunk.end);
        var own = one();
        for (var t = run; t < end; t++) {
          own = times(own, factorAt(at));
          at += stride;
        }
        all = times(all, own);
      }
      products[p] = firstWord(all);
      if (params.pairs == 1u) {
        sums[p] = secondWord(all);
      }
    } else {
      for (var t = chunk.first; t < chunk.end; t++) {
        let factor = factorOf(t, at, stride);
        product *= factor;
        sum = factor * sum + Value(b[at]);
        at += stride;
      }
      products[p] = product;
      sums[p] = sum;
    }
  }
}
