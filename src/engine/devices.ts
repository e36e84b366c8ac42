// Devices and the default device. Each device has one engine; the default one is opened at first use.
import type { HostArray } from '../core/dtype.ts';
import { ArgumentError, checkOptions } from '../core/errors.ts';
import { type Tensor, refuseValues, setEvaluator, tensorsIn } from '../graph/tensor.ts';
import { CpuRuntime } from '../runtime/cpu.ts';
import type { Profile } from '../runtime/profile.ts';
import type { DeviceInfo, MemoryInfo, Runtime, TunedKernel, TuningOptions } from '../runtime/runtime.ts';
import { type WebGpuOptions, WebGpuRuntime } from '../runtime/webgpu/index.ts';
import { Engine, engineOf } from './engine.ts';
import type { ProfileOptions } from './profiling.ts';

export const deviceNames = ['auto', 'webgpu', 'wasm', 'cpu'] as const;
export type DeviceName = (typeof deviceNames)[number];

/** Options of opening a device. */
interface OpenOptions extends WebGpuOptions {
  /**
   * WebAssembly only, and only before it is first used: number of threads that compute, 1 to 16. A page needs cross-origin isolation for more than
   * one. `deviceInfo().description` says how many run. Results do not depend on it.
   * @default one for each processor, at most 16
   */
  threads?: number;
}

export interface DeviceOptions extends OpenOptions {
  /** Maximum number of bytes of one program on the GPU, with its arguments and results. A larger program is refused before it runs. @default no limit */
  maxBytes?: number;
}

let current: Promise<Engine> | undefined;
let settled: Engine | undefined;
const engines = new Map<DeviceName, Promise<Engine>>();

/** Opens the runtime of each device. */
const runtimes: Readonly<Record<Exclude<DeviceName, 'auto'>, (options: OpenOptions) => Runtime | Promise<Runtime>>> = {
  webgpu: (options) => WebGpuRuntime.open(options),
  wasm: async ({ threads }) => (await import('../runtime/wasm/index.ts')).WasmRuntime.open({ threads }),
  cpu: () => new CpuRuntime(),
};

async function open(device: DeviceName, options: OpenOptions): Promise<Engine> {
  return device === 'auto' ? openAuto(options) : new Engine(await runtimes[device](options));
}

/** A GPU if there is one. Else WebAssembly, which is faster than WebGPU on the CPU (docs/performance.md). Else the interpreter. */
async function openAuto(options: OpenOptions): Promise<Engine> {
  let software: Engine | undefined;
  let reason: string;
  try {
    const engine = await engineFor('webgpu', options);
    if (engine.info.processor === 'gpu') return engine;
    software = engine;
    reason = `the WebGPU adapter ${engine.info.description || engine.info.architecture} computes on the CPU`;
  } catch (error) {
    reason = (error as Error).message;
  }
  // In Node, console.warn writes to stderr.
  try {
    const engine = await engineFor('wasm', options);
    console.warn(`ombre: running on WebAssembly (${reason})`);
    return engine;
  } catch (error) {
    if (software) return software;
    console.warn(`ombre: running on the CPU (${reason}; ${(error as Error).message})`);
    return engineFor('cpu');
  }
}

/** The engine of a device; the same one each time, until its device is lost. */
export async function engineFor(device: DeviceName, options: OpenOptions = {}): Promise<Engine> {
  const known = engines.get(device);
  if (known) {
    const engine = await known;
    if (engine.isAlive) return engine;
    if (engines.get(device) === known) engines.delete(device);
  }
  let opening = engines.get(device);
  if (!opening) {
    const made = open(device, options);
    opening = made;
    if (device === 'webgpu') openFlags = (options.dawnFlags ?? []).join(' ');
    if (device === 'wasm') openThreads = options.threads;
    engines.set(device, made);
    made.catch(() => {
      if (engines.get(device) === made) engines.delete(device);
    });
  }
  return opening;
}

