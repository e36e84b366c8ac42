// Files that a page keeps under names: in IndexedDB, in its private file system (OPFS), and as downloads. Names have the scheme of their storage.
import { ArgumentError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { indexedDbStorage } from './indexedDb.ts';
import { opfsStorage } from './opfs.ts';
import type { PageStorage, StoredFile } from './pageStorage.ts';

export type { StoredFile } from './pageStorage.ts';

const storages: Readonly<Record<string, PageStorage>> = { indexeddb: indexedDbStorage, opfs: opfsStorage };
const downloadScheme = 'download';

/** A name in the storage of a page. */
export interface PageName {
  readonly scheme: string;
  /** The text after `scheme://`. */
  readonly name: string;
}

/** Parts of a name in the storage of a page, or undefined for a path or another address. */
export function pageName(text: string): PageName | undefined {
  const [, scheme = '', name = ''] = /^([a-z]+):\/\/(.*)$/is.exec(text) ?? [];
  const known = scheme.toLowerCase();
  return known === downloadScheme || Object.hasOwn(storages, known) ? { scheme: known, name } : undefined;
}

/** The storage of a scheme. @throws ArgumentError if this environment lacks it, or for an empty name. */
function storageOf({ scheme, name }: PageName, where: string): PageStorage {
  const storage = storages[scheme];
  if (!storage.isThere()) {
    throw new ArgumentError(`${where}: ${scheme}://${name} needs ${storage.title}, which pages and workers with https or localhost have; use another place here`); // prettier-ignore
  }
  if (name === '') throw new ArgumentError(`${where}: '${scheme}://' has no name; add one, such as ${scheme}://model.safetensors`);
  return storage;
}

const absent = ({ scheme, name }: PageName, where: string): ArgumentError =>
  new ArgumentError(`${where}: there is no file ${scheme}://${name}; storedFiles() lists those that there are`);

/** The file of a name. @throws ArgumentError if there is none. */
export async function readFromPage(place: PageName, where: string): Promise<Blob> {
  if (place.scheme === downloadScheme) {
    throw new ArgumentError(`${where}: source is 'download://${place.name}'; a page cannot read its downloads; ask the user for the file`);
  }
  const file = await storageOf(place, where).read(place.name);
  if (!file) throw absent(place, where);
  return file;
}

/** Writes a file under a name, or starts a download. */
export async function writeToPage(place: PageName, bytes: Uint8Array<ArrayBuffer>, where: string): Promise<void> {
  if (place.scheme === downloadScheme) return download(place.name, bytes, where);
  await storageOf(place, where).write(place.name, bytes);
}

/** A file that need not be there. */
interface PageFile {
  readonly read: () => Promise<Blob | undefined>;
  readonly remove: () => Promise<void>;
}

/** The file of a name, which need not be there. @throws ArgumentError if this environment lacks the storage, or for a download. */
export function pageFile(place: PageName, where: string): PageFile {
  if (place.scheme === downloadScheme) {
    throw new ArgumentError(`${where}: target is 'download://${place.name}', which a page cannot read again; use indexeddb:// or opfs://`);
  }
  const storage = storageOf(place, where);
  return { read: () => storage.read(place.name), remove: async () => void (await storage.remove(place.name)) };
}

/** Milliseconds until a download's memory is released. The browser has read it by then. */
const downloadMilliseconds = 60_000;

function download(name: string, bytes: Uint8Array<ArrayBuffer>, where: string): void {
  const { document } = globalThis as { document?: Document };
  if (!document) throw new ArgumentError(`${where}: download://${name} needs a page; workers and Node have none; use another place here`);
  if (!/^[^\\/]+$/.test(name)) {
    throw new ArgumentError(
      `${where}: 'download://${name}' must end with the name of a file without slashes, such as download://model.safetensors`,
    );
  }
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), downloadMilliseconds);
}

/**
 * Lists the files in the storage of this page: those of saveWeights and other functions in IndexedDB, and all of its private file system.
 * Sorted by name.
 *
 *     for (const { name, size } of await storedFiles()) console.log(name, size);
 *
 * @throws ArgumentError if the environment has no such storage.
 */
export async function storedFiles(): Promise<readonly StoredFile[]> {
  const present = Object.values(storages).filter((storage) => storage.isThere());
  if (present.length === 0) {
    const titles = Object.values(storages).map(({ title }) => title);
    throw new ArgumentError(`storedFiles: there is no ${titles.join(' and no ')} here; in Node, list a folder with node:fs`);
  }
  const lists = await Promise.all(present.map((storage) => storage.list()));
  return lists.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Removes a file from the storage of this page.
 *
 *     await removeStored('indexeddb://model.safetensors');
 *
 * @param name A name that storedFiles() lists.
 * @throws ArgumentError if there is no such file.
 */
export async function removeStored(name: string): Promise<void> {
  const place = typeof name === 'string' ? pageName(name) : undefined;
  if (!place || place.scheme === downloadScheme) {
    throw new ArgumentError(`removeStored: name is ${shown(name)}; it must begin with ${Object.keys(storages).map((scheme) => `${scheme}://`).join(' or ')}`); // prettier-ignore
  }
  if (!(await storageOf(place, 'removeStored').remove(place.name))) throw absent(place, 'removeStored');
}
