import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { chromium } from 'playwright';

/** Every Chromium that may run the tests, best first: the one of OMBRE_CHROMIUM, those on PATH, Playwright's download. */
export function browserCandidates(): string[] {
  const named = process.env.OMBRE_CHROMIUM;
  if (named) return [named];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  if (process.platform === 'darwin') paths.push('/Applications/Google Chrome.app/Contents/MacOS/Google Chrome');
  paths.push(chromium.executablePath());
  return paths.filter((path) => existsSync(path));
}

/** Folders with the shared libraries of a Chromium, such as SwiftShader and a Vulkan loader. */
export function browserFolders(): string[] {
  // Debian's /usr/bin/chromium is a shell script, so this finds the folder of the browser that it starts.
  const packaged = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/usr/lib64/chromium-browser', '/opt/google/chrome'];
  const beside = browserCandidates().map((path) => dirname(realpathSync(path)));
  return [...new Set([...beside, ...packaged])].filter((folder) => existsSync(folder));
}

/**
 * Command-line flags for the test browser. WebGPU runs on SwiftShader, the software Vulkan inside Chromium, so that results do not depend
 * on the machine. OMBRE_ADAPTER=hardware selects the real GPU instead.
 */
export function browserFlags(): string[] {
  const adapter =
    process.env.OMBRE_ADAPTER === 'hardware'
      ? ['--use-angle=vulkan', '--enable-features=Vulkan', '--disable-vulkan-surface']
      : ['--use-webgpu-adapter=swiftshader'];
  return [
    ...adapter,
    '--enable-unsafe-webgpu',
    // Containers rarely allow Chromium's sandbox, and the tests open only pages of this repository.
    '--no-sandbox',
    // A test browser needs no network.
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-quic',
    '--disable-sync',
    '--no-first-run',
  ];
}

/** Options for Playwright's `launch` that start the first browser found. setup.ts sets OMBRE_CHROMIUM to the browser that it chose. */
export function launchOptions(): { executablePath?: string; args: string[] } {
  return { executablePath: browserCandidates()[0], args: browserFlags() };
}
