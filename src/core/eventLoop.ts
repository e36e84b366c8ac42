// Yields to the event loop. A long loop of awaits that never reaches it blocks the page, and the garbage collector's finalizers too.

/** Milliseconds of work after which the event loop gets a turn. */
const slice = 12;
let lastTurn = performance.now();

const isDue = (): boolean => performance.now() - lastTurn >= slice;

/** Yields to the event loop if the last time was more than 12 ms ago. */
export async function yieldIfDue(): Promise<void> {
  if (!isDue()) return;
  await macrotask();
  lastTurn = performance.now();
}

/** Runs a generator to its end. Yields to the event loop between its steps when 12 ms have passed. */
export async function runInSlices<T>(work: Generator<unknown, T, undefined>): Promise<T> {
  for (;;) {
    if (isDue()) await yieldIfDue();
    const { done, value } = work.next();
    if (done) return value;
  }
}

const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };

/** Resolves in a new task of the event loop. A browser's nested setTimeout waits 4 ms; a message does not. */
export function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (setImmediate) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (): void => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
