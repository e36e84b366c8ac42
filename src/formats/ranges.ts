// Parts of files: a reader requests byte ranges, so that a large file is not read whole. HTTP ranges are those of RFC 9110, section 14.
import { FormatError } from '../core/errors.ts';
import { nodeProcess } from '../core/nodeProcess.ts';
import { pageName, readFromPage } from './pageFiles.ts';
import { type FileSource, filePath, isReadable, readFile, statusError } from './places.ts';

/** A file whose parts can be read. */
export interface RangeReader {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** A copy of bytes that the file has, or a window on them. */
  read(begin: number, end: number): Promise<Uint8Array>;
  /** Releases the file. */
  close(): Promise<void>;
}

/** Bytes of the first request. Most headers fit. */
const firstBytes = 1 << 16;

/**
 * Opens a file for reading parts. An address whose server supports no ranges is read whole.
 * @throws ArgumentError for what is no source, Error of the system or the network if the file cannot be opened.
 */
export async function openRanges(source: FileSource, where: string): Promise<RangeReader> {
  if (typeof source === 'string' || source instanceof URL) {
    const name = String(source);
    const place = pageName(name);
    if (place) return ofBlob(await readFromPage(place, where), name);
    const path = filePath(name);
    return path === undefined ? openAddress(name, where) : openPath(path, name);
  }
  if (isReadable(source)) return openRanges(await source.getFile(), where);
  if (typeof Blob !== 'undefined' && source instanceof Blob) return ofBlob(source, 'name' in source ? String(source.name) : 'blob');
  return openWhole(source, where);
}

async function openWhole(source: FileSource, where: string): Promise<RangeReader> {
  const { bytes, name } = await readFile(source, where);
  return ofBytes(bytes, name);
}

const ofBytes = (bytes: Uint8Array, name: string): RangeReader => ({
  name,
  size: bytes.length,
  read: (begin, end) => Promise.resolve(bytes.subarray(begin, end)),
  close: () => Promise.resolve(),
});

const ofBlob = (blob: Blob, name: string): RangeReader => ({
  name,
  size: blob.size,
  read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()),
  close: () => Promise.resolve(),
});

async function openPath(path: string, name: string): Promise<RangeReader> {
  const file = await nodeProcess()!.getBuiltinModule('node:fs/promises').open(path);
  const { size } = await file.stat();
  return {
    name,
    size,
    async read(begin, end) {
      const bytes = new Uint8Array(end - begin);
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await file.read(bytes, at, bytes.length - at, begin + at);
        if (bytesRead === 0) throw new FormatError(`${name}: ends at byte ${begin + at}; it had ${size} bytes when it was opened`);
        at += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

interface Piece {
  readonly bytes: Uint8Array;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly tag: string | null;
}

async function openAddress(address: string, where: string): Promise<RangeReader> {
  let response: Response;
  try {
    response = await request(address, 0, firstBytes);
  } catch {
    // A server of another origin may allow only requests without ranges.
    return openWhole(address, where);
  }
  const isRange = response.status === 206;
  // Pages see the header Content-Range of another origin only if the server exposes it.
  if (isRange && response.headers.get('content-range') === null) {
    await response.body?.cancel();
    return openWhole(address, where);
  }
  if (!response.ok) throw statusError(where, address, response.status);
  if (!isRange) return ofBytes(new Uint8Array(await response.arrayBuffer()), address);
  const first = await pieceOf(response, address, 0, firstBytes);
  return {
    name: address,
    size: first.size,
    async read(begin, end) {
      if (begin === end) return new Uint8Array(0);
      if (end <= first.bytes.length) return first.bytes.subarray(begin, end);
      const answer = await request(address, begin, end);
      if (!answer.ok) throw statusError(where, address, answer.status);
      if (answer.status !== 206) return windowOfWhole(new Uint8Array(await answer.arrayBuffer()), address, first.size, begin, end);
      const piece = await pieceOf(answer, address, begin, end);
      if (piece.size !== first.size || piece.tag !== first.tag) {
        throw new FormatError(
          `${address}: has changed between two requests: it had ${first.size} bytes, and has ${piece.size}; read it again`,
        );
      }
      return piece.bytes;
    },
    close: () => Promise.resolve(),
  };
}

const request = (address: string, begin: number, end: number): Promise<Response> =>
  fetch(address, { headers: { range: `bytes=${begin}-${end - 1}` } });

/** Checks that an answer has the bytes that were requested, or those up to the end of the file. */
async function pieceOf(response: Response, address: string, begin: number, end: number): Promise<Piece> {
  const given = response.headers.get('content-range');
  const [first, last, size] = (/^bytes (\d+)-(\d+)\/(\d+)$/.exec(given ?? '')?.slice(1) ?? []).map(Number);
  const isRight = Number.isSafeInteger(size) && first === begin && last === Math.min(end, size) - 1;
  if (!isRight) {
    throw new FormatError(`${address}: the server gave the range '${String(given)}'; requested were the bytes ${begin} to ${end - 1}`);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length !== last + 1 - first) {
    throw new FormatError(`${address}: the server gave ${bytes.length} bytes for the range '${given}'; the file may have changed`);
  }
  return { bytes, size, tag: response.headers.get('etag') };
}

function windowOfWhole(bytes: Uint8Array, address: string, size: number, begin: number, end: number): Uint8Array {
  if (bytes.length !== size) throw new FormatError(`${address}: has changed between two requests: it had ${size} bytes, and has ${bytes.length}; read it again`); // prettier-ignore
  return bytes.subarray(begin, end);
}
