// Decoders of images: the browser's own in pages, optional packages in Node. Pixels are RGBA bytes.
import { ArgumentError, FormatError } from '../core/errors.ts';
import { nodeProcess } from '../core/nodeProcess.ts';
import type { FileSource } from '../formats/places.ts';
import { readFile } from '../formats/places.ts';

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** RGBA, row by row: [height, width, 4]. */
  readonly data: ArrayLike<number>;
}

/** Package of the decoder in Node, by the first bytes of a file. */
const packages = [
  { start: [0x89, 0x50, 0x4e, 0x47], name: 'pngjs' },
  { start: [0xff, 0xd8, 0xff], name: 'jpeg-js' },
] as const;

interface PngPackage {
  readonly PNG: { readonly sync: { readonly read: (bytes: Uint8Array) => Pixels } };
}
interface JpegPackage {
  readonly decode: (bytes: Uint8Array, options: { readonly useTArray: boolean; readonly maxMemoryUsageInMB: number }) => Pixels;
}

/** @throws ArgumentError if the package is not installed. */
async function load<Package>(where: string, file: string, name: string): Promise<Package> {
  try {
    const loaded = (await import(/* @vite-ignore */ name)) as { readonly default?: Package } & Package;
    return loaded.default ?? loaded;
  } catch (cause) {
    throw new ArgumentError(`${where}: ${file}: the package ${name} decodes it in Node, and is not installed: npm install ${name}`, {
      cause,
    });
  }
}

async function decodeInNode(where: string, bytes: Uint8Array, file: string): Promise<Pixels> {
  const name = packages.find(({ start }) => start.every((byte, i) => bytes[i] === byte))?.name;
  if (name === undefined) throw new FormatError(`${where}: ${file}: is no PNG and no JPEG file; Node decodes only these: convert it`);
  if (name === 'jpeg-js') {
    const { decode } = await load<JpegPackage>(where, file, name);
    return decode(bytes, { useTArray: true, maxMemoryUsageInMB: 4096 });
  }
  const { PNG } = await load<PngPackage>(where, file, name);
  // pngjs needs the methods of Buffer.
  return PNG.sync.read(nodeProcess()!.getBuiltinModule('node:buffer').Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
}

async function decodeInPage(bytes: Uint8Array): Promise<Pixels> {
  // As in Node, the bytes of the file count: no rotation by EXIF, no colour profile.
  const bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]), {
    imageOrientation: 'none',
    premultiplyAlpha: 'none',
    colorSpaceConversion: 'none',
  });
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height);
  } finally {
    bitmap.close();
  }
}

/**
 * Decodes an image.
 * @throws FormatError if the file is damaged or of another format, ArgumentError if Node lacks the package for it.
 */
export async function decodeImage(where: string, source: FileSource): Promise<Pixels> {
  const { bytes, name } = await readFile(source, where);
  try {
    return await (typeof createImageBitmap === 'function' ? decodeInPage(bytes) : decodeInNode(where, bytes, name));
  } catch (cause) {
    if (cause instanceof FormatError || cause instanceof ArgumentError) throw cause;
    throw new FormatError(`${where}: ${name}: cannot be decoded as an image (${String(cause)}); check the file`, { cause });
  }
}
