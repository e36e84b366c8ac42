// The window factors of convolution as a matrix product (implicit GEMM). No im2col matrix is stored; each element is read from the image. A
// run is a part of k that is contiguous (or evenly spaced) in memory; `begin` and `end` bound its part inside the image, the rest is
// padding.
import type { Access, Factor } from '../matmul/factors.ts';

const fields = [
  'inHeight',
  'inWidth',
  'channels',
  'outHeight',
  'outWidth',
  'strideY',
  'strideX',
  'dilationY',
  'dilationX',
  'padTop',
  'padLeft',
  'tapsX',
  'runWidth',
  'groupChannels',
] as const;

export type WindowParams = Readonly<Record<(typeof fields)[number], number>>;

const declarations = `struct ARow { image: i32, y: i32, x: i32, channel: i32 }
struct ARun { base: i32, begin: i32, end: i32 }`;

/** Reads of a run whose elements are `step` apart. Outside of begin … end they are 0. */
export function reads(access: Access, step: string, bounded: boolean): string {
  const at = `run.base + i32(k)${step ? ` * ${step}` : ''}`;
  const inside = '(i32(k) >= run.begin) & (i32(k) < run.end)';
  const guard = (zero: string, value: string): string => (bounded ? `select(${zero}, ${value}, ${inside})` : value);
  if (access !== 'scalar') {
    return `fn aLoad(run: ARun, k: u32) -> vec4<f32> {
  return ${guard('vec4<f32>()', `vec4<f32>(a[u32(${at}) / 4u])`)};
}`;
  }
  return `fn aLoad(run: ARun, k: u32) -> vec4<f32> {
  return vec4<f32>(aOne(run, k), aOne(run, k + 1u), aOne(run, k + 2u), aOne(run, k + 3u));
}
fn aOne(run: ARun, k: u32) -> f32 {
  return ${guard('0.0', `f32(a[u32(${at})])`)};
}`;
}

/**
 * Forward: rows are output pixels; k counts the taps and channels of a window. A segment is a tap, or a line of runWidth taps if they are
 * neighbours in memory (no dilation, one group).
 */
export const windowFactor = (access: Access, padded: boolean): Factor => ({
  access,
  fields,
  wgsl: `${declarations}
fn aRow(group: u32, row: u32) -> ARow {
  let line = row / params.outWidth;
  let y = i32(line % params.outHeight * params.strideY) - i32(params.padTop);
  let x = i32(row % params.outWidth * params.strideX) - i32(params.padLeft);
  return ARow(i32(line / params.outHeight * params.inHeight), y, x, i32(group * params.groupChannels));
}
fn aRun(at: ARow, segment: u32) -> ARun {
  let y = at.y + i32(segment / params.tapsX * params.dilationY);
  let x = at.x + i32(segment % params.tapsX * params.dilationX);
  let taps = select(0, min(i32(params.runWidth), i32(params.inWidth) - x), (y >= 0) & (y < i32(params.inHeight)));
  let base = ((at.image + y) * i32(params.inWidth) + x) * i32(params.channels) + at.channel;
  return ARun(base, max(0, -x) * i32(params.groupChannels), taps * i32(params.groupChannels));
}
${reads(access, '', padded)}`,
});

/** Input gradient: rows are input pixels; k counts the output channels and the taps whose window covers the pixel. A segment is a tap. */
export const spreadFactor = (access: Access): Factor => ({
  access,
  fields,
  wgsl: `${declarations}
fn aRow(group: u32, row: u32) -> ARow {
  let line = row / params.inWidth;
  let y = i32(line % params.inHeight + params.padTop);
  let x = i32(row % params.inWidth + params.padLeft);
  return ARow(i32(line / params.inHeight * params.outHeight), y, x, i32(group * params.groupChannels));
}
fn aRun(at: ARow, segment: u32) -> ARun {
  let y = at.y - i32(segment / params.tapsX * params.dilationY);
  let x = at.x - i32(segment % params.tapsX * params.dilationX);
  let outY = y / i32(params.strideY);
  let outX = x / i32(params.strideX);
  let onGrid = (outY * i32(params.strideY) == y) & (outX * i32(params.strideX) == x);
  let inside = (y >= 0) & (x >= 0) & (outY < i32(params.outHeight)) & (outX < i32(params.outWidth));
  let base = ((at.image + outY) * i32(params.outWidth) + outX) * i32(params.channels) + at.channel;
  return ARun(base, 0, select(0, i32(params.groupChannels), onGrid & inside));
}
${reads(access, '', true)}`,
});

/** Filter gradient: rows are taps and channels; k counts output pixels. A segment is a line of pixels. */
export const tapFactor = (access: Access, padded: boolean): Factor => ({
  access,
  fields,
  wgsl: `${declarations}
fn aRow(group: u32, row: u32) -> ARow {
  let tap = row / params.groupChannels;
  let y = i32(tap / params.tapsX * params.dilationY) - i32(params.padTop);
  let x = i32(tap % params.tapsX * params.dilationX) - i32(params.padLeft);
  return ARow(0, y, x, i32(group * params.groupChannels + row % params.groupChannels));
}
fn aRun(at: ARow, segment: u32) -> ARun {
  let y = at.y + i32(segment % params.outHeight * params.strideY);
  let image = i32(segment / params.outHeight * params.inHeight);
  let step = i32(params.strideX);
  let inside = (y >= 0) & (y < i32(params.inHeight));
  let end = select(0, (max(0, i32(params.inWidth) - at.x) + step - 1) / step, inside);
  let base = ((image + y) * i32(params.inWidth) + at.x) * i32(params.channels) + at.channel;
  return ARun(base, (max(0, -at.x) + step - 1) / step, end);
}
${reads(access, 'i32(params.strideX * params.channels)', padded)}`,
});
