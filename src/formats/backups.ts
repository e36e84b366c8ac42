// Places that hold one backup: it is written again and again, read once, and removed.
import { ArgumentError } from '../core/errors.ts';
import { nodeProcess } from '../core/nodeProcess.ts';
import { type PageName, pageFile, pageName } from './pageFiles.ts';
import { type ReadableHandle, type WritableHandle, readFile, writeFile } from './places.ts';

/** A place of your own for a backup, such as a database. `read` returns undefined if there is none. */
export interface BackupStore {
  read(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  write(bytes: Uint8Array<ArrayBuffer>): void | Promise<void>;
  remove(): void | Promise<void>;
}

/** Place of a backup: a path in Node; in a page a `FileSystemFileHandle`, `indexeddb://name` or `opfs://path`; or a store. */
export type BackupTarget = string | (ReadableHandle & WritableHandle) | BackupStore;

/**
 * The place as a store.
 * @throws ArgumentError for a path outside of Node, and for a name of a storage that is not there.
 */
export function backupStore(target: BackupTarget, where: string): BackupStore {
  if (typeof target === 'string') {
    const place = pageName(target);
    return place ? storeOfPage(place, where) : storeOfPath(target, where);
  }
  return 'createWritable' in target ? storeOfHandle(target, where) : target;
}

function storeOfPath(path: string, where: string): BackupStore {
  const system = nodeProcess();
  if (!system) {
    throw new ArgumentError(
      `${where}: target is the path '${path}', and paths are for Node; pass a name such as opfs://${path}, a file handle or { read, write, remove }`,
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

function storeOfPage(place: PageName, where: string): BackupStore {
  const { read, remove } = pageFile(place, where);
  return {
    async read() {
      const file = await read();
      return file && new Uint8Array(await file.arrayBuffer());
    },
    write: (bytes) => writeFile(`${place.scheme}://${place.name}`, bytes, where),
    remove,
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
