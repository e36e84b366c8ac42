// The engine: the only room that joins the compiler with the runtimes. Importing it makes tensors able to have values.
export { type CompileFunctionOptions, type CompiledFunction, compile } from './compile.ts';
export {
  type DeviceName,
  type DeviceOptions,
  defaultEngine,
  deviceInfo,
  engineFor,
  evaluate,
  memory,
  profile,
  readAll,
  setDevice,
  tuned,
} from './devices.ts';
export { Engine, type MemoryPlan, type ProfileOptions, type TraceLevel, engineOf, lastProgram, trace } from './engine.ts';
