// Finding a GPU: the browser's or worker's navigator.gpu, or Dawn through the optional peer package `webgpu` in Node.
import { DeviceError } from '../../core/errors.ts';
import type { Target } from '../../graph/op.ts';
import type { DeviceInfo, TuningOptions } from '../runtime.ts';
import { debug } from '../debug.ts';

export interface WebGpuOptions {
  /** Node only, and only before WebGPU is first used: flags for Dawn, such as `enable-dawn-features=vulkan_enable_f16_on_nvidia`. */
  dawnFlags?: readonly string[];
  /**
   * Autotuning: kernels with equal results are timed against each other between the first steps, and the fastest is kept. Results do not
   * depend on it. The choices are stored in `~/.cache/ombre/kernels.json` in Node (or under `$XDG_CACHE_HOME`), and in IndexedDB in a
   * browser. On an open device, a new value counts for programs compiled later and clears tuned(); if left out, the setting does not
   * change.
   * @default true on GPUs; false on Vulkan implemented on a CPU, which uses a fixed table
   */
  tuning?: boolean | TuningOptions;
}

export interface OpenDevice {
  readonly device: GPUDevice;
  /** Adapter and driver, as far as the adapter names them, and the browser or Node. Choices of kernels are stored under it. */
  readonly identity: string;
  readonly info: DeviceInfo;
  readonly target: Target;
}

const wantedFeatures = ['shader-f16', 'timestamp-query', 'subgroups'] as const;

/** Cores of a usual card of each vendor: a first guess, which tuning corrects. */
const coresByVendor: Readonly<Record<string, number>> = { nvidia: 100, amd: 60, apple: 16, intel: 16 };

/** Operations of a dispatch from which on its kernel can run in parts: 100 ms on an unusually slow GPU, and 13 ms on a CPU. */
const divisibleFrom = { gpu: 2 ** 32, cpu: 2 ** 27 };

/** Limits that are requested at the adapter's maximum. The others stay at their defaults. */
const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** @throws DeviceError with the reason why there is no GPU, and the remedy. */
export async function openDevice(options: WebGpuOptions = {}): Promise<OpenDevice> {
  const gpu = await findGpu(options);
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (error) {
    throw new DeviceError(`webgpu: no adapter: ${String(error)}`);
  }
  if (!adapter) {
    throw new DeviceError(
      `webgpu: WebGPU is there but offers no adapter; ${isNode() ? 'install a Vulkan driver (VK_DRIVER_FILES names it)' : "check the browser's chrome://gpu"}, or use setDevice('cpu')`,
    );
  }
  const features = wantedFeatures.filter((feature) => adapter.features.has(feature));
  const requiredLimits: Record<string, number> = {};
  for (const limit of wantedLimits) requiredLimits[limit] = adapter.limits[limit];
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ requiredFeatures: features as GPUFeatureName[], requiredLimits });
  } catch (error) {
    throw new DeviceError(`webgpu: the adapter ${adapter.info.vendor} ${adapter.info.architecture} gave no device: ${String(error)}`);
  }
  const { vendor, architecture, description, device: name } = adapter.info;
  const limits: Record<string, number> = {};
  for (const limit of wantedLimits) limits[limit] = device.limits[limit];
  const { subgroupMinSize, subgroupMaxSize } = adapter.info as { subgroupMinSize?: number; subgroupMaxSize?: number };
  // Not inferred from features: software adapters have subgroups and timestamps too.
  // Firefox does not name the adapter, but marks one implemented on a CPU as a fallback.
  const { isFallbackAdapter } = adapter.info as { isFallbackAdapter?: boolean };
  const software =
    isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(`${vendor} ${architecture} ${name} ${description}`);
  return {
    device,
    identity: [vendor, architecture, name, description, host()].join(' | '),
    info: {
      kind: 'webgpu',
      processor: software ? 'cpu' : 'gpu',
      vendor,
      architecture,
      description: description || name,
      features: [...features],
      limits,
    },
    target: {
      processor: software ? 'cpu' : 'gpu',
      cores: coresByVendor[vendor.toLowerCase()],
      subgroupSize: device.features.has('subgroups') && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : undefined,
      shaderF16: device.features.has('shader-f16'),
      maxStorageBuffers: device.limits.maxStorageBuffersPerShaderStage,
      maxWorkgroupsPerDimension: device.limits.maxComputeWorkgroupsPerDimension,
      maxBindingBytes: device.limits.maxStorageBufferBindingSize,
      divisibleFrom: debug.submitOperations ?? divisibleFrom[software ? 'cpu' : 'gpu'],
      ...(debug.guardBytes > 0 && { spareBytes: debug.guardBytes }),
    },
  };
}

const isNode = (): boolean => typeof (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node === 'string';

/** The browser or Node with its version, because each contains its own shader compiler. */
function host(): string {
  const { navigator, process } = globalThis as { navigator?: Navigator; process?: NodeJS.Process };
  return process?.versions?.node ? `Node ${process.version}` : (navigator?.userAgent ?? '');
}

/** Dawn's instances by their flags: one is enough for a process, and it must outlive its devices. */
const dawnInstances = new Map<string, GPU>();

async function findGpu({ dawnFlags = [] }: WebGpuOptions): Promise<GPU> {
  // TypeScript's types say that navigator.gpu always exists.
  const present = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (present) return present;
  if (!isNode()) {
    throw new DeviceError("webgpu: this browser has no WebGPU here (it needs a secure context: https or localhost); use setDevice('cpu')");
  }
  const key = dawnFlags.join(' ');
  let gpu = dawnInstances.get(key);
  if (gpu) return gpu;
  // Not a literal, so that bundlers for the browser do not look for the package.
  const specifier = 'webgpu';
  let dawn: { create(flags: string[]): GPU; globals: object };
  try {
    dawn = (await import(/* @vite-ignore */ specifier)) as typeof dawn;
  } catch (error) {
    throw new DeviceError('webgpu: Node has no WebGPU of its own; install the optional package: npm install webgpu', { cause: error });
  }
  Object.assign(globalThis, dawn.globals);
  gpu = dawn.create([...debug.dawnFlags, ...dawnFlags]);
  dawnInstances.set(key, gpu);
  return gpu;
}
