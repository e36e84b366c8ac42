// recurrenceAdjoint.wgsl by a workgroup for each sequence, with the products' left side in workgroup memory.
@group(0) @binding(1) var<storage, read> drive: array<f32>;
@group(0) @binding(2) var<storage, read> gateFactors: array<f32>;
@group(0) @binding(3) var<storage, read> stateFactors: array<f32>;
@group(0) @binding(4) var<storage, read> matrices: array<Piece>;
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(width)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) {
    return;
  }
  let units = params.units;
  let stride = states * units;
  let columns = units / pieceSize;
  let weights = kernelOf(row) * gates * units * columns;
  let part = local / pieces;
  let last = (row * (params.steps + 1u) + params.steps) * stride;
  if (params.first == 0u) {
    for (var first = 0u; first < units; first += blockUnits) {
      let j = first + local;
      if ((local < blockUnits) & (j < units)) {
        for (var s = 0u; s < states; s++) {
          result[last + s * units + j] = drive[last + s * units + j];
        }
      }
    }
  }
  for (var n = params.first; n < params.last; n++) {
    let after = last - n * stride;
    let to = after - stride;
    let step = row * params.steps + params.steps - 1u - n;
    let factors = step * gates * units;
    let own = step * (2u * states - 1u) * units;
    for (var first = 0u; first < units; first += blockUnits) {
      let j = first + local;
      if ((local < blockUnits) & (j < units)) {
        let h = result[after + j];
        var memory = h;
        if (states == 2u) {
          memory = fma(stateFactors[own + units + j], h, result[after + units + j]);
          result[to + units + j] = fma(stateFactors[own + 2u * units + j], memory, drive[to + units + j]);
        }
        for (var g = 0u; g < gates; g++) {
          vector[g * units + j] = gateFactors[factors + g * units + j] * select(memory, h, g == gates - 1u);
        }
      }
    }
    workgroupBarrier();
    for (var first = 0u; first < units; first += blockUnits) {
      let j = first + local;
      let isOwn = (local < blockUnits) & (j < units);
      // These loads do not wait for the products.
      var rest = 0.0;
      if (isOwn) {
        rest = fma(stateFactors[own + j], result[after + j], drive[to + j]);
      }
      let column = first / pieceSize + local % blockPieces;
      if ((part < parts) & (column < columns)) {
        sums[local] = partialSum(0u, weights + column, gates * units, columns, part);
      }
      workgroupBarrier();
      if (isOwn) {
        var total = totalOf(local / pieceSize, local % pieceSize);
        if (isScaled) {
          total *= scale[row * units + j];
        }
        result[to + j] = total + rest;
      }
      workgroupBarrier();
    }
  }
}
