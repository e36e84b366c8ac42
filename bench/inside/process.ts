// The entry in Node: a child process that gets a job as a message and sends a message as its answer. All engines use Dawn as navigator.gpu.
import { create, globals } from 'webgpu';
import type { Job } from './job.ts';

Object.assign(globalThis, globals);
const gpu = create([]);
Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'Chrome' }, configurable: true });
// TensorFlow.js and jax-js were written for pages.
Object.assign(globalThis, { window: globalThis, self: globalThis });

// The parent process has ended.
process.once('disconnect', () => process.exit(1));

process.on('message', (job: Job) => {
  // Loaded after the globals are set, because the engines read them when they are loaded.
  void import('./measure.ts')
    .then(({ measure }) => measure(job, (turn) => void process.send?.({ turn })))
    .then(
      (result) => ({ result }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    // Dawn's event loop would keep the process running.
    .then((answer) => process.send?.(answer, () => process.exit(0)));
});
