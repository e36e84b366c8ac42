// Folders of images in a browser: the files of an input for folders, the handle of a folder, a dropped folder, and the decoders of the browser.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type Page, chromium } from 'playwright';
import { type ViteDevServer, createServer } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchOptions } from '../../scripts/browser.ts';
import { strippedWgsl } from '../../scripts/wgslPlugin.ts';
import type * as library from '../../src/index.ts';
import { setDevice } from '../../src/index.ts';
import { imageFolder } from '../../src/tables/index.ts';
import type * as tables from '../../src/tables/index.ts';

/** The global variables of the page. */
declare const ombre: typeof library & typeof tables;
type Folder = Parameters<typeof imageFolder>[0];
/** The folder that the page was given. */
declare let folder: Folder;

interface Found {
  readonly classNames: readonly string[];
  readonly files: readonly string[];
  readonly labels: readonly unknown[];
  readonly shapes: readonly (readonly number[])[];
  readonly values: readonly number[][];
}

const { PNG } = createRequire(import.meta.url)('pngjs') as {
  PNG: { sync: { write(image: { width: number; height: number; data: Uint8Array }): Uint8Array } };
};
/** A pattern of colours with the given opacity. */
const png = (width: number, height: number, opacity: number): Uint8Array =>
  PNG.sync.write({ width, height, data: Uint8Array.from({ length: 4 * width * height }, (_, i) => (i % 4 === 3 ? opacity : (i * 37) % 256)) }); // prettier-ignore

const html = `<!doctype html><title>images</title>
<input type="file" webkitdirectory />
<div id="drop" style="height: 100px">drop a folder</div>
<script type="module">
  import * as library from '/src/index.ts';
  import * as tables from '/src/tables/index.ts';
  document.querySelector('input').addEventListener('change', ({ target }) => (globalThis.folder = target.files));
  const drop = document.querySelector('#drop');
  drop.addEventListener('dragover', (event) => event.preventDefault());
  drop.addEventListener('drop', async (event) => {
    event.preventDefault();
    globalThis.folder = await event.dataTransfer.items[0].getAsFileSystemHandle();
  });
  await library.setDevice('cpu');
  globalThis.ombre = { ...library, ...tables };
</script>`;

let server: ViteDevServer;
let browser: Browser;
let page: Page;
let root = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ombre-photos-'));
  const files: Readonly<Record<string, Uint8Array>> = {
    'dogs/b.png': png(5, 3, 255),
    'cats/deep/a.png': png(5, 3, 255),
    'cats/half.png': png(5, 3, 128),
    'cats/notes.txt': new Uint8Array(3),
    'top.png': png(1, 1, 255),
  };
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), bytes);
  }
  await setDevice('cpu');
  server = await createServer({
    configFile: false,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    cacheDir: fileURLToPath(new URL('../../node_modules/.vite-images', import.meta.url)),
    logLevel: 'error',
    appType: 'custom',
    plugins: [
      strippedWgsl(),
      {
        name: 'page-of-images',
        configureServer: ({ middlewares }) =>
          void middlewares.use('/images', (_, response) => void response.setHeader('content-type', 'text/html').end(html)),
      },
    ],
    // The one dependency of ombre/data.
    optimizeDeps: { noDiscovery: true, include: ['papaparse'] },
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
  });
  await server.listen();
  browser = await chromium.launch(launchOptions());
  page = await browser.newPage();
  await page.goto(`${server.resolvedUrls!.local[0]}images`, { waitUntil: 'commit' });
  await page.waitForFunction(() => 'ombre' in globalThis, undefined, { timeout: 110_000 });
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await rm(root, { recursive: true });
});

/** Everything that imageFolder finds in the folder of the page. */
const read = (channels: 1 | 3 | 4, size?: number): Promise<Found> =>
  page.evaluate(
    async ([channels, size]) => {
      const { classNames, files, dataset } = await ombre.imageFolder(folder, { channels, ...(size && { size }) });
      const found = { classNames, files, labels: [] as unknown[], shapes: [] as (readonly number[])[], values: [] as number[][] };
      for await (const { x, y } of dataset) {
        found.labels.push(await y!.array());
        found.shapes.push(x.shape);
        found.values.push(Array.from(await x.data()));
      }
      return found;
    },
    [channels, size] as const,
  );

/** The same in Node. */
async function readInNode(channels: 1 | 3 | 4, size?: number): Promise<Found> {
  const { classNames, files, dataset } = await imageFolder(root, { channels, ...(size && { size }) });
  const found = { classNames, files, labels: [] as unknown[], shapes: [] as (readonly number[])[], values: [] as number[][] };
  for await (const { x, y } of dataset) {
    found.labels.push(await y!.array());
    found.shapes.push(x.shape);
    found.values.push(Array.from(await x.data()));
  }
  return found;
}

/** Colours of pixels with an opacity are rounded by the canvas of the browser. */
function expectSame(found: Found, expected: Found): void {
  const { values, ...rest } = found;
  const { values: others, ...others_ } = expected;
  expect(rest).toEqual(others_);
  found.files.forEach((file, i) => {
    const rounding = file === 'cats/half.png' ? 2.1 / 255 : 1e-6;
    values[i].forEach((value, k) => expect(Math.abs(value - others[i][k]), file).toBeLessThanOrEqual(rounding));
  });
}

