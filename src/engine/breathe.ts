// A long loop of awaits that never reaches the event loop starves the page, and the garbage collector's finalizers with it.

/** Milliseconds of work after which the event loop gets a turn. */
const slice = 12;
let lastTurn = performance.now();

const isDue = (): boolean => performance.now() - lastTurn >= slice;

/** Lets the event loop turn if it has not for a while. */
export async function breathe(): Promise<void> {
  if (!isDue()) return;
  await macrotask();
  lastTurn = performance.now();
}

/** Runs what can be interrupted to its end, and lets the event loop turn now and then. */
export async function atEase<T>(work: Generator<unknown, T, undefined>): Promise<T> {
  for (;;) {
    if (isDue()) await breathe();
    const { done, value } = work.next();
    if (done) return value;
  }
}

const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };

/** A browser's setTimeout waits 4 ms once nested; a message does not. */
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
