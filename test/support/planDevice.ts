// The devices on which kernel plans run without the compiler: a device of WebGPU, or the WebAssembly runtime in its place.
import { beforeEach, inject } from 'vitest';
import type { Target } from '../../src/graph/op.ts';
import { WasmRuntime } from '../../src/runtime/wasm/index.ts';
import { openDevice } from '../../src/runtime/webgpu/device.ts';
import type { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';

/** Whether the WebAssembly runtime takes the place of WebGPU. See setupGpu.ts. */
export const isWasm = inject('plan') === 'wasm';

export type PlanDevice = GPUDevice | WasmRuntime;

export interface OpenPlanDevice {
  readonly device: PlanDevice;
  readonly target: Target;
  close(): void;
}

/** Opens a separate device for kernel plans. */
export async function openPlanDevice(): Promise<OpenPlanDevice> {
  if (isWasm) {
    const device = await WasmRuntime.open();
    return { device, target: device.target, close: () => device.dispose() };
  }
  const { device, target } = await openDevice();
  return { device, target, close: () => device.destroy() };
}

/** The device of an open runtime. */
export const planDeviceOf = (runtime: WebGpuRuntime): PlanDevice =>
  (runtime as unknown) instanceof WasmRuntime ? (runtime as unknown as WasmRuntime) : runtime.context.device;

/** Call it in a file or a group whose tests are about WebGPU itself. On the WebAssembly runtime they are skipped with this reason. */
export function webgpuOnly(reason: string): void {
  beforeEach(({ skip }) => {
    if (isWasm) skip(`WebAssembly: ${reason}`);
  });
}