/**
 * Chooses the device of later evaluations: 'webgpu'; 'wasm', the same kernels in WebAssembly; 'cpu', the interpreter that is the reference; or
 * 'auto' (WebGPU on a GPU, else WebAssembly, else the interpreter). Tensors made from values can be used on any device; results of another device
 * cannot. After a loss it opens the device again; give models their weights with setWeights().
 *
 *     await setDevice('webgpu', { maxBytes: 512 * 2 ** 20 });
 *
 * @throws DeviceError with the reason why there is no WebGPU.
 */
export async function setDevice(device: DeviceName, options: DeviceOptions = {}): Promise<void> {
  if (!deviceNames.includes(device)) {
    throw new ArgumentError(`setDevice: unknown device '${String(device)}'; use 'webgpu', 'wasm', 'cpu' or 'auto'`);
  }
  checkOptions('setDevice', options, ['dawnFlags', 'maxBytes', 'threads', 'tuning']);
  const { maxBytes, ...opening } = options;
  if (maxBytes !== undefined && !(typeof maxBytes === 'number' && maxBytes > 0)) {
    throw new ArgumentError(`setDevice: maxBytes is ${JSON.stringify(maxBytes)}; it must be a positive number of bytes`);
  }
  checkTuning(opening.tuning);
  checkFlags(opening.dawnFlags);
  checkThreads(opening.threads);
  // A lost device reports the loss later: after some turns of the event loop, or up to 111 ms in Firefox.
  await (await engines.get(device))?.runtime.awaitLateLoss();
  const engine = await engineFor(device, opening);
  await engine.runtime.configure({ maxBytes, tuning: opening.tuning });
  settled = engine;
  current = Promise.resolve(engine);
}

/** Flags of the WebGPU that is open. */
let openFlags = '';

function checkFlags(flags: unknown): void {
  if (flags === undefined) return;
  if (!Array.isArray(flags) || !flags.every((flag) => typeof flag === 'string')) {
    throw new ArgumentError(
      `setDevice: dawnFlags is ${JSON.stringify(flags)}; it must be a list of texts, such as ['enable-dawn-features=allow_unsafe_apis']`,
    );
  }
  if (engines.has('webgpu') && flags.join(' ') !== openFlags) {
    throw new ArgumentError(
      `setDevice: dawnFlags count only before WebGPU is first used; it is open with [${openFlags}]; call setDevice earlier`,
    );
  }
}

/** Threads requested when WebAssembly was opened. Undefined means the default. */
let openThreads: number | undefined;

function checkThreads(threads: unknown): void {
  if (threads === undefined) return;
  if (!(Number.isInteger(threads) && (threads as number) >= 1 && (threads as number) <= 16)) {
    throw new ArgumentError(`setDevice: threads is ${JSON.stringify(threads)}; it must be a whole number from 1 to 16`);
  }
  if (engines.has('wasm') && threads !== openThreads) {
    const present = openThreads === undefined ? 'the default number of them' : `threads: ${openThreads}`;
    throw new ArgumentError(
      `setDevice: threads counts only before WebAssembly is first used; it is open with ${present}; call setDevice earlier`,
    );
  }
}

function checkTuning(tuning: unknown): void {
  if (tuning === undefined || typeof tuning === 'boolean') return;
  if (typeof tuning !== 'object' || tuning === null) {
    throw new ArgumentError(`setDevice: tuning is ${JSON.stringify(tuning)}; it must be true, false or { store }`);
  }
  checkOptions('setDevice: tuning', tuning, ['store']);
  const { store } = tuning as TuningOptions;
  if (store !== undefined && store !== false && !(typeof store === 'string' && store !== '')) {
    throw new ArgumentError(
      `setDevice: tuning.store is ${JSON.stringify(store)}; it must be the path of a file (Node), the name of a database (browser), or false to keep nothing`,
    );
  }
}

/** The default engine. Opens 'auto' if no device was chosen. */
export async function defaultEngine(): Promise<Engine> {
  if (!current) {
    current = engineFor('auto');
    current.then(
      (engine) => (settled ??= engine),
      () => (current = undefined),
    );
  }
  return current;
}

