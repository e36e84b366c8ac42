// Head of the two gradient kernels of attention, attentionQueryGradient.wgsl and attentionKeyGradient.wgsl: their common inputs, in the
// layout of attention.wgsl. Depth is 4 * quads. Strides of heads, rows and keys count quads; strides of the mask count elements.
const quads = 2u;

struct Params {
  gridWidth: u32,
  // Number of workgroups in use: a grid of two dimensions may have more.
  groups: u32,
  tiles: u32,
  heads: u32,
  queries: u32,
  keys: u32,
  // The same as the constant.
  quads: u32,
  causal: u32,
  masked: u32,
  // f32 bits
  scale: u32,
  qOffset: u32,
  qBatch: u32,
  qHead: u32,
  qRow: u32,
  kOffset: u32,
  kBatch: u32,
  kHead: u32,
  kRow: u32,
  vOffset: u32,
  vBatch: u32,
  vHead: u32,
  vRow: u32,
  gOffset: u32,
  gBatch: u32,
  gHead: u32,
  gRow: u32,
  maskOffset: u32,
  maskBatch: u32,
  maskHead: u32,
  maskRow: u32,
  maskColumn: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> k: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> v: array<vec4<f32>>;
// Gradient of each row of the result.
@group(0) @binding(4) var<storage, read> g: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> logSumExp: array<f32>;
// Sum over the depth of g times the result.
@group(0) @binding(6) var<storage, read> delta: array<f32>;
// Not read without a mask; any buffer may be bound.
@group(0) @binding(7) var<storage, read> mask: array<f32>;
@group(0) @binding(8) var<storage, read_write> result: array<vec4<f32>>;

// Scores at or below `nothing` have the weight 0; `excluded` is the score of a key hidden from the query.
const nothing = -1e37;
const excluded = -3e38;

// Tests bits: max() and comparisons may drop NaN.
fn nanLanes(x: vec4<f32>) -> vec4<bool> {
  return (bitcast<vec4<u32>>(x) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
}

// The weights of four scores, with their largest or log-sum-exp as `shift`; NaN stays.
fn weightsOf(score: vec4<f32>, shift: vec4<f32>) -> vec4<f32> {
  let distance = score - shift;
  let weight = select(exp(max(distance, vec4<f32>(-200.0))), distance, nanLanes(distance));
  return select(weight, vec4<f32>(), (score <= vec4<f32>(nothing)) & !nanLanes(score));
}
