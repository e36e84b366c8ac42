// Makes every mistake in a process that ends at an unhandled rejection. Prints the number of errors that callers got.
import { OmbreError, compile, scalar, setDevice } from '../../src/index.ts';
import { asyncMistakes, calls, failures, lateMistakes, mistakes, strayReads, transforms } from './traceMistakes.ts';

await setDevice('cpu');
let errors = 0;
async function attempt(run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof OmbreError) && !(error instanceof RangeError)) throw error;
    errors++;
  }
}
for (const [, mistake] of [...mistakes, ...asyncMistakes]) {
  for (const [, transform] of transforms) await attempt(() => transform(mistake, scalar(5)));
  for (const [, call] of calls) await attempt(() => call(mistake));
}
for (const [, mistake] of lateMistakes) await attempt(() => compile(mistake)(scalar(5)));
for (const [, call] of failures) await attempt(call);
for (const [, call] of strayReads) await attempt(call);
// Rejections are reported after the microtasks of their turn.
await new Promise((resolve) => setTimeout(resolve, 50));
console.log(`${errors} errors`);
