// Files in the storage of a page: IndexedDB, the private file system, downloads, and crashes of the page in the middle of a write.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, type Page, chromium } from 'playwright';
import { type ViteDevServer, createServer } from 'vite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchOptions } from '../../scripts/browser.ts';
import { strippedWgsl } from '../../scripts/wgslPlugin.ts';
import type * as pageFiles from '../../src/formats/pageFiles.ts';
import type * as places from '../../src/formats/places.ts';
import type * as library from '../../src/index.ts';

/** The global variables of the pages. */
declare const files: typeof places & typeof pageFiles;
declare const ombre: typeof library;

let server: ViteDevServer;
let context: BrowserContext;
let page: Page;

const html = `<!doctype html><title>files</title><script type="module">
  import * as places from '/src/formats/places.ts';
  import * as pageFiles from '/src/formats/pageFiles.ts';
  globalThis.files = { ...places, ...pageFiles };
  if (location.hash) globalThis.ombre = await import('/src/index.ts');
</script>`;

/** A page of the sources of files, or also of the library. */
async function openPage(part: '' | '#library' = ''): Promise<Page> {
  const opened = await context.newPage();
  await opened.goto(`${server.resolvedUrls!.local[0]}files${part}`);
  await opened.waitForFunction((name) => name in globalThis, part ? 'ombre' : 'files');
  return opened;
}

beforeAll(async () => {
  server = await createServer({
    configFile: false,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    cacheDir: fileURLToPath(new URL('../../node_modules/.vite-storage', import.meta.url)),
    logLevel: 'error',
    appType: 'custom',
    plugins: [
      strippedWgsl(),
      {
        name: 'page-of-files',
        configureServer: ({ middlewares }) =>
          void middlewares.use('/files', (_, response) => void response.setHeader('content-type', 'text/html').end(html)),
      },
    ],
    optimizeDeps: { noDiscovery: true },
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
  }); // prettier-ignore
  await server.listen();
});

afterAll(() => server.close());

/** A browser with an empty storage: on the disk, as users have it, or in the memory of a private window. */
async function openBrowser(kind: 'disk' | 'private'): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'ombre-profile-'));
  const browser = kind === 'private' ? await chromium.launch(launchOptions()) : undefined;
  context = browser ? await browser.newContext() : await chromium.launchPersistentContext(folder, { ...launchOptions(), headless: true });
  page = await openPage();
  return async () => {
    await (browser ?? context).close();
    await rm(folder, { recursive: true, force: true });
  };
}

/** Writes `size` bytes of one value. */
const write = (on: Page, name: string, size: number, value: number): Promise<void> =>
  on.evaluate(
    async ([name, size, value]) => {
      await files.writeFile(name, new Uint8Array(size).fill(value), 'write');
    },
    [name, size, value] as const,
  );

/** Size of a file, and the value that all of its bytes have. */
const read = (on: Page, name: string): Promise<{ size: number; values: number[] }> =>
  on.evaluate(async (name) => {
    const { bytes } = await files.readFile(name, 'read');
    return { size: bytes.length, values: [...new Set(bytes)] };
  }, name);

const list = (on: Page): Promise<readonly { name: string; size: number }[]> =>
  on.evaluate(async () => {
    return files.storedFiles();
  });

const remove = (on: Page, name: string): Promise<void> =>
  on.evaluate(async (name) => {
    await files.removeStored(name);
  }, name);

