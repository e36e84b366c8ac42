// The engine evaluates tensors: it traces functions, and runs graphs on a runtime. It does not compile, and does not depend on a particular device.
// Importing it lets tensors compute their values.
export { type Compilable, type CompileFunctionOptions, type CompiledFunction, compile, sourceOf } from './compiledFunction.ts';
export {
  type DeviceName,
  type DeviceOptions,
  chosenEngine,
  defaultEngine,
  deviceInfo,
  deviceNames,
  engineFor,
  evaluate,
  memory,
  profile,
  readAll,
  setDevice,
  tuned,
} from './devices.ts';
export { Engine, engineOf } from './engine.ts';
export { type TraceLevel, lastProgram, trace } from './inspection.ts';
export type { ProfileOptions } from './profiling.ts';
export { OutputPlaceholder, traceFunction } from './traceFunction.ts';
export type { MemoryPlan } from '../runtime/runtime.ts';
