// Running sums, products or linear recurrences. Each invocation computes chunks of lines, one after the other. If lines are cut into
// several chunks, `carry` holds the initial state of each chunk; otherwise it is not read and the state starts at `initial`. Items are
// taken in a fixed order, so the result does not depend on timing. A sum adds runs of 128 items from 0, and adds the earlier total last:
// thousands of small items added one by one to a large sum would be lost. Follows scanHead.wgsl.

@group(0) @binding(3) var<storage, read> carry: array<Value>;
@group(0) @binding(4) var<storage, read_write> result: array<Element>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = (id.y * (groups.x * 64u) + id.x) * params.run;
  let finish = min(begin + params.run, params.size);
  for (var p = begin; p < finish; p++) {
    let chunk = chunkOf(p);
    var state = Value(params.initial);
    if (params.carried == 1u) {
      state = carry[p];
    }
    let exclusive = params.exclusive == 1u;
    var at = chunk.at;
    let stride = chunk.stride;
    if (params.mode == 0u) {
      var earlier = Value(0);
      for (var run = chunk.first; run < chunk.end; run += 128u) {
        let end = min(run + 128u, chunk.end);
        var own = Value(0);
        for (var t = run; t < end; t++) {
          let before = own;
          own += Value(b[at]);
          result[at] = Element(state + (earlier + select(own, before, exclusive)));
          at += stride;
        }
        earlier += own;
      }
    } else if (params.mode == 1u) {
      var product = one();
      if (params.carried == 1u) {
        product = fromWords(carry[p], carry[p + params.size * params.pairs]);
      }
      // The factors of a run are multiplied first. Many factors near 1, applied one by one, would each be rounded off.
      for (var run = chunk.first; run < chunk.end; run += 128u) {
        let end = min(run + 128u, chunk.end);
        var own = one();
        for (var t = run; t < end; t++) {
          var left = own;
          own = times(own, factorAt(at));
          if (!exclusive) {
            left = own;
          }
          let whole = times(product, left);
          if (params.packed == 1u) {
            result[at] = Element(firstWord(whole));
            result[at + params.total] = Element(secondWord(whole));
          } else {
            result[at] = Element(valueOf(whole));
          }
          at += stride;
        }
        product = times(product, own);
      }
    } else {
      for (var t = chunk.first; t < chunk.end; t++) {
        let before = state;
        let factor = factorOf(t, at, stride);
        state = factor * state + Value(b[at]);
        result[at] = Element(select(state, before, exclusive));
        at += stride;
      }
    }
  }
}
