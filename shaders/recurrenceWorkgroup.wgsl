// recurrence.wgsl by a workgroup for each sequence. The output of the step before is in workgroup memory.
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> matrices: array<Piece>;
@group(0) @binding(3) var<storage, read> initial: array<f32>;
@group(0) @binding(4) var<storage, read> mask: array<f32>;
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read> bias: array<f32>;
@group(0) @binding(7) var<storage, read_write> result: array<f32>;

fn scaled(h: f32, row: u32, j: u32) -> f32 {
  if (isScaled) {
    return h * scale[row * params.units + j];
  }
  return h;
}

@compute @workgroup_size(width)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) {
    return;
  }
  let units = params.units;
  let stride = states * units;
  let columns = units / pieceSize;
  let weights = kernelOf(row);
  let part = local / pieces;
  let gate = local % pieces / blockPieces;
  var before = (row * (params.steps + 1u) + params.first) * stride;
  for (var first = 0u; first < units; first += blockUnits) {
    let j = first + local;
    if (isOwn(first, local)) {
      if (params.first == 0u) {
        for (var s = 0u; s < states; s++) {
          result[before + s * units + j] = initial[row * stride + s * units + j];
        }
      }
      vector[(params.first & 1u) * units + j] = scaled(result[before + j], row, j);
    }
  }
  workgroupBarrier();
  for (var t = params.first; t < params.last; t++) {
    let side = (t & 1u) * units;
    let counts = mask[row * params.steps + t] != 0.0;
    for (var first = 0u; first < units; first += blockUnits) {
      let j = first + local;
      let isOwnUnit = isOwn(first, local);
      // These loads do not wait for the products.
      var entering = vec4f();
      var now = vec2f();
      var own = 0.0;
      if (isOwnUnit) {
        let step = (row * params.steps + t) * gates * units + j;
        for (var g = 0u; g < gates; g++) {
          entering[g] = x[step + g * units];
        }
        for (var s = 0u; s < states; s++) {
          now[s] = result[before + s * units + j];
        }
        if (cell == 2u) {
          own = bias[weights * units + j];
        }
      }
      let column = first / pieceSize + local % blockPieces;
      if ((part < parts) & (column < columns)) {
        sums[local] = partialSum(side, weights * units * gates * columns + gate * columns + column, units, gates * columns, part);
      }
      workgroupBarrier();
      if (isOwnUnit) {
        var y = vec4f();
        for (var g = 0u; g < gates; g++) {
          y[g] = totalOf(g * blockPieces + local / pieceSize, local % pieceSize);
        }
        let next = select(now, stateAfter(entering, y, now, own), counts);
        for (var s = 0u; s < states; s++) {
          result[before + stride + s * units + j] = next[s];
        }
        vector[units - side + j] = scaled(next[0], row, j);
      }
      workgroupBarrier();
    }
    before += stride;
  }
}
