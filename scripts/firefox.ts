/**
 * Firefox as a browser for vitest: the second compiler of WGSL (naga) and the second implementation of WebGPU (wgpu) that the kernels meet.
 * Playwright drives only its own build of Firefox; a test page needs no driving, so the distribution's browser is simply opened on it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineBrowserProvider } from '@vitest/browser';

const preferences = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  // The browser asks nobody outside, and asks the user nothing.
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.enabled': false,
  // A page that computes for long is not a hanging page.
  'dom.max_script_run_time': 0,
  'dom.ipc.processHangMonitor': false,
};

/** A vitest browser provider that opens `executable` headless on the test page. */
export function firefox(executable = process.env.OMBRE_FIREFOX ?? 'firefox-esr') {
  return defineBrowserProvider({
    name: 'firefox-esr',
    options: {},
    providerFactory: () => {
      const open = new Map<ChildProcess, string>();
      return {
        name: 'firefox-esr',
        supportsParallelism: false,
        getCommandsContext: () => ({}),
        openPage: async (_session: string, url: string) => {
          const profile = mkdtempSync(join(tmpdir(), 'ombre-firefox-'));
          const lines = Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
          writeFileSync(join(profile, 'user.js'), lines.join('\n'));
          const child = spawn(executable, ['--headless', '--no-remote', '--profile', profile, url], { stdio: 'ignore' });
          open.set(child, profile);
          await new Promise<void>((resolve, reject) => {
            child.once('spawn', resolve);
            child.once('error', (error) =>
              reject(new Error(`${executable} does not start: ${error.message}; install it or set OMBRE_FIREFOX`)),
            );
          });
        },
        close: async () => {
          for (const [child, profile] of open) {
            const gone = new Promise((resolve) => child.once('exit', resolve));
            child.kill();
            await gone;
            rmSync(profile, { recursive: true, force: true });
          }
          open.clear();
        },
      };
    },
  });
}
