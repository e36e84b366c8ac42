// Which device evaluations run on. Devices are engines; one of them is the default, made at first use.
import type { HostArray } from '../core/dtype.ts';
import { ArgumentError, checkOptions } from '../core/errors.ts';
import { leavesOf } from '../core/tree.ts';
import { Tensor, refuseValues, setEvaluator } from '../graph/tensor.ts';
import { CpuRuntime } from '../runtime/cpu.ts';
import type { Profile } from '../runtime/profile.ts';
import type { DeviceInfo, MemoryInfo } from '../runtime/runtime.ts';
import type { TuningOptions, WebGpuOptions } from '../runtime/webgpu/device.ts';
import { WebGpuRuntime } from '../runtime/webgpu/index.ts';
import type { TunedKernel } from '../runtime/webgpu/tuning/tuner.ts';
import { Engine, type ProfileOptions, engineOf } from './engine.ts';

export type DeviceName = 'webgpu' | 'cpu' | 'auto';

export interface DeviceOptions extends WebGpuOptions {
  /** Bytes that one program may take on the GPU, its arguments and results included; a larger one is refused before it runs. No limit where absent. */
  maxBytes?: number;
}

let current: Promise<Engine> | undefined;
let settled: Engine | undefined;
const engines = new Map<DeviceName, Promise<Engine>>();

async function open(device: DeviceName, options: WebGpuOptions): Promise<Engine> {
  if (device === 'cpu') return new Engine(new CpuRuntime());
  if (device === 'webgpu') return new Engine(await WebGpuRuntime.open(options));
  try {
    return await engineFor('webgpu', options);
  } catch (error) {
    // A notice, not a result: in Node it goes to stderr.
    console.warn(`ombre: running on the CPU (${(error as Error).message})`);
    return engineFor('cpu');
  }
}

/** The engine of a device; the same one each time, until its device is lost. */
export async function engineFor(device: DeviceName, options: WebGpuOptions = {}): Promise<Engine> {
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
    engines.set(device, made);
    made.catch(() => {
      if (engines.get(device) === made) engines.delete(device);
    });
  }
  return opening;
}

/**
 * Chooses the device of later evaluations: 'webgpu', 'cpu', or 'auto' (WebGPU where there is one). Tensors made from values follow; results that
 * live on another device do not. After a loss it opens the device again; a model that lived there then takes its weights by setWeights().
 *
 *     await setDevice('webgpu', { maxBytes: 512 * 2 ** 20 });
 *
 * @throws DeviceError that says why there is no WebGPU.
 */
