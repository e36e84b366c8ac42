// The window factors of windows.ts with a third axis: convolution of volumes [batch, depth, height, width, channels] as a matrix product.
import type { Access, Factor } from '../matmul/factors.ts';
import { reads } from './windows.ts';

const fields = [
  ...(['inDepth', 'inHeight', 'inWidth', 'channels', 'outDepth', 'outHeight', 'outWidth'] as const),
  ...(['strideZ', 'strideY', 'strideX', 'dilationZ', 'dilationY', 'dilationX', 'padFront', 'padTop', 'padLeft'] as const),
  ...(['tapsY', 'tapsX', 'runWidth', 'groupChannels'] as const),
];

export type VolumeParams = Readonly<Record<(typeof fields)[number], number>>;

const declarations = `struct ARow { volume: i32, z: i32, y: i32, x: i32, channel: i32 }
struct ARun { base: i32, begin: i32, end: i32 }
struct Tap { z: u32, y: u32, x: u32 }
fn aTap(tap: u32) -> Tap {
  let line = tap / params.tapsX;
  return Tap(line / params.tapsY, line % params.tapsY, tap % params.tapsX);
}`;

/** Forward: rows are output voxels; k counts the taps and channels of a window. A segment is a tap, or a line of neighbouring taps. */
export const volumeFactor = (access: Access, padded: boolean): Factor => ({
  access,
  fields,
  wgsl: `${declarations}
fn aRow(group: u32, row: u32) -> ARow {
  let line = row / params.outWidth;
  let plane = line / params.outHeight;
  let z = i32(plane % params.outDepth * params.strideZ) - i32(params.padFront);
  let y = i32(line % params.outHeight * params.strideY) - i32(params.padTop);
  let x = i32(row % params.outWidth * params.strideX) - i32(params.padLeft);
  return ARow(i32(plane / params.outDepth * params.inDepth), z, y, x, i32(group * params.groupChannels));
}
fn aRun(at: ARow, segment: u32) -> ARun {
  let tap = aTap(segment);
  let z = at.z + i32(tap.z * params.dilationZ);
  let y = at.y + i32(tap.y * params.dilationY);
  let x = at.x + i32(tap.x * params.dilationX);
  let inside = (z >= 0) & (z < i32(params.inDepth)) & (y >= 0) & (y < i32(params.inHeight));
  let taps = select(0, min(i32(params.runWidth), i32(params.inWidth) - x), inside);
  let base = (((at.volume + z) * i32(params.inHeight) + y) * i32(params.inWidth) + x) * i32(params.channels) + at.channel;
  return ARun(base, max(0, -x) * i32(params.groupChannels), taps * i32(params.groupChannels));
}
${reads(access, '', padded)}`,
});

/** Input gradient: rows are input voxels; k counts the output channels and the taps whose window covers the voxel. A segment is a tap. */
export const volumeSpreadFactor = (access: Access): Factor => ({
  access,
  fields,
  wgsl: `${declarations}
fn aRow(group: u32, row: u32) -> ARow {
  let line = row / params.inWidth;
  let plane = line / params.inHeight;
  let z = i32(plane % params.inDepth + params.padFront);
  let y = i32(line % params.inHeight + params.padTop);
  let x = i32(row % params.inWidth + params.padLeft);
  return ARow(i32(plane / params.inDepth * params.outDepth), z, y, x, i32(group * params.groupChannels));
}
fn aRun(at: ARow, segment: u32) -> ARun {
  let tap = aTap(segment);
  let z = at.z - i32(tap.z * params.dilationZ);
  let y = at.y - i32(tap.y * params.dilationY);
  let x = at.x - i32(tap.x * params.dilationX);
  let outZ = z / i32(params.strideZ);
  let outY = y / i32(params.strideY);
  let outX = x / i32(params.strideX);
  let onGrid = (outZ * i32(params.strideZ) == z) & (outY * i32(params.strideY) == y) & (outX * i32(params.strideX) == x);
  let before = (z >= 0) & (y >= 0) & (x >= 0);
  let inside = before & (outZ < i32(params.outDepth)) & (outY < i32(params.outHeight)) & (outX < i32(params.outWidth));
  let line = ((at.volume + outZ) * i32(params.outHeight) + outY) * i32(params.outWidth);
  return ARun((line + outX) * i32(params.channels) + at.channel, 0, select(0, i32(params.groupChannels), onGrid & inside));
}
${reads(access, '', true)}`,
});

/** Filter gradient: rows are taps and channels; k counts output voxels. A segment is a line of voxels. */
export const volumeTapFactor = (access: Access, padded: boolean): Factor => ({
  access,
  fields,
  wgsl: `${declarations}
fn aRow(group: u32, row: u32) -> ARow {
  let tap = aTap(row / params.groupChannels);
  let z = i32(tap.z * params.dilationZ) - i32(params.padFront);
  let y = i32(tap.y * params.dilationY) - i32(params.padTop);
  let x = i32(tap.x * params.dilationX) - i32(params.padLeft);
  return ARow(0, z, y, x, i32(group * params.groupChannels + row % params.groupChannels));
}
fn aRun(at: ARow, segment: u32) -> ARun {
  let plane = segment / params.outHeight;
  let z = at.z + i32(plane % params.outDepth * params.strideZ);
  let y = at.y + i32(segment % params.outHeight * params.strideY);
  let volume = i32(plane / params.outDepth * params.inDepth);
  let step = i32(params.strideX);
  let inside = (z >= 0) & (z < i32(params.inDepth)) & (y >= 0) & (y < i32(params.inHeight));
  let end = select(0, (max(0, i32(params.inWidth) - at.x) + step - 1) / step, inside);
  let base = (((volume + z) * i32(params.inHeight) + y) * i32(params.inWidth) + at.x) * i32(params.channels) + at.channel;
  return ARun(base, (max(0, -at.x) + step - 1) / step, end);
}
${reads(access, 'i32(params.strideX * params.channels)', padded)}`,
});
