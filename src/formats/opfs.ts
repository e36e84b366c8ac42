// Files in the private file system of a page (OPFS). A file is written under another name and then moved, so that a crash leaves the old file.
import { ArgumentError } from '../core/errors.ts';
import type { PageStorage, StoredFile } from './pageStorage.ts';

/** Folder of files that are being written. */
const draftsName = '.ombre-drafts';
/** Drafts that are older were left by a crash. */
const draftMilliseconds = 24 * 3600 * 1000;

/** Methods that the types of the DOM lack. */
type Directory = FileSystemDirectoryHandle & AsyncIterable<[name: string, handle: FileSystemFileHandle | Directory]>;
type Movable = FileSystemFileHandle & { move(folder: FileSystemDirectoryHandle, name: string): Promise<void> };

const root = (): Promise<Directory> => navigator.storage.getDirectory() as Promise<Directory>;
const isAbsent = (error: unknown): boolean => error instanceof DOMException && error.name === 'NotFoundError';

function partsOf(path: string): readonly [folders: readonly string[], name: string] {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new ArgumentError(`opfs://${path} is no path; it must have names with one slash between them, and no '.' or '..'`);
  }
  return [parts.slice(0, -1), parts[parts.length - 1]];
}

async function folderOf(folders: readonly string[], create: boolean): Promise<FileSystemDirectoryHandle> {
  let folder: FileSystemDirectoryHandle = await root();
  for (const name of folders) folder = await folder.getDirectoryHandle(name, { create });
  return folder;
}

/** The result of a search, or undefined if a folder or file of the path is absent. */
async function ifThere<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function write(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const [folders, name] = partsOf(path);
  const drafts = (await folderOf([draftsName], true)) as Directory;
  await removeOldDrafts(drafts);
  const draftName = crypto.randomUUID();
  const draft = (await drafts.getFileHandle(draftName, { create: true })) as Movable;
  if (typeof draft.createWritable !== 'function' || typeof draft.move !== 'function') {
    await drafts.removeEntry(draftName);
    throw new ArgumentError(`opfs://${path}: this browser cannot write and move files of OPFS here; use indexeddb://${name}`);
  }
  try {
    await fill(draft, bytes);
    const folder = await folderOf(folders, true);
    // The file changes here.
    await draft.move(folder, name);
  } catch (error) {
    await ifThere(() => drafts.removeEntry(draftName));
    throw error;
  }
}

async function fill(file: FileSystemFileHandle, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const stream = await file.createWritable();
  try {
    await stream.write(bytes);
  } catch (error) {
    // An open stream locks its file.
    await stream.abort(error).catch(() => undefined);
    throw error;
  }
  await stream.close();
}

async function removeOldDrafts(drafts: Directory): Promise<void> {
  for await (const [name, handle] of drafts) {
    if (handle.kind !== 'file') continue;
    const file = await ifThere(() => handle.getFile());
    if (file && Date.now() - file.lastModified > draftMilliseconds) await ifThere(() => drafts.removeEntry(name));
  }
}

async function listFolder(folder: Directory, prefix: string): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const [name, handle] of folder) {
    if (handle.kind === 'directory') {
      if (prefix + name !== draftsName) files.push(...(await listFolder(handle, `${prefix}${name}/`)));
    } else {
      const file = await ifThere(() => handle.getFile());
      if (file) files.push({ name: `opfs://${prefix}${name}`, size: file.size });
    }
  }
  return files;
}

export const opfsStorage: PageStorage = {
  title: 'OPFS',
  isThere: () => typeof navigator !== 'undefined' && typeof (navigator.storage as StorageManager | undefined)?.getDirectory === 'function',
  read(path) {
    const [folders, name] = partsOf(path);
    return ifThere(async () => (await (await folderOf(folders, false)).getFileHandle(name)).getFile());
  },
  write,
  list: async () => listFolder(await root(), ''),
  async remove(path) {
    const [folders, name] = partsOf(path);
    const removed = await ifThere(async () => {
      const folder = await folderOf(folders, false);
      // A folder of this name would be removed too.
      await folder.getFileHandle(name);
      await folder.removeEntry(name);
      return true;
    });
    return removed ?? false;
  },
};
