// The page of the examples in a browser, operated like a user would.
import { once } from 'node:events';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examples } from '../../examples/index.ts';
import { exampleBounds } from '../support/exampleBounds.ts';
import { type DemoPage, openAt, openDemo } from './harness.ts';

const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };

/** Waits until a value fits. Other programs may slow the page. */
const eventually = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 60_000 });

const state = (page: Page): Promise<string | null> => page.getByTestId('status').getAttribute('data-state');
const text = async (page: Page, id: string): Promise<string> => (await page.getByTestId(id).textContent()) ?? '';

async function reaches(page: Page, wanted: string): Promise<void> {
  await page.waitForFunction(
    (states) => states.includes(document.querySelector<HTMLElement>('[data-testid=status]')?.dataset.state ?? ''),
    [wanted, 'failed'],
    { timeout: 240_000 },
  );
  expect(await state(page), await text(page, 'error')).toBe(wanted);
}

/** Figures of the last run by name. */
const figuresOf = (page: Page): Promise<Record<string, number>> =>
  page
    .getByTestId('figures')
    .locator('dd')
    .evaluateAll((entries) => Object.fromEntries(entries.map(({ dataset }) => [dataset.figure!, Number(dataset.value)])));

async function expectFigures(page: Page, name: string): Promise<void> {
  const figures = await figuresOf(page);
  expect(Object.keys(figures)).toEqual(Object.keys(exampleBounds[name]));
  for (const [figure, [smallest, largest]] of Object.entries(exampleBounds[name])) {
    expect(figures[figure], figure).toBeGreaterThanOrEqual(smallest);
    expect(figures[figure], figure).toBeLessThanOrEqual(largest);
  }
}

const charts = (page: Page): Promise<{ title: string; rows: number; curves: string }[]> =>
  page
    .getByTestId('chart')
    .evaluateAll((figures) =>
      figures.map(({ dataset }) => ({ title: dataset.title!, rows: Number(dataset.rows), curves: dataset.curves! })),
    );

/** Whether any canvas of a picture has two different pixels. */
const isDrawn = (page: Page, title: string): Promise<boolean> =>
  page.locator(`[data-testid=picture][data-title="${title}"] canvas`).evaluateAll((canvases) =>
    canvases.some((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      return new Set((canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height).data).size > 2;
    }),
  );

