// Workers that compute: worker_threads in Node, Worker in pages and their workers.
import { makeThread } from './thread.ts';

/** A worker that has been started. */
export interface Spawned {
  /** Resolves when it runs. Rejects if it cannot start. */
  readonly started: Promise<void>;
  hasStarted: boolean;
  /** Called when it sends a message. */
  onMessage: () => void;
  /** Called with the reason when it ends before `end` is called. */
  onEnd: (reason: string) => void;
  /** Whether a Node process waits for it. */
  hold(isHeld: boolean): void;
  end(): void;
}

export interface WorkerOptions {
  readonly memory: WebAssembly.Memory;
  readonly index: number;
  readonly splitTime: number;
  readonly role: 'serve' | 'help';
}

// A TypeScript loader may wrap functions in `__name`.
const program = (): string => `const __name = (fn) => fn; const makeThread = ${makeThread.toString()};`;

/** The process, if this is Node. */
export const nodeProcess = (): NodeJS.Process | undefined => {
  const { process } = globalThis as { process?: NodeJS.Process };
  return process?.versions?.node && typeof process.getBuiltinModule === 'function' ? process : undefined;
};

/** The number of threads that this host runs at the same time. */
export function availableThreads(): number {
  const process = nodeProcess();
  if (process) return process.getBuiltinModule('node:os').availableParallelism();
  return (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ?? 1;
}

/** The reason why this host cannot share memory between threads. Undefined if it can. */
export function sharingRefusal(): string | undefined {
  if (nodeProcess()) return undefined;
  const { crossOriginIsolated, SharedArrayBuffer: shared } = globalThis as { crossOriginIsolated?: boolean; SharedArrayBuffer?: unknown };
  if (crossOriginIsolated !== true || shared === undefined) {
    return 'the page is not cross-origin isolated (send the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)';
  }
  return (globalThis as { Worker?: unknown }).Worker === undefined ? 'there are no workers here' : undefined;
}

/** Whether this thread may wait for others. The main thread of a page may not. */
export function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

/** @throws if this host starts no workers. */
export function spawn(options: WorkerOptions): Spawned {
  const process = nodeProcess();
  return process ? spawnInNode(process, options) : spawnInPage(options);
}

interface Unconnected {
  readonly spawned: Spawned;
  readonly resolve: () => void;
  readonly fail: (reason: string) => void;
  /** Sets what `end` does. */
  readonly onEnd: (terminate: () => void) => void;
}

/** A worker without its connections. `started` stays pending until the callbacks of the host settle it. */
function unconnected(): Unconnected {
  let resolve!: () => void;
  let reject!: (reason: Error) => void;
  const started = new Promise<void>((yes, no) => ((resolve = yes), (reject = no)));
  let isEnded = false;
  const nothing = (): void => undefined;
  const spawned: Spawned = { started, hasStarted: false, onMessage: nothing, onEnd: nothing, hold: nothing, end: nothing };
  void started.then(
    () => (spawned.hasStarted = true),
    () => undefined,
  );
  const fail = (reason: string): void => {
    reject(new Error(reason));
    if (!isEnded) spawned.onEnd(reason);
    isEnded = true;
  };
  const onEnd = (terminate: () => void): void => {
    spawned.end = (): void => {
      isEnded = true;
      terminate();
    };
  };
  return { spawned, resolve, fail, onEnd };
}

function spawnInNode(process: NodeJS.Process, options: WorkerOptions): Spawned {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const text = `${program()}
const { parentPort, workerData } = require('node:worker_threads');
parentPort.postMessage(0);
makeThread(workerData.memory, workerData.index, workerData.splitTime)[workerData.role](() => parentPort.postMessage(1));`;
  // Loaders of the main thread are not needed, and slow down the start.
  const worker = new Worker(text, { eval: true, execArgv: [], workerData: options });
  const { spawned, resolve, fail, onEnd } = unconnected();
  let reason = 'it ended';
  worker.on('message', (message) => (message === 0 ? resolve() : spawned.onMessage()));
  worker.on('error', (error) => (reason = String(error)));
  worker.on('exit', () => fail(reason));
  worker.unref();
  spawned.hold = (isHeld): void => (isHeld ? worker.ref() : worker.unref());
  onEnd(() => void worker.terminate());
  return spawned;
}

function spawnInPage(options: WorkerOptions): Spawned {
  const text = `${program()}
onmessage = ({ data }) => {
  postMessage(0);
  makeThread(data.memory, data.index, data.splitTime)[data.role](() => postMessage(1));
};`;
  // A blob has the headers of the page, and needs no file of its own on the server.
  const address = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  let worker: Worker;
  try {
    worker = new Worker(address);
  } finally {
    // The browser loads the script later.
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
  const { spawned, resolve, fail, onEnd } = unconnected();
  worker.onmessage = ({ data }): void => (data === 0 ? resolve() : spawned.onMessage());
  worker.onerror = (event): void => {
    event.preventDefault();
    fail(event.message || 'the Content-Security-Policy of the page forbids workers of blobs (allow them with worker-src blob:)');
  };
  worker.postMessage(options);
  onEnd(() => worker.terminate());
  return spawned;
}
