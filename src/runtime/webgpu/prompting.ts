// Firefox checks for finished work at each submit, and otherwise on a timer of 100 ms (Mozilla bug 1870699). While the library waits for the GPU
// there, it submits an empty command buffer about every millisecond. Other browsers and Node report finished work at once.

/** Whether the browser reports finished work late unless new work is submitted. Chromium and Safari name Gecko in their user agents too, but without a version. */
export const needsPrompting = (userAgent: string | undefined): boolean => /\bGecko\/\d/.test(userAgent ?? '');

/** Milliseconds between two submits. */
const interval = 1;

/** Submits empty work while any promise is awaited. */
export class Prompter {
  private readonly device: GPUDevice;
  private waiting = 0;
  private isRunning = false;

  constructor(device: GPUDevice) {
    this.device = device;
  }

  /** Awaits the promise, and submits empty work until it settles. */
  async during<T>(promise: Promise<T>): Promise<T> {
    this.waiting++;
    if (!this.isRunning) this.start();
    try {
      return await promise;
    } finally {
      this.waiting--;
    }
  }

  private start(): void {
    const { port1, port2 } = new MessageChannel();
    this.isRunning = true;
    const tick = (): void => {
      if (this.waiting > 0 && this.prompt()) {
        port2.postMessage(undefined);
        return;
      }
      this.isRunning = false;
      port1.close();
    };
    // A timer set by a timer waits 4 ms or more; one set by a message does not.
    port1.onmessage = (): void => void setTimeout(tick, interval);
    port2.postMessage(undefined);
  }

  /** False when the device refuses the submit. The waits then end without prompting, and report the fault themselves. */
  private prompt(): boolean {
    try {
      this.device.queue.submit([this.device.createCommandEncoder().finish()]);
      return true;
    } catch {
      return false;
    }
  }
}

/** Whether this is such a browser. */
const isPrompted = needsPrompting((globalThis as { navigator?: Navigator }).navigator?.userAgent);
const prompters = new WeakMap<GPUDevice, Prompter>();

/** Milliseconds after which a loss has been reported. Firefox took 3 to 111 ms without prompting. */
const lossTimeout = 500;

/** Whether the device reports that it is lost, now or soon. Call it after a failure: for a healthy device it waits the full time. */
export async function reportsLoss(device: GPUDevice): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, lossTimeout, false)));
  const lost = device.lost.then(() => true);
  return awaitDevice(device, Promise.race([lost, late])).finally(() => clearTimeout(timer));
}

/** Waits for work of the device. Every wait for submitted work or for a map calls this function; a test checks it. */
export function awaitDevice<T>(device: GPUDevice, promise: Promise<T>): Promise<T> {
  if (!isPrompted) return promise;
  let prompter = prompters.get(device);
  if (!prompter) prompters.set(device, (prompter = new Prompter(device)));
  return prompter.during(promise);
}
