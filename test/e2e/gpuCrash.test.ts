// The GPU process of Chromium crashes during fit. The page's promises reject, and the same model trains on the next device.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright';
import { expect, test } from 'vitest';
import { launchOptions } from '../../scripts/browser.ts';
import type * as Ombre from '../../src/index.ts';
import { ensureBuilt, root } from '../node/library.ts';

/** State that the page keeps between the two halves of the test. */
interface Kept {
  ombre: typeof Ombre;
  model: ReturnType<typeof Ombre.sequential>;
  fit: Promise<string>;
  unhandled: string[];
}

/** Modules have run when the page has loaded. */
const html = `<!doctype html><script type="module">import * as ombre from '/index.js'; globalThis.ombre = ombre;</script>`;

test('a model trains again after the GPU process has crashed', async () => {
  await ensureBuilt();
  // The entry imports chunks beside it, so each script of the page is a file of dist.
  const server = createServer(({ url = '/' }, response) => {
    if (url.endsWith('.js')) response.setHeader('content-type', 'text/javascript').end(readFileSync(`${root}dist${url}`));
    else response.setHeader('content-type', 'text/html').end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const options = launchOptions();
  const crashing = ['--disable-domain-blocking-for-3d-apis', '--disable-gpu-process-crash-limit'];
  const browser = await chromium.launch({ ...options, args: [...options.args, ...crashing] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.evaluate(async () => {
      const { ombre } = globalThis as unknown as Kept;
      const unhandled: string[] = [];
      addEventListener('unhandledrejection', ({ reason }) => unhandled.push(String(reason)));
      await ombre.setDevice('webgpu');
      const x = Array.from({ length: 64 }, (_, i) => [i / 64]);
      const model = ombre.sequential([ombre.layers.dense({ units: 1, inputShape: [1] })]);
      model.compile({ optimizer: 'adam', loss: 'mse' });
      await model.trainOnBatch(x, x);
      const fit = model.fit(x, x, { epochs: 1e6, verbose: 0 }).then(() => 'done', (error: Error) => error.name); // prettier-ignore
      Object.assign(globalThis, { model, fit, unhandled } satisfies Partial<Kept>);
    });
    const session = await browser.newBrowserCDPSession();
    // The command has no answer, because its process has ended.
    session.send('Browser.crashGpuProcess').catch(() => undefined);
    const result = await page.evaluate(async () => {
      const { ombre, model, fit, unhandled } = globalThis as unknown as Kept;
      const fitted = await fit;
      await ombre.setDevice('webgpu');
      const lost = await model.predict([[3]]).then(() => 'done', (error: Error) => error.name); // prettier-ignore
      await model.setWeights([ombre.tensor([[2]]), ombre.tensor([1])]);
      const predicted = await model.predict([[3]]).array();
      const { history } = await model.fit([[1], [2]], [[3], [5]], { verbose: 0 });
      return { fitted, lost, predicted, loss: history.loss[0], unhandled };
    });
    expect(result).toEqual({ fitted: 'DeviceLostError', lost: 'DeviceLostError', predicted: [[7]], loss: 0, unhandled: [] });
  } finally {
    await browser.close();
    server.close();
  }
});
