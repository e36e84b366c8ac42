// Places that hold one backup: it is written again and again, read once, and removed.
import { ArgumentError } from '../core/errors.ts';
import { nodeProcess } from '../core/nodeProcess.ts';
import { type ReadableHandle, type WritableHandle, readFile, writeFile } from './places.ts';

/** A place of your own for a backup, such as a database. `read` returns undefined if there is none. */
export interface BackupStore {
  read(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  write(bytes: Uint8Array<ArrayBuffer>): void | Promise<void>;
  remove(): void | Promise<void>;
}

/** Place of a backup: a path in Node, a `FileSystemFileHandle` in a page, or a store. */
export type BackupTarget = string | (ReadableHandle & WritableHandle) | BackupStore;

/**
 * The place as a store.
 * @throws ArgumentError for a path outside of Node.
 */
export function backupStore(target: BackupTarget, where: string): BackupStore {
  if (typeof target === 'string') return storeOfPath(target, where);
  return 'createWritable' in target ? storeOfHandle(target, where) : target;
}

function storeOfPath(path: string, where: string): BackupStore {
  const system = nodeProcess();
  if (!system) {
    throw new ArgumentError(
      `${where}: target is the path '${path}', and paths are for Node; pass a file handle or { read, write, remove }`,
    );
  }
  const { access, rm } = system.getBuiltinModule('node:fs/promises');
  return {
    async read() {
      try {
        await access(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
      return (await readFile(path, where)).bytes;
    },
    write: (bytes) => writeFile(path, bytes, where),
    remove: () => rm(path, { force: true }),
  };
}

/** An empty file holds no backup: pages of some browsers cannot remove a file that they were given. */
function storeOfHandle(handle: ReadableHandle & WritableHandle, where: string): BackupStore {
  return {
    async read() {
      const { bytes } = await readFile(handle, where);
      return bytes.length ? bytes : undefined;
    },
    write: (bytes) => writeFile(handle, bytes, where),
    remove: () => writeFile(handle, new Uint8Array(0), where),
  };
}
