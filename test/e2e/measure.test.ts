// The page that measures a GPU, at tiny sizes: it shows its figures and offers them as a file.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DemoPage, openDemo } from './harness.ts';

let demo: DemoPage;
beforeAll(async () => {
  demo = await openDemo({ viewport: { width: 1000, height: 800 } }, 'measure.html?size=tiny');
});
afterAll(() => demo.close());

interface SavedFile {
  readonly date: string;
  readonly browser: string;
  readonly device: { readonly kind: string };
  readonly sizes: { readonly products: readonly number[] };
  readonly figures: readonly { readonly section: string; readonly milliseconds: number; readonly rate: number }[];
}

test('the button measures, and the file has all figures of the table', async () => {
  const { page, errors } = demo;
  expect(await page.getByTestId('save').isVisible()).toBe(false);
  await page.getByTestId('start').click();
  await page.waitForFunction(
    () => ['done', 'failed'].includes(document.querySelector<HTMLElement>('[data-testid=status]')?.dataset.state ?? ''),
    undefined,
    { timeout: 240_000 },
  );
  expect(await page.getByTestId('status').textContent()).toMatch(/^\d+ figures in \d+ s/);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save').click()]);
  expect(download.suggestedFilename()).toMatch(/^ombre-gpu-[\w-]+-\d{4}-\d{2}-\d{2}\.json$/);
  const { date, browser, device, sizes, figures } = JSON.parse(readFileSync(await download.path(), 'utf8')) as SavedFile;
  expect(sizes.products).toEqual([32]);
  expect(device.kind).toBe('webgpu');
  expect(browser).toContain('Chrome');
  expect(Number.isNaN(Date.parse(date))).toBe(false);
  expect([...new Set(figures.map(({ section }) => section))].sort()).toEqual(['attention', 'call', 'convolution', 'memory', 'product']);
  for (const { milliseconds } of figures) expect(milliseconds).toBeGreaterThanOrEqual(0);
  expect(await page.getByTestId('figures').locator('tbody tr').count()).toBe(figures.length);
  expect(errors).toEqual([]);
});