test('the files of an input for folders', async () => {
  await page.locator('input').setInputFiles(root);
  await page.waitForFunction(() => 'folder' in globalThis);
  const found = await read(3);
  expect(found.classNames).toEqual(['cats', 'dogs']);
  expect(found.files).toEqual(['cats/deep/a.png', 'cats/half.png', 'dogs/b.png']);
  expect(found.labels).toEqual([0, 0, 1]);
  for (const channels of [1, 3, 4] as const) expectSame(await read(channels), await readInNode(channels));
  expectSame(await read(3, 2), await readInNode(3, 2));
});

test('a model learns from the images', async () => {
  const { length } = await page.evaluate(async () => {
    const { dataset } = await ombre.imageFolder(folder, { size: 4 });
    const model = ombre.sequential([
      ombre.layers.flatten({ inputShape: [4, 4, 3] }),
      ombre.layers.dense({ units: 2, activation: 'softmax' }),
    ]);
    model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
    return (await model.fit(dataset.cache().shuffle(10, { seed: 1 }).batch(2), undefined, { epochs: 2, verbose: 0 })).history.loss;
  });
  expect(length).toBe(2);
});

test('the handle of a folder, with files of the formats that the browser writes', async () => {
  await page.evaluate(async () => {
    const directory = await navigator.storage.getDirectory();
    const write = async (path: string, content: Blob): Promise<void> => {
      const names = path.split('/');
      let place = directory;
      for (const name of names.slice(0, -1)) place = await place.getDirectoryHandle(name, { create: true });
      const writable = await (await place.getFileHandle(names[names.length - 1], { create: true })).createWritable();
      await writable.write(content);
      await writable.close();
    };
    const canvas = new OffscreenCanvas(4, 2);
    const context = canvas.getContext('2d')!;
    for (const [path, type, colour] of [
      ['red/1.png', 'image/png', 'rgb(255 0 0)'],
      ['red/deep/2.webp', 'image/webp', 'rgb(255 0 0)'],
      ['blue/3.jpg', 'image/jpeg', 'rgb(0 0 255)'],
    ]) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 4, 2);
      await write(path, await canvas.convertToBlob({ type, quality: 1 }));
    }
    await write('blue/notes.txt', new Blob(['no image']));
    folder = directory as unknown as Folder;
  });
  const { classNames, files, labels, shapes, values } = await read(3);
  expect([classNames, files, labels]).toEqual([['blue', 'red'], ['blue/3.jpg', 'red/1.png', 'red/deep/2.webp'], [0, 1, 1]]); // prettier-ignore
  expect(shapes).toEqual(files.map(() => [2, 4, 3]));
  // JPEG and WebP are lossy.
  for (const [i, colour] of [[0, [0, 0, 1]], [1, [1, 0, 0]], [2, [1, 0, 0]]] as const) {
    values[i].forEach((value, k) => expect(Math.abs(value - colour[k % 3])).toBeLessThan(0.03));
  } // prettier-ignore
});

test('a file that is damaged, and a folder without images', async () => {
  const messages = await page.evaluate(async () => {
    const directory = await navigator.storage.getDirectory();
    const inner = await directory.getDirectoryHandle('red', { create: true });
    const writable = await (await inner.getFileHandle('0.png', { create: true })).createWritable();
    await writable.write(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2, 3));
    await writable.close();
    const { dataset } = await ombre.imageFolder(directory as unknown as Folder);
    const damaged = await (async () => {
      for await (const _ of dataset.skip(1)) break;
    })().then(() => '', String);
    const none = await directory.getDirectoryHandle('none', { create: true });
    const empty = await ombre.imageFolder(none as unknown as Folder).then(() => '', String);
    const path = await ombre.imageFolder('photos').then(() => '', String);
    return { damaged, empty, path };
  });
  expect(messages.damaged).toMatch(/imageFolder: 0\.png: cannot be decoded as an image .*; check the file$/);
  expect(messages.empty).toMatch(/imageFolder: found no image in a folder of its class/);
  expect(messages.path).toMatch(/a page takes the handle of a folder or the files of an input, Node takes a path$/);
});

test('a dropped folder', async () => {
  const box = (await page.locator('#drop').boundingBox())!;
  const session = await page.context().newCDPSession(page);
  const place = { x: box.x + 20, y: box.y + 20 };
  const dragged = { ...place, data: { items: [], files: [root], dragOperationsMask: 1 } };
  await page.evaluate(() => void (folder = undefined as never));
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await session.send('Input.dispatchDragEvent', { type, ...dragged });
  await page.waitForFunction(() => (globalThis as unknown as { folder?: { kind: string } }).folder?.kind === 'directory');
  expect(await page.evaluate(() => (folder as unknown as { name: string }).name)).toBe(basename(root));
  expectSame(await read(3), await readInNode(3));
});
