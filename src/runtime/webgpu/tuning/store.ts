// Stores choices beyond the page or the process: IndexedDB in a browser or worker, a JSON file in Node. After a failure kernels are timed again;
// steps never fail because of it.

/** Fingerprint of the chosen kernel by key. */
export type ChoiceTable = Readonly<Record<string, string>>;

export interface ChoiceStore {
  /** The stored choices of a device. Empty if nothing can be read. */
  read(device: string): Promise<ChoiceTable>;
  /** Adds choices to those of a device. */
  add(device: string, choices: ChoiceTable): Promise<void>;
}

/** Maximum number of entries of a device. The oldest are dropped. */
const maxEntries = 4096;

function merged(known: ChoiceTable, added: ChoiceTable): ChoiceTable {
  const entries = [...Object.entries(known).filter(([key]) => !(key in added)), ...Object.entries(added)];
  return Object.fromEntries(entries.slice(-maxEntries));
}

/** Keeps entries of strings only: another program may have written the table. */
function checked(table: unknown): ChoiceTable {
  if (typeof table !== 'object' || table === null || Array.isArray(table)) return {};
  return Object.fromEntries(Object.entries(table).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** The store of this environment; undefined if it has none. `name` is the path of the file, or the name of the database. */
export function openStore(name?: string): ChoiceStore | undefined {
  try {
    const { process, indexedDB } = globalThis as { process?: NodeJS.Process; indexedDB?: IDBFactory };
    if (process?.versions?.node && typeof process.getBuiltinModule === 'function') return new FileStore(process, name ?? fileOf(process));
    return indexedDB ? new DatabaseStore(indexedDB, name ?? 'ombre') : undefined;
  } catch {
    return undefined; // a user without a home folder, or a page without access to databases
  }
}

const storeName = 'kernels';

class DatabaseStore implements ChoiceStore {
  private readonly factory: IDBFactory;
  private readonly name: string;

  constructor(factory: IDBFactory, name: string) {
    this.factory = factory;
    this.name = name;
  }

  async read(device: string): Promise<ChoiceTable> {
    return this.within('readonly', (store, done) => {
      const request = store.get(device);
      request.onsuccess = (): void => done(checked(request.result));
    });
  }

  async add(device: string, choices: ChoiceTable): Promise<void> {
    await this.within<undefined>('readwrite', (store, done) => {
      const request = store.get(device);
      request.onsuccess = (): void => {
        store.put(merged(checked(request.result), choices), device);
        done(undefined);
      };
    });
  }

  /** One transaction; resolves when it is complete. */
  private within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore, done: (result: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (what: string) => (): void => reject(new Error(`indexedDB '${this.name}': ${what}`));
      const opening = this.factory.open(this.name, 1);
      opening.onupgradeneeded = (): void => void opening.result.createObjectStore(storeName);
      opening.onerror = fail('cannot be opened');
      opening.onblocked = fail('is held open by another page');
      opening.onsuccess = (): void => {
        const database = opening.result;
        let result: { readonly value: T } | undefined;
        try {
          const transaction = database.transaction(storeName, mode);
          transaction.oncomplete = (): void => {
            database.close();
            resolve(result!.value);
          };
          transaction.onabort = (): void => {
            database.close();
            fail('a transaction was aborted')();
          };
          work(transaction.objectStore(storeName), (value) => (result = { value }));
        } catch (error) {
          // An exception in this callback would be uncaught. The database of this name belongs to another program.
          database.close();
          fail(`cannot be used (${String(error)})`)();
        }
      };
    });
  }
}

// getBuiltinModule instead of an import: a bundler for the browser must not find a `node:` specifier.

/** A file in the user's cache folder: $XDG_CACHE_HOME if that is an absolute path, else ~/.cache. */
function fileOf(process: NodeJS.Process): string {
  const paths = process.getBuiltinModule('node:path');
  const { XDG_CACHE_HOME: named = '' } = process.env;
  const cache = paths.isAbsolute(named) ? named : paths.join(process.getBuiltinModule('node:os').homedir(), '.cache');
  return paths.join(cache, 'ombre', 'kernels.json');
}

/** The last write to each path. Devices of one process write one after the other, so that each keeps the entries of the others. */
const lastWrites = new Map<string, Promise<void>>();

class FileStore implements ChoiceStore {
  private readonly process: NodeJS.Process;
  private readonly path: string;

  constructor(process: NodeJS.Process, path: string) {
    this.process = process;
    this.path = process.getBuiltinModule('node:path').resolve(path);
  }

  async read(device: string): Promise<ChoiceTable> {
    return checked((await this.all())[device]);
  }

  private async all(): Promise<Record<string, unknown>> {
    try {
      const all: unknown = JSON.parse(await this.process.getBuiltinModule('node:fs/promises').readFile(this.path, 'utf8'));
      return typeof all === 'object' && all !== null && !Array.isArray(all) ? (all as Record<string, unknown>) : {};
    } catch {
      return {}; // there is none yet, or it is damaged: it is written again
    }
  }

  add(device: string, choices: ChoiceTable): Promise<void> {
    const before = lastWrites.get(this.path) ?? Promise.resolve();
    const writing = before.then(() => this.write(device, choices));
    lastWrites.set(
      this.path,
      writing.catch(() => undefined),
    );
    return writing;
  }

  private async write(device: string, choices: ChoiceTable): Promise<void> {
    const { process, path } = this;
    const { mkdir, rename, rm, writeFile } = process.getBuiltinModule('node:fs/promises');
    const all = await this.all();
    await mkdir(process.getBuiltinModule('node:path').dirname(path), { recursive: true });
    // Written to a second file and renamed, so that a reader never finds half a file. The name is random because workers share a process id.
    const draft = `${path}.${crypto.randomUUID()}`;
    try {
      await writeFile(draft, JSON.stringify({ ...all, [device]: merged(checked(all[device]), choices) }, undefined, 1));
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }
}
