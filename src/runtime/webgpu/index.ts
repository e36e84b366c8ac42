// The WebGPU runtime: compiles graphs to Programs and replays them on one device. It knows no particular op.
export type { WebGpuOptions } from './device.ts';
export { WebGpuRuntime } from './runtime.ts';
