// The entry in Node: a child process that gets a job by message and answers by message. Dawn stands in for navigator.gpu, for all engines alike.
import { create, globals } from 'webgpu';
import type { Job } from './job.ts';

Object.assign(globalThis, globals);
const gpu = create([]);
Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'Chrome' }, configurable: true });
// TensorFlow.js and jax-js were written for pages.
Object.assign(globalThis, { window: globalThis, self: globalThis });

// Nobody waits for the answer any more.
process.once('disconnect', () => process.exit(1));

process.on('message', (job: Job) => {
  // Loaded behind the globals, which the engines look for when they are loaded.
  void import('./measure.ts')
    .then(({ measure }) => measure(job, (turn) => void process.send?.({ turn })))
    .then(
      (result) => ({ result }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    )
    // Dawn's event loop would keep the process alive.
    .then((answer) => process.send?.(answer, () => process.exit(0)));
});
