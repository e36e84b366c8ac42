/**
 * Firefox as a browser for vitest. It has another WebGPU (wgpu) and another WGSL compiler (naga) than Chromium. Playwright controls only
 * its own build of Firefox. A test page needs no control, so the distribution's browser is opened on it.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineBrowserProvider } from '@vitest/browser';

const preferences = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  // The browser makes no other requests and shows no questions.
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.enabled': false,
  // A page that computes for a long time has not crashed.
  'dom.max_script_run_time': 0,
  'dom.ipc.processHangMonitor': false,
};

export const firefoxExecutable = (): string => process.env.OMBRE_FIREFOX ?? 'firefox-esr';

/** A Firefox that shows one page, with a new profile that is deleted afterwards. */
interface Opened {
  close(): Promise<void>;
}

async function openFirefox(executable: string, url: string, env: Readonly<Record<string, string>> = {}): Promise<Opened> {
  const profile = mkdtempSync(join(tmpdir(), 'ombre-firefox-'));
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
  writeFileSync(join(profile, 'user.js'), lines.join('\n'));
  const args = ['--headless', '--no-remote', '--profile', profile, url];
  const child = spawn(executable, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${executable} does not start: ${error.message}; install it or set OMBRE_FIREFOX`)));
  });
  return {
    close: async () => {
      child.kill();
      await gone;
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Requests an adapter and sends back whether there is one. Firefox does not report its name. */
const probe = `<!doctype html><script type="module">
  const adapter = await navigator.gpu?.requestAdapter();
  await adapter?.requestDevice();
  await fetch('/', { method: 'POST', body: adapter ? 'yes' : '' });
</script>`;

/** Opens a page that requests WebGPU, with these variables in Firefox's environment. @throws Error if there is no adapter. */
export async function checkFirefox(env: Readonly<Record<string, string>>, patience = 60_000): Promise<void> {
  let answered = (_: string): void => undefined;
  const answer = new Promise<string>((resolve) => (answered = resolve));
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => answered(body));
      response.end();
    } else response.setHeader('content-type', 'text/html').end(probe);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const opened = await openFirefox(firefoxExecutable(), `http://127.0.0.1:${port}/`, env);
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<string>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer from its page in ${patience / 1000} s`)), patience);
  });
  try {
    if (!(await Promise.race([answer, silence]))) throw new Error('starts, but has no WebGPU adapter');
  } finally {
    clearTimeout(timer);
    await opened.close();
    server.close();
    server.closeAllConnections();
  }
}

/** A vitest browser provider that opens `executable` headless on the test page. */
export function firefox(executable = firefoxExecutable()) {
  return defineBrowserProvider({
    name: 'firefox-esr',
    options: {},
    providerFactory: () => {
      const open: Opened[] = [];
      return {
        name: 'firefox-esr',
        supportsParallelism: false,
        getCommandsContext: () => ({}),
        openPage: async (_session: string, url: string) => {
          open.push(await openFirefox(executable, url));
        },
        close: async () => {
          await Promise.all(open.splice(0).map((opened) => opened.close()));
        },
      };
    },
  });
}