describe.each(['indexeddb', 'opfs'])('%s', (scheme) => {
  beforeEach(() => openBrowser('disk'));
  const name = `${scheme}://folder/größe 1.safetensors`;

  test('files are written, replaced, listed and removed, also from another page', async () => {
    expect(await list(page)).toEqual([]);
    await write(page, name, 1000, 1);
    await write(page, name, 70_000, 2);
    await write(page, `${scheme}://a`, 0, 0);
    const other = await openPage();
    expect(await read(other, name)).toEqual({ size: 70_000, values: [2] });
    expect(await read(other, `${scheme}://a`)).toEqual({ size: 0, values: [] });
    expect(await list(other)).toEqual([{ name: `${scheme}://a`, size: 0 }, { name, size: 70_000 }]); // prettier-ignore
    await remove(other, name);
    expect(await list(page)).toEqual([{ name: `${scheme}://a`, size: 0 }]);
  });

  test('files that there are not', async () => {
    for (const use of [read, remove]) {
      await expect(use(page, `${scheme}://absent/x`)).rejects.toThrow(`there is no file ${scheme}://absent/x; storedFiles() lists those`);
      await expect(use(page, `${scheme}://`)).rejects.toThrow(`'${scheme}://' has no name; add one, such as ${scheme}://model.safetensors`);
    }
  });

  test('a write that fails leaves the old file and no other', async () => {
    await write(page, name, 1000, 1);
    const message = await page.evaluate(async (name) => {
      const fail = (): never => {
        throw new Error('the disk is full');
      };
      IDBObjectStore.prototype.put = fail;
      FileSystemWritableFileStream.prototype.write = fail;
      return files.writeFile(name, new Uint8Array(5), 'write').catch((error: Error) => error.message);
    }, name);
    expect(message).toContain('the disk is full');
    const other = await openPage();
    expect(await list(other)).toEqual([{ name, size: 1000 }]);
    expect(await read(other, name)).toEqual({ size: 1000, values: [1] });
    const drafts = await other.evaluate(async () => {
      const names: string[] = [];
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle('.ombre-drafts', { create: true });
      for await (const key of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(key);
      return names;
    });
    expect(drafts).toEqual([]);
  });
});

describe('names', () => {
  beforeEach(() => openBrowser('disk'));

  test('paths of OPFS', async () => {
    for (const path of ['a//b', '../b', './b', 'a/', '/a']) {
      await expect(write(page, `opfs://${path}`, 1, 1)).rejects.toThrow(`opfs://${path} is no path; it must have names with one slash`);
    }
    await write(page, 'opfs://a/b', 1, 1);
    await expect(remove(page, 'opfs://a')).rejects.toThrow();
    expect(await list(page)).toEqual([{ name: 'opfs://a/b', size: 1 }]);
  });

  test('drafts that a crash left are removed after a day', async () => {
    const left = await page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle('.ombre-drafts', { create: true });
      await folder.getFileHandle('left', { create: true });
      const isThere = (): Promise<boolean> => folder.getFileHandle('left').then(() => true, () => false); // prettier-ignore
      await files.writeFile('opfs://x', new Uint8Array(1), 'write');
      const today = await isThere();
      const now = Date.now();
      Date.now = () => now + 25 * 3600 * 1000;
      await files.writeFile('opfs://x', new Uint8Array(1), 'write');
      return [today, await isThere()];
    });
    expect(left).toEqual([true, false]);
  });

  test('a download has the bytes and the name', async () => {
    const started = page.waitForEvent('download');
    await write(page, 'download://model.safetensors', 3000, 7);
    const download = await started;
    expect(download.suggestedFilename()).toBe('model.safetensors');
    expect(new Uint8Array(readFileSync(await download.path()))).toEqual(new Uint8Array(3000).fill(7));
    await expect(write(page, 'download://a/b', 1, 1)).rejects.toThrow("'download://a/b' must end with the name of a file without slashes");
    await expect(read(page, 'download://a')).rejects.toThrow("source is 'download://a'; a page cannot read its downloads");
  });

  test('a fit goes on from its backup, which is then removed', async () => {
    const found = await (
      await openPage('#library')
    ).evaluate(async () => {
      await ombre.setDevice('cpu');
      const make = (): library.Model => {
        const model = ombre.sequential([ombre.layers.dense({ units: 1, inputShape: [1] })]);
        model.compile({ optimizer: 'adam', loss: 'mse', seed: 1 });
        return model;
      };
      const fit = (model: library.Model, callback?: library.Callback) =>
        model.fit([[1], [2]], [[3], [5]], { epochs: 4, seed: 2, verbose: 0, ...(callback && { callbacks: callback }) });
      const values = async (model: library.Model): Promise<number[][]> =>
        Promise.all((await model.getWeights()).map(async (tensor) => Array.from(await tensor.data())));
      const whole = make();
      await fit(whole);
      const results = [];
      for (const target of ['opfs://backup.safetensors', 'indexeddb://backup.safetensors']) {
        const backup = ombre.callbacks.backupAndRestore({ target });
        const onEpochBegin = async (epoch: number): Promise<void> => {
          await backup.onEpochBegin?.(epoch);
          if (epoch === 2) throw new Error('a crash');
        };
        const error = await fit(make(), { ...backup, onEpochBegin }).then(() => '', String);
        const stored = (await ombre.storedFiles()).map(({ name }) => name);
        const model = make();
        const { epoch } = await fit(model, ombre.callbacks.backupAndRestore({ target }));
        results.push({ error, stored, epoch, values: await values(model), left: (await ombre.storedFiles()).length });
      }
      return { expected: await values(whole), results };
    });
    for (const [i, scheme] of ['opfs', 'indexeddb'].entries()) {
      expect(found.results[i]).toEqual({
        error: 'Error: a crash',
        stored: [`${scheme}://backup.safetensors`],
        epoch: [2, 3],
        values: found.expected,
        left: 0,
      });
    }
  });

  test('a model goes on from its file', async () => {
    const results = await (
      await openPage('#library')
    ).evaluate(async () => {
      await ombre.setDevice('cpu');
      const make = (): library.Model => {
        const model = ombre.sequential([ombre.layers.dense({ units: 3, inputShape: [2] })]);
        model.compile({ optimizer: 'adam', loss: 'mse', seed: 1 });
        return model;
      };
      const [x, y] = [[[1, 2], [3, 4], [5, 6]], [[1, 0, 1], [0, 1, 0], [1, 1, 0]]]; // prettier-ignore
      const values = async (model: library.Model): Promise<number[][]> =>
        Promise.all((await model.getWeights()).map(async (tensor) => Array.from(await tensor.data())));
      const whole = make();
      await whole.fit(x, y, { epochs: 4, verbose: 0 });
      const results = [];
      for (const name of ['opfs://models/a.safetensors', 'indexeddb://a.safetensors']) {
        const first = make();
        await first.fit(x, y, { epochs: 2, verbose: 0 });
        await first.saveWeights(name);
        const second = make();
        await second.loadWeights(name);
        await second.fit(x, y, { epochs: 4, initialEpoch: 2, verbose: 0 });
        results.push(await values(second));
      }
      return { expected: await values(whole), results, files: (await ombre.storedFiles()).map(({ name }) => name) };
    });
    expect(results.results).toEqual([results.expected, results.expected]);
    expect(results.files).toEqual(['indexeddb://a.safetensors', 'opfs://models/a.safetensors']);
  });
});

