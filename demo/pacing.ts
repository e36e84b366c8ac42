// Pauses a run, and limits the number of messages to the page.

/** A gate: `pass` waits while it is closed. */
export function createGate() {
  let opened: Promise<void> | undefined;
  let open: () => void = () => {};
  return {
    get closed(): boolean {
      return opened !== undefined;
    },
    close(): void {
      opened ??= new Promise((resolve) => (open = resolve));
    },
    open(): void {
      opened = undefined;
      open();
    },
    async pass(): Promise<void> {
      while (opened) await opened;
    },
  };
}

/** Passes a value on at most once in `interval` milliseconds, and drops the values between. */
export function throttle<T>(receive: (value: T) => void, interval = 50): (value: T) => void {
  let last = -Infinity;
  return (value) => {
    const now = performance.now();
    if (now - last < interval) return;
    last = now;
    receive(value);
  };
}
