// Places of files: a path in Node, an address, a name in the storage of a page, a handle or bytes. Writing replaces a file whole, or leaves it as it was.
import { ArgumentError } from '../core/errors.ts';
import { nodeProcess } from '../core/nodeProcess.ts';
import { shown } from '../core/shown.ts';
import { writeError } from './fileErrors.ts';
import { pageName, readFromPage, writeToPage } from './pageFiles.ts';

/** A file that a page may read: `FileSystemFileHandle` has this form. */
export interface ReadableHandle {
  getFile(): Promise<Blob>;
}

/** A file that a page may write: `FileSystemFileHandle` has this form. */
export interface WritableHandle {
  createWritable(): Promise<{
    write(data: Uint8Array<ArrayBuffer>): Promise<void>;
    close(): Promise<void>;
    abort?(reason?: unknown): Promise<void>;
  }>;
}

/** Source of a file to read. A text is an address, a name in the storage of a page (`indexeddb://name`, `opfs://path`), or in Node a path. */
export type FileSource = string | URL | Uint8Array | ArrayBuffer | Blob | ReadableHandle;

/**
 * Target of a file to write. A text is a path in Node, or in a page `indexeddb://name`, `opfs://path` for its private file system, or
 * `download://file`, which starts a download.
 */
export type FileTarget = string | WritableHandle | ((bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>);

const isAddress = (text: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(text);
export const isReadable = (source: unknown): source is ReadableHandle =>
  typeof (source as Partial<ReadableHandle> | undefined)?.getFile === 'function';

/** The path of a text in Node, or undefined for an address. */
export function filePath(text: string): string | undefined {
  const system = nodeProcess();
  if (!system) return undefined;
  if (text.startsWith('file:')) return system.getBuiltinModule('node:url').fileURLToPath(text);
  return isAddress(text) ? undefined : text;
}

/** The error of an address that a server refuses. */
export const statusError = (where: string, address: string, status: number): ArgumentError =>
  new ArgumentError(`${where}: ${address} gave the status ${status}; check the address`);

/**
 * The bytes of a file, and its name for messages.
 * @throws ArgumentError for what is no source, Error of the system or the network if the file cannot be read.
 */
export async function readFile(source: FileSource, where: string): Promise<{ bytes: Uint8Array; name: string }> {
  // A plain view: `slice` of a Buffer of Node makes no copy.
  if (source instanceof Uint8Array) return { bytes: new Uint8Array(source.buffer, source.byteOffset, source.byteLength), name: 'bytes' };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source), name: 'bytes' };
  if (typeof Blob !== 'undefined' && source instanceof Blob) {
    return { bytes: new Uint8Array(await source.arrayBuffer()), name: 'name' in source ? String(source.name) : 'blob' };
  }
  if (typeof source === 'string' || source instanceof URL) {
    const name = String(source);
    const place = pageName(name);
    if (place) return { bytes: new Uint8Array(await (await readFromPage(place, where)).arrayBuffer()), name };
    const path = filePath(name);
    if (path !== undefined)
      return { bytes: new Uint8Array(await nodeProcess()!.getBuiltinModule('node:fs/promises').readFile(path)), name };
    const response = await fetch(source);
    if (!response.ok) throw statusError(where, name, response.status);
    return { bytes: new Uint8Array(await response.arrayBuffer()), name };
  }
  if (isReadable(source)) return readFile(await source.getFile(), where);
  throw new ArgumentError(`${where}: source is ${shown(source)}; it must be a path, an address, bytes, a Blob or a file handle`);
}

/**
 * Writes a file. In Node and in OPFS the bytes go to a second file, which then takes the name: a crash leaves the old file whole.
 * @throws ArgumentError for what is no target, FileError if the file cannot be written. An error of a function of the user stays as it is.
 */
export async function writeFile(target: FileTarget, bytes: Uint8Array<ArrayBuffer>, where: string): Promise<void> {
  if (typeof target === 'function') return target(bytes);
  try {
    await writeTo(target, bytes, where);
  } catch (error) {
    throw writeError(where, typeof target === 'string' ? `'${target}'` : 'the file handle', error);
  }
}

async function writeTo(target: string | WritableHandle, bytes: Uint8Array<ArrayBuffer>, where: string): Promise<void> {
  const system = nodeProcess();
  const place = typeof target === 'string' ? pageName(target) : undefined;
  if (place) return writeToPage(place, bytes, where);
  if (typeof target === 'string' && system) return writeWhole(system, target, bytes);
  if (typeof (target as Partial<WritableHandle> | undefined)?.createWritable === 'function') {
    const writable = await (target as WritableHandle).createWritable();
    try {
      await writable.write(bytes);
    } catch (error) {
      await writable.abort?.(error);
      throw error;
    }
    // The file changes here.
    return writable.close();
  }
  const rule = system
    ? 'a path, a file handle or a function of the bytes'
    : 'a name such as opfs://model.safetensors, a file handle or a function of the bytes; paths are for Node';
  throw new ArgumentError(`${where}: target is ${shown(target)}; it must be ${rule}`);
}

async function writeWhole(system: NodeJS.Process, path: string, bytes: Uint8Array): Promise<void> {
  const { open, rename, rm, stat, writeFile: writeInPlace } = system.getBuiltinModule('node:fs/promises');
  // A device or a pipe takes the bytes; a file must not take its name.
  const special = await stat(path).then((found) => !found.isFile() && !found.isDirectory(), () => false); // prettier-ignore
  if (special) return writeInPlace(path, bytes);
  const draft = `${path}.${crypto.randomUUID()}.part`;
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(bytes);
      // On the disk before the name changes.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
