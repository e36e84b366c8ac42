import { fileURLToPath } from 'node:url';
import { chromium, type BrowserContextOptions, type Page } from 'playwright';
import { createServer } from 'vite';
import { launchOptions } from '../../scripts/browser.ts';

export interface DemoPage {
  readonly page: Page;
  /** Every uncaught exception and console error so far. A test fails if there is one. */
  readonly errors: readonly string[];
  /** Closes browser and server. */
  close(): Promise<void>;
}

/** Serves the demo on a free port and opens a page of it in the test browser; `context` sets a phone's viewport and the like. */
export async function openDemo(context: BrowserContextOptions = {}, path = ''): Promise<DemoPage> {
  const server = await createServer({
    configFile: fileURLToPath(new URL('../../scripts/demo.config.ts', import.meta.url)),
    logLevel: 'error',
    // A saved file must not reload the page during a test.
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
  });
  await server.listen();
  return openAt(`${server.resolvedUrls?.local[0] ?? ''}${path}`, context, () => server.close());
}

/** Opens an address in the test browser. `stop` ends its server. */
export async function openAt(address: string, context: BrowserContextOptions, stop: () => Promise<void>): Promise<DemoPage> {
  const browser = await chromium.launch(launchOptions());
  const close = async () => {
    await browser.close();
    await stop();
  };
  try {
    const page = await (await browser.newContext(context)).newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(`${message.text()} ${message.location().url}`));
    await page.goto(address);
    return { page, errors, close };
  } catch (error) {
    await close();
    throw error;
  }
}
