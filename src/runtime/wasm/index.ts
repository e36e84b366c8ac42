// The WebAssembly runtime. It is loaded when it is first used.
export { WasmRuntime } from './runtime.ts';
