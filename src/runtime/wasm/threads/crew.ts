// The threads that compute the runs of one device, and the queue of runs if the calling thread does not take part.
import { DeviceError, DeviceLostError } from '../../../core/errors.ts';
import { debug } from '../../debug.ts';
import { Heap, type RunOrder } from '../heap.ts';
import { type Spawned, type WorkerOptions, availableThreads, mayWait, nodeProcess, sharingRefusal, spawn } from './spawn.ts';
import { type Failure, type RunKernel, type Thread, makeThread } from './thread.ts';

/** Maximum number of threads. */
export const maxThreads = 16;

export interface CrewOptions {
  /** Number of threads that compute, 1 to 16. Undefined means one for each processor, at most 16. */
  readonly threads?: number;
  /** Runs are queued, and workers compute them. Undefined means only if the calling thread may not wait for others. */
  readonly isQueued?: boolean;
  /** Tenths of microseconds that a dispatch must take in one thread to be split. Results do not depend on it. */
  readonly splitTime?: number;
}

interface Waiter {
  readonly ticket: number;
  readonly resolve: () => void;
  readonly reject: (error: DeviceError) => void;
}

/** The default of `splitTime`. To wake and join a helper costs about as much. */
const usualSplitTime = 200;

/** Whether a ticket is before another, or is the same. Tickets wrap around. */
const isReached = (ticket: number, completed: number): boolean => ((completed - ticket) | 0) >= 0;

export class Crew implements RunOrder {
  readonly heap: Heap;
  /** Number of threads that may have local arrays. */
  readonly stacks: number;
  /** The reason why fewer threads run than the option says. */
  reason: string | undefined;
  /** Set if no run is possible any more. */
  broken: DeviceError | undefined;
  private readonly own: Thread;
  private readonly workers = new Set<Spawned>();
  private leader: Spawned | undefined;
  private waiters: Waiter[] = [];

  private constructor(heap: Heap, stacks: number, splitTime: number, reason: string | undefined) {
    this.heap = heap;
    this.stacks = stacks;
    this.reason = reason;
    this.own = makeThread(heap.memory, 0, splitTime);
    heap.order = this;
  }

  /** Makes a memory and its threads. If the host shares no memory or starts no workers, only the calling thread computes. */
  static async start({ threads = availableThreads(), isQueued = !mayWait(), splitTime = usualSplitTime }: CrewOptions): Promise<Crew> {
    const wanted = Math.min(threads, maxThreads);
    const refusal = wanted > 1 ? sharingRefusal() : undefined;
    const heap = new Heap(wanted > 1 && refusal === undefined, debug.guardBytes);
    const count = heap.isShared ? wanted : 1;
    const crew = new Crew(heap, count, splitTime, refusal ?? (count < wanted ? 'the host gives no shared memory' : undefined));
    if (count === 1) return crew;
    const { memory } = heap;
    try {
      for (let index = isQueued ? 0 : 1; index < count; index++)
        crew.add({ memory, index, splitTime, role: isQueued && index === 0 ? 'serve' : 'help' });
      // In Node workers do not fail to start, and helpers start during the first runs.
      if (isQueued || !nodeProcess()) await Promise.all([...crew.workers].map(({ started }) => started));
      for (const worker of crew.workers) worker.onEnd = (reason): void => crew.lose(worker, reason);
    } catch (error) {
      crew.end();
      crew.leader = undefined;
      crew.reason = `workers do not start: ${(error as Error).message}`;
    }
    return crew;
  }

  private add(options: WorkerOptions): void {
    const worker = spawn(options);
    this.workers.add(worker);
    if (options.role === 'serve') {
      this.leader = worker;
      worker.onMessage = (): void => this.wake();
    }
  }

  /** Number of threads that compute. */
  get count(): number {
    return this.leader ? this.workers.size : this.workers.size + 1;
  }

  /** Whether runs are queued. If not, `submit` returns when the run is done. */
  get isQueued(): boolean {
    return this.leader !== undefined;
  }

  adopt(kernel: number, run: RunKernel): void {
    this.own.adopt(kernel, run);
  }

  /** Runs a list of dispatches and copies, or appends it to the queue. Returns the dispatch that stopped, if that is known already. */
  submit(run: number): Failure | undefined {
    if (!this.isQueued) return this.own.lead(run);
    this.own.submit(run);
    return undefined;
  }

  /** Ticket of the last run. */
  get submitted(): number {
    return this.isQueued ? this.own.submitted : 0;
  }

  /** Number of runs that are not done. */
  get running(): number {
    return this.isQueued ? (this.own.submitted - this.own.completed) | 0 : 0;
  }

  isDone(ticket: number): boolean {
    return !this.isQueued || isReached(ticket, this.own.completed);
  }

  takeFailure(): Failure | undefined {
    return this.isQueued ? this.own.takeFailure() : undefined;
  }

  /** Waits until at most this number of runs is not done. */
  settle(inFlight: number): Promise<void> {
    return this.running <= inFlight ? Promise.resolve() : this.until((this.own.submitted - inFlight) | 0);
  }

  /** Waits until the queue is not full. */
  room(): Promise<void> | undefined {
    return this.running < this.own.maxQueued - 1 ? undefined : this.settle(this.own.maxQueued / 2);
  }

  /** Waits until a run is done. */
  until(ticket: number): Promise<void> {
    if (this.isDone(ticket)) return Promise.resolve();
    if (this.broken) return Promise.reject(this.broken);
    return new Promise((resolve, reject) => {
      this.waiters.push({ ticket, resolve, reject });
      this.leader!.hold(true);
      this.wake();
    });
  }

  /** Resolves the waits that are over, and requests a message for the next one. */
  private wake(): void {
    for (;;) {
      const completed = this.own.completed;
      const over = this.waiters.filter(({ ticket }) => isReached(ticket, completed));
      this.waiters = this.waiters.filter((waiter) => !over.includes(waiter));
      for (const { resolve } of over) resolve();
      if (this.waiters.length === 0) return this.leader?.hold(false);
      const first = this.waiters.reduce((a, b) => (isReached(a.ticket, b.ticket) ? a : b)).ticket;
      this.own.want(first);
      // It may have been done before the leader saw the wish.
      if (!isReached(first, this.own.completed)) return undefined;
    }
  }

  private lose(worker: Spawned, reason: string): void {
    this.workers.delete(worker);
    this.reason = `a worker ended: ${reason}`;
    if (this.isQueued) {
      this.break(
        new DeviceLostError(
          `wasm: a worker ended (${reason}); tensors on this device are gone: call setDevice() again, then setWeights() on the models on it`,
        ),
      );
    } else {
      if (worker.hasStarted) this.own.lose();
      console.warn(`ombre: a thread of the WebAssembly device ended (${reason}); the others go on`);
    }
  }

  private break(error: DeviceError): void {
    this.broken ??= error;
    for (const { reject } of this.waiters.splice(0)) reject(this.broken);
    this.end();
  }

  private end(): void {
    for (const worker of this.workers) worker.end();
    this.workers.clear();
  }

  /** Ends the workers. Waits that are not over reject. */
  dispose(): void {
    this.break(new DeviceError('wasm: this device was closed; call setDevice() again'));
  }
}
