// The entry in Node: a child process that gets a job as a message and sends a message as its answer. On a GPU all engines use Dawn as
// navigator.gpu.
import { createRequire } from 'node:module';
import type { Job } from './job.ts';

// The parent process has ended.
process.once('disconnect', () => process.exit(1));

process.on('message', (job: Job) => {
  // Loaded after the globals are set, because the engines read them when they are loaded.
  void setGlobals(job.device === 'gpu')
    .then(() => import('./measure.ts'))
    .then(({ measure }) => measure(job, (turn) => void process.send?.({ turn })))
    .then(
      (result) => ({ result }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    // Dawn's event loop would keep the process running.
    .then((answer) => process.send?.(answer, () => process.exit(0)));
});

/** TensorFlow.js and jax-js were written for pages. TensorFlow.js's wasm backend reads its module with `require`. */
async function setGlobals(hasGpu: boolean): Promise<void> {
  const navigator: Record<string, unknown> = { userAgent: 'Chrome' };
  if (hasGpu) {
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    navigator.gpu = create([]);
  }
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  Object.assign(globalThis, {
    window: globalThis,
    self: globalThis,
    require: createRequire(import.meta.url),
    __dirname: import.meta.dirname,
  });
}
