// Models and functions as ES modules that run on WebGPU without the library: kernels, weights and a small runtime. They cannot be trained.
export type { ExportInput, ExportInputs } from '../inference/index.ts';
export type { ExportStandaloneOptions } from './exportOptions.ts';
export { exportStandalone } from './exportStandalone.ts';
export type {
  StandaloneData,
  StandaloneDevice,
  StandaloneGpu,
  StandaloneInput,
  StandaloneInputs,
  StandaloneModel,
  StandaloneModule,
  StandaloneOutput,
  StandaloneOutputs,
  StandaloneSummary,
  StandaloneWeights,
} from './moduleTypes.ts';
export type { StandaloneInfo } from './moduleData.ts';
