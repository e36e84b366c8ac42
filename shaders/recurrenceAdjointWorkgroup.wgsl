// recurrenceAdjoint.wgsl by a workgroup for each sequence, with the left side of the products in workgroup memory.
@group(0) @binding(4) var<storage, read> matrices: array<Piece>;

@compute @workgroup_size(width)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) {
    return;
  }
  let units = params.units;
  let columns = units / pieceSize;
  let weights = kernelOf(row) * gates * units * columns;
  if (params.first == 0u) {
    for (var first = 0u; first < units; first += blockUnits) {
      if (isOwn(first, local)) {
        begin(row, first + local);
      }
    }
  }
  for (var n = params.first; n < params.last; n++) {
    let step = stepOf(row, n);
    for (var first = 0u; first < units; first += blockUnits) {
      let j = first + local;
      if (isOwn(first, local)) {
        let memory = memoryGradient(step, j);
        for (var g = 0u; g < gates; g++) {
          vector[g * units + j] = gateGradient(step, g, j, memory);
        }
      }
    }
    workgroupBarrier();
    for (var first = 0u; first < units; first += blockUnits) {
      let j = first + local;
      let isOwnUnit = isOwn(first, local);
      // These loads do not wait for the products.
      var direct = 0.0;
      if (isOwnUnit) {
        direct = directGradient(step, j);
      }
      let column = first / pieceSize + local % blockPieces;
      if ((local / pieces < parts) & (column < columns)) {
        sums[local] = partialSum(0u, weights + column, gates * units, columns, local / pieces);
      }
      workgroupBarrier();
      if (isOwnUnit) {
        var total = totalOf(local / pieceSize, local % pieceSize);
        if (isScaled) {
          total *= scale[row * units + j];
        }
        result[step.to + j] = total + direct;
      }
      workgroupBarrier();
    }
  }
}
