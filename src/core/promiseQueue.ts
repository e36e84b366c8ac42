// Queues of asynchronous work. Each queue runs one function at a time, in the order of the calls.

/** Runs asynchronous functions one at a time, first in, first out. A failed function does not stop the queue. */
export class PromiseQueue {
  private tail: Promise<void> = Promise.resolve();

  /**
   * Runs fn after everything queued so far. Do not await another `run` of the same queue inside of fn: both would wait forever.
   * The promise has the result of fn, or its error.
   */
  run<T>(fn: () => T | Promise<T>): Promise<T> {
    return runExclusive([this], fn);
  }

  /** Resolves when everything queued so far has ended. Never rejects. */
  idle(): Promise<void> {
    return this.tail;
  }

  /** Makes later functions wait until `turn` has ended too. */
  holdFor(turn: Promise<unknown>): void {
    const end = turn.then(discard, discard); // without its result, which may be large
    const { tail } = this;
    this.tail = tail.then(() => end);
  }
}

/**
 * Runs fn when it has its turn in every queue, and holds all of them until it ends. The places are taken synchronously in all queues at once.
 * Therefore any two calls have the same order in every queue that they share, and no cycle of waiting can form.
 */
export function runExclusive<T>(owners: readonly PromiseQueue[], fn: () => T | Promise<T>): Promise<T> {
  const turn = Promise.all(owners.map((owner) => owner.idle())).then(fn);
  for (const owner of new Set(owners)) owner.holdFor(turn);
  return turn;
}

const discard = (): void => undefined;
