// Files in IndexedDB: a table of bytes by name, and one of their sizes. A transaction replaces a file whole or not at all.
// Bytes, because Chromium may lose the contents of a stored Blob in a private window if the page that wrote it crashes.
import type { PageStorage } from './pageStorage.ts';

const databaseName = 'ombre';
const filesTable = 'files';
const sizesTable = 'sizes';

const completed = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error!);
  });

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(databaseName, 1);
  request.onupgradeneeded = () => {
    for (const table of [filesTable, sizesTable]) request.result.createObjectStore(table);
  };
  return completed(request);
}

type Run<T> = (files: IDBObjectStore, sizes: IDBObjectStore) => Promise<T>;

/** Runs one transaction. Its changes are on the disk when the promise is fulfilled. */
async function transact<T>(mode: IDBTransactionMode, run: Run<T>): Promise<T> {
  const database = await open();
  try {
    const transaction = database.transaction([filesTable, sizesTable], mode, { durability: 'strict' });
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new DOMException('The transaction was aborted', 'AbortError'));
    });
    const [result] = await Promise.all([
      run(transaction.objectStore(filesTable), transaction.objectStore(sizesTable)).catch((error: unknown) => {
        abort(transaction);
        throw error;
      }),
      ended,
    ]);
    return result;
  } finally {
    database.close();
  }
}

/** Takes back the changes of a transaction, if it has not ended. */
function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // A request that failed has aborted it.
  }
}

export const indexedDbStorage: PageStorage = {
  title: 'IndexedDB',
  isThere: () => typeof indexedDB !== 'undefined',
  async read(name) {
    const bytes = await transact('readonly', (files) => completed(files.get(name) as IDBRequest<Uint8Array<ArrayBuffer> | undefined>));
    return bytes && new Blob([bytes]);
  },
  write: (name, bytes) =>
    transact('readwrite', async (files, sizes) => {
      await Promise.all([completed(files.put(bytes, name)), completed(sizes.put(bytes.length, name))]);
    }),
  list: () =>
    transact('readonly', async (_, table) => {
      // Both have the order of the names.
      const [names, sizes] = await Promise.all([
        completed(table.getAllKeys() as IDBRequest<string[]>),
        completed(table.getAll() as IDBRequest<number[]>),
      ]);
      return names.map((name, i) => ({ name: `indexeddb://${name}`, size: sizes[i] }));
    }),
  remove: (name) =>
    transact('readwrite', async (files, sizes) => {
      const isThere = (await completed(files.count(name))) > 0;
      await Promise.all([completed(files.delete(name)), completed(sizes.delete(name))]);
      return isThere;
    }),
};
