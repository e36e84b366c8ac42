// Pads up to eight axes with a number before, after and between elements. Each invocation computes a run of elements of the result. It
// splits each position into coordinates, from the last axis to the first, and reads the input if all coordinates are at an element. An
// element may be a vec4 of neighbours on the last axis, and sizes then count vec4s.
alias Element = f32; // or a vec4
alias Value = f32; // or a vec4
alias Fill = f32;

struct Params {
  // Sizes of the input and the output, row-major; unused leading axes have size 1.
  fromSize: array<vec4u, 2>,
  toSize: array<vec4u, 2>,
  // Elements before the first one, and the distance from one to the next.
  before: array<vec4u, 2>,
  step: array<vec4u, 2>,
  count: u32,
  // The fill value: f32 bits for floats, otherwise the integer.
  value: u32,
  run: u32,
  unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: Value) { result[index] = Element(value); }
// end epilogue

// put
fn put(index: u32, value: Value) { store(index, value); }
// end put

fn element(i: u32) -> Value {
  var rest = i;
  var position = 0u;
  var stride = 1u;
  var inside = true;
  for (var k = 0u; k < 8u; k++) {
    let axis = 7u - k;
    let size = params.toSize[axis / 4u][axis % 4u];
    let next = rest / size;
    // Before the first element this wraps around to a huge number, which is outside of every input.
    let offset = rest - next * size - params.before[axis / 4u][axis % 4u];
    let step = params.step[axis / 4u][axis % 4u];
    let element = offset / step;
    let fromSize = params.fromSize[axis / 4u][axis % 4u];
    inside = inside & (element * step == offset) & (element < fromSize);
    position += element * stride;
    stride *= fromSize;
    rest = next;
  }
  var value = Value(bitcast<Fill>(params.value));
  if (inside) {
    value = Value(x[position]);
  }
  return value;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = (id.y * (groups.x * 64u) + id.x) * params.run;
  let finish = min(begin + params.run, params.count);
  for (var i = begin; i < finish; i++) { put(i, element(i)); }
}