/** The default engine if it is open. Callers that do not await it take their place in the queue at once. */
export const chosenEngine = (): Engine | undefined => settled;

/** The default device. Before the first evaluation or setDevice() no device is chosen; `kind` is then 'cpu', and the description says so. */
export function deviceInfo(): DeviceInfo {
  return (
    settled?.info ?? {
      kind: 'cpu',
      processor: 'cpu',
      vendor: '',
      architecture: '',
      description: 'not chosen yet; await setDevice() first',
      features: [],
      limits: {},
    }
  );
}

/** Device memory in use now, and its peak so far. Always 0 on the CPU: the garbage collector manages the arrays there. */
export const memory = (): MemoryInfo => settled?.memory() ?? { bytes: 0, buffers: 0, peakBytes: 0 };

/**
 * Runs fn and reports the time of each kernel, longest first, with its layers and ops, count and share. The result also has the number of submits
 * and the bytes of the largest program. Every kernel has a separate pass, so the total time is longer than usual. Times are the GPU's timestamps if
 * it has them; else each kernel is submitted and waited for. On the CPU they are times of single ops. `clock`, `resolution` and `note` of the result
 * report the method and its accuracy. Run fn once before: the first run builds pipelines.
 *
 *     const result = await profile(async () => { for (let i = 0; i < 10; i++) await model.trainOnBatch(x, y); });
 *     console.log(String(result)); // a table
 *     console.log(result.kernels[0].name, result.kernels[0].share); // dense_1: matmul + add + relu 0.41
 *
 * `{ timestamps: false }` uses the host's clock in any case, for comparison.
 *
 * @throws ArgumentError if fn is not a function, or while another profile is being taken.
 */
export async function profile(fn: () => Promise<unknown>, options: ProfileOptions = {}): Promise<Profile> {
  if (typeof fn !== 'function') {
    throw new ArgumentError(`profile: its argument is ${typeof fn}; give it the function to run: profile(async () => { await step(x); })`);
  }
  checkOptions('profile', options, ['timestamps']);
  return (await defaultEngine()).profile(fn, options);
}

/**
 * Waits until every autotuning trial known so far has run, and returns the results: the compiled kernel, the chosen one, and the milliseconds of
 * all. Training need not wait for it; a benchmark should. The list is empty on the CPU and with `setDevice('webgpu', { tuning: false })`. Choices of
 * an earlier session are not listed.
 *
 *     for (const { kernel, chosen, milliseconds } of await tuned()) console.log(kernel, chosen, milliseconds);
 */
export const tuned = async (): Promise<readonly TunedKernel[]> => (await defaultEngine()).tuned();

/** Gives every tensor in the tree a value, in as few submissions as possible. Resolves to the tree when the work is submitted. */
export function evaluate<T>(tree: T): Promise<T>;
/** @internal */
export function evaluate<T>(tree: T, options?: { engine?: Engine }): Promise<T>;
export async function evaluate<T>(tree: T, { engine }: { engine?: Engine } = {}): Promise<T> {
  const tensors = tensorsIn(tree);
  const refused = refuseValues('evaluate()', tensors);
  if (refused) return refused;
  await (engine ?? settled ?? (await defaultEngine())).evaluate(tensors);
  return tree;
}

/** Reads many tensors with one readback. */
export async function readAll(tensors: readonly Tensor[], { engine }: { engine?: Engine } = {}): Promise<HostArray[]> {
  return (engine ?? settled ?? (await defaultEngine())).read(tensors);
}

setEvaluator({
  evaluate: async (tensors) => (settled ?? (await defaultEngine())).evaluate(tensors),
  read: async (tensor) => {
    // A value on a device is read there, and not on the default device.
    const engine = (tensor.value?.kind === 'device' && engineOf(tensor.value.device)) || settled || (await defaultEngine());
    return (await engine.read([tensor]))[0];
  },
});
