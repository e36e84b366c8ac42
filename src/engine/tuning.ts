// Gives the autotuning trials of one device their turns in its queue.
import type { PromiseQueue } from '../core/promiseQueue.ts';
import type { Runtime, TunedKernel } from '../runtime/runtime.ts';

export class Tuning {
  private readonly runtime: Runtime;
  private readonly queue: PromiseQueue;
  private readonly isPaused: () => boolean;

  constructor(runtime: Runtime, queue: PromiseQueue, isPaused: () => boolean) {
    this.runtime = runtime;
    this.queue = queue;
    this.isPaused = isPaused;
  }

  /** Runs the next trial that is ready, in a turn of the queue. Resolves to false if there is none. Never rejects. */
  async runTrial(): Promise<boolean> {
    const { runtime } = this;
    const trial = this.isPaused() ? undefined : runtime.tuner?.takeTrial();
    if (!trial) return false;
    const turn = this.queue.run(async () => {
      await runtime.settle(0);
      await trial();
    });
    await turn.catch(() => undefined); // the next run reports a lost device
    return true;
  }

  /** Results of all trials, after every trial known so far has run. */
  async results(): Promise<readonly TunedKernel[]> {
    const { runtime, queue } = this;
    const { tuner } = runtime; // the setting may change during the waits
    if (!tuner) return [];
    await runtime.requireAlive();
    do {
      await tuner.prepared();
      await queue.idle(); // a trial that a step has started
      await runtime.requireAlive();
    } while (await this.runTrial());
    return [...tuner.results];
  }
}
