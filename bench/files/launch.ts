/** `npm run bench:files`: MB a second of save and loadModel, in Node and in Chromium. Needs no other libraries. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { chromium } from 'playwright';
import { browserFlags } from '../../scripts/browser.ts';
import { setUp } from '../../scripts/setup.ts';
import { bundleForNode, bundleForPage } from '../bundleEntry.ts';
import { openScript } from '../openScript.ts';
import type { FileFigure } from './measure.ts';

const wholeNumber = (text: string): number => Math.max(1, Math.round(Number(text)));

const options = new Command('npm run bench:files --')
  .description('Writes and reads a model of one dense layer, in each place of files.')
  .option('--megabytes <n>', 'size of the weights, 10^6 bytes', wholeNumber, 100)
  .option('--rounds <n>', 'rounds; figures are medians', wholeNumber, 5)
  .addOption(new Option('--device <name>', 'device of the model').choices(['cpu', 'webgpu']).default('webgpu'))
  .parse()
  .opts<{ megabytes: number; rounds: number; device: 'cpu' | 'webgpu' }>();

const { device, rounds } = options;
const bytes = 1e6 * options.megabytes;
const { browser, vulkan } = await setUp(['browser', 'vulkan']);
if (!browser || 'missing' in browser) throw new Error(`no browser: ${browser?.missing}`);
if (!vulkan || 'missing' in vulkan) throw new Error(`no Vulkan driver: ${vulkan?.missing}`);

async function inChromium(executablePath: string | undefined): Promise<FileFigure[]> {
  const script = readFileSync(await bundleForPage('files/page.ts', 'files-page'), 'utf8');
  const opened = await chromium.launch({ executablePath, args: browserFlags() });
  try {
    const page = await opened.newPage();
    await openScript(page, script, 'measureInPage');
    return await page.evaluate(([device, bytes, rounds]) => globalThis.measureInPage(device, bytes, rounds), [
      device,
      bytes,
      rounds,
    ] as const);
  } finally {
    await opened.close();
  }
}

const inNode = (script: string): FileFigure[] =>
  JSON.parse(
    execFileSync(process.execPath, [script, device, `${bytes}`, `${rounds}`], { encoding: 'utf8', env: { ...process.env, ...vulkan.env } }),
  ) as FileFigure[];

function print(stack: string, figures: readonly FileFigure[]): void {
  console.log(`\n${stack}, ${options.megabytes} MB, device ${device}: MB/s, median of ${rounds}`);
  console.table(Object.fromEntries(figures.map(({ place, save, load }) => [place, { save: Math.round(save), load: Math.round(load) }])));
}

print('Node', inNode(await bundleForNode('files/process.ts', 'files')));
print(browser.name, await inChromium(browser.env.OMBRE_CHROMIUM));
