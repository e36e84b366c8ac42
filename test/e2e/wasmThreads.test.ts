// Threads of WebAssembly in the built library: pages with and without cross-origin isolation, workers of pages, a policy, and Node.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchOptions } from '../../scripts/browser.ts';
import { ensureBuilt, root } from '../node/library.ts';

/** Trains a small model, and resolves to the description of the device and the weights. */
const program = `
import { compile, deviceInfo, matmul, mean, setDevice, square, tensor, valueAndGrad } from './dist/index.js';
async function run(threads) {
  await setDevice('wasm', { threads });
  const numbers = (rows, columns) => tensor(Float32Array.from({ length: rows * columns }, (_, i) => Math.fround(Math.sin(i))), [rows, columns]);
  const [x, y] = [numbers(256, 256), numbers(256, 128)];
  const step = compile((w, x, y) => {
    const [loss, gradient] = valueAndGrad((w) => mean(square(matmul(x, w).sub(y))))(w);
    return [w.sub(gradient.mul(0.1)), loss];
  }, { donate: [0] });
  let w = numbers(256, 128);
  let loss;
  for (let i = 0; i < 30; i++) [w, loss] = await step(w, x, y);
  const [weights, value] = await Promise.all([w.data(), loss.data()]);
  return { description: deviceInfo().description, threads: deviceInfo().limits.threads, values: [...weights.subarray(0, 100), value[0]] };
}
`;

const page = `<!doctype html><title>threads</title><script type="module">${program}
  const { searchParams } = new URL(location);
  const inWorker = () => new Promise((resolve, reject) => {
    const worker = new Worker('./worker.js', { type: 'module' });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  globalThis.result = searchParams.has('worker') ? inWorker() : run(2);
</script>`;

const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const policy = { 'content-security-policy': "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self'" };

let server: Server;
let browser: Browser;
beforeAll(async () => {
  await ensureBuilt();
  server = createServer(({ url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://host');
    const path = pathname.replace('/some/folder/', '');
    const script = path === 'worker.js' ? `${program}\nrun(2).then(postMessage);` : undefined;
    const file = path.startsWith('dist/') && existsSync(root + path) ? readFileSync(root + path) : undefined;
    response.writeHead(path === '' || script || file ? 200 : 404, {
      'content-type': path === '' ? 'text/html' : 'text/javascript',
      // The files of a page that is isolated need the headers too, or they are not loaded.
      ...(searchParams.has('plain') ? {} : isolation),
      ...(searchParams.has('policy') ? policy : {}),
    });
    response.end(script ?? file ?? page);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  browser = await chromium.launch(launchOptions());
});
afterAll(async () => {
  await browser.close();
  server.close();
});

interface Result {
  readonly description: string;
  readonly threads: number;
  readonly values: readonly number[];
}

async function open(query: string): Promise<Result> {
  const opened = await browser.newPage();
  try {
    await opened.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/some/folder/?${query}`);
    await opened.waitForFunction(() => 'result' in globalThis);
    return await opened.evaluate(() => (globalThis as unknown as { result: Promise<Result> }).result);
  } finally {
    await opened.close();
  }
}

test('pages compute the same bits with as many threads as they may start', async () => {
  const plain = await open('plain');
  expect(plain.threads).toBe(1);
  expect(plain.description).toMatch(/, 1 thread; not more, because the page is not cross-origin isolated \(send the headers /);

  const isolated = await open('');
  expect(isolated.description).toMatch(/, 2 threads$/);
  const worker = await open('worker');
  expect(worker.description).toMatch(/, 2 threads$/);
  const strict = await open('policy');
  expect(strict.description).toMatch(
    /, 1 thread; not more, because workers do not start: the Content-Security-Policy of the page forbids /,
  );

  for (const { values } of [isolated, worker, strict]) expect(values).toEqual(plain.values);
});

test('a Node process ends by itself, and prints nothing', async () => {
  const text = `${program.replace('./dist/', `${root}dist/`)}\nconsole.log(JSON.stringify(await run(2)));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part));
  const [code] = (await once(child, 'close')) as [number | null];
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect((JSON.parse(stdout) as Result).threads).toBe(2);
});
