// Common part of the kernels of recurrences. On a GPU a workgroup computes each sequence, otherwise one invocation does. Steps from `first` to
// `last` are computed, and the state before `first` is read from the result of the dispatch before.
struct Params {
  rows: u32, // sequences
  steps: u32,
  first: u32,
  last: u32,
  units: u32,
  rowsPerKernel: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

const gates = 1u;
const states = 1u;
const lanes = 64u;
const width = 64u;
// Units that a lane computes at once: their sums are in one matrix.
const block = 1u;
// Whether all sequences have one kernel.
const isShared = true;
// Whether the scale is read; otherwise it is 1.
const isScaled = false;

// team
fn rowOf(group: u32, local: u32) -> u32 { return group; }
fn laneOf(local: u32) -> u32 { return local; }
fn synchronize() {
  storageBarrier();
  workgroupBarrier();
}
// end team

fn kernelOf(row: u32) -> u32 {
  if (isShared) {
    return 0u;
  }
  return row / params.rowsPerKernel;
}
