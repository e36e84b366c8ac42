// Adds the partial sums of a product whose k was cut into parts, in the order of the parts: result[i] = Σ partials[split, i]. Parts are
// added in runs of 256, so that sums of thousands of parts keep their digits.
alias Result = f32;

struct Params {
  size: u32,
  splits: u32,
  gridWidth: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<Result>;
fn store(index: u32, value: f32) { result[index] = Result(value); }
// end epilogue

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (workgroup.y * params.gridWidth + workgroup.x) * 64u + local;
  if (index >= params.size) {
    return;
  }
  var sum = 0.0;
  for (var run = 0u; run < params.splits; run += 256u) {
    let end = min(run + 256u, params.splits);
    var runSum = 0.0;
    for (var split = run; split < end; split++) {
      runSum += partials[split * params.size + index];
    }
    sum += runSum;
  }
  store(index, sum);
}
