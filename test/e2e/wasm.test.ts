// The WebAssembly runtime in a page and in a worker: with and without cross-origin isolation, and under a Content-Security-Policy.
import { fileURLToPath } from 'node:url';
import { type Browser, type Page, chromium } from 'playwright';
import { type ViteDevServer, createServer } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchOptions } from '../../scripts/browser.ts';
import { strippedWgsl } from '../../scripts/wgslPlugin.ts';

let server: ViteDevServer;
let browser: Browser;

/** Trains a model on the device of the message, and answers with the kind of device, the losses, or the error. */
const work = `async function work(device) {
  const lines = [];
  console.warn = (text) => lines.push(String(text));
  try {
    const { deviceInfo, layers, sequential, setDevice } = await import('/src/index.ts');
    await setDevice(device);
    const model = sequential([layers.dense({ units: 8, activation: 'tanh', inputShape: [2] }), layers.dense({ units: 1 })]);
    model.compile({ optimizer: 'adam', loss: 'mse', seed: 1 });
    const x = Array.from({ length: 64 }, (_, i) => [(i % 8) / 8, Math.floor(i / 8) / 8]);
    const { history } = await model.fit(x, x.map(([a, b]) => [a * b]), { epochs: 20, batchSize: 16, verbose: 0 });
    return { kind: deviceInfo().kind, losses: history.loss, lines, isIsolated: self.crossOriginIsolated };
  } catch (error) {
    return { error: error.name + ': ' + error.message, lines };
  }
}`;

const workerText = `${work}
self.onmessage = async ({ data }) => self.postMessage(await work(data));`;

const html = `<!doctype html><title>wasm</title><script type="module">
  ${work}
  globalThis.work = work;
  globalThis.workInWorker = (device, query) => new Promise((resolve, reject) => {
    const worker = new Worker('/worker.js' + query, { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(device);
  });
</script>`;

/** Headers that a query requests. */
function headersOf(url: string): Record<string, string> {
  return {
    ...(url.includes('isolated') && { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }),
    ...(url.includes('strict') && { 'Content-Security-Policy': "script-src 'self' 'unsafe-inline'" }),
    ...(url.includes('allowing') && { 'Content-Security-Policy': "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'" }),
  };
}

beforeAll(async () => {
  server = await createServer({
    configFile: false,
    root: fileURLToPath(new URL('../..', import.meta.url)),
    cacheDir: fileURLToPath(new URL('../../node_modules/.vite-wasm', import.meta.url)),
    logLevel: 'error',
    appType: 'custom',
    plugins: [
      strippedWgsl(),
      {
        name: 'pages',
        configureServer: ({ middlewares }) => {
          for (const [path, type, text] of [['/page', 'text/html', html], ['/worker.js', 'text/javascript', workerText]]) {
            middlewares.use(path, (request, response) => {
              for (const [name, value] of Object.entries(headersOf(request.originalUrl ?? ''))) response.setHeader(name, value);
              response.setHeader('content-type', type).end(text);
            });
          }
        },
      },
    ],
    optimizeDeps: { noDiscovery: true },
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
  }); // prettier-ignore
  await server.listen();
  browser = await chromium.launch(launchOptions());
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

interface Answer {
  readonly kind?: string;
  readonly losses?: readonly number[];
  readonly error?: string;
  readonly lines: readonly string[];
  readonly isIsolated?: boolean;
}

/** The global functions of the page. */
interface Globals {
  work(device: string): Promise<Answer>;
  workInWorker(device: string, query: string): Promise<Answer>;
}

/** A page without WebGPU. */
async function open(query: string): Promise<Page> {
  const page = await browser.newPage();
  await page.addInitScript(() => Object.defineProperty(navigator, 'gpu', { value: undefined }));
  await page.goto(`${server.resolvedUrls!.local[0]}page${query}`);
  await page.waitForFunction(() => 'workInWorker' in globalThis);
  return page;
}

const inPage = (page: Page, device: string): Promise<Answer> =>
  page.evaluate((device) => (globalThis as unknown as Globals).work(device), device);
const inWorker = (page: Page, device: string, query: string): Promise<Answer> =>
  page.evaluate(([device, query]) => (globalThis as unknown as Globals).workInWorker(device, query), [device, query] as const);

describe.each([
  ['', false],
  ['?isolated', true],
  ['?allowing', false],
] as const)('a page%s', (query, isIsolated) => {
  test('trains on WebAssembly, and a worker has the same losses', async () => {
    const page = await open(query);
    const found = await inPage(page, 'wasm');
    expect(found).toMatchObject({ kind: 'wasm', isIsolated, lines: [] });
    expect(found.losses!.at(-1)).toBeLessThan(found.losses![0]);
    expect(await inWorker(page, 'wasm', query)).toEqual(found);
    await page.close();
  });

  test("'auto' takes WebAssembly if there is no WebGPU, and says so in one line", async () => {
    const page = await open(query);
    const { kind, lines } = await inPage(page, 'auto');
    expect(kind).toBe('wasm');
    expect(lines).toEqual([expect.stringMatching(/^ombre: running on WebAssembly \(webgpu: /)]);
    await page.close();
  });
});

describe("a Content-Security-Policy without 'wasm-unsafe-eval'", () => {
  const fix =
    "wasm: this page may not compile WebAssembly: add 'wasm-unsafe-eval' to script-src of its Content-Security-Policy, or use setDevice('cpu')";

  test("'auto' says so in one line and takes the interpreter", async () => {
    const page = await open('?strict');
    const found = await inPage(page, 'auto');
    expect(found.kind).toBe('cpu');
    expect(found.losses!.at(-1)).toBeLessThan(found.losses![0]);
    expect(found.lines).toHaveLength(1);
    expect(found.lines[0]).toContain('ombre: running on the CPU (webgpu: ');
    expect(found.lines[0]).toContain(fix);
    await page.close();
  });

  test("setDevice('wasm') throws with the fix, in the page and in a worker", async () => {
    const page = await open('?strict');
    expect((await inPage(page, 'wasm')).error).toContain(`DeviceError: ${fix}`);
    expect((await inWorker(page, 'wasm', '?strict')).error).toContain(`DeviceError: ${fix}`);
    await page.close();
  });
});
