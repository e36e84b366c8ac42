// A written module with separate weights runs in a page and in a worker that have no other code.
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchOptions } from '../../scripts/browser.ts';
import { layers, sequential, setDevice, setSeed } from '../../src/index.ts';
import { exportStandalone } from '../../src/standalone/index.ts';

const worker = `
import { load } from './model.js';
onmessage = async ({ data }) => {
  const model = await load();
  postMessage((await model.run(data)).data);
};`;

const html = `<!doctype html><title>model</title><script type="module">
  import { load } from './model.js';
  const x = [[1, 2, 3], [4, 5, 6]];
  const inWorker = new Promise((resolve, reject) => {
    const worker = new Worker('./worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve([...data]);
    worker.onerror = reject;
    worker.postMessage(x);
  });
  const inPage = load().then((model) => model.run(x)).then(({ data }) => [...data]);
  globalThis.results = Promise.all([inPage, inWorker]);
</script>`;

const files = new Map<string, { type: string; body: string | Uint8Array }>();
let server: Server;
let expected: ArrayLike<number>;

beforeAll(async () => {
  await setDevice('cpu');
  setSeed(4);
  const model = sequential([layers.dense({ units: 5, activation: 'tanh', inputShape: [3] }), layers.dense({ units: 2 })]);
  expected = await model.predict([[1, 2, 3], [4, 5, 6]]).data(); // prettier-ignore
  const weightsTarget = (body: Uint8Array): void => void files.set('/model.bin', { type: 'application/octet-stream', body });
  const body = await exportStandalone(model, { batchSize: 2, weights: 'separate', weightsTarget });
  files.set('/model.js', { type: 'text/javascript', body });
  files.set('/worker.js', { type: 'text/javascript', body: worker });
  files.set('/', { type: 'text/html', body: html });
  server = createServer(({ url = '' }, response) => {
    const file = files.get(url);
    response.writeHead(file ? 200 : 404, { 'content-type': file?.type ?? 'text/plain' }).end(file?.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

test('a page and a worker compute the predictions of the model', async () => {
  const browser = await chromium.launch(launchOptions());
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'results' in globalThis);
    const found = await page.evaluate(() => (globalThis as unknown as { results: Promise<number[][]> }).results);
    expect(found).toHaveLength(2);
    for (const data of found) {
      expect(data).toHaveLength(expected.length);
      for (const [i, x] of data.entries()) expect(Math.abs(x - expected[i])).toBeLessThan(2e-6 * (1 + Math.abs(expected[i])));
    }
  } finally {
    await browser.close();
  }
});
