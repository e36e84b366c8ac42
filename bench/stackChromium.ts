// Jobs in headless Chromium, with the flags of the tests: SwiftShader, or the machine's GPU with OMBRE_ADAPTER=hardware. Its WebAssembly may use threads.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright';
import { browserFlags } from '../scripts/browser.ts';
import { setUp } from '../scripts/setup.ts';
import { bundle, tfjsWasm } from './bundle.ts';
import type { EngineName, StackDevice } from './inside/job.ts';
import { openScript } from './openScript.ts';
import type { Answer, Outcome, Stack } from './stack.ts';

/** Headers of a page that is isolated from other origins: its clock is finer, and threads may share memory. */
const isolated = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export async function openChromium(device: StackDevice): Promise<Stack> {
  const { browser: found } = await setUp(['browser']);
  if (!found || 'missing' in found) throw new Error(`no browser: ${found?.missing}`);
  const script = readFileSync(await bundle('page'), 'utf8');
  const executablePath = found.env.OMBRE_CHROMIUM;
  return {
    name: device === 'gpu' ? 'chromium' : 'cpu-chromium',
    device,
    description: device === 'gpu' ? `${found.name}, ${found.adapter}` : `${found.name}, WebAssembly and JavaScript on the CPU`,
    async run(job, seconds) {
      const browser = await chromium.launch({ executablePath, args: browserFlags() });
      let turn: EngineName | undefined;
      let stop: (reason: string) => void = () => {};
      const stopped = new Promise<Outcome<typeof job>>((resolve) => (stop = (error) => resolve({ error, crashed: true, turn })));
      const timer = setTimeout(() => stop(`no answer after ${seconds} s`), seconds * 1000);
      try {
        const page = await browser.newPage();
        page.on('crash', () => stop('the page crashed'));
        await page.exposeFunction('reportTurn', (engine: EngineName) => void (turn = engine));
        await openScript(page, script, 'runJob', isolated, { '/wasm/': tfjsWasm });
        const answered = page.evaluate(
          (job) =>
            globalThis.runJob(job).then(
              (result) => ({ result }),
              (error: unknown) => ({ error: String(error) }),
            ),
          job,
        ) as Promise<Answer>;
        return await Promise.race([stopped, answered.then((answer) => ({ crashed: false, turn, ...answer }) as Outcome<typeof job>)]);
      } finally {
        clearTimeout(timer);
        await browser.close();
      }
    },
  };
}
