// Jobs in headless Chromium, with the flags of the tests: SwiftShader, or the machine's GPU with OMBRE_ADAPTER=hardware.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright';
import { browserFlags } from '../scripts/browser.ts';
import { setUp } from '../scripts/setup.ts';
import { bundle } from './bundle.ts';
import type { EngineName } from './inside/job.ts';
import { openScript } from './openScript.ts';
import type { Answer, Outcome, Stack } from './stack.ts';

/** Headers of a page that is isolated from other origins: its clock is finer. */
const isolated = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export async function openChromium(): Promise<Stack> {
  const { browser: found } = await setUp(['browser']);
  if (!found || 'missing' in found) throw new Error(`no browser: ${found?.missing}`);
  const script = readFileSync(await bundle('page'), 'utf8');
  const executablePath = found.env.OMBRE_CHROMIUM;
  return {
    name: 'chromium',
    description: `${found.name}, ${found.adapter}`,
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
        await openScript(page, script, 'runJob', isolated);
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
