// The page of a bench: one module, in a secure context.
import { basename, join } from 'node:path';
import type { Page } from 'playwright';

/**
 * Runs a script in a page, and waits for the global `ready`. WebGPU and storage need a secure context such as localhost. No server
 * runs there: the requests are answered here. `folders` has the folder of files for the first part of a path, such as '/wasm/'.
 */
export async function openScript(
  page: Page,
  script: string,
  ready: string,
  headers: Record<string, string> = {},
  folders: Record<string, string> = {},
): Promise<void> {
  await page.route('**/*', (route) => {
    const { pathname } = new URL(route.request().url());
    const folder = Object.keys(folders).find((start) => pathname.startsWith(start));
    if (folder !== undefined) return route.fulfill({ headers, path: join(folders[folder], basename(pathname)) });
    return pathname === '/bench.mjs'
      ? route.fulfill({ headers, body: script, contentType: 'text/javascript' })
      : route.fulfill({ headers, body: '<!doctype html><script type="module" src="/bench.mjs"></script>', contentType: 'text/html' });
  });
  await page.goto('http://localhost/');
  await page.waitForFunction((ready) => ready in globalThis, ready);
}
