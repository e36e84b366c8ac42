// Where choices outlive the page or the process: IndexedDB in a browser or worker, a JSON file in Node. Whatever fails here costs a timing, never a step.

/** Fingerprint of the chosen kernel by key. */
export type ChoiceTable = Readonly<Record<string, string>>;

export interface ChoiceStore {
  /** What is kept for a device; empty where nothing can be read. */
  read(device: string): Promise<ChoiceTable>;
  /** Adds to what is kept for it. */
  add(device: string, choices: ChoiceTable): Promise<void>;
}

/** Entries kept for a device: the oldest make room. */
const entriesKept = 4096;

function merged(known: ChoiceTable, added: ChoiceTable): ChoiceTable {
  const entries = [...Object.entries(known).filter(([key]) => !(key in added)), ...Object.entries(added)];
  return Object.fromEntries(entries.slice(-entriesKept));
}

/** Another program may have written what is read: only texts under texts are taken. */
function checked(table: unknown): ChoiceTable {
  if (typeof table !== 'object' || table === null || Array.isArray(table)) return {};
  return Object.fromEntries(Object.entries(table).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** The store of this environment; undefined where it has none. `name` is the path of the file, or the name of the database. */
export function openStore(name?: string): ChoiceStore | undefined {
  try {
    const { process, indexedDB } = globalThis as { process?: NodeJS.Process; indexedDB?: IDBFactory };
    if (process?.versions?.node && typeof process.getBuiltinModule === 'function') return new FileStore(process, name ?? fileOf(process));
    return indexedDB ? new DatabaseStore(indexedDB, name ?? 'ombre') : undefined;
  } catch {
    return undefined; // a user without a home folder, a page that may not so much as look at its databases
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
          // What is thrown here nobody catches: the database of this name is somebody else's.
          database.close();
          fail(`cannot be used (${String(error)})`)();
        }
      };
    });
  }
}

// getBuiltinModule instead of an import: a bundler for the browser must find no `node:` specifier to resolve.

/** In the cache folder of the user: the one that is named, where that is a whole path. */
function fileOf(process: NodeJS.Process): string {
  const paths = process.getBuiltinModule('node:path');
  const { XDG_CACHE_HOME: named = '' } = process.env;
  const cache = paths.isAbsolute(named) ? named : paths.join(process.getBuiltinModule('node:os').homedir(), '.cache');
  return paths.join(cache, 'ombre', 'kernels.json');
}

/** By path, the last write asked for: devices of one process write one after the other, each what the one before left and its own. */
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
      return {}; // none yet, or damaged: written anew
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
    // Written beside and moved: a reader never finds half a file. Under a name of its own: workers share the number of their process.
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
