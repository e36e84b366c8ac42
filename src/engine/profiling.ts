// Profiles of one device: runs a function while the runtime times every kernel.
import { ArgumentError } from '../core/errors.ts';
import type { PromiseQueue } from '../core/promiseQueue.ts';
import type { Profile } from '../runtime/profile.ts';
import type { Runtime } from '../runtime/runtime.ts';

export interface ProfileOptions {
  /**
   * False uses the host's clock even if the GPU has timestamps.
   * @default true
   */
  timestamps?: boolean;
}

export class Profiling {
  private readonly runtime: Runtime;
  private readonly queue: PromiseQueue;
  private active = false;

  constructor(runtime: Runtime, queue: PromiseQueue) {
    this.runtime = runtime;
    this.queue = queue;
  }

  get isActive(): boolean {
    return this.active;
  }

  /** @throws ArgumentError while another profile is being taken. */
  async profile(fn: () => Promise<unknown>, { timestamps = true }: ProfileOptions): Promise<Profile> {
    const { runtime, queue } = this;
    if (this.active) throw new ArgumentError('profile: another profile is being taken on this device; await it first');
    this.active = true;
    try {
      await queue.idle();
      await runtime.settle(0);
      runtime.startProfile(timestamps);
      try {
        await fn();
        await queue.idle();
      } catch (error) {
        await runtime.endProfile().catch(() => undefined); // a lost device has no times
        throw error;
      }
      return await runtime.endProfile();
    } finally {
      this.active = false;
    }
  }
}
