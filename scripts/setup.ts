/**
 * Finds a browser and a Vulkan driver for the tests and for the GPU in Node. Installs missing ones on request. A browser or a driver is
 * accepted only after it has given a WebGPU adapter.
 *
 * npm run setup            find, install what is missing, print
 * OMBRE_CHROMIUM=path      use this browser
 * OMBRE_ADAPTER=hardware   the browser's real GPU instead of SwiftShader
 * OMBRE_VK=name            system, llvmpipe or swiftshader: only this Vulkan driver for Node
 * OMBRE_FIREFOX=path       use this Firefox
 */
import { spawnSync, type SpawnSyncOptions } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright';
import { browserCandidates, browserFlags, browserFolders } from './browser.ts';
import { checkFirefox, firefoxExecutable } from './firefox.ts';

/** A tool that works: its name, and the environment variables that select it. */
export interface Found {
  readonly name: string;
  readonly adapter: string;
  readonly env: Readonly<Record<string, string>>;
  /** Size of the adapter's subgroups, if it has only one and Dawn reports it. */
  readonly subgroupSize?: number;
}

/** A missing tool, and one line of help. */
export interface Missing {
  readonly missing: string;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const minutes = 60_000;

/** A missing browser or Vulkan driver is installed. The others, for tests on every stack, are only searched for. */
export type Need = 'browser' | 'vulkan' | 'hardware' | 'llvmpipe' | 'swiftshader' | 'firefox';
export type Stacks = Readonly<Partial<Record<Need, Found | Missing>>>;

/** Finds or installs the tools. A browser may be installed for the driver, because its package contains SwiftShader. */
export async function setUp(needs: readonly Need[]): Promise<Stacks> {
  const vulkan = needs.includes('vulkan') ? findVulkan() : undefined;
  const lacksVulkan = needs.includes('vulkan') && !vulkan;
  const browser = needs.includes('browser') || lacksVulkan ? ((await findBrowser()) ?? (await installBrowser())) : undefined;
  const driver = lacksVulkan ? (findVulkan() ?? installVulkan()) : vulkan;
  const others: Partial<Record<Need, Found | Missing>> = {};
  for (const need of needs) {
    if (need === 'firefox') others.firefox = await findFirefox();
    else if (need !== 'browser' && need !== 'vulkan') others[need] = findDriver(need);
  }
  return { ...(browser && { browser }), ...(driver && { vulkan: driver }), ...others };
}

const howToGet: Readonly<Record<'hardware' | 'llvmpipe' | 'swiftshader', string>> = {
  hardware: 'no GPU with a Vulkan driver',
  llvmpipe: 'install Mesa 25 or newer (apt-get install -y libvulkan1 mesa-vulkan-drivers)',
  swiftshader: 'install Chromium, which has it beside its binary (apt-get install -y chromium)',
};

function findDriver(need: 'hardware' | 'llvmpipe' | 'swiftshader'): Found | Missing {
  const found = findVulkan(need === 'hardware' ? 'system' : need);
  // All drivers of the system may be software.
  const isSoftware = need === 'hardware' && /llvmpipe|swiftshader/i.test(found?.adapter ?? '');
  return found && !isSoftware ? found : { missing: howToGet[need] };
}

/** Firefox uses the given Vulkan driver: the same as Dawn. */
async function findFirefox(): Promise<Found | Missing> {
  const executable = firefoxExecutable();
  const { stdout, status } = spawnSync(executable, ['--version'], { encoding: 'utf8', timeout: 30_000 });
  if (status !== 0) return { missing: `${executable} does not start; apt-get install -y firefox-esr, or set OMBRE_FIREFOX` };
  const vulkan = findVulkan();
  const env = vulkan?.env ?? {};
  const name = stdout.trim();
  const complaint = await checkFirefox(env).catch((error: Error) => error.message);
  return complaint ? { missing: `${name}: ${complaint}` } : { name, adapter: `${name} on ${vulkan?.name ?? 'its own driver'}`, env };
}

async function findBrowser(): Promise<Found | undefined> {
  for (const path of browserCandidates()) {
    const version = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 30_000 });
    // Ubuntu has a placeholder of this name that only prints an instruction. A downloaded browser may lack system libraries.
    if (version.status !== 0) continue;
    const adapter = await browserAdapter(path).catch((error: Error) => note(`${path}: ${error.message.split('\n')[0]}`));
    if (adapter) return { name: version.stdout.trim(), adapter, env: { OMBRE_CHROMIUM: path } };
  }
  return undefined;
}

/** Starts the browser like the tests do and requests an adapter. Undefined if it has none. */
async function browserAdapter(executablePath: string): Promise<string | undefined> {
  const browser = await chromium.launch({ executablePath, args: browserFlags() });
  try {
    const page = await browser.newPage();
    // navigator.gpu exists only in a secure context, such as localhost. about:blank is not one.
    await page.route('**/*', (route) => route.fulfill({ body: '<!doctype html>', contentType: 'text/html' }));
    await page.goto('http://localhost/');
    const adapter = await page.evaluate(async () => {
      const info = (await navigator.gpu?.requestAdapter())?.info;
      return info && [info.vendor, info.architecture, info.description].filter(Boolean).join(' ');
    });
    if (!adapter) note(`${executablePath}: starts, but has no WebGPU adapter`);
    return adapter;
  } finally {
    await browser.close();
  }
}