describe.each([
  ['indexeddb', 'disk'],
  ['indexeddb', 'private'],
  ['opfs', 'disk'],
  ['opfs', 'private'],
] as const)('%s, %s', (scheme, kind) => {
  beforeEach(() => openBrowser(kind));

  test('a page that crashes during a write leaves the old file or the new one, whole', async () => {
    const name = `${scheme}://a`;
    const size = 40_000_000;
    await write(page, name, size, 1);
    let interrupted = 0;
    for (const delay of [0, 20, 40, 80, 160]) {
      const crashing = await openPage();
      const started = crashing.waitForEvent('console', { predicate: (message) => message.text() === 'started' });
      const ended = crashing
        .evaluate(
          async ([name, size, value]) => {
            const bytes = new Uint8Array(size).fill(value);
            console.log('started');
            await files.writeFile(name, bytes, 'write');
          },
          [name, size, 2 + delay] as const,
        )
        .then(() => true, () => false); // prettier-ignore
      await started;
      await new Promise((resolve) => setTimeout(resolve, delay));
      const crashed = crashing.waitForEvent('crash');
      const session = await context.newCDPSession(crashing);
      void session.send('Page.crash').catch(() => undefined);
      await crashed;
      const isWritten = await ended;
      interrupted += Number(!isWritten);
      const after = await read(page, name);
      expect(after.size).toBe(size);
      expect(after.values).toHaveLength(1);
      if (isWritten) expect(after.values).toEqual([2 + delay]);
      expect(await list(page)).toEqual([{ name, size }]);
    }
    expect(interrupted).toBeGreaterThan(0);
  });
});
