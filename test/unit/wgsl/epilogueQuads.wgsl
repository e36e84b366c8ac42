// epilogue
@group(0) @binding(3) var<storage, read_write> out0: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> out1: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> in0: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> in1: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> in2: array<f32>;
@group(0) @binding(8) var<storage, read> scalars: array<u32>;
fn store4(index: u32, value: vec4<f32>) {
  let quad0 = in0[index / 4u];
  let e0_0 = index / fused.size0_1;
  let e0_1 = index - e0_0 * fused.size0_1;
  let quad1 = in1[e0_1 / 4u];
  let ex0 = in2[e0_0];
  let ex1 = bitcast<f32>(scalars[fused.scalar]);
  let x_x0 = quad0.x;
  let x_v1: f32 = (x_x0 * 0.8999999761581421f);
  let x_v2: f32 = (x_v1 + value.x);
  let x_x1 = quad1.x;
  let x_v3: f32 = (x_x1 + ex0);
  let x_v4: f32 = (x_v2 * ex1);
  let x_v5: f32 = (x_v3 - x_v4);
  let y_x0 = quad0.y;
  let y_v1: f32 = (y_x0 * 0.8999999761581421f);
  let y_v2: f32 = (y_v1 + value.y);
  let y_x1 = quad1.y;
  let y_v3: f32 = (y_x1 + ex0);
  let y_v4: f32 = (y_v2 * ex1);
  let y_v5: f32 = (y_v3 - y_v4);
  let z_x0 = quad0.z;
  let z_v1: f32 = (z_x0 * 0.8999999761581421f);
  let z_v2: f32 = (z_v1 + value.z);
  let z_x1 = quad1.z;
  let z_v3: f32 = (z_x1 + ex0);
  let z_v4: f32 = (z_v2 * ex1);
  let z_v5: f32 = (z_v3 - z_v4);
  let w_x0 = quad0.w;
  let w_v1: f32 = (w_x0 * 0.8999999761581421f);
  let w_v2: f32 = (w_v1 + value.w);
  let w_x1 = quad1.w;
  let w_v3: f32 = (w_x1 + ex0);
  let w_v4: f32 = (w_v2 * ex1);
  let w_v5: f32 = (w_v3 - w_v4);
  out0[index / 4u] = vec4<f32>(x_v2, y_v2, z_v2, w_v2);
  out1[index / 4u] = vec4<f32>(x_v5, y_v5, z_v5, w_v5);
}
// end epilogue