async function installBrowser(): Promise<Found | Missing> {
  if (process.env.OMBRE_CHROMIUM) return { missing: `OMBRE_CHROMIUM=${process.env.OMBRE_CHROMIUM} gives no WebGPU adapter` };
  note('no working Chromium: trying the download of Playwright');
  execute('npx', ['playwright', 'install', '--no-shell', 'chromium'], 5 * minutes);
  const downloaded = await findBrowser();
  if (downloaded) return downloaded;
  return (
    (installPackages('chromium') && (await findBrowser())) || {
      missing: 'run as root: apt-get install -y chromium (or: npx playwright install --with-deps chromium)',
    }
  );
}

/** Finds the Vulkan driver that Dawn uses in Node, without installing anything. */
export function findVulkan(wanted = process.env.OMBRE_VK): Found | undefined {
  for (const { name, env } of vulkanCandidates(wanted)) {
    const adapter = nodeAdapter(env);
    if (adapter) return { name, ...adapter, env };
    // A machine without the Vulkan loader can use the one in Chromium's folder.
    for (const folder of browserFolders().filter((folder) => existsSync(join(folder, 'libvulkan.so.1')))) {
      const path = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
      const borrowing = { ...env, LD_LIBRARY_PATH: path };
      const adapter = nodeAdapter(borrowing);
      if (adapter) return { name, ...adapter, env: borrowing };
    }
  }
  return undefined;
}

/**
 * Real hardware first, then llvmpipe (faster, has f16), then SwiftShader. Only Dawn can report whether a driver works: it refuses Mesa
 * before 25.
 */
function vulkanCandidates(wanted: string | undefined): { name: string; env: Record<string, string> }[] {
  const given = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (given && !wanted) return [{ name: 'VK_DRIVER_FILES', env: { VK_DRIVER_FILES: given } }];

  const devices = ['/dev/nvidia0', '/dev/dri/renderD128', '/dev/dxg'];
  const hardware = process.platform !== 'linux' || devices.some((device) => existsSync(device));
  const icdFolders = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'].filter((path) => existsSync(path));
  const llvmpipe = icdFolders
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .filter((path) => /\/lvp_icd\b/.test(path));
  const swiftshader = browserFolders().map((folder) => join(folder, 'vk_swiftshader_icd.json'));
  return [
    ...(hardware || process.env.OMBRE_VK === 'system' ? [{ name: 'system', env: {} }] : []),
    ...llvmpipe.map((path) => ({ name: 'llvmpipe', env: { VK_DRIVER_FILES: path } })),
    ...swiftshader.filter((path) => existsSync(path)).map((path) => ({ name: 'swiftshader', env: { VK_DRIVER_FILES: path } })),
  ].filter(({ name }) => !wanted || name === wanted);
}

function nodeAdapter(env: Record<string, string>): Pick<Found, 'adapter' | 'subgroupSize'> | undefined {
  const probe = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/probeVulkan.ts'], {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return probe.status === 0 ? (JSON.parse(probe.stdout) as Pick<Found, 'adapter' | 'subgroupSize'>) : undefined;
}

function installVulkan(): Found | Missing {
  if (process.env.OMBRE_VK) return { missing: `OMBRE_VK=${process.env.OMBRE_VK} gives Dawn no adapter` };
  note('no Vulkan driver that Dawn accepts');
  return (
    (installPackages('libvulkan1', 'mesa-vulkan-drivers') && findVulkan()) || {
      missing: 'run as root: apt-get install -y chromium libvulkan1 (or install the driver of the GPU)',
    }
  );
}

/** Debian packages, if this process may install them. */
function installPackages(...packages: string[]): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execute('apt-get', ['update', '-qq'], 2 * minutes, env);
  return execute('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], 6 * minutes, env);
}

function execute(command: string, args: string[], timeout: number, env: SpawnSyncOptions['env'] = process.env): boolean {
  note([command, ...args].join(' '));
  // Output of installers goes to stderr, because the caller may read JSON from stdout.
  return spawnSync(command, args, { cwd: root, env, timeout, stdio: ['ignore', 2, 2] }).status === 0;
}

function note(text: string): undefined {
  console.error(`setup: ${text}`);
}

/** The result for readers, one line for each tool. */
export function describe(stacks: Stacks): string {
  const lines = Object.entries(stacks).map(([need, found]) => {
    if ('missing' in found) return `${need.padEnd(11)} missing: ${found.missing}`;
    const env = Object.entries(found.env).map(([key, value]) => `${key}=${value}`);
    return `${need.padEnd(11)} ${found.adapter}, ${found.name} ${env.join(' ')}`;
  });
  return lines.join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const stacks = await setUp(['browser', 'vulkan']);
  console.log(describe(stacks));
  if (Object.values(stacks).some((found) => 'missing' in found)) process.exitCode = 1;
}
