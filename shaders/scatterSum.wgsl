// Adds the updates [outer, count, inner] of each row of the result [outer, rows, inner], in a fixed order. links has, for all lines or for
// each of the outer * inner ones (`lineStride` apart), rows + 1 starts and then an order: row r gets the updates order[starts[r]] to
// order[starts[r + 1] - 1]. Each invocation computes a run of neighbouring elements of the result. Updates are added in runs of 256, and
// these totals again in runs of 256: one sum of a million updates would lose digits in rounding.
alias Element = f32;
alias Value = f32;

struct Params {
  size: u32,
  run: u32,
  rows: u32,
  count: u32,
  inner: u32,
  lineStride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> updates: array<Element>;
@group(0) @binding(2) var<storage, read> links: array<u32>;
// epilogue
@group(0) @binding(3) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: Value) { result[index] = Element(value); }
// end epilogue

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = (id.y * (groups.x * 64u) + id.x) * params.run;
  let finish = min(begin + params.run, params.size);
  for (var index = begin; index < finish; index++) {
    let line = index / params.inner;
    let outer = line / params.rows;
    let first = outer * params.count;
    let start = (outer * params.inner + index % params.inner) * params.lineStride + line % params.rows;
    let end = links[start + 1u];
    // The order is stored after the starts.
    let order = start - line % params.rows + params.rows + 1u;
    var sum = Value(0);
    for (var block = links[start]; block < end; block += 65536u) {
      let blockEnd = min(block + 65536u, end);
      var blockSum = Value(0);
      for (var run = block; run < blockEnd; run += 256u) {
        let runEnd = min(run + 256u, blockEnd);
        var runSum = Value(0);
        for (var p = run; p < runEnd; p++) {
          runSum += Value(updates[(first + links[order + p]) * params.inner + index % params.inner]);
        }
        blockSum += runSum;
      }
      sum += blockSum;
    }
    store(index, sum);
  }
}