describe('on a desktop', () => {
  let demo: DemoPage;
  let page: Page;
  beforeAll(async () => {
    demo = await openDemo(desktop);
    page = demo.page;
  });
  afterAll(() => demo.close());

  /** Opens an example by the address, and runs it. */
  const run = async (query: string): Promise<void> => {
    await page.goto(new URL(`examples.html${query}`, page.url()).href);
    await page.getByTestId('start').click();
    await reaches(page, 'done');
  };

  test('the pages are linked with each other', async () => {
    await page.getByTestId('to-examples').click();
    await page.waitForURL('**/examples.html');
    await page.getByTestId('to-demo').click();
    await page.waitForURL('**/index.html');
    await page.getByTestId('to-examples').click();
    await page.waitForURL('**/examples.html');
  });

  test('every example has a sentence, and its source is shown', async () => {
    const entries = await page
      .getByTestId('list')
      .locator('a')
      .evaluateAll((links) => links.map((link) => [link.querySelector('b')?.textContent, link.querySelector('span')?.textContent]));
    expect(entries).toEqual(Object.entries(examples).map(([name, { about }]) => [name, about]));
    for (const name of Object.keys(examples)) {
      await page.getByTestId('list').locator(`a[data-name=${name}]`).click();
      await page.waitForFunction((file) => document.querySelector<HTMLElement>('#source')?.dataset.file === file, `${name}.ts`);
      expect(await text(page, 'source')).toMatch(new RegExp(`^// [^]*export async function ${name}\\(`));
      expect(new URL(page.url()).search).toBe(`?example=${name}`);
      expect(await text(page, 'title')).toBe(name);
    }
  });

  test('files that an example imports are shown too', async () => {
    await page.getByTestId('list').locator('a[data-name=gpt]').click();
    await eventually(() => page.getByTestId('source-files').locator('button').allTextContents()).toEqual(['gpt.ts', 'characterText.ts', 'example.ts']); // prettier-ignore
    await page.getByTestId('source-files').locator('button').nth(1).click();
    await eventually(() => text(page, 'source')).toContain('export function characterText(');
  });

  test('the address has the choice', async () => {
    await page.goto(new URL('examples.html?example=gpt', page.url()).href);
    await page.getByTestId('size').selectOption('full');
    await page.getByTestId('device').selectOption('cpu');
    expect(new URL(page.url()).search).toBe('?example=gpt&size=full&device=cpu');
    await page.goBack();
    await eventually(() => page.getByTestId('device').inputValue()).toBe('auto');
    await page.goForward();
    await page.reload();
    expect(await text(page, 'title')).toBe('gpt');
    expect(await page.getByTestId('size').inputValue()).toBe('full');
    expect(await page.getByTestId('device').inputValue()).toBe('cpu');
    await eventually(() => page.getByTestId('device-badge').getAttribute('data-kind')).toBe('cpu');
    await page.goto(page.url().replace(/\?.*/, '?example=none&size=huge&device=tpu'));
    expect(await text(page, 'title')).toBe('regression');
    expect(await page.getByTestId('size').inputValue()).toBe('small');
  });

  test('regression, on the GPU: lines, a curve and figures', async () => {
    await run('?example=regression&device=webgpu');
    expect(await page.getByTestId('device-badge').textContent()).toMatch(/WebGPU · \S+/);
    await expectFigures(page, 'regression');
    expect(await text(page, 'output')).toMatch(/^step 100: loss .*\nstep 200: .*\nstep 300: .*\ny = [\d.]+ x \+ [\d.]+\n$/);
    expect(await charts(page)).toEqual([{ title: 'Loss', rows: 15, curves: 'loss' }]);
    expect(await text(page, 'status')).toMatch(/^Done in [\d.]+ s$/);
  });

  test('vae, on the GPU: images and a drawing', async () => {
    await run('?example=vae&device=webgpu');
    await expectFigures(page, 'vae');
    expect(await isDrawn(page, 'Digits of the plane')).toBe(true);
    const drawing = page.locator('[data-testid=picture][data-title="Test images in the plane"]');
    expect(await drawing.locator('svg').count()).toBe(2);
    expect(await drawing.locator('svg:visible').count()).toBe(1);
    const [chart] = await charts(page);
    expect(chart).toMatchObject({ title: 'Training', curves: 'loss' });
    expect(chart.rows).toBeGreaterThanOrEqual(6);
  });

  test('table, on the CPU: several charts and matrices', async () => {
    await run('?example=table&device=cpu');
    await expectFigures(page, 'table');
    expect((await charts(page)).map(({ title, rows }) => [title, rows])).toEqual([['Plain', 30], ['Class weights', 30], ['Focal loss', 30]]); // prettier-ignore
    expect(await page.getByTestId('picture').count()).toBe(3);
  });

  test('characters, on the CPU: the book is loaded on demand', async () => {
    await run('?example=characters&device=cpu');
    await expectFigures(page, 'characters');
    expect(await text(page, 'output')).toMatch(/\nThe whale \S/);
  });

  test('a run does not block the page, and stops at once', async () => {
    await page.goto(new URL('examples.html?example=gan&device=cpu', page.url()).href);
    await page.getByTestId('start').click();
    await page.waitForFunction(() => Number(document.querySelector<HTMLElement>('[data-testid=chart]')?.dataset.rows) > 0);
    expect(await page.getByTestId('size').isDisabled()).toBe(true);
    const longest = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const [until, gaps] = [performance.now() + 2000, [0]];
          let last = performance.now();
          const frame = (): void => {
            const now = performance.now();
            gaps.push(now - last);
            last = now;
            if (now < until) requestAnimationFrame(frame);
            else resolve(Math.max(...gaps));
          };
          requestAnimationFrame(frame);
        }),
    );
    expect(await state(page)).toBe('running');
    // An epoch takes seconds here. On an idle machine the longest time between two frames is about 20 ms.
    expect(longest).toBeLessThan(600);

    await page.getByTestId('stop').click();
    expect(await state(page)).toBe('stopped');
    expect(await page.getByTestId('start').evaluate((element) => element === document.activeElement)).toBe(true);
    const before = [await charts(page), await text(page, 'output')];
    await page.waitForTimeout(1500);
    expect([await charts(page), await text(page, 'output')]).toEqual(before);
    expect(await state(page)).toBe('stopped');
    // The next run starts again from the beginning.
    await page.getByTestId('list').locator('a[data-name=regression]').click();
    expect(await page.getByTestId('chart').count()).toBe(0);
    await page.getByTestId('start').click();
    await reaches(page, 'done');
    await expectFigures(page, 'regression');
  });

  test('another choice ends a run', async () => {
    await page.getByTestId('list').locator('a[data-name=gan]').click();
    await page.getByTestId('start').click();
    await page.waitForFunction(() => document.querySelector('[data-testid=chart]'));
    await page.getByTestId('list').locator('a[data-name=dates]').click();
    expect(await state(page)).toBe('idle');
    await page.waitForTimeout(1000);
    expect(await page.getByTestId('chart').count()).toBe(0);
    expect(await text(page, 'output')).toBe('');
  });

  test('the full size loads MNIST', async () => {
    await page.goto(new URL('examples.html?example=vae&size=full&device=cpu', page.url()).href);
    await page.getByTestId('start').click();
    await eventually(() => text(page, 'status')).toMatch(/^Loading MNIST, \d+ of 55 MB$/);
    // The first point of a curve proves that the images were loaded.
    await page.getByTestId('chart').waitFor({ timeout: 120_000 });
    expect(await text(page, 'status')).toBe('Running');
    await page.getByTestId('stop').click();
    expect(await text(page, 'error')).toBe('');
  });

  test('an error of an example is shown, and the next run works', async () => {
    await page.goto(new URL('examples.html?example=resnet&device=cpu', page.url()).href);
    await page.getByTestId('cifar').setInputFiles([{ name: 'data_batch_1.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(3073) }]); // prettier-ignore
    await page.getByTestId('start').click();
    await page.waitForFunction(() => document.querySelector<HTMLElement>('[data-testid=status]')?.dataset.state === 'failed');
    expect(await text(page, 'error')).toMatch(/^data_batch_2\.bin is not among the chosen files; choose data_batch_1\.bin to /);
    await page.getByTestId('list').locator('a[data-name=regression]').click();
    expect(await page.getByTestId('cifar').isVisible()).toBe(false);
    expect(await page.getByTestId('error').isVisible()).toBe(false);
    await page.getByTestId('start').click();
    await reaches(page, 'done');
  });

  test('works with the keyboard only', async () => {
    await page.getByTestId('list').locator('a[data-name=mnist]').focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    expect(await text(page, 'title')).toBe('regression');
    await page.getByTestId('device').focus();
    await page.keyboard.press('Tab');
    expect(await page.getByTestId('start').evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    await reaches(page, 'done');
  });

  test('the console has no errors', () => expect(demo.errors).toEqual([]));
});

describe.each(['light', 'dark'] as const)('on a phone of 360 pixels, %s', (colorScheme) => {
  let demo: DemoPage;
  beforeAll(async () => {
    demo = await openDemo({ viewport: { width: 360, height: 740 }, colorScheme, hasTouch: true, isMobile: true }, 'examples.html');
  });
  afterAll(() => demo.close());

  test('an example is chosen from the list, runs, and no element is wider than the screen', async () => {
    const { page } = demo;
    const width = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBe(360);
    const entry = page.getByTestId('list').locator('a[data-name=vae]');
    await entry.tap();
    // The list folds up, and the run is in the visible part of the page.
    await eventually(() => entry.isVisible()).toBe(false);
    expect(await page.getByTestId('start').evaluate((element) => element.getBoundingClientRect().bottom < 740)).toBe(true);
    await page.getByTestId('start').tap();
    await reaches(page, 'done');
    expect(await width()).toBe(360);
    const drawing = page.locator('[data-testid=picture][data-title="Test images in the plane"]');
    expect(await drawing.locator(`.${colorScheme} svg`).isVisible()).toBe(true);
    expect(await drawing.locator('svg:visible').count()).toBe(1);
    expect(demo.errors).toEqual([]);
  });
});

const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' }; // prettier-ignore

/** Serves a folder under a path, as a static host does. */
async function serve(folder: string, path: string): Promise<{ address: string; stop: () => Promise<void> }> {
  const server = createServer(({ url = '' }, response) => {
    const name = decodeURIComponent(url.split('?', 1)[0]);
    const file = join(folder, name.slice(path.length));
    if (!name.startsWith(path) || !existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream', 'content-length': statSync(file).size });
    createReadStream(file).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, stop };
}

test('the built pages are static files that work from a sub-path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ombre-demo-'));
  try {
    const configFile = fileURLToPath(new URL('../../scripts/demo.config.ts', import.meta.url));
    await build({ configFile, logLevel: 'error', build: { outDir: folder } });
    const { address, stop } = await serve(folder, '/some/path/');
    const demo = await openAt(`${address}examples.html?example=sentiment&device=cpu`, desktop, stop);
    const { page } = demo;
    try {
      await page.getByTestId('start').click();
      await reaches(page, 'done');
      await expectFigures(page, 'sentiment');
      expect(await page.getByTestId('picture').count()).toBe(1);
      await eventually(() => text(page, 'source')).toContain('export async function sentiment(');
      await page.goto(`${address}examples.html?example=tasks&size=full&device=cpu`);
      await page.getByTestId('start').click();
      // The first point of a curve proves that MNIST was loaded.
      await page.getByTestId('chart').waitFor({ timeout: 120_000 });
      await page.getByTestId('to-demo').click();
      await page.waitForURL('**/some/path/index.html');
      expect(demo.errors).toEqual([]);
    } finally {
      await demo.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