export async function setDevice(device: DeviceName, options: DeviceOptions = {}): Promise<void> {
  if (!['webgpu', 'cpu', 'auto'].includes(device)) {
    throw new ArgumentError(`setDevice: unknown device '${String(device)}'; use 'webgpu', 'cpu' or 'auto'`);
  }
  checkOptions('setDevice', options, ['dawnFlags', 'maxBytes', 'tuning']);
  const { maxBytes, ...webgpu } = options;
  if (maxBytes !== undefined && !(typeof maxBytes === 'number' && maxBytes > 0)) {
    throw new ArgumentError(`setDevice: maxBytes is ${JSON.stringify(maxBytes)}; it must be a positive number of bytes`);
  }
  checkTuning(webgpu.tuning);
  checkFlags(webgpu.dawnFlags);
  const known = await engines.get(device);
  // A device that was lost a moment ago reports it later: some turns of the event loop, or up to 111 ms in Firefox.
  if (known?.runtime instanceof WebGpuRuntime) await known.runtime.awaitLateLoss();
  const engine = await engineFor(device, webgpu);
  if (!(engine.runtime instanceof CpuRuntime)) {
    engine.runtime.maxBytes = maxBytes;
    if (webgpu.tuning !== undefined) await engine.runtime.setTuning(webgpu.tuning);
  }
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

/** The engine in use; 'auto' is chosen at first use. */
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

/** The engine in use, where it is chosen already: a call that need not wait for it takes its place in the queue at once. */
export const chosenEngine = (): Engine | undefined => settled;

/** What evaluations run on. Before the first evaluation or setDevice() that is not decided yet: kind is then 'cpu' with a description saying so. */
export function deviceInfo(): DeviceInfo {
  return (
    settled?.info ?? {
      kind: 'cpu',
      vendor: '',
      architecture: '',
      description: 'not chosen yet; await setDevice() first',
      features: [],
      limits: {},
    }
  );
}

/** Device memory held now, and at most so far. The CPU's arrays are the garbage collector's and count 0. */
export const memory = (): MemoryInfo => settled?.memory() ?? { bytes: 0, buffers: 0, peakBytes: 0 };

/**
 * Runs fn and tells where its time went: kernels, the longest first, named after the layers and ops they came from, with their count, time and
 * share; the number of submits and the bytes of the largest program. Every kernel gets a pass of its own, so the whole takes longer than usual.
 * Times are the GPU's own timestamps where it has them, else each kernel is submitted and waited for; on the CPU they are those of single ops.
 * `clock`, `resolution` and `note` of the result say which, and how far to trust it. Run fn once before: the first run builds pipelines.
 *
 *     const result = await profile(async () => { for (let i = 0; i < 10; i++) await model.trainOnBatch(x, y); });
 *     console.log(String(result)); // a table
 *     console.log(result.kernels[0].name, result.kernels[0].share); // dense_1: matmul + add + relu 0.41
 *
 * `{ timestamps: false }` takes the host's clock in any case, to compare the two.
 *
 * @throws ArgumentError when fn is no function, or while another profile is being taken.
 */
export async function profile(fn: () => Promise<unknown>, options: ProfileOptions = {}): Promise<Profile> {
  if (typeof fn !== 'function') {
    throw new ArgumentError(`profile: its argument is ${typeof fn}; give it the function to run: profile(async () => { await step(x); })`);
  }
  checkOptions('profile', options, ['timestamps']);
  return (await defaultEngine()).profile(fn, options);
}

/**
 * Waits until no kernel that this device has met is still to be timed, and tells what was chosen: for each piece of work the kernel it was compiled
 * with, the kernel chosen, and the milliseconds of all. Training need not wait for it; a benchmark does. Empty where nothing is timed: on the CPU, with
 * `setDevice('webgpu', { tuning: false })`, and for what was chosen in an earlier session.
 *
 *     for (const { kernel, chosen, milliseconds } of await tuned()) console.log(kernel, chosen, milliseconds);
 */
export const tuned = async (): Promise<readonly TunedKernel[]> => (await defaultEngine()).tuned();

/** Gives every tensor in the tree a value, in as few submissions as possible; resolves to the tree once the work is submitted. */
export async function evaluate<T>(tree: T, { engine }: { engine?: Engine } = {}): Promise<T> {
  const tensors = leavesOf(tree).flatMap(({ value }) => (value instanceof Tensor ? [value] : []));
  const refused = refuseValues('evaluate()', tensors);
  if (refused) return refused;
  await (engine ?? settled ?? (await defaultEngine())).evaluate(tensors);
  return tree;
}

/** Elements of many tensors with one readback. */
export async function readAll(tensors: readonly Tensor[], { engine }: { engine?: Engine } = {}): Promise<HostArray[]> {
  return (engine ?? settled ?? (await defaultEngine())).read(tensors);
}

setEvaluator({
  evaluate: async (tensors) => (settled ?? (await defaultEngine())).evaluate(tensors),
  read: async (tensor) => {
    // A value that lives on a device is read there, whichever is the default now.
    const engine = (tensor.value?.kind === 'device' && engineOf(tensor.value.device)) || settled || (await defaultEngine());
    return (await engine.read([tensor]))[0];
  },
});
