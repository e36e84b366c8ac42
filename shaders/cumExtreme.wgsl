// Positions of the running extreme of each line of x [outer, length, inner], the latest of equal elements. Each invocation computes chunks
// of lines, one after the other. Phase 0 finds the extreme of each chunk (result is [outer, chunks, inner]). Phase 1 starts from the
// extremes of the earlier chunks, `winners`, and writes every position; with one chunk only phase 1 runs. NaN replaces every number; it is
// found by its bits. Steps count in the direction of the scan.
alias Element = f32;
alias Value = f32;
const isFloat = true;
const largest = true;

struct Params {
  size: u32, // chunks of all lines
  run: u32,
  length: u32,
  inner: u32,
  chunk: u32,
  chunks: u32,
  reverse: u32,
  phase: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> winners: array<i32>;
@group(0) @binding(3) var<storage, read_write> result: array<i32>;

fn isNaN(value: Value) -> bool {
  return isFloat & ((bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u);
}

// Whether a later value replaces an earlier one.
fn beats(earlier: Value, later: Value) -> bool {
  return !isNaN(earlier) & (isNaN(later) | select(later <= earlier, later >= earlier, largest));
}

// Position of a step along the axis.
fn place(step: u32) -> u32 {
  return select(step, params.length - 1u - step, params.reverse == 1u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = (id.y * (groups.x * 64u) + id.x) * params.run;
  let finish = min(begin + params.run, params.size);
  for (var p = begin; p < finish; p++) {
    let q = p % params.inner;
    let number = p / params.inner % params.chunks;
    let outer = p / params.inner / params.chunks;
    let base = outer * params.length * params.inner + q;
    let first = number * params.chunk;
    let end = min(first + params.chunk, params.length);
    var best = first;
    if ((params.phase == 1u) & (number > 0u)) {
      best = u32(winners[outer * params.chunks * params.inner + q]);
    }
    var value = Value(x[base + place(best) * params.inner]);
    if (params.phase == 1u) {
      for (var i = 1u; i < number; i++) {
        let candidate = u32(winners[(outer * params.chunks + i) * params.inner + q]);
        let other = Value(x[base + place(candidate) * params.inner]);
        if (beats(value, other)) {
          best = candidate;
          value = other;
        }
      }
    }
    for (var step = first; step < end; step++) {
      let at = base + place(step) * params.inner;
      let other = Value(x[at]);
      if (beats(value, other)) {
        best = step;
        value = other;
      }
      if (params.phase == 1u) {
        result[at] = i32(place(best));
      }
    }
    if (params.phase == 0u) {
      result[p] = i32(best);
    }
  }
}
