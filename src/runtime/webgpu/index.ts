// The WebGPU runtime: compiles graphs to Programs and replays them on one device. It does not depend on particular ops.
export type { WebGpuOptions } from './device.ts';
export { WebGpuRuntime } from './runtime.ts';
